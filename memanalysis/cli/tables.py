"""``memanalysis tables``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memanalysis.cli.options import emit, output_options
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    from memanalysis.sql.catalogue import Relation
    from memanalysis.storage.store import Store


@click.command("tables")
@click.argument("arguments", metavar="[STORE] [RELATION]...", nargs=-1)
@click.option("--brief", is_flag=True, help="Leave the columns out.")
@click.option("--count", is_flag=True, help="Count the rows of computed relations, too.")
@output_options
def command(
    arguments: tuple[str, ...], brief: bool, count: bool, format_: str | None, out: Path | None
) -> None:
    """List every relation, or those named: what a row is, its columns, its rows.

    \b
    Example:
      memanalysis tables --brief
      memanalysis tables memorization
      memanalysis tables runs/mine accuracy findings
    """
    from memanalysis.sql.catalogue import as_frame

    store, names = _parted(arguments)
    relations = _relations(store, names, brief=brief, count=count)
    if format_ or out:
        emit(as_frame(relations, columns=not brief), format_, out)
        return
    folder = None
    for relation in relations:
        if relation.folder != folder:
            folder = relation.folder
            say(f"{folder}/")
        say("\n".join(_lines(relation, brief)))


def _parted(arguments: Sequence[str]) -> tuple[Store, Sequence[str]]:
    """The store, by default the embedded one, and the names of relations behind it."""
    from memanalysis.bundled_studies import embedded_path
    from memanalysis.sql.scripts import scripts
    from memanalysis.storage.store import Store

    first, *others = arguments or ("",)
    if not first or first in {script.name for script in scripts()}:
        return Store.open(embedded_path()), arguments
    if not Path(first).is_dir() and first.isidentifier():
        from memanalysis.errors import QueryError

        raise QueryError.of_relation(first, [script.name for script in scripts()])
    return Store.open(first), others


def _relations(store: Store, names: Sequence[str], *, brief: bool, count: bool) -> list[Relation]:
    """Rows are counted where few relations are named, or where they are asked for."""
    from memanalysis.sql.catalogue import catalogue, overview

    if brief and not names and not count:
        return overview(store)
    return catalogue(store, names or None, count=count or bool(names))


def _lines(relation: Relation, brief: bool) -> Iterator[str]:
    rows = "" if relation.rows is None else f" · {relation.rows:,} row{'s' * (relation.rows != 1)}"
    yield textwrap.fill(f"  {relation.call}{rows}", 80, subsequent_indent="    ")
    yield _wrapped(relation.comment, "    ")
    for column in () if brief else relation.columns:
        head = f"      {column.name} {column.type}: "
        yield textwrap.fill(head + column.comment, 80, subsequent_indent=" " * 10)
    if not brief:
        yield ""


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, 80, initial_indent=indent, subsequent_indent=indent)
