"""``python -m memanalysis.experiments.controls``: each rule where the answer is known."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.experiments.controls.attacks import ATTACKS
from memanalysis.experiments.controls.tables import attack_table, table
from memanalysis.experiments.controls.trials import Plan, cache_folder, run
from memanalysis.experiments.controls.worlds import WORLDS


@click.command()
@click.option(
    "--rates",
    "names",
    multiple=True,
    default=("fm",),
    show_default=True,
    type=click.Choice(["fm", "pl", "cf"]),
    help="Rates of the width study, the planted "
    "study or of CIFAR-10 as expected; may be given several times.",
)
@click.option("--models", default=200, show_default=True, help="Subsets of each size (K).")
@click.option(
    "--halves", is_flag=True, help="Ratio .5 in groups of 2 instead of .7 in groups of 10."
)
@click.option("--examples", default=4_000, show_default=True, help="Training images.")
@click.option("--worlds", default=100, show_default=True, help="Worlds of each kind.")
@click.option(
    "--attacks", is_flag=True, help="The worlds that somebody else made up to break the rules."
)
@click.option("--rule", multiple=True, help="This rule alone; may be given several times.")
@click.option(
    "--cache",
    default=cache_folder,
    type=click.Path(path_type=Path),
    help="Where results are kept between runs (default: the user's cache folder).",
)
def main(
    names: tuple[str, ...],
    models: int,
    halves: bool,
    examples: int,
    worlds: int,
    attacks: bool,
    rule: tuple[str, ...],
    cache: Path,
) -> None:
    """Print false support and power of every rule, with 95 % limits, as Markdown."""
    known = ATTACKS if attacks else WORLDS
    chosen = [w for w in known if not rule or any(c.rule in rule for c in w.claims)]
    if not chosen:
        rules = sorted({claim.rule for world in known for claim in world.claims})
        raise click.BadParameter(f"no world tests '{rule[0]}'; give one of {', '.join(rules)}")
    results = []
    for name in names:
        plan = Plan(name, models, examples, worlds, halves=halves)
        for result in run(plan, chosen, cache):
            click.echo(f"{name}: {result.world.name}, {result.claim.rule}", err=True)
            results.append(result)
    results = [r for r in results if not rule or r.claim.rule in rule]
    if attacks:
        click.echo(attack_table(results))
        return
    for kind in ("absent", "planted"):
        click.echo(table(results, kind))


if __name__ == "__main__":
    main()
