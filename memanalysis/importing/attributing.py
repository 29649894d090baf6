"""Matrices of influence from elsewhere into a store that is there, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.importing.adding import commit_added, entry, others, require_store
from memanalysis.importing.formats.attributions import finite_rows
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Attribution, Contents, Options, Rows
from memanalysis.storage.schema import ATTRIBUTIONS
from memanalysis.storage.store import Store

# A gigabyte and a half in memory while it is written.
_MOST_PAIRS: Final = 50_000_000
_STRONGEST: Final = 10
# The highest scores of test examples have their label so much more often than chance, at least.
_LEAST_LIFT: Final = 1.5


@dataclass(frozen=True)
class _Sides:
    """The store's training examples, how many, and the test examples int64 [n] of a matrix."""

    n_train: int
    test_ids: NDArray[np.int64]

    def shape(self, rows: Rows) -> tuple[int, int]:
        """The shape of a matrix whose rows are of one side."""
        found = (len(self.test_ids), self.n_train)
        return found if rows == "test" else found[::-1]


def attribute(
    store: Store | None, contents: Contents, options: Options, *, dry_run: bool
) -> list[str]:
    """Add attributions to ``store`` and return lines for people; a dry run writes nothing.

    Raises
    ------
    DataError
        If there is no store yet, a matrix is not of its examples or not finite, or the store has an
        attribution of that name and is not told to replace it.
    """
    store = require_store(store, contents)
    lines = [f"{contents.format}: {contents.source}"]
    sources = {attribution.name: attribution.matrix.where for attribution in contents.attributions}
    tables, about = [others(store, "attributions", sources, options)], {}
    for attribution in contents.attributions:
        sides = _sides(store, attribution)
        rows = _rows_of(attribution, sides)
        scores = _scores(attribution, rows)
        tables.append(_table(attribution.name, sides, scores))
        lines.append(
            f"attribution: {attribution.name}, {len(sides.test_ids):,} test examples by "
            f"{sides.n_train:,} training examples (rows are {rows} examples)"
        )
        lines += [f"note: {note}" for note in _notes(store, sides, scores)]
        about[attribution.name] = entry(contents, examples=len(sides.test_ids), rows=rows)
    lines += [f"note: {note}" for note in contents.notes]
    if not dry_run:
        commit_added(store, "attributions", pa.concat_tables(tables), about)
    return lines


def _sides(store: Store, attribution: Attribution) -> _Sides:
    n_train, n_test = store.manifest.n_train, store.manifest.n_test
    ids, where = attribution.test_ids, "--test-ids"
    if ids is None and not n_test:
        hint = "Name training examples by --test-ids FILE, if the matrix is of these."
        found = "no test examples in the store"
        raise fault(attribution.matrix.where, found, "those of the matrix", hint)
    if ids is None:
        return _Sides(n_train, np.arange(n_train, n_train + n_test))
    if len(ids) and not 0 <= ids.min() <= ids.max() < n_train + n_test:
        found = f"example_id from {ids.min()} to {ids.max()}"
        expected = f"0 to {n_train + n_test - 1}; test examples begin at {n_train}"
        raise fault(where, found, expected, "Numbers within the test split are no example_id.")
    if len(np.unique(ids)) < len(ids):
        values, counts = np.unique(ids, return_counts=True)
        raise fault(where, f"example {values[np.argmax(counts)]} twice", "each example once")
    return _Sides(n_train, ids)


def _rows_of(attribution: Attribution, sides: _Sides) -> Rows:
    """Examples that the rows of the matrix are.

    Raises
    ------
    DataError
        If it has another shape, or one that fits both ways and nobody says which.
    """
    matrix, said = attribution.matrix, attribution.rows
    both: tuple[Rows, Rows] = ("test", "train")
    fits = [rows for rows in both if matrix.shape == sides.shape(rows)]
    n_test, n_train = sides.shape("test")
    expected = f"({n_test} test, {n_train} training examples)"
    if said in fits:
        return said
    if len(fits) > 1:
        found = f"shape {matrix.shape}, which fits both ways"
        raise fault(
            matrix.where, found, "rows that are test or training examples",
            "TRAK and dattri have --rows train, kronfluence --rows test.",
        )  # fmt: skip
    if fits and said is not None:
        hint = f"It is transposed: its rows are {fits[0]} examples. Give --rows {fits[0]}."
        raise fault(matrix.where, f"shape {matrix.shape} and --rows {said}", expected, hint)
    if not fits:
        raise fault(
            matrix.where, f"shape {matrix.shape}", f"{expected}, or the other way round",
            _advice(matrix.shape, sides),
        )  # fmt: skip
    return fits[0]


