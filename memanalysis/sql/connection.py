"""DuckDB connections with the relations of ``queries/`` loaded over one store."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
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
# What names no relation and yet lists them.
_LISTING: Final = frozenset({"show", "information_schema"})
_LISTING_PREFIXES: Final = ("duckdb_", "pg_", "sqlite_")
# Load order: a file uses relations of earlier folders only.
FOLDERS: Final = ("tables", "scores", "changes", "summaries", "checks")


@dataclass(frozen=True)
class Script:
    """One file of ``queries/``: the relation ``name``, made by ``text``."""

    folder: str
    name: str
    text: str

    @property
    def code(self) -> str:
        """The statement that makes the relation, without comments."""
        lines = (line.partition("--")[0] for line in self.text.splitlines())
        return "\n".join(lines).partition("\ncomment on")[0]

    @property
    def is_macro(self) -> bool:
        """Whether the relation is a table macro, with parameters, and no view."""
        return "create or replace macro" in self.text

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


@cache
def scripts() -> tuple[Script, ...]:
    """Every SQL file in load order: by folder, then by name."""
    root = queries_folder()
    return tuple(
        Script(folder, file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for file in sorted((root / folder).iterdir(), key=lambda f: f.name)
        if file.name.endswith(".sql")
    )


@cache
def _uses() -> dict[str, frozenset[str]]:
    """Each relation with those that it reads, if need be through others.

    A name that is only mentioned counts, so there may be some too many and never one too few.
    """
    uses: dict[str, frozenset[str]] = {}
    for script in scripts():
        direct = _mentioned(script.code) & uses.keys()
        uses[script.name] = frozenset({script.name}).union(*(uses[name] for name in direct))
    return uses


def _mentioned(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def mentioned(text: str) -> frozenset[str]:
    """The relations that a query may read, by the names in its text; all if it asks for a list."""
    words = _mentioned(text)
    names = frozenset(words & _uses().keys())
    lists = words & _LISTING or any(word.startswith(_LISTING_PREFIXES) for word in words)
    if lists or ("describe" in words and not names):
        return frozenset(_uses())
    return names


def connect(
    store: Store, *, documented: bool = True, names: Collection[str] | None = None
) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with relations loaded over ``store``; nothing is confined.

    Parameters
    ----------
    documented
        Without, the COMMENT ON lines are left out, which halves the time it takes.
    names
        Which relations, with those that they read; by default all.

    Raises
    ------
    StoreError
        If the store is not built, a derived table that is read is stale, or a file lacks a column.
    """
    _require(store, _missing(store))
    # Names in a query mean relations and never variables of the caller.
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    connection.execute("set TimeZone = 'UTC'")
    # Every view reads the footers of its files when it is made, many of them the same ones.
    connection.execute("set parquet_metadata_cache = true")
    connection.execute("set variable store = ?", [str(store.path.resolve())])
    try:
        load(connection, store, _uses() if names is None else names, documented=documented)
    except StoreError:
        connection.close()
        raise
    return connection


def load(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    names: Collection[str],
    *,
    documented: bool = True,
    loaded: Collection[str] = (),
) -> frozenset[str]:
    """Make relations, and those that they read, unless ``loaded``; return all that are there now.

    Raises
    ------
    StoreError
        If a derived table is stale, or a file lacks a column.
    """
    wanted = frozenset[str]().union(*(_uses()[name] for name in names)) - frozenset(loaded)
    chosen = [script for script in scripts() if script.name in wanted]
    _require(store, _stale(store, chosen))
    for script in chosen:
        statements = connection.extract_statements(_text(script, store))
        try:
            for statement in statements if documented else statements[:1]:
                connection.execute(statement)
        except duckdb.Error as error:
            raise StoreError(
                f"The relation '{script.name}' cannot be read from '{store.path}': "
                f"{one_line(error)} Run: memanalysis check {store.path}"
            ) from error
    return wanted | frozenset(loaded)


def as_script(store: Store) -> str:
    """One text that makes every relation over ``store`` in any DuckDB client."""
    place = str(store.path.resolve()).replace("'", "''")
    texts = (_text(script, store) for script in scripts())
    return "\n".join([f"set variable store = '{place}';\n", *texts])


def _text(script: Script, store: Store) -> str:
    """What makes a relation over ``store``, whose tables of later contracts may be absent."""
    text = script.text
    for name in RECORDED:
        if _read(name) in text and _is_absent(store, name):
            text = text.replace(_read(name), _empty(name))
    return text


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


def _require(store: Store, faults: Iterable[str]) -> None:
    if listed := "\n".join(f"  - {fault}" for fault in faults):
        raise StoreError(
            f"'{store.path}' cannot be queried:\n{listed}\nRun: memanalysis build {store.path}"
        )


def _missing(store: Store) -> Iterator[str]:
    for name, (file, _) in TABLES.items():
        if not store.table_path(name).is_file() and not _is_absent(store, name):
            yield f"{file} is missing: the store is not built"


def _stale(store: Store, chosen: Iterable[Script]) -> Iterator[str]:
    """Derived tables of other outcomes among those that scripts read."""
    code = "".join(script.code for script in chosen)
    for name, (file, _) in TABLES.items():
        stamped = file.startswith("derived/") or name == "influence"
        if not stamped or f"/{file}" not in code or _is_absent(store, name):
            continue
        if store.stamp_of(name) != store.manifest.outcomes_fingerprint:
            yield f"{file} was computed from other outcomes than the present ones"
