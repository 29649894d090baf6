"""What can be asked of a store: every relation, what a row of it is, its columns, its rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import duckdb
import polars as pl

from memanalysis.errors import StoreError
from memanalysis.sql.connection import connect, scripts
from memanalysis.sql.messages import one_line
from memanalysis.storage.store import Store

# A macro's columns cannot carry comments; they mean what they mean in these views, the first first.
_MACRO_COLUMNS: Final = {
    "memorization_by": ("memorization",),
    "trajectories_at": ("trajectories",),
    "influence_of": ("influence", "influence_summary", "memorization"),
    "influence_on": ("influence", "influence_summary", "memorization"),
}


@dataclass(frozen=True)
class Column:
    """One column: ``type`` is DuckDB's, ``comment`` says meaning, unit and range."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Relation:
    """One view or table macro; ``parameters`` are a macro's, with their defaults."""

    folder: str
    name: str
    comment: str
    parameters: str
    columns: tuple[Column, ...]
    rows: int

    @property
    def call(self) -> str:
        """How a query names it: ``memorization``, ``trajectories_at(alpha double := 0.2)``."""
        return f"{self.name}({self.parameters})" if self.parameters else self.name


def catalogue(store: Store) -> list[Relation]:
    """Every relation over ``store``, in load order.

    Raises
    ------
    StoreError
        If a relation cannot be read.
    """
    connection = connect(store)
    try:
        comments = _relation_comments(connection)
        parameters = _parameters()
        columns = _columns(connection)
        for macro, views in _MACRO_COLUMNS.items():
            like = tuple(column for view in reversed(views) for column in columns[view])
            columns[macro] = _macro_columns(connection, macro, like)
        return [
            Relation(
                folder=script.folder,
                name=script.name,
                comment=comments[script.name],
                parameters=parameters.get(script.name, ""),
                columns=columns[script.name],
                rows=_count(connection, script.name, call=script.name in parameters),
            )
            for script in scripts()
        ]
    except duckdb.Error as error:
        raise StoreError(
            f"'{store.path}' cannot be read: {one_line(error)} Run: memanalysis check {store.path}"
        ) from error
    finally:
        connection.close()


def _relation_comments(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows = connection.sql(
        "select view_name, comment from duckdb_views() where not internal union all "
        "select function_name, comment from duckdb_functions() "
        "where function_type = 'table_macro' and not internal"
    ).fetchall()
    return {name: comment or "" for name, comment in rows}


def _parameters() -> dict[str, str]:
    """``alpha double := 0.2`` for each table macro, as its own text declares it.

    DuckDB lists the names and types of a macro's parameters, but not their defaults.
    """
    found = {}
    for script in scripts():
        if match := re.search(r"\bmacro \w+\((.*?)\) as table", script.text, re.DOTALL):
            found[script.name] = " ".join(match[1].split())
    return found


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[Column, ...]]:
    rows = connection.sql(
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where not internal order by table_name, column_index"
    ).fetchall()
    found: dict[str, tuple[Column, ...]] = {}
    for relation, name, kind, comment in rows:
        found[relation] = (*found.get(relation, ()), Column(name, kind, comment or ""))
    return found


def _macro_columns(
    connection: duckdb.DuckDBPyConnection, macro: str, like: tuple[Column, ...]
) -> tuple[Column, ...]:
    comments = {column.name: column.comment for column in like}
    rows = connection.sql(f"describe from {macro}()").fetchall()
    return tuple(Column(row[0], row[1], comments.get(row[0], "")) for row in rows)


def _count(connection: duckdb.DuckDBPyConnection, name: str, *, call: bool) -> int:
    rows = connection.sql(f'select count(*) from "{name}"{"()" if call else ""}').fetchall()
    return int(rows[0][0])


def as_frame(relations: list[Relation]) -> pl.DataFrame:
    """The catalogue as a frame, one row per relation and column."""
    rows = [
        (r.folder, r.name, r.comment, r.parameters, r.rows, c.name, c.type, c.comment)
        for r in relations
        for c in r.columns
    ]
    names = ("folder", "relation", "row", "parameters", "rows", "column", "type", "comment")
    return pl.DataFrame(rows, schema=names, orient="row")
