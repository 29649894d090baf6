"""Annotations of single examples: labels that people gave, notes, numbers of other sources.

A table (CSV, TSV, JSON lines, JSON, Parquet), an .npz of columns or a .npy of one value for each
example. The annotation is the column that FILE:COLUMN names, else the one called like it (--name),
else the only one beside the ids. Ids are read as in ``scores``. Where the store's names of examples
are built from a number, --row-names 'train/{}' says how: of the ids, or of rows in order from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.errors import did_you_mean
from memanalysis.importing.arrays import open_npy, refuse_pickle
from memanalysis.importing.example_names import Ids, read_rows
from memanalysis.importing.labels import ID_COLUMNS, LABEL_COLUMNS, split_key
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Annotation, Contents, Examples, Format, Options
from memanalysis.importing.tables import Table, read_table

FORMAT: Final = Format(
    name="labels",
    module=__name__,
    reads="annotations of each example: .csv, .npz, .parquet, …",
    options=("name", "row_names", "id_column", "in_order", "label_column", "replace"),
    example="labels human.csv --name human1 --out mine",
    gives="the relations annotations, score_by_annotation and annotation_correlations",
    keyed=True,
)
_POSITIONS: Final = "example_id"
_PLACE: Final = "{}"


def read(source: Path, options: Options) -> Contents:
    """One annotation, by name or position of its examples.

    Raises
    ------
    DataError
        If it is not clear which column is meant, or whose the rows are.
    """
    path, key = split_key(source)
    refuse_pickle(path)
    if path.suffix == ".npy":
        array = open_npy(path)
        if len(array.shape) != 1:
            raise fault(array.where, f"shape {array.shape}", "(examples), one value each")
        column = pa.chunked_array([pa.array(array.whole().tolist())])
        table = Table(array.where, {path.stem: column})
    else:
        table = read_table(path)
    ids, id_column, notes = _ids(table, path, options)
    column_name = _column(table, key, id_column, options)
    where = f"{table.where}, column '{column_name}'"
    annotation = Annotation(
        name=options.name or column_name,
        texts=table.texts(column_name),
        numbers=_numbers(table, column_name),
        ids=ids,
        labels=_labels(table, (id_column, column_name), options),
        column=column_name,
        where=where,
    )
    return Contents("labels", path.name, Examples(), annotations=(annotation,), notes=notes)


def _ids(table: Table, path: Path, options: Options) -> tuple[Ids | None, str | None, list[str]]:
    """Examples of the rows (None: the store's, in order), the column that names them, notes."""
    name = _id_column(table, path, options)
    if name is None:
        if options.row_names:
            return _named([str(at) for at in range(table.n)], options), None, []
        if options.store_names and not options.in_order:
            raise fault(
                table.where, "rows without ids",
                f"ids: the store's examples have names such as '{options.store_names[0]}'",
                "If row i is the example called, say, train/i, give --row-names 'train/{}'; if it "
                "is the store's example i, --in-order.",
            )  # fmt: skip
        return None, None, []
    where = f"{table.where}, column '{name}'"
    texts = table.texts(name)
    if empty := sum(not text for text in texts):
        raise fault(where, f"{empty:,} empty ids", "an id in every row")
    names = [str(text) for text in texts]
    if options.row_names:
        names = _named(names, options)
    elif name == _POSITIONS:
        options = replace(options, store_names=())
    rows = read_rows(names, options, where)
    return rows.ids, name, list(rows.notes)


def _id_column(table: Table, path: Path, options: Options) -> str | None:
    names = list(table.columns)
    if options.id_column is not None:
        if options.id_column not in names:
            expected = f"a column '{options.id_column}'"
            hint = did_you_mean(options.id_column, names)
            raise fault(table.where, f"columns {', '.join(names)}", expected, hint)
        return options.id_column
    if options.in_order:
        return None
    found = next((name for name in (*ID_COLUMNS, "") if name in names), None)
    if found is None and not options.row_names and path.suffix not in (".npy", ".npz"):
        raise fault(
            table.where, f"columns {', '.join(names)}", f"a column '{_POSITIONS}' or 'source_id'",
            "Give --id-column NAME, or --in-order if row i is example i.",
        )  # fmt: skip
    return found


def _named(numbers: Sequence[str], options: Options) -> list[str]:
    pattern = options.row_names or ""
    if pattern.count(_PLACE) != 1:
        raise fault("--row-names", f"'{pattern}'", "one {} where the number goes: 'train/{}'")
    return [pattern.replace(_PLACE, number) for number in numbers]


def _column(table: Table, key: str, id_column: str | None, options: Options) -> str:
    names = [name for name in table.columns if name != id_column]
    listed = ", ".join(names)
    if key:
        if key not in names:
            raise fault(table.where, f"columns {listed}", f"'{key}'", did_you_mean(key, names))
        return key
    if options.name in names:
        return str(options.name)
    if len(names) != 1:
        raise fault(table.where, f"columns {listed}", "one", "Give FILE:COLUMN.")
    return names[0]


def _numbers(table: Table, name: str) -> NDArray[np.float64] | None:
    if pa.types.is_boolean(table.columns[name].type):
        return np.array(table.columns[name].cast(pa.int8()).cast(pa.float64()).to_numpy())
    return table.numbers(name)


def _labels(
    table: Table, taken: Sequence[str | None], options: Options
) -> NDArray[np.float64] | None:
    """Labels of the rows to compare with the store's, float64 [n], NaN where there is none."""
    if options.label_column is None:
        names = [name for name in LABEL_COLUMNS if name in table.columns and name not in taken]
        return table.numbers(names[0]) if names else None
    if options.label_column not in table.columns:
        expected = f"a column '{options.label_column}'"
        raise fault(table.where, f"columns {', '.join(table.columns)}", expected)
    labels = table.numbers(options.label_column)
    if labels is None:
        where = f"{table.where}, column '{options.label_column}'"
        raise fault(where, "text", "labels as numbers from 0")
    return labels
