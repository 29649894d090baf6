"""SQL that reads a study's relations and nothing else, and changes nothing.

DuckDB's own switches do not give that: with external access off a query can still read and COPY
into allowed folders, and CREATE, ATTACH and SET succeed. Three things together do:

1. The text must be one statement, and ``select * from (text)`` must again be one SELECT. That
   admits FROM-first, WITH, DESCRIBE, SUMMARIZE and PIVOT with listed values, keeps their order,
   and leaves writing statements no place. The wrapped text is what runs.
2. Among table functions the parsed text may use those of the study and a few harmless ones, and no
   file for a table.
3. The connection has external access off, the store as the only allowed folder besides a private
   temporary one, and its configuration locked. Relations are made on it when a query names them.

A query keeps to bounds of memory, disk and time, and answers from the tables that the store had
when it was opened, or not at all.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import duckdb
import polars as pl
import pyarrow as pa

from memanalysis.errors import QueryError, StoreError, did_you_mean
from memanalysis.literals import literal
from memanalysis.sql.connection import connect, load, require_intact
from memanalysis.sql.limits import Limits, bounded_memory, run_interruptibly
from memanalysis.sql.messages import explain, one_line
from memanalysis.sql.scripts import macros, mentioned, views
from memanalysis.storage.store import Store

# Table functions that read neither files nor SQL texts.
_HARMLESS: Final = frozenset(
    {"unnest", "range", "generate_series", "duckdb_columns", "duckdb_functions", "duckdb_views"}
)
_BATCH: Final = 2048  # rows that are fetched at a time: one vector of DuckDB
_CELL: Final = 8  # bytes of a value, about
_CACHED: Final = 0.1  # of the limit of memory that a cached relation may take
_MORE: Final = "Larger limits: --memory on the command line, ma.open(limits=...) in Python."
_RULE: Final = (
    "One query over the study's relations is expected: SELECT, FROM, WITH, DESCRIBE, SUMMARIZE, "
    "or PIVOT with listed values."
)


class Confined:
    """A connection to one store on which texts from anywhere can be run."""

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store, self._limits = store, limits or Limits.default()
        self.is_stuck = False  # a query could not be stopped, so no other can be run
        self._connection = connect(store, documented=False, names=())
        # Goes with this object; DuckDB would otherwise spill into the working directory.
        self._temporary = tempfile.mkdtemp(prefix="memanalysis-")
        self._remove = weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        self.relations, self.macros = views(), macros()
        self._loaded: frozenset[str] = frozenset()
        self._cached: set[str] = set()
        _lock(self._connection, str(store.path.resolve()), self._temporary, self._limits)

    def query(
        self,
        text: str,
        frames: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
    ) -> pl.DataFrame:
        """Run one query; ``frames`` are tables of the caller's, by name.

        ``parameters`` are the values of ``$name`` by name, or those of ``?`` in order.

        Raises
        ------
        QueryError
            If the text is not one query, reads anything else, takes more than its limits, or fails.
        StoreError
            If a table that it reads is damaged or was replaced since the store was opened.
        """
        wrapped = self._wrapped(text)
        tables = {name: self._frame(name, frame) for name, frame in (frames or {}).items()}
        self._check_sources(wrapped, tables)
        require_intact(self._store, text)
        try:
            self._load(mentioned(text))
        except StoreError:
            require_intact(self._store, text)  # a table that was replaced meanwhile is the reason
            raise
        try:
            for name, table in tables.items():
                self._connection.register(name, table)
            frame = self._bounded(wrapped, parameters)
            require_intact(self._store, text)  # nobody replaced them meanwhile
            return frame
        except duckdb.InterruptException as error:
            raise KeyboardInterrupt from error
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            raise QueryError(_too_much(error, self._limits)) from error
        except (duckdb.Error, pl.exceptions.PolarsError) as error:
            require_intact(self._store, text)  # as above
            names = [*self.relations, *self.macros, *tables]
            columns = [*self._columns(), *(c for table in tables.values() for c in table.columns)]
            # The cause is DuckDB's text of many lines, of which this one line is made.
            raise QueryError(explain(error, names, columns)) from None
        finally:
            for name in tables if not self.is_stuck else ():
                self._connection.unregister(name)

    def _bounded(
        self, wrapped: str, parameters: Mapping[str, Any] | Sequence[Any] | None
    ) -> pl.DataFrame:
        """The result of a query that keeps to the limits."""
        self.is_stuck = True
        with bounded_memory(self._limits):
            return run_interruptibly(
                lambda: self._fetched(wrapped, parameters),
                self._connection.interrupt,
                self._limits.seconds,
                self._note_end,
            )

    def _note_end(self) -> None:
        self.is_stuck = False

    def _fetched(
        self, wrapped: str, parameters: Mapping[str, Any] | Sequence[Any] | None
    ) -> pl.DataFrame:
        given: Any = {} if parameters is None else {"params": parameters}
        reader = self._connection.sql(wrapped, **given).to_arrow_reader(_BATCH)
        batches, n_bytes = [], 0
        for batch in reader:
            batches.append(batch)
            n_bytes += batch.nbytes
            if n_bytes > self._limits.memory:
                reader.close()
                raise QueryError(
                    f"The result has more than {_gib(self._limits.memory)}. Ask for fewer rows or "
                    f"columns, or for sums of them. {_MORE}"
                )
        frame: Any = pl.from_arrow(pa.Table.from_batches(batches, reader.schema))
        return frame  # type: ignore[no-any-return]

    def cache(self, names: Collection[str]) -> None:
        """Compute relations once, for the queries to come: planning them costs most of a query.

        One that is large beside the limit of memory stays what it is.
        """
        for name in sorted(set(names) - self._cached):
            require_intact(self._store, name)
            self._load([name])
            cells = self._connection.sql(f'select count(*) from "{name}"').fetchall()[0][0]
            cells *= len(self._connection.sql(f'from "{name}"').columns)
            if cells * _CELL <= self._limits.memory * _CACHED:
                self._connection.execute(f'create temp table "cached_{name}" as from "{name}"')
                self._connection.execute(f'create or replace view "{name}" as from "cached_{name}"')
            self._cached.add(name)

    def close(self) -> None:
        """Close the connection and remove its temporary directory."""
        self._connection.close()
        self._remove()

    def _load(self, names: Collection[str]) -> None:
        """Make relations that were not asked before; each costs reading its files' footers."""
        self._loaded = load(
            self._connection, self._store, names, documented=False, loaded=self._loaded
        )

    def _columns(self) -> frozenset[str]:
        """The columns of all relations, or of those that the store can give."""
        with suppress(StoreError):
            self._load(self.relations)
        rows = self._connection.sql(
            "select distinct column_name from duckdb_columns() where not internal"
        ).fetchall()
        return frozenset(row[0] for row in rows)

    def _wrapped(self, text: str) -> str:
        """``text`` as a subquery, once it is known to be nothing but a query."""
        stripped = text.strip().rstrip(";").rstrip()
        if not stripped:
            raise QueryError(f"The SQL is empty. {_RULE}")
        statements = self._parse(stripped)
        if len(statements) != 1:
            raise QueryError(f"The SQL has {len(statements)} statements. {_RULE}")
        kind = _kind(statements[0])
        wrapped = f"select * from (\n{stripped}\n)"
        if kind == duckdb.StatementType.MULTI:
            raise QueryError(
                "PIVOT needs its values listed here: pivot ... on column in ('a', 'b') using ..."
            )
        if kind != duckdb.StatementType.SELECT:
            name = "" if kind is None else f" a {kind.name} statement, and"
            raise QueryError(f"The SQL is{name} not a query. {_RULE}")
        try:
            inner = self._connection.extract_statements(wrapped)
        except duckdb.Error as error:
            raise QueryError(f"The SQL is not a query ({one_line(error)}) {_RULE}") from error
        if len(inner) != 1 or _kind(inner[0]) != duckdb.StatementType.SELECT:
            raise QueryError(
                "The SQL does more than one query can do. PIVOT needs its values listed. " + _RULE
            )
        return wrapped

    def _parse(self, text: str) -> list[duckdb.Statement]:
        try:
            return self._connection.extract_statements(text)
        except duckdb.Error as error:
            line = next((s for s in str(error).splitlines() if s.startswith("LINE ")), "")
            where = f" in line {line[5:].split(':')[0]}" if line else ""
            raise QueryError(f"The SQL cannot be read{where}: {one_line(error)}") from error

    def _check_sources(self, wrapped: str, frames: Mapping[str, pl.DataFrame]) -> None:
        """Refuse table functions and files that are not the study's."""
        tree = self._connection.sql("select json_serialize_sql(?)", params=[wrapped]).fetchall()
        try:
            parsed = json.loads(tree[0][0])
            nodes = list(_nodes(parsed))
        except RecursionError as error:
            raise QueryError(f"The SQL is nested too deeply to be checked. {_RULE}") from error
        if parsed.get("error"):
            raise QueryError(f"The SQL cannot be checked: {parsed.get('error_message')} {_RULE}")
        for node in nodes:
            if node.get("type") == "TABLE_FUNCTION":
                name = str(node["function"].get("function_name", "")).lower()
                if name not in _HARMLESS and name not in self.macros:
                    hint = did_you_mean(name, self.macros)
                    raise QueryError(
                        f"The table function '{name}' is not one of the study's.{hint} {_RULE}"
                    )
            elif node.get("type") == "BASE_TABLE":
                self._check_table(str(node.get("table_name", "")), frames)

    def _check_table(self, name: str, frames: Mapping[str, pl.DataFrame]) -> None:
        """Refuse names that DuckDB would take for files: they have a dot or a slash in them."""
        if name in frames or not set(name) & set("./\\:"):
            return
        raise QueryError(
            f"'{name}' is a file, and queries read the study's relations only. Pass other tables "
            "by name: study.sql('from mine', mine=frame)."
        )

    def _frame(self, name: str, frame: Any) -> pl.DataFrame:
        if name in self.relations or name in self.macros:
            raise QueryError(f"'{name}' is a relation of the study; give the frame another name.")
        if isinstance(frame, pl.DataFrame):
            return frame
        if isinstance(frame, pl.LazyFrame):
            return frame.collect()
        try:
            return pl.DataFrame(frame)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise QueryError(
                f"{name} = {type(frame).__name__} is not a table; expected a Polars, Arrow or "
                f"pandas frame or a mapping of columns ({one_line(error)})"
            ) from error


def _kind(statement: duckdb.Statement) -> duckdb.StatementType | None:
    """Kind of a statement; None for the kinds of which Python's DuckDB has no name."""
    try:
        return statement.type
    except ValueError:
        return None


def _too_much(error: BaseException, limits: Limits) -> str:
    """Resource that a query took too much of."""
    if "max_temp_directory_size" in str(error):
        return f"The query moves more than {_gib(limits.disk)} to disk. Ask for less. {_MORE}"
    return f"The query takes more than {_gib(limits.memory)} of memory. Ask for less. {_MORE}"


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / (1 << 30):.3g} GiB"


def _lock(
    connection: duckdb.DuckDBPyConnection, store: str, temporary: str, limits: Limits
) -> None:
    """Shut the connection off from everything but ``store`` and ``temporary``, for good."""
    connection.execute(f"set memory_limit = '{limits.memory} bytes'")
    connection.execute(f"set max_temp_directory_size = '{limits.disk} bytes'")
    connection.execute(f"set temp_directory = {literal(temporary)}")
    connection.execute(f"set allowed_directories = [{literal(store)}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a parsed JSON text, outermost first."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)
