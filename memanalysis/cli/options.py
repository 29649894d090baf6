"""Options that several commands share, and how a frame is printed in each format."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    import polars as pl

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS: Final = ("table", "csv", "json", "parquet")
_GUARD: Final = "memanalysis.guard_formulas"
_BY_SUFFIX: Final = {".csv": "csv", ".json": "json", ".parquet": "parquet"}


def output_options(command: Command) -> Command:
    """Add --format, --out and what ``guard_option`` adds.

    The command gets ``format_`` and ``out`` and calls ``emit``.
    """
    command = guard_option(command)
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


def guard_option(command: Command) -> Command:
    """Add --guard-formulas, which ``guards_formulas`` tells of."""
    return click.option(
        "--guard-formulas",
        is_flag=True,
        expose_value=False,
        callback=_note_guard,
        help="CSV: put ' before cells that a spreadsheet would run as formulas.",
    )(command)


def _note_guard(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[_GUARD] = value


def guards_formulas() -> bool:
    """True if the user asked for --guard-formulas."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_GUARD))


def trust_option(command: Command) -> Command:
    """Add --trust-code, for commands that train what a store's own study names."""
    return click.option(
        "--trust-code",
        is_flag=True,
        help="Run code that STORE names or holds, where its networks are somebody's own.",
    )(command)


def store_argument(command: Command) -> Command:
    """Add the argument STORE, which is None where the embedded study is meant."""
    return click.argument("store", required=False, type=click.Path(path_type=Path))(command)


def emit(frame: pl.DataFrame, format_: str | None, out: Path | None) -> None:
    """Print ``frame`` or write it to ``out``."""
    from memanalysis.cli import formats
    from memanalysis.cli.terminal import visible

    chosen = format_ or (_BY_SUFFIX.get(out.suffix.lower(), "table") if out else "table")
    if chosen == "table" and out is None:
        for note in formats.print_table(frame):
            say(note, err=True)
        return
    content = formats.encode(frame, chosen, guard_formulas=guards_formulas())
    if out is not None:
        write(out, content, frame.height)
    elif chosen == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is not text: give --out FILE, or redirect the output.")
    else:
        if chosen == "csv" and sys.stdout.isatty():
            content = visible(content.decode(), keep="\n").encode()
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
    say(f"wrote {rows:,} rows to {out}", err=True)
