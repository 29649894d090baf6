"""Any scores by example: a CSV or Parquet table with an id column, or a .npy array in order.

The id column is ``example_id`` (positions among the training examples, from 0), ``source_id``
(names), or the one that --id-column gives: names then, unless they are integers and the store has
no names. Every other numeric column is a score, unless --columns picks some. Which end is hard
must be said, --hard-is high|low|none; it holds for all scores of one import, except for names that
have a definition (`memanalysis sql "from proxies"`), whose direction is known.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis import proxies
from memanalysis.errors import did_you_mean
from memanalysis.importing.arrays import floats, open_npy
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import UNKNOWN, Contents, Examples, Options, Scores, unknown_keys

Ids = NDArray[np.int64] | list[str] | None

_POSITIONS: Final = "example_id"
_NAMES: Final = "source_id"
_NOTE: Final = (
    "Scores without masks: they can be compared with memorization where the store has models of "
    "these examples; memorization itself cannot be computed from them."
)


def read(source: Path, options: Options) -> Contents:
    """Every numeric column as a proxy in ``value_in``, or ``value_out`` with --side out."""
    notes: list[str] = []
    if source.suffix == ".npy":
        array = open_npy(source)
        if len(array.shape) != 1:
            expected = "(examples), one score each"
            raise fault(array.where, f"shape {array.shape}", expected)
        name = options.names[0] if options.names else source.stem
        ids, columns = None, {name: floats(array)}
    else:
        ids, columns, notes = _table(source, options)
    faults = Faults(str(source))
    for name in columns:
        if options.hard_is is None and proxies.find(name) is None:
            faults.add(
                f"'{source}', column '{name}'",
                "no direction",
                "which end is hard",
                "Give --hard-is high, low or none.",
            )
    faults.raise_any()
    examples, ids = _examples(ids, columns, options)
    return Contents(
        format="scores",
        source=source.name,
        examples=examples,
        scores=[
            Scores(
                name=name,
                values=values,
                hard_is=proxies.direction(name) or options.hard_is or "none",
                ids=ids,
                side=options.side,
                size=options.size or UNKNOWN,
                objective=options.objective or "one_hot",
                source=f"imported from {source.name}",
                where=f"'{source}', column '{name}'",
            )
            for name, values in columns.items()
        ],
        notes=[_NOTE, *notes],
    )


def _table(source: Path, options: Options) -> tuple[Ids, dict[str, NDArray[np.float64]], list[str]]:
    """Ids, score columns, and a note on columns that are no scores."""
    table = _read(source)
    id_column = _id_column(source, table, options)
    rest = [name for name in table.column_names if name != id_column]
    for name in options.names:
        if name not in rest:
            hint = did_you_mean(name, rest)
            raise fault(f"'{source}', column '{name}'", f"only {', '.join(rest)}", "it", hint)
    numeric = [name for name in rest if _is_number(table.schema.field(name).type)]
    picked = list(options.names) or numeric
    if not picked:
        found = ", ".join(f"{field.name} ({field.type})" for field in table.schema)
        raise fault(f"'{source}'", f"columns {found}", f"numbers beside '{id_column}'")
    columns = {}
    for name in picked:
        if name not in numeric:
            kind = table.schema.field(name).type
            raise fault(f"'{source}', column '{name}'", str(kind), "numbers")
        # Not "safe": whole numbers beyond 2^53 are rounded.
        column = table[name].cast(pa.float64(), safe=False).to_numpy()
        columns[name] = np.array(column, np.float64)  # NULL becomes NaN
    notes = unknown_keys(source.name, rest, picked)
    return _ids(source, table[id_column], id_column, options), columns, notes


def _read(source: Path) -> pa.Table:
    try:
        parquet = source.suffix.lower() in (".parquet", ".pq")
        table = pq.read_table(source) if parquet else pa_csv.read_csv(source)
        names = Counter(table.column_names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        expected = "a whole table as .csv, .parquet or .npy, its text in UTF-8"
        raise fault(f"'{source}'", f"no readable file ({error})", expected) from error
    if twice := [name for name, count in names.items() if count > 1]:
        raise fault(f"'{source}'", f"column '{twice[0]}' more than once", "each column once")
    return table


def _id_column(source: Path, table: pa.Table, options: Options) -> str:
    wanted = [options.id_column] if options.id_column else [_POSITIONS, _NAMES]
    found = [name for name in wanted if name in table.column_names]
    if not found:
        columns = ", ".join(table.column_names)
        expected = " or ".join(f"a column '{name}'" for name in wanted)
        raise fault(f"'{source}'", f"columns {columns}", expected, "Give --id-column NAME.")
    return found[0]


def _ids(source: Path, column: pa.ChunkedArray, name: str, options: Options) -> Ids:
    where = f"'{source}', column '{name}'"
    if column.null_count:
        raise fault(where, f"{column.null_count:,} empty ids", "an id in every row")
    whole = pa.types.is_integer(column.type)
    if name == _POSITIONS and not whole:
        raise fault(where, str(column.type), "integers from 0", "Names belong into 'source_id'.")
    positions = name == _POSITIONS or (name != _NAMES and whole and not options.store_has_names)
    if positions:
        return np.array(column.to_numpy(), np.int64)
    return [str(value) for value in column.to_pylist()]


def _examples(
    ids: Ids, columns: dict[str, NDArray[np.float64]], options: Options
) -> tuple[Examples, Ids]:
    """The examples that a new store would begin with.

    Positions reach as far as the largest; names are numbered as they come.
    """
    n = len(next(iter(columns.values())))
    if options.has_store or options.n_train is not None:
        return Examples(n_train=None if options.has_store else options.n_train), ids
    if ids is None:
        return Examples(n_train=n), None
    if isinstance(ids, np.ndarray):
        return Examples(n_train=int(ids.max(initial=-1)) + 1), ids
    return Examples(n_train=n, source_ids=ids), ids


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
