"""Foreign tables as columns of text: whatever people call a table, with its own separators.

CSV with commas, semicolons or tabs (decimal commas beside semicolons), JSON lines, JSON, Parquet
and .npz with one array a column. Text stays text until it is known what a column is: ``007`` is a
name as well as a number, and ``0x10`` is none.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.importing.arrays import Archive
from memanalysis.importing.problems import fault

ENDINGS: Final = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".pq", ".npz")
_SEPARATORS: Final = "\t;,"
# Texts that pandas and R write where there is no number.
_NOTHING: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>")
_ENDLESS: Final = ("inf", "-inf", "Infinity", "-Infinity", "+inf")


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, each of ``n`` values; ``where`` for messages."""

    where: str
    columns: dict[str, pa.ChunkedArray]
    decimal_comma: bool = False

    @property
    def n(self) -> int:
        """Number of rows."""
        return min((len(column) for column in self.columns.values()), default=0)

    def texts(self, name: str) -> list[str | None]:
        """A column as text, as it stands in the file; None where it is empty."""
        column = self.columns[name]
        values = column.to_pylist()
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            return [None if v is None else v.decode("utf-8", "replace") for v in values]
        return [None if value is None or value == "" else str(value) for value in values]

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """A column as numbers float64 [n], NaN where it is empty; None if it holds anything else.

        A column of nothing is no column of numbers.
        """
        column = self.columns[name]
        if _is_text(column.type):
            return _parsed(column, decimal_comma=self.decimal_comma)
        kind = column.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)
                or pa.types.is_decimal(kind)):  # fmt: skip
            return None
        # Not "safe": whole numbers beyond 2^53 are rounded.
        return np.array(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)

    def kind(self, name: str) -> str:
        """Kind of a column's values, in a word."""
        return "double" if self.numbers(name) is not None else str(self.columns[name].type)


def read_table(path: Path) -> Table:
    """The columns of a table, told by its ending; a CSV's separator by its first line.

    Raises
    ------
    DataError
        If it is no table of these kinds, damaged, or has a column twice.
    """
    where = f"'{path}'"
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if ending.lower() not in ENDINGS:
        raise fault(where, f"a file called {path.name}", f"one of {', '.join(ENDINGS)} or .npy")
    try:
        table, comma = _READERS.get(ending.lower(), _read_csv)(path)
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        expected = f"a whole table as {ending}, its text in UTF-8"
        raise fault(where, f"no readable file ({error})", expected) from error
    counts = Counter(table.column_names)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise fault(where, f"column '{twice[0]}' more than once", "each column once")
    return Table(where, dict(zip(table.column_names, table.columns, strict=True)), comma)


def _read_csv(path: Path) -> tuple[pa.Table, bool]:
    separator, names = _head(path)
    table = pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    return table, separator == ";"


def _head(path: Path) -> tuple[str, list[str]]:
    """(separator, column names): the separator that the first line has the most of."""
    with _opened(path) as file:
        line = file.readline(2**20).decode("utf-8-sig")
    separator = max(_SEPARATORS, key=lambda mark: (line.count(mark), mark == ","))
    with _opened(path) as file:
        reader = pa_csv.open_csv(
            file,
            parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        )
        return separator, list(reader.schema.names)


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _read_parquet(path: Path) -> tuple[pa.Table, bool]:
    return pq.read_table(path), False


def _read_json_lines(path: Path) -> tuple[pa.Table, bool]:
    with _opened(path) as file:
        records = [json.loads(line) for line in file if line.strip()]
    return _of_records(records), False


def _read_json(path: Path) -> tuple[pa.Table, bool]:
    """A list of objects, or an object of columns: lists, or pandas' {row: value}."""
    with _opened(path) as file:
        content = json.load(file)
    if isinstance(content, list):
        return _of_records(content), False
    if not isinstance(content, dict):
        raise ValueError(f"a {type(content).__name__}, not a list of objects")
    columns = {
        name: list(values.values()) if isinstance(values, dict) else values
        for name, values in content.items()
    }
    indexes = [list(values) for values in content.values() if isinstance(values, dict)]
    if indexes:
        if any(index != indexes[0] for index in indexes) or len(indexes) < len(columns):
            raise ValueError("columns of different rows")
        columns = {"": indexes[0], **columns}
    return _of_columns(columns), False


def _read_npz(path: Path) -> tuple[pa.Table, bool]:
    archive = Archive(path)
    arrays = {key: archive[key] for key in archive.keys}
    lines = {key: array for key, array in arrays.items() if len(array.shape) == 1}
    if not lines:
        shapes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
        raise ValueError(f"no columns of one axis: {shapes}")
    return _of_columns({key: array.whole().tolist() for key, array in lines.items()}), False


_READERS: Final = {
    ".parquet": _read_parquet, ".pq": _read_parquet, ".jsonl": _read_json_lines,
    ".json": _read_json, ".npz": _read_npz,
}  # fmt: skip


def _of_records(records: Sequence[Any]) -> pa.Table:
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("something else than objects")
    names = list(dict.fromkeys(name for record in records for name in record))
    return _of_columns({name: [record.get(name) for record in records] for name in names})


def _of_columns(columns: dict[str, Any]) -> pa.Table:
    arrays = []
    for values in columns.values():
        if not isinstance(values, list):
            raise ValueError(f"a {type(values).__name__} where a column should be")
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowException, OverflowError):  # mixed kinds: text
            arrays.append(pa.array([None if value is None else str(value) for value in values]))
    if len({len(array) for array in arrays}) > 1:
        raise ValueError("columns of different lengths")
    return pa.table(arrays, names=[str(name) for name in columns])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.null())


def _parsed(column: pa.ChunkedArray, *, decimal_comma: bool) -> NDArray[np.float64] | None:
    """Text as numbers; None if a cell is neither a number nor one of the words for none."""
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    if decimal_comma:
        texts = pc.replace_substring(texts, ",", ".")
    texts = pc.if_else(pc.is_in(texts, pa.array(_NOTHING)), None, texts)
    if texts.null_count == len(texts):
        return None
    endless = pc.is_in(texts, pa.array(_ENDLESS))
    plain = pc.match_substring_regex(texts, r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")
    if not pc.all(pc.fill_null(pc.or_(endless, plain), True)).as_py():
        return None
    values = [np.nan if text is None else float(text) for text in texts.to_pylist()]
    return np.array(values, np.float64)
