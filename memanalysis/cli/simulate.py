"""``memanalysis simulate``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.terminal import say


@click.command("simulate")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The store."
)
@click.option(
    "--train",
    "n_train",
    type=click.IntRange(10),
    default=1000,
    show_default=True,
    help="Training examples.",
)
@click.option(
    "--test",
    "n_test",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Test examples.",
)
@click.option("--sizes", type=click.IntRange(1), default=5, show_default=True, help="Model sizes.")
@click.option(
    "--groups",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="Groups of subsets, 10 models each at every size and objective.",
)
@click.option(
    "--world",
    default="planted",
    show_default=True,
    help="World to simulate: planted, uniform, no-change or feldman-zhang.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)  # fmt: skip
def command(
    out: Path, n_train: int, n_test: int, sizes: int, groups: int, world: str, seed: int
) -> None:
    """Make a store with planted truth, without training.

    \b
    Example:
      memanalysis simulate --out runs/simulated --groups 20
    """
    from memanalysis.experiments.simulate import simulate

    store = simulate(
        out,
        n_train=n_train,
        n_test=n_test,
        sizes=[f"s{rank + 1}" for rank in range(sizes)],
        groups=groups,
        world=world,
        seed=seed,
    )
    say(f"simulated {store.path}", err=True)
