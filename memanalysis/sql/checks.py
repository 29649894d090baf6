"""The relations of ``queries/checks``, which hold the rows that a good store has none of."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from memanalysis.sql.connection import connect
from memanalysis.sql.messages import one_line
from memanalysis.sql.scripts import Script, scripts
from memanalysis.storage.store import Store


@dataclass(frozen=True)
class Violation:
    """A check that found rows: what a row is, how many there are, and the first of them."""

    check: str
    row: str
    rows: int
    example: str

    def __str__(self) -> str:
        """One line for the command line."""
        return f"{self.check}: {self.rows} rows, for instance {self.example}. {self.row}"


def violations(store: Store) -> list[Violation]:
    """Every check that is not empty, and every check that could not be run.

    Raises
    ------
    StoreError
        If the relations cannot be loaded at all.
    """
    connection = connect(store, documented=False)
    try:
        checks = [script for script in scripts() if script.folder == "checks"]
        found = [_violation(connection, check) for check in checks]
        return [violation for violation in found if violation is not None]
    finally:
        connection.close()


def _violation(connection: duckdb.DuckDBPyConnection, check: Script) -> Violation | None:
    query = f'select *, count(*) over () as "rows" from "{check.name}" limit 1'
    try:
        frame = connection.sql(query).pl()
    except duckdb.Error as error:
        return Violation(check.name, "The check could not be run.", 0, one_line(error))
    if frame.is_empty():
        return None
    row = frame.row(0, named=True)
    rows = row.pop("rows")
    example = ", ".join(f"{column} = {value}" for column, value in row.items())
    return Violation(check.name, check.row, rows, example)
