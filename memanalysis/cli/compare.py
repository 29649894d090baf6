"""``memanalysis compare``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.options import emit, output_options


@click.command("compare")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@output_options
def command(first: Path, second: Path, format_: str | None, out: Path | None) -> None:
    """Do two studies memorise the same examples?

    One row per objective, size of FIRST, size of SECOND and method: the correlation of both
    memorisation scores over the examples that both have, with its 95 % limits, and without noise
    (corrected_estimate). Give one store twice to compare its sizes with each other.

    \b
    Example:
      memanalysis compare runs/resnet runs/lenet --out agreement.csv
    """
    import memanalysis

    emit(memanalysis.compare(first, second), format_, out)
