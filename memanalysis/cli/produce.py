"""``memanalysis produce``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli import costs
from memanalysis.cli.studies import load_study
from memanalysis.cli.terminal import say


class Shard(click.ParamType[tuple[int, int]]):
    """``i/n``: the i-th of n shares of the groups, i from 1."""

    name = "i/n"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """(i, n) of the text ``i/n``."""
        index, _, count = value.partition("/")
        if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            self.fail(f"{value!r} is not i/n with i from 1 to n, for instance 2/4", param, ctx)
        return int(index), int(count)


@click.command("produce")
@click.argument("study", metavar="STUDY.toml")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The store."
)
@click.option(
    "--workers", type=click.IntRange(1), help="Processes that train. Default: one per processor."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:<n>.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Train in processes of this machine or on the Ray cluster of [ray] in STUDY.toml.",
)
@click.option(
    "--shard",
    type=Shard(),
    help="Train the i-th of n shares of the groups; other processes may train the others into "
    "the same store. Implies --no-build.",
)
@click.option("--no-build", is_flag=True, help="Train only; run `memanalysis build` later.")
def command(
    study: str,
    out: Path,
    workers: int | None,
    device: str,
    engine: str,
    shard: tuple[int, int] | None,
    no_build: bool,
) -> None:
    """Train the models of a study, then build its tables.

    STUDY.toml is a file, or the name of a study that comes with memanalysis, such as digits.
    Whatever is in the store already is kept: the same command continues where it was stopped.

    \b
    Example:
      memanalysis produce digits --out runs/digits
    """
    settings = load_study(study)

    from memanalysis.producer.run import produce

    store = produce(settings, out, workers=workers, device=device, engine=engine, shard=shard)
    data = store.manifest.dataset
    for line in costs.files(data["name"], data.get("official")):
        say(line, err=True)
    if no_build or shard is not None:
        say(f"trained; when all models are, run: memanalysis build {out}", err=True)
        return
    from memanalysis.cli.build import build_shown

    built = build_shown(out, pack=False)

    from memanalysis.producer import size_order

    note = size_order.note(built)
    if note is not None:
        say(note, err=True)
    say(f"next: memanalysis report {out}, or: memanalysis suspects {out}", err=True)
