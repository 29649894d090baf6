"""A long table: one row for each model and example, as evaluation loops and SQL write it.

CSV, TSV, JSON lines or Parquet with the columns ``model`` (a name or number), ``example`` (a name
or position), ``in_train`` 0/1 (the model was trained on it) and ``correct`` 0/1. Every model has
one row for every example; other columns are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.arrays import Held
from memanalysis.importing.example_names import examples_of, read_rows
from memanalysis.importing.labels import given_labels
from memanalysis.importing.model_arrays import Arrays, Split
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import (
    MODEL_OPTIONS,
    UNKNOWN,
    Contents,
    Format,
    Options,
    chosen,
    unknown_keys,
)
from memanalysis.importing.tables import Table, read_table

FORMAT: Final = Format(
    name="long",
    module=__name__,
    reads="a table of one row for each model and example",
    options=(*MODEL_OPTIONS, "labels", "clean_labels", "n_train"),
    example="long outcomes.csv --labels y.npy --size resnet18 --out mine",
    gives="scores and intervals",
)
_COLUMNS: Final = ("model", "example", "in_train", "correct")


def read(source: Path, options: Options) -> Contents:
    """Every model's mask and correctness, examples in the order in which they first appear.

    Raises
    ------
    DataError
        If a column is missing, holds anything but 0 and 1, or a model lacks an example or has one
        twice.
    """
    table = read_table(source)
    faults = Faults(str(source))
    for name in _COLUMNS:
        if name not in table.columns:
            faults.add(table.where, f"columns {', '.join(table.columns)}", f"'{name}' among them")
    faults.raise_any()
    models, model = _numbered(table, "model")
    examples, example = _numbered(table, "example")
    cells = np.bincount(model * len(examples) + example, minlength=len(models) * len(examples))
    if (cells != 1).any():
        at = int(np.argmax(cells != 1))
        where = (
            f"model '{models[at // len(examples)]}' and example '{examples[at % len(examples)]}'"
        )
        raise fault(table.where, f"{cells[at]} rows of {where}", "one")
    rows = read_rows(examples, options, f"{table.where}, column 'example'")
    names = None if isinstance(rows.ids, np.ndarray) else rows.ids
    order = np.argsort(rows.ids) if names is None else np.arange(len(examples))
    masks, correct = (
        _matrix(table, name, model, example, len(models), order) for name in ("in_train", "correct")
    )
    labels = given_labels(options, names)
    arrays = Arrays(masks, Split("correct", correct, labels))
    arrays.check(faults, len(models), len(examples), None, axes_known=True)
    faults.raise_any()
    size, objective = options.size or UNKNOWN, options.objective or "one_hot"
    read = arrays.models(size, objective, len(models), about=chosen(options))
    notes = [*rows.notes, *unknown_keys(source.name, table.columns, _COLUMNS)]
    return Contents("long", source.name, examples_of(rows, None, options), (read,), notes=notes)


def _numbered(table: Table, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """The names of a column in the order of their first rows, and each row's number."""
    texts = table.texts(name)
    if not texts or any(text is None for text in texts):
        raise fault(f"{table.where}, column '{name}'", "empty cells", "a name in every row")
    place: dict[str, int] = {}
    numbers = [place.setdefault(str(text), len(place)) for text in texts]
    return list(place), np.array(numbers, np.int64)


def _matrix(
    table: Table,
    name: str,
    model: NDArray[np.int64],
    example: NDArray[np.int64],
    n_models: int,
    order: NDArray[np.int64],
) -> Held:
    """A column of 0 and 1 as bool [models, examples]."""
    where = f"{table.where}, column '{name}'"
    values = table.numbers(name)
    if values is None or not np.isin(values, (0, 1)).all():
        raise fault(where, "values that are not 0 or 1", "0 or 1 in every row")
    matrix = np.zeros((n_models, len(order)), np.bool_)
    matrix[model, example] = values == 1
    return Held(matrix[:, order], where)
