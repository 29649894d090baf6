"""Options that several commands share, and how a frame is printed in each format."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    import polars as pl

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS: Final = ("table", "csv", "json", "parquet")
_BY_SUFFIX: Final = {".csv": "csv", ".json": "json", ".parquet": "parquet"}


def output_options(command: Command) -> Command:
    """Add --format and --out; the command gets ``format_`` and ``out`` and calls ``emit``."""
    command = click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write to this file instead of standard output.",
    )(command)
    return click.option(
        "--format",
        "format_",
        type=click.Choice(FORMATS),
        help="Default: by the ending of --out, else table.",
    )(command)


def store_argument(command: Command) -> Command:
    """Add the argument STORE, which is None where the embedded study is meant."""
    return click.argument("store", required=False, type=click.Path(path_type=Path))(command)


def emit(frame: pl.DataFrame, format_: str | None, out: Path | None) -> None:
    """Print ``frame`` or write it to ``out``."""
    from memanalysis.cli import formats

    chosen = format_ or (_BY_SUFFIX.get(out.suffix.lower(), "table") if out else "table")
    if chosen == "table" and out is None:
        for note in formats.print_table(frame):
            click.echo(note, err=True)
        return
    content = formats.encode(frame, chosen)
    if out is not None:
        write(out, content, frame.height)
    elif chosen == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text: give --out FILE, or redirect the output.")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)


def write(out: Path, content: bytes, rows: int) -> None:
    """Write ``content`` to ``out`` and say so.

    Raises
    ------
    MemanalysisError
        If the file cannot be written.
    """
    from memanalysis.errors import MemanalysisError
    from memanalysis.storage import atomic

    try:
        atomic.write_bytes(out, content)
    except OSError as error:
        raise MemanalysisError(f"'{out}' cannot be written: {error.strerror}.") from error
    click.echo(f"wrote {rows:,} rows to {out}", err=True)
