"""DuckDB connections with the relations of ``queries/`` loaded over one store."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import duckdb
import pyarrow as pa

from memanalysis.errors import StoreError
from memanalysis.literals import literal
from memanalysis.sql.messages import one_line
from memanalysis.sql.scripts import Script, mentioned, scripts, uses
from memanalysis.storage.laid_images import FILE, is_laid
from memanalysis.storage.schema import LATER_TABLES, RECORDED, TABLES
from memanalysis.storage.store import Store

# How a relation of ``queries/`` reads a table that older stores do not have.
_ALLOW_EMPTY: Final = re.compile(r",\s*allow_empty := true")
_FROM_NO_FILE: Final = re.compile(
    r"\s*union all by name\s*from read_parquet\([^;]*?allow_empty := true\s*\)"
)


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
        load(connection, store, uses() if names is None else names, documented=documented)
    except StoreError:
        connection.close()
        raise
    return connection


def require_intact(store: Store, text: str | None = None) -> None:
    """Compare the tables behind a query, or all, with the checksums of the open store.

    That tells damage, and a build since the store was opened, before numbers are mixed.

    Raises
    ------
    StoreError
        If one is another file than the store's manifest describes.
    """
    behind = uses()
    names = behind.keys() if text is None else mentioned(text)
    for table in sorted(frozenset[str]().union(*(behind[name] for name in names)) & TABLES.keys()):
        store.require_intact(TABLES[table][0])


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
    wanted = frozenset[str]().union(*(uses()[name] for name in names)) - frozenset(loaded)
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
    place = literal(str(store.path.resolve()))
    texts = (_of_before(_text(script, store), store, script.name) for script in scripts())
    return "\n".join([f"set variable store = {place};\n", *texts])


def _of_before(text: str, store: Store, name: str) -> str:
    """``text`` for clients before 2.0, which do not know of reading no file at all."""
    if name in TABLES and store.table_path(name).is_file():
        return _ALLOW_EMPTY.sub("", text)
    return _FROM_NO_FILE.sub("", text)


def _text(script: Script, store: Store) -> str:
    """Statement of a relation over ``store``, whose tables of later contracts may be absent."""
    text = script.text
    if script.name == "examples" and is_laid(store):
        text = text.replace(TABLES["examples"][0], FILE)
    for name in RECORDED:
        if _read(name) in text and _is_absent(store, name):
            text = text.replace(_read(name), _empty(name))
    return text


def _is_absent(store: Store, name: str) -> bool:
    """True if a store is from before the table was recorded; its relation then has zero rows."""
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
    for name in (script.name for script in chosen if script.name in TABLES):
        file, _ = TABLES[name]
        stamped = file.startswith("derived/") or name == "influence"
        if not stamped or _is_absent(store, name):
            continue
        if store.stamp_of(name) != store.manifest.outcomes_fingerprint:
            yield f"{file} was computed from other outcomes than the present ones"
