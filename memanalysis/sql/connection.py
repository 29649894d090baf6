"""DuckDB connections with the relations of ``queries/`` loaded over one store."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import duckdb

from memanalysis.errors import StoreError
from memanalysis.literals import literal
from memanalysis.sql.messages import one_line
from memanalysis.sql.scripts import Script, mentioned, scripts, tables, uses
from memanalysis.storage.laid_images import FILE, is_laid
from memanalysis.storage.names import LATER_TABLES, RECORDED_TABLES, table_file
from memanalysis.storage.store import FINGERPRINT, Store, is_stamped

# How a relation of ``queries/`` reads a table that older stores do not have.
_ALLOW_EMPTY: Final = re.compile(r",\s*allow_empty := true")
_SQL_TYPES: Final = {
    "string": "varchar",
    "int32": "integer",
    "int64": "bigint",
    "float": "float",
    "binary": "blob",
}
_STAMPS: Final = "select file_name, value from parquet_kv_metadata(?) where key = ?"
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
    connection = connect_bare(store)
    try:
        load(connection, store, uses() if names is None else names, documented=documented)
    except StoreError:
        connection.close()
        raise
    return connection


def connect_bare(store: Store) -> duckdb.DuckDBPyConnection:
    """An in-memory connection in which relations over ``store`` can be loaded, and none is yet."""
    # Names in a query mean relations and never variables of the caller.
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    connection.execute("set TimeZone = 'UTC'")
    # Every view reads the footers of its files when it is made, many of them the same ones.
    connection.execute("set parquet_metadata_cache = true")
    connection.execute("set variable store = ?", [str(store.path.resolve())])
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
    read = frozenset[str]().union(*(behind[name] for name in names))
    for table in sorted(read & tables().keys()):
        store.require_intact(tables()[table])


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
    _require(store, _stale(connection, store, wanted))
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
    if name in tables() and store.table_path(name).is_file():
        return _ALLOW_EMPTY.sub("", text)
    return _FROM_NO_FILE.sub("", text)


def _text(script: Script, store: Store) -> str:
    """Statement of a relation over ``store``, whose tables of later contracts may be absent."""
    text = script.text
    if script.name == "examples" and is_laid(store):
        text = text.replace(table_file("examples"), FILE)
    for name in RECORDED_TABLES:
        if _read(name) in text and is_absent(store, name):
            text = text.replace(_read(name), _empty(name))
    return text


def is_absent(store: Store, name: str) -> bool:
    """True if a store is from before the table was recorded; its relation then has zero rows."""
    return (
        name in LATER_TABLES
        and table_file(name) not in store.manifest.files
        and not store.table_path(name).is_file()
    )


def _read(name: str) -> str:
    return f"read_parquet(coalesce(getvariable('store'), '.') || '/{table_file(name)}')"


def _empty(name: str) -> str:
    """A typed subquery of zero rows in the place of a table's file."""
    from memanalysis.storage.schema import RECORDED  # Arrow's types, which other stores do without

    columns = ", ".join(
        f'cast(null as {_SQL_TYPES[str(field.type)]}) as "{field.name}"' for field in RECORDED[name]
    )
    return f"(select {columns} where false)"


def _require(store: Store, faults: Iterable[str]) -> None:
    if listed := "\n".join(f"  - {fault}" for fault in faults):
        raise StoreError(
            f"'{store.path}' cannot be queried:\n{listed}\nRun: memanalysis build {store.path}"
        )


def _missing(store: Store) -> Iterator[str]:
    for name, file in tables().items():
        if not store.table_path(name).is_file() and not is_absent(store, name):
            yield f"{file} is missing: the store is not built"


def _stale(
    connection: duckdb.DuckDBPyConnection, store: Store, names: Collection[str]
) -> Iterator[str]:
    for name in stale_tables(connection, store, names):
        yield f"{tables()[name]} was computed from other outcomes than the present ones"


def stale_tables(
    connection: duckdb.DuckDBPyConnection, store: Store, names: Collection[str]
) -> list[str]:
    """Derived tables of other outcomes than the present ones, among those of some names.

    Raises
    ------
    StoreError
        If a file cannot be read.
    """
    files = {
        name: str(store.table_path(name).resolve())
        for name in tables()
        if name in names and is_stamped(name) and not is_absent(store, name)
    }
    if not files:
        return []
    try:
        rows = connection.execute(_STAMPS, [list(files.values()), FINGERPRINT]).fetchall()
    except duckdb.Error as error:
        raise StoreError(
            f"'{store.path}' cannot be queried: {one_line(error)} "
            f"Run: memanalysis check {store.path}"
        ) from error
    stamps = {path: stamp.decode(errors="replace") for path, stamp in rows}
    present = store.manifest.outcomes_fingerprint
    return [name for name, path in files.items() if stamps.get(path, "") != present]
