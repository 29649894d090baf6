"""Labels: where they come from, whose they are, and whether two sources mean the same examples."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.importing.arrays import Archive, Array, Held, integers, open_npy, refuse_pickle
from memanalysis.importing.example_names import number, positions, require_named_labels
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Options
from memanalysis.importing.tables import Table, read_table

Labels = NDArray[np.int64]

# Read from published score files that state original order; see "order" in the manifest.
_FIRST_TEN: Final[dict[tuple[int, ...], str]] = {
    (6, 9, 9, 4, 1, 1, 2, 7, 8, 3): "CIFAR-10 in its original order",
    (19, 29, 0, 11, 1, 86, 90, 28, 23, 31): "CIFAR-100 in its original order",
}
_SHOWN: Final = 5
# From so many examples on, (nearly) as many classes as examples are no classes.
_FEW: Final = 20
_MOST_CLASSES: Final = 0.8
_PLAIN: Final = (".csv", ".txt")
_EXPECTED: Final = "labels as .npy, .npz or .csv of integers, one a line, or name,label"
# Columns that tables call so, in order of preference.
ID_COLUMNS: Final = (
    "example_id", "source_id", "sample_id", "guid", "id", "indices", "index", "idx", "filename",
    "file_name", "file", "path", "image_id",
)  # fmt: skip
LABEL_COLUMNS: Final = ("label", "labels", "given_label", "gold", "target")
_LARGEST: Final = 2**31 - 1  # a store keeps labels as int32


@dataclass(frozen=True, eq=False)
class LabelFile:
    """Labels int64 [n] of a file and, where it has them, the names of their examples in order."""

    where: str
    labels: Labels
    names: list[str] | None = None

    def in_order(self) -> Labels:
        """The labels by position.

        Raises
        ------
        DataError
            If they have names that are not all the numbers from 0.
        """
        if self.names is None:
            return self.labels
        plain = [number(name) for name in self.names]
        wanted = [str(at) for at in range(len(plain))]
        if sorted(plain) != sorted(wanted):
            raise fault(
                self.where, f"names such as '{self.names[0] if self.names else ''}'",
                f"every position from 0 to {len(plain) - 1}, since the examples have no names here",
            )  # fmt: skip
        ordered: Labels = self.labels[positions(wanted, plain)]
        return ordered

    def of(self, names: Sequence[str | None]) -> Labels:
        """The labels of the examples called ``names``, in their order."""
        require_named_labels(True, self.names is not None, self.where)
        places = positions([str(name) for name in names], self.names or [])
        if (missing := np.flatnonzero(places < 0)).size:
            found = f"no label of '{names[missing[0]]}', of {missing.size:,} examples"
            raise fault(self.where, found, "a label for each name")
        ordered: Labels = self.labels[places]
        return ordered


def read_label_file(path: Path) -> LabelFile:
    """Labels of .npy, .npz (key ``labels``), or a table with a column of them.

    ``FILE:KEY`` names the key or column. A table of two columns has names first and labels second,
    unless its header says otherwise; of more, header or KEY must tell. A CSV of one column may do
    without a header.
    """
    path, key = split_key(path)
    refuse_pickle(path)
    where = f"'{path}'"
    if path.suffix == ".npy":
        return LabelFile(where, checked(open_npy(path)))
    if path.suffix == ".npz":
        return LabelFile(where, checked(Archive(path)[key or "labels"]))
    try:
        table = _bare(path) if path.suffix in _PLAIN else None
    except (OSError, ValueError, csv.Error) as error:
        raise fault(where, str(error), _EXPECTED) from error
    return _of_table(table or read_table(path), key)


def given_labels(options: Options, names: Sequence[str] | None = None) -> Labels | None:
    """The labels of --labels, else of the store; in the order of ``names``, else of positions.

    Raises
    ------
    DataError
        If rows have names and labels have none, or a name has no label.
    """
    if options.labels is None:
        known = options.store_labels
        if known is None or names is None:
            return known
        places = positions(names, options.store_names)
        return known[places] if len(places) and places.min() >= 0 else None
    file = read_label_file(options.labels)
    if names is not None:
        return file.of(names)
    if file.names is not None and options.all_named:
        return file.of(options.store_names)
    return file.in_order()


def positional_count(path: Path | None) -> int | None:
    """Number of labels in a file in the order of the examples; None of labels with names."""
    if path is None:
        return None
    file = read_label_file(path)
    return len(file.labels) if file.names is None else None


def split_key(path: Path) -> tuple[Path, str]:
    """``FILE:KEY`` as both, unless there is a file of the whole name."""
    file, colon, key = str(path).rpartition(":")
    if colon and key and not path.exists() and Path(file).exists():
        return Path(file), key
    return path, ""


def _bare(path: Path) -> Table | None:
    """A CSV of one column, with or without a header, or of two without; None of another shape."""
    # "sig": spreadsheets begin a file with a byte order mark.
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    width = max((len(row) for row in rows), default=1)
    if width > 2 or any(mark in cell for row in rows[:1] for cell in row for mark in ";\t"):
        return None
    if rows and not _is_number(rows[0][-1]):
        rows = rows[1:]
        if width == 2:
            return None  # a header says which is which
    short = next((row for row in rows if len(row) != width), None)
    if short is not None:
        raise ValueError(f"{len(short)} columns in one line, {width} in others")
    names = ("name", "label")[-width:]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    return Table(f"'{path}'", {name: pa.chunked_array([pa.array(c, pa.string())])
                               for name, c in columns.items()})  # fmt: skip


def _of_table(table: Table, key: str) -> LabelFile:
    names = list(table.columns)
    if key and key not in names:
        raise fault(table.where, f"columns {', '.join(names)}", f"a column '{key}'")
    column = key or next((name for name in LABEL_COLUMNS if name in names), names[-1])
    rest = [name for name in names if name != column]
    id_column = next((name for name in ID_COLUMNS if name in rest), "" if "" in rest else None)
    if id_column is None and len(rest) == 1 and not key:
        id_column = rest[0]
    if rest and id_column is None and not key:
        found = f"{len(names)} columns: {', '.join(names[:4])}"
        raise fault(table.where, found, "name and label", "Give --labels FILE:COLUMN.")
    labels = _whole(table, column)
    if id_column is None:
        return LabelFile(table.where, labels)
    ids = table.texts(id_column)
    if None in ids:
        raise fault(table.where, "empty names", "a name beside every label")
    taken = [str(name) for name in ids]
    if len(set(taken)) != len(taken):
        raise fault(table.where, "names more than once", "each name once")
    return LabelFile(table.where, labels, taken)


def _whole(table: Table, column: str) -> Labels:
    """A column as labels; text such as 1.0 or 0x10 is no integer."""
    try:
        values = [int(text or "") for text in table.texts(column)]
    except ValueError as error:
        numbers = table.numbers(column)
        if numbers is None or len(table.columns) == 1:
            raise fault(table.where, str(error), _EXPECTED) from error
        return checked(Held(numbers, f"{table.where}, column '{column}'"))
    try:
        return checked(Held(np.array(values, np.int64), table.where))
    except OverflowError as error:
        raise fault(table.where, str(error), _EXPECTED) from error


def checked(array: Array) -> Labels:
    """The labels in ``array``, one-dimensional and not negative."""
    if len(array.shape) != 1:
        raise fault(array.where, f"shape {array.shape}", "one label for each example")
    labels = _in_range(integers(array), array.where)
    _require_classes(labels, array.where)
    return labels


def require_equal(found: Labels, expected: Labels, where: str, other: str) -> None:
    """Raise DataError, naming the first ids that differ, unless both label the same examples."""
    if len(found) != len(expected):
        raise fault(where, f"{len(found):,} labels", f"{len(expected):,}, as {other}")
    differ = np.flatnonzero(found != expected)
    if not len(differ):
        return
    first = ", ".join(f"{i} ({found[i]}, not {expected[i]})" for i in differ[:_SHOWN])
    more = ", …" if len(differ) > _SHOWN else ""
    raise fault(
        where,
        f"other labels at {len(differ):,} of {len(found):,} examples, first at example_id "
        f"{first}{more}",
        f"those of {other}",
        "Equal counts in each class mean another order of the same examples."
        if np.array_equal(np.sort(found), np.sort(expected))
        else "These are other examples, or changed labels.",
    )


def recognised(labels: Labels) -> str | None:
    """Name of the data set that the first ten labels belong to; None if to none we know."""
    return _FIRST_TEN.get(tuple(int(label) for label in labels[:10]))


def _require_classes(labels: Labels, where: str) -> None:
    """Refuse an order or index file, in which (nearly) every number is another one."""
    classes = len(np.unique(labels))
    if len(labels) >= _FEW and classes > _MOST_CLASSES * len(labels):
        raise fault(
            where, f"{classes:,} classes of {len(labels):,} examples",
            "several examples of a class", "An order or index file holds no labels.",
        )  # fmt: skip


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _in_range(labels: Labels, where: str) -> Labels:
    if len(labels) and labels.min() < 0:
        at = int(np.argmax(labels < 0))
        raise fault(where, f"label {labels[at]} at example {at}", "classes from 0")
    if len(labels) and labels.max() > _LARGEST:
        at = int(np.argmax(labels))
        raise fault(where, f"label {labels[at]} at example {at}", f"classes from 0 to {_LARGEST}")
    return labels
