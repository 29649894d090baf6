"""``memanalysis suspects``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from memanalysis.cli.options import write
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    import polars as pl

    from memanalysis.studies import Study

_IN_A_TERMINAL: Final = 20
_ON_A_PAGE: Final = 300
_SUFFIXES: Final = (".csv", ".html", ".json", ".parquet")


@click.command("suspects")
@click.argument("store", metavar="[STORE|FOLDER]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file: .csv, .json, .parquet, or .html with the images.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="N",
    help=f"The first N.  [default: {_IN_A_TERMINAL}; {_ON_A_PAGE} in html; all in other files]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(1),
    default=30,
    show_default=True,
    help="FOLDER: how long models may train.",
)
def command(store: Path | None, out: Path | None, top: int | None, minutes: float) -> None:
    """List the images whose labels are doubtful, most probably wrong ones first.

    Each row has the given label, the class that models prefer which never saw the image and how
    many of them, the score with its interval, the share of right labels to expect in the list so
    far, and a reason. The relation suspects has all of it.

    Without STORE, the embedded study is meant. A FOLDER of images is studied first: a study file
    and a store are made beside it, by init and produce; the same command continues where it was
    stopped.

    \b
    Example:
      memanalysis suspects runs/mine --out suspects.html
      memanalysis suspects photos --minutes 30
    """
    if out is not None and out.suffix.lower() not in _SUFFIXES:
        raise click.UsageError(f"--out {out}: expected a name ending in {', '.join(_SUFFIXES)}.")
    from memanalysis.studies import open as open_study

    if store is not None and not (store / "manifest.json").exists() and store.is_dir():
        from memanalysis.cli.init import studied

        store = studied(store, minutes)
    study = open_study(store)
    _show(study, out, top)


def _show(study: Study, out: Path | None, top: int | None) -> None:
    from memanalysis.cli import formats
    from memanalysis.reporting import suspects

    suffix = None if out is None else out.suffix.lower()
    limits = {None: _IN_A_TERMINAL, ".html": _ON_A_PAGE}
    frame: pl.DataFrame = suspects.suspects(study, top or limits.get(suffix))
    lines = suspects.summary(study, frame)
    if out is None:
        formats.print_table(suspects.table(frame), rows=frame.height)
    elif suffix == ".html":
        write(out, suspects.page(study, frame).encode(), frame.height)
    else:
        write(out, formats.encode(frame, (suffix or "")[1:]), frame.height)
    for line in lines:
        say(line, err=True)
