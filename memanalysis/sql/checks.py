"""The relations of ``queries/checks``, which hold the rows that a good store has none of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import duckdb

from memanalysis.errors import StoreError
from memanalysis.sql.connection import connect_bare, is_absent, load, stale_tables
from memanalysis.sql.messages import one_line
from memanalysis.sql.scripts import Script, scripts, tables, uses
from memanalysis.storage.store import Store


@dataclass(frozen=True)
class Violation:
    """A check that found rows: what a row is, how many there are, and the first of them."""

    check: str
    row: str
    rows: int
    example: str

    def __str__(self) -> str:
        """One line, without what to do."""
        return f"{self.check}: {self.rows} rows, for instance {self.example}. {self.row}"


def violations(store: Store, sound: Collection[str] | None = None) -> list[Violation]:
    """Every check that is not empty, and every check that could not be run.

    Parameters
    ----------
    sound
        The tables that can be read, by default all. A check that needs another one, or one that
        was computed from other outcomes, is left out: those are faults of their own.
    """
    connection = connect_bare(store)
    names = set(tables() if sound is None else sound)
    names |= {name for name in tables() if is_absent(store, name)}
    try:
        names -= {*stale_tables(connection, store, names)}
        checks = (script for script in scripts() if script.folder == "checks")
        readable = (check for check in checks if uses()[check.name] & tables().keys() <= names)
        return [*_violations(connection, store, readable)]
    finally:
        connection.close()


def _violations(
    connection: duckdb.DuckDBPyConnection, store: Store, checks: Iterator[Script]
) -> Iterator[Violation]:
    loaded: frozenset[str] = frozenset()
    for check in checks:
        try:
            loaded = load(connection, store, [check.name], documented=False, loaded=loaded)
            yield from _rows(connection, check)
        except StoreError as error:
            yield Violation(check.name, "The check could not be run.", 0, str(error))
        except duckdb.Error as error:
            yield Violation(check.name, "The check could not be run.", 0, one_line(error))


def _rows(connection: duckdb.DuckDBPyConnection, check: Script) -> Iterator[Violation]:
    query = f'select *, count(*) over () as "rows" from "{check.name}" limit 1'
    for row in connection.sql(query).pl().iter_rows(named=True):
        rows = row.pop("rows")
        shown = {column: value for column, value in row.items() if value is not None}
        example = ", ".join(f"{column} = {value}" for column, value in shown.items())
        yield Violation(check.name, check.row, rows, example)
