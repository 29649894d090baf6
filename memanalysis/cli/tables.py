"""``memanalysis tables``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memanalysis.cli.options import emit, output_options, store_argument

if TYPE_CHECKING:
    from memanalysis.sql.catalogue import Relation


@click.command("tables")
@store_argument
@click.option("--brief", is_flag=True, help="Leave the columns out.")
@output_options
def command(store: Path | None, brief: bool, format_: str | None, out: Path | None) -> None:
    """List every relation: what a row is, its columns, its rows.

    \b
    Example:
      memanalysis tables --brief
    """
    from memanalysis.sql.catalogue import as_frame, catalogue
    from memanalysis.storage.store import Store
    from memanalysis.study import embedded_path

    relations = catalogue(Store.open(store or embedded_path()))
    if format_ or out:
        emit(as_frame(relations), format_, out)
        return
    folder = None
    for relation in relations:
        if relation.folder != folder:
            folder = relation.folder
            click.echo(f"{folder}/")
        click.echo("\n".join(_lines(relation, brief)))


def _lines(relation: Relation, brief: bool) -> Iterator[str]:
    rows = f"{relation.rows:,} row{'s' * (relation.rows != 1)}"
    yield textwrap.fill(f"  {relation.call} · {rows}", 80, subsequent_indent="    ")
    yield _wrapped(relation.comment, "    ")
    for column in () if brief else relation.columns:
        head = f"      {column.name} {column.type}: "
        yield textwrap.fill(head + column.comment, 80, subsequent_indent=" " * 10)
    if not brief:
        yield ""


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, 80, initial_indent=indent, subsequent_indent=indent)
