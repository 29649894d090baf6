"""Labels: where they come from, and whether two sources mean the same examples."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import Archive, Array, integers, open_npy
from memanalysis.importing.problems import fault

Labels = NDArray[np.int64]

# Read from published score files that state original order; see "order" in the manifest.
_FIRST_TEN: Final[dict[tuple[int, ...], str]] = {
    (6, 9, 9, 4, 1, 1, 2, 7, 8, 3): "CIFAR-10 in its original order",
    (19, 29, 0, 11, 1, 86, 90, 28, 23, 31): "CIFAR-100 in its original order",
}
_SHOWN: Final = 5
_LARGEST: Final = 2**31 - 1  # a store keeps labels as int32


def read_labels(path: Path) -> Labels:
    """Labels int64 [n] of a file: .npy, .npz with a key ``labels``, or .csv with one column.

    A first line of the CSV that is no number is taken as its header.
    """
    if path.suffix == ".npy":
        return checked(open_npy(path))
    if path.suffix == ".npz":
        return checked(Archive(path)["labels"])
    try:
        # "sig": spreadsheets begin a file with a byte order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
        wide = next((row for row in rows if len(row) > 1), None)
        if wide is not None:
            raise ValueError(f"{len(wide)} columns: {', '.join(wide[:4])}")
        cells = [row[0] for row in rows]
        if cells and not _is_number(cells[0]):
            cells = cells[1:]
        return _in_range(np.array([int(cell) for cell in cells], np.int64), f"'{path}'")
    except (OSError, ValueError, OverflowError, csv.Error) as error:
        raise fault(
            f"'{path}'", str(error), "labels as .npy, .npz or .csv of integers, one a line"
        ) from error


def checked(array: Array) -> Labels:
    """The labels in ``array``, one-dimensional and not negative."""
    if len(array.shape) != 1:
        raise fault(array.where, f"shape {array.shape}", "one label for each example")
    return _in_range(integers(array), array.where)


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
    """Which data set the first ten labels belong to, in words; None if to none we know."""
    return _FIRST_TEN.get(tuple(int(label) for label in labels[:10]))


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
