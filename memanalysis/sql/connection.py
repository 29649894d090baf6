"""DuckDB connections with the relations of ``queries/`` loaded over one store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from memanalysis.errors import StoreError
from memanalysis.sql.messages import one_line
from memanalysis.storage.schema import LATER_TABLES, RECORDED, TABLES
from memanalysis.storage.store import Store

_WORD: Final = re.compile(r"\w+")
# Load order: a file uses relations of earlier folders only.
FOLDERS: Final = ("tables", "scores", "changes", "summaries", "checks")


@dataclass(frozen=True)
class Script:
    """One file of ``queries/``: the relation ``name``, made by ``text``."""

    folder: str
    name: str
    text: str

    @property
    def row(self) -> str:
        """What a row of the relation is, by the first line of its file."""
        return self.text.splitlines()[0].removeprefix("-- ")


def queries_folder() -> Traversable:
    """Where the SQL files are: beside the package in a checkout, else inside it.

    An editable install leaves a stale copy in site-packages, so the checkout comes first.

    Raises
    ------
    StoreError
        If there is neither.
    """
    package = Path(__file__).parents[1]
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "queries").is_dir():
        return checkout / "queries"
    installed = resources.files("memanalysis") / "queries"
    if installed.is_dir():
        return installed
    raise StoreError(
        f"The SQL files of memanalysis are missing: looked in '{checkout / 'queries'}' and "
        f"'{package / 'queries'}'. Reinstall memanalysis."
    )


def scripts() -> list[Script]:
    """Every SQL file in load order: by folder, then by name."""
    root = queries_folder()
    return [
        Script(folder, file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for file in sorted((root / folder).iterdir(), key=lambda f: f.name)
        if file.name.endswith(".sql")
    ]


@cache
def _tables_behind() -> dict[str, frozenset[str]]:
    """The tables of a store that each relation reads, if need be through others.

    A name that is only mentioned counts, so there may be some too many and never one too few.
    """
    behind: dict[str, frozenset[str]] = {}
    for script in scripts():
        lines = (line.partition("--")[0] for line in script.text.splitlines())
        body = "\n".join(lines).lower().partition("comment on")[0]
        own = {name for name, (file, _) in TABLES.items() if f"/{file}" in body}
        others = (behind[word] for word in set(_WORD.findall(body)) if word in behind)
        behind[script.name.lower()] = frozenset(own.union(*others))
    return behind


def require_intact(store: Store, text: str | None = None) -> None:
    """Compare the tables behind a query, or all, with the checksums of the open store.

    That tells damage, and a build since the store was opened, before numbers are mixed.

    Raises
    ------
    StoreError
        If one is another file than the store's manifest describes.
    """
    behind = _tables_behind()
    names = set(_WORD.findall(text.lower())) & behind.keys() if text is not None else behind.keys()
    for table in sorted(set().union(*(behind[name] for name in names))):
        store.require_intact(TABLES[table][0])


def connect(store: Store, *, documented: bool = True) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with every relation loaded over ``store``; nothing is confined.

    Without ``documented`` the COMMENT ON lines are left out, which halves the time it takes.

    Raises
    ------
    StoreError
        If the store is not built, a derived table is stale, or a file lacks a column.
    """
    faults = list(_unreadable(store))
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise StoreError(
            f"'{store.path}' cannot be queried:\n{listed}\nRun: memanalysis build {store.path}"
        )
    # Names in a query mean relations and never variables of the caller.
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    connection.execute("set TimeZone = 'UTC'")
    # Every view reads the footers of its files when it is made, many of them the same ones.
    connection.execute("set parquet_metadata_cache = true")
    connection.execute("set variable store = ?", [str(store.path.resolve())])
    absent = {_read(name): _empty(name) for name in RECORDED if _is_absent(store, name)}
    for script in scripts():
        for read, empty in absent.items():
            script = replace(script, text=script.text.replace(read, empty))
        _load(connection, script, store.path, documented=documented)
    return connection


def _is_absent(store: Store, name: str) -> bool:
    """Whether a store is from before the table was recorded; its relation then has zero rows."""
    file, _ = TABLES[name]
    return (
        name in LATER_TABLES
        and file not in store.manifest.files
        and not store.table_path(name).is_file()
    )


def _read(name: str) -> str:
    return f"read_parquet(coalesce(getvariable('store'), '.') || '/{TABLES[name][0]}')"


_SQL_TYPES: Final = {
    pa.string(): "varchar",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.binary(): "blob",
}


def _empty(name: str) -> str:
    """A typed subquery of zero rows in the place of a table's file."""
    columns = ", ".join(
        f'cast(null as {_SQL_TYPES[field.type]}) as "{field.name}"' for field in RECORDED[name]
    )
    return f"(select {columns} where false)"


def _load(
    connection: duckdb.DuckDBPyConnection, script: Script, path: Path, *, documented: bool
) -> None:
    statements = connection.extract_statements(script.text)
    try:
        for statement in statements if documented else statements[:1]:
            connection.execute(statement)
    except duckdb.Error as error:
        connection.close()
        raise StoreError(
            f"The relation '{script.name}' cannot be read from '{path}': {one_line(error)} "
            f"Run: memanalysis check {path}"
        ) from error


def _unreadable(store: Store) -> Iterator[str]:
    """What keeps a store from being queried: missing files, derived tables of other outcomes."""
    for name, (file, _) in TABLES.items():
        if _is_absent(store, name):
            continue
        if not store.table_path(name).is_file():
            yield f"{file} is missing: the store is not built"
            continue
        stamped = file.startswith("derived/") or name == "influence"
        if stamped and store.stamp_of(name) != store.manifest.outcomes_fingerprint:
            yield f"{file} was computed from other outcomes than the present ones"
