"""The catalogue of a store: every relation, what a row of it is, its columns, its rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from memanalysis.errors import QueryError, StoreError
from memanalysis.sql.messages import one_line
from memanalysis.sql.scripts import Script, scripts, tables
from memanalysis.storage.store import Store

if TYPE_CHECKING:
    import duckdb
    import polars as pl

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
    """One view or table macro.

    ``parameters`` are a macro's, with their defaults. ``rows`` is None where rows are computed
    when they are asked for, and nobody has counted them.
    """

    folder: str
    name: str
    comment: str
    parameters: str
    columns: tuple[Column, ...]
    rows: int | None

    @property
    def call(self) -> str:
        """The relation in a query: ``memorization``, ``trajectories_at(alpha double := 0.2)``."""
        return f"{self.name}({self.parameters})" if self.parameters else self.name


def overview(store: Store) -> list[Relation]:
    """Every relation over ``store``, in load order, without columns.

    Neither relations nor tables are read: rows are those that the manifest counts.
    """
    return [
        Relation(
            folder=script.folder,
            name=script.name,
            comment=_comment(script),
            parameters=_parameters(script),
            columns=(),
            rows=_stored_rows(store, script.name),
        )
        for script in scripts()
    ]


def catalogue(
    store: Store, names: Collection[str] | None = None, *, count: bool = False
) -> list[Relation]:
    """Relations over ``store`` with their columns, in load order.

    Parameters
    ----------
    names
        Which of them, by default all.
    count
        Whether to count the rows of those that are computed, too; that takes as long as it takes.

    Raises
    ------
    QueryError
        If there is no relation of a name.
    StoreError
        If a relation cannot be read.
    """
    import duckdb

    from memanalysis.sql.connection import connect

    relations = overview(store)
    for name in names or ():
        if all(name != relation.name for relation in relations):
            raise QueryError.of_relation(name, [relation.name for relation in relations])
    chosen = [r for r in relations if names is None or r.name in names]
    macros = {r.name: _MACRO_COLUMNS[r.name] for r in chosen if r.parameters}
    needed = {r.name for r in chosen}.union(*macros.values())
    connection = connect(store, names=needed)
    try:
        columns = _columns(connection)
        for macro, views in macros.items():
            like = tuple(column for view in reversed(views) for column in columns[view])
            columns[macro] = _macro_columns(connection, macro, like)
        return [
            replace(
                relation,
                columns=columns[relation.name],
                rows=_count(connection, relation) if count else relation.rows,
            )
            for relation in chosen
        ]
    except duckdb.Error as error:
        raise StoreError(
            f"'{store.path}' cannot be read: {one_line(error)} Run: memanalysis check {store.path}"
        ) from error
    finally:
        connection.close()


def _comment(script: Script) -> str:
    """The file's comment on its relation: the text of its ``comment on view`` or ``macro``."""
    match = re.search(r"comment on (?:view|macro table) \w+ is\s+'((?:[^']|'')*)'", script.text)
    return match[1].replace("''", "'") if match else ""


def _parameters(script: Script) -> str:
    """``alpha double := 0.2`` for a table macro, as its own text declares it.

    DuckDB lists the names and types of a macro's parameters, but not their defaults.
    """
    match = re.search(r"\bmacro \w+\((.*?)\) as table", script.text, re.DOTALL)
    return " ".join(match[1].split()) if match else ""


def _stored_rows(store: Store, name: str) -> int | None:
    """Rows of a table of the store, by its manifest; None of a relation that is computed."""
    if name not in tables():
        return None
    noted = store.manifest.files.get(tables()[name])
    return int(noted["rows"]) if noted else 0


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[Column, ...]]:
    rows = connection.sql(
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where not internal order by table_name, column_index"
    ).fetchall()
    columns: dict[str, tuple[Column, ...]] = {}
    for relation, name, kind, comment in rows:
        columns[relation] = (*columns.get(relation, ()), Column(name, kind, comment or ""))
    return columns


def _macro_columns(
    connection: duckdb.DuckDBPyConnection, macro: str, like: tuple[Column, ...]
) -> tuple[Column, ...]:
    comments = {column.name: column.comment for column in like}
    rows = connection.sql(f"describe from {macro}()").fetchall()
    return tuple(Column(row[0], row[1], comments.get(row[0], "")) for row in rows)


def _count(connection: duckdb.DuckDBPyConnection, relation: Relation) -> int:
    call = "()" if relation.parameters else ""
    rows = connection.sql(f'select count(*) from "{relation.name}"{call}').fetchall()
    return int(rows[0][0])


def as_frame(relations: Iterable[Relation], *, columns: bool = True) -> pl.DataFrame:
    """Relations as a frame, one row per relation, or one per relation and column."""
    import polars as pl

    of_relation = ("folder", "relation", "row", "parameters", "rows")
    of_column = ("column", "type", "comment") if columns else ()
    rows = [
        (r.folder, r.name, r.comment, r.parameters, r.rows, *about)
        for r in relations
        for about in ([(c.name, c.type, c.comment) for c in r.columns] if columns else [()])
    ]
    schema = {name: pl.Int64 if name == "rows" else pl.String for name in of_relation + of_column}
    return pl.DataFrame(rows, schema=schema, orient="row")