def _advice(shape: tuple[int, ...], sides: _Sides) -> str:
    if sides.n_train in shape:
        return "--test-ids FILE says which examples of the store its test examples are."
    return (
        f"Another number of training examples: the store has {sides.n_train:,}, and a matrix needs "
        "all of them, in its order."
    )


def _scores(attribution: Attribution, rows: Rows) -> NDArray[np.float64]:
    """The matrix as float64 [test, train]."""
    matrix = attribution.matrix
    n_pairs = matrix.shape[0] * matrix.shape[1]
    if not n_pairs:
        raise fault(matrix.where, f"shape {matrix.shape}", "at least one pair")
    if n_pairs > _MOST_PAIRS:
        raise fault(
            matrix.where, f"{n_pairs:,} pairs", f"at most {_MOST_PAIRS:,}",
            "Take fewer test examples, and say which by --test-ids.",
        )  # fmt: skip
    axes = ("test", "training") if rows == "test" else ("training", "test")
    scores = np.empty(matrix.shape)
    for at, values in enumerate(finite_rows(matrix, axes)):
        scores[at] = values
    if ((scores == 0) | (scores == 1)).all():
        found = "only 0 and 1" if scores.any() else "only 0"
        raise fault(
            matrix.where, found, "scores of pairs",
            "Masks and outcomes are imported by npz; empty scores were never computed.",
        )  # fmt: skip
    return scores if rows == "test" else scores.T


def _table(name: str, sides: _Sides, scores: NDArray[np.float64]) -> pa.Table:
    order = np.argsort(sides.test_ids, kind="stable")
    n_test, n_train = scores.shape
    columns = {
        "name": pa.repeat(name, scores.size),
        "test_id": pa.array(np.repeat(sides.test_ids[order], n_train)),
        "train_id": pa.array(np.tile(np.arange(n_train), n_test)),
        "score": pa.array(scores[order].ravel()),
    }
    return pa.table(columns, schema=ATTRIBUTIONS)


def _notes(store: Store, sides: _Sides, scores: NDArray[np.float64]) -> list[str]:
    """Signs of another order, of turned signs and of scores that rank nothing."""
    notes = []
    constant = int((scores.min(axis=1) == scores.max(axis=1)).sum())
    if constant:
        notes.append(f"{constant:,} test examples have one score for all training examples.")
    labels = store.read_table("examples", ["label"])["label"]
    if labels.null_count or sides.n_train <= 2 * _STRONGEST:
        return notes
    known = labels.to_numpy()
    train, test = known[: sides.n_train], known[sides.test_ids]
    chance = float((train[None, :] == np.unique(test)[:, None]).mean(axis=1)[
        np.searchsorted(np.unique(test), test)
    ].mean())  # fmt: skip
    order = np.argpartition(scores, (_STRONGEST, sides.n_train - _STRONGEST - 1), axis=1)
    low, high = (
        float((train[picked] == test[:, None]).mean())
        for picked in (order[:, :_STRONGEST], order[:, -_STRONGEST:])
    )
    if chance < 1 / _LEAST_LIFT and high < _LEAST_LIFT * chance:
        turned = low >= _LEAST_LIFT * chance
        hint = (
            f"the {_STRONGEST} lowest have it by {low:.1%}: the signs may be turned"
            if turned
            else "the matrix or the store may be in another order"
        )
        notes.append(
            f"the {_STRONGEST} training examples of highest score have the test example's label by "
            f"{high:.1%}, by chance {chance:.1%}; {hint}."
        )
    return notes
