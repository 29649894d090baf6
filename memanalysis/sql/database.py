"""A study as one DuckDB database, for clients that know nothing of stores."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import duckdb

from memanalysis.errors import StoreError
from memanalysis.literals import literal
from memanalysis.sql.connection import connect
from memanalysis.sql.messages import one_line
from memanalysis.sql.scripts import scripts
from memanalysis.storage.store import Store

# The oldest layout that can be written. A file in the layout of 2.0 is refused by clients of 1.5;
# in this one those of 1.4 read the tables, and those of 1.5 the macros, too.
_LAYOUT: Final = "v1.0.0"
_ATTACHED: Final = "study_file"
_TYPED: Final = re.compile(r"\b(\w+) (?:double|varchar|bigint|integer) :=")
# Checks hold the rows that a good store has none of.
_LEFT_OUT: Final = "checks"


def write(store: Store, path: Path) -> None:
    """Write every relation into a new database at ``path``, as a table with its comments.

    Table macros stay macros, over these tables.

    Raises
    ------
    StoreError
        If a relation cannot be read, or the file cannot be written.
    """
    connection = connect(store)
    try:
        connection.execute(
            f"attach {literal(str(path))} as {_ATTACHED} (storage_version '{_LAYOUT}')"
        )
        _copy_tables(connection)
        _copy_macros(connection)
        connection.execute("use memory")
        connection.execute(f"detach {_ATTACHED}")
    except duckdb.Error as error:
        raise StoreError(f"The database '{path}' cannot be written: {one_line(error)}") from error
    finally:
        connection.close()


def _copy_tables(connection: duckdb.DuckDBPyConnection) -> None:
    comments = _comments(connection)
    for script in scripts():
        if script.is_macro or script.folder == _LEFT_OUT:
            continue
        table = f'{_ATTACHED}.main."{script.name}"'
        connection.execute(f'create table {table} as from memory.main."{script.name}"')
        for column, comment in comments[script.name].items():
            kind, name = ("column", f'{table}."{column}"') if column else ("table", table)
            connection.execute(f"comment on {kind} {name} is {literal(comment)}")


def _copy_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Macros bind to what they read when they are made: to the tables of the database."""
    connection.execute(f"use {_ATTACHED}")
    for script in scripts():
        if script.is_macro:
            # Only layouts from 1.4 on know the types of parameters; their defaults have them, too.
            text = _TYPED.sub(r"\1 :=", script.text)
            for statement in connection.extract_statements(text):
                connection.execute(statement)


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The comments of each view by column; its own comment under an empty name."""
    rows = connection.sql(
        "select view_name, '', comment from duckdb_views() where not internal union all "
        "select table_name, column_name, comment from duckdb_columns() where not internal"
    ).fetchall()
    comments: dict[str, dict[str, str]] = {}
    for relation, column, comment in rows:
        comments.setdefault(relation, {})[column] = comment or ""
    return comments
