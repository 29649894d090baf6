"""``memanalysis report``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.options import store_argument


@click.command("report")
@store_argument
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page to write; it opens offline.",
)
def command(store: Path | None, out: Path) -> None:
    """Write one page: findings, charts and how they came about.

    Without STORE, of the study that comes with memanalysis.

    \b
    Example:
      memanalysis report runs/mine --out mine.html
    """
    from memanalysis.report import report
    from memanalysis.study import open as open_study

    report(open_study(store), out)
    click.echo(f"wrote {out}", err=True)
