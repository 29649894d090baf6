"""The relations of ``queries/checks``, which hold the rows that a good store has none of."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from memanalysis.sql.connection import connect, scripts
from memanalysis.sql.messages import one_line
from memanalysis.store import Store


@dataclass(frozen=True)
class Violation:
    """A check that found rows: how many, and the first of them."""

    check: str
    comment: str
    rows: int
    example: str

    def __str__(self) -> str:
        """One line for the command line."""
        return f"{self.check}: {self.rows} rows, for instance {self.example}. {self.comment}"


def violations(store: Store) -> list[Violation]:
    """Every check that is not empty, and every check that could not be run.

    Raises
    ------
    StoreError
        If the relations cannot be loaded at all.
    """
    connection = connect(store)
    try:
        names = [script.name for script in scripts() if script.folder == "checks"]
        found = [_violation(connection, name) for name in names]
        return [violation for violation in found if violation is not None]
    finally:
        connection.close()


def _violation(connection: duckdb.DuckDBPyConnection, name: str) -> Violation | None:
    try:
        frame = connection.sql(f'select *, count(*) over () as "rows" from "{name}" limit 1').pl()
    except duckdb.Error as error:
        return Violation(name, "The check could not be run.", 0, one_line(error))
    if frame.is_empty():
        return None
    row = frame.row(0, named=True)
    rows = row.pop("rows")
    comment = connection.sql(
        "select comment from duckdb_views() where view_name = ?", params=[name]
    ).fetchall()[0][0]
    example = ", ".join(f"{column} = {value}" for column, value in row.items())
    return Violation(name, comment, rows, example)
