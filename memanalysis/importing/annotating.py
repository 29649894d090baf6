"""Annotations of examples into a store that is there: rows added to one table, nothing rebuilt."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.importing.adding import commit_added, entry, others, require_store
from memanalysis.importing.example_names import positions
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Annotation, Contents, Options
from memanalysis.storage.schema import ANNOTATIONS
from memanalysis.storage.store import Store

_SHOWN: Final = 5


def annotate(
    store: Store | None, contents: Contents, options: Options, *, dry_run: bool
) -> list[str]:
    """Add annotations to ``store`` and return lines for people; a dry run writes nothing.

    Raises
    ------
    DataError
        If there is no store yet, rows find no example, labels disagree, or the store has an
        annotation of that name and is not told to replace it.
    """
    store = require_store(store, contents)
    lines = [f"{contents.format}: {contents.source}"]
    places = {annotation.name: annotation.where for annotation in contents.annotations}
    tables, about = [others(store, "annotations", places, options)], {}
    for annotation in contents.annotations:
        table, more = _rows(store, annotation)
        tables.append(table)
        lines += more
        about[annotation.name] = entry(contents, column=annotation.column, examples=len(table))
    lines += [f"note: {note}" for note in contents.notes]
    if not dry_run:
        commit_added(store, "annotations", pa.concat_tables(tables), about)
    return lines


def _rows(store: Store, annotation: Annotation) -> tuple[pa.Table, list[str]]:
    """Rows of ``annotations`` in the order of the examples, and lines on what was left out."""
    where, n = annotation.where, len(annotation.texts)
    places = _places(store, annotation)
    inside = places >= 0
    if not inside.any():
        raise fault(
            where, f"{n:,} rows, none of an example of the store", f"names such as {_names(store)}",
            "Names that are built from a number: --row-names 'train/{}'.",
        )  # fmt: skip
    _require_labels(store, annotation, places)
    numbers = annotation.numbers
    filled = np.array([text is not None for text in annotation.texts])
    if numbers is not None:
        filled &= ~np.isnan(numbers)
    order = np.flatnonzero(inside & filled)
    order = order[np.argsort(places[order], kind="stable")]
    values = None if numbers is None else numbers[order]
    table = pa.table(
        {
            "name": pa.array([annotation.name] * len(order), pa.string()),
            "example_id": pa.array(places[order]),
            "value": pa.array([annotation.texts[at] for at in order.tolist()], pa.string()),
            "number": pa.nulls(len(order), pa.float64())
            if values is None
            else pa.array(values, pa.float64(), mask=~np.isfinite(values)),
        },
        schema=ANNOTATIONS,
    )
    kind = "text" if numbers is None else "numbers"
    lines = [
        f"annotation: {annotation.name} ({kind}, column {annotation.column}), {len(order):,} of "
        f"{store.manifest.n_train:,} training examples"
    ]
    if left := int((~inside).sum()):
        lines.append(f"note: {left:,} of {n:,} rows are of examples that the store does not have.")
    if empty := int((inside & ~filled).sum()):
        lines.append(f"note: {empty:,} examples have no value and get no row.")
    return table, lines


def _places(store: Store, annotation: Annotation) -> NDArray[np.int64]:
    """The training example of each row, -1 where the store has none."""
    n, n_train = len(annotation.texts), store.manifest.n_train
    ids = annotation.ids
    if ids is None:
        if n != n_train:
            expected = f"{n_train:,}, one for each training example"
            raise fault(annotation.where, f"{n:,} rows without ids", expected)
        return np.arange(n)
    if isinstance(ids, np.ndarray):
        return np.where(ids < n_train, ids, -1)
    names = store.read_table("examples", ["source_id"])["source_id"][:n_train].to_pylist()
    return positions(ids, names)


def _names(store: Store) -> str:
    names = store.read_table("examples", ["source_id"])["source_id"][:2].to_pylist()
    return " and ".join(f"'{at if name is None else name}'" for at, name in enumerate(names))


def _require_labels(store: Store, annotation: Annotation, places: NDArray[np.int64]) -> None:
    """Compare the labels of a file with those before noise: another order shows in them."""
    if annotation.labels is None:
        return
    examples = store.read_table("examples", ["label", "clean_label"])
    known = pc.coalesce(examples["clean_label"], examples["label"]).cast(pa.float64()).to_numpy()
    at = np.flatnonzero((places >= 0) & ~np.isnan(annotation.labels))
    expected, found = known[places[at]], annotation.labels[at]
    wrong = np.flatnonzero(~np.isnan(expected) & (expected != found))
    if len(wrong):
        first = ", ".join(
            f"{places[at[w]]} ({found[w]:g}, not {expected[w]:g})" for w in wrong[:_SHOWN]
        )
        raise fault(
            annotation.where, f"other labels beside it at {len(wrong):,} of {len(at):,} examples, "
            f"first at example_id {first}", "those of the store",
            "The rows are in another order, or of other examples.",
        )  # fmt: skip
