"""Tables of what was recorded besides outcomes: votes, margins, bits per epoch.

Accumulated per objective and size while model files are read, recalled from a packed store, and
written as the tables ``votes``, ``margins`` and ``epoch_outcomes``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.errors import StoreError
from memanalysis.storage import bits
from memanalysis.storage.margins import MARGIN_STEP, NO_MARGIN
from memanalysis.storage.model_files import ModelRecord
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.store import Store

# The largest margin that a byte holds, in steps.
_LARGEST: Final = 127
# Votes that wait before equal ones are counted together: 64 MB.
_WAITING: Final = 1 << 23
_CLASSES: Final = 1 << 16

Index = NDArray[np.int64]


class Votes:
    """Number of models that predict each class of each example, in and out of their subsets.

    Memory is that of the distinct (example, class, side), not of examples times classes.
    """

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)
        self._waiting: list[tuple[Index, Index]] = []
        self._n_waiting = 0

    def add(self, predicted: NDArray[Any], inside: NDArray[np.bool_]) -> None:
        """Add a model: predicted classes and whether it was trained on them, both [examples]."""
        example = np.arange(len(predicted))
        self.add_counts(example, predicted, inside, np.ones(len(predicted), np.int64))

    def add_counts(
        self,
        example: NDArray[Any],
        predicted: NDArray[Any],
        inside: NDArray[np.bool_],
        counts: Index,
    ) -> None:
        """Add counts of classes of examples on a side, all of one length."""
        key = (example.astype(np.int64) * _CLASSES + predicted.astype(np.int64)) * 2 + inside
        self._waiting.append((key, counts))
        self._n_waiting += len(key)
        if self._n_waiting > _WAITING:
            self._count()

    def rows(self) -> tuple[Index, Index, Index, Index]:
        """(example, class, n_in, n_out) of every class with a vote, by example, then class."""
        self._count()
        pairs, at = np.unique(self._keys >> 1, return_inverse=True)
        sides = np.zeros((2, len(pairs)), np.int64)
        sides[self._keys & 1, at] = self._counts
        return pairs // _CLASSES, pairs % _CLASSES, sides[1], sides[0]

    def _count(self) -> None:
        parts = [(self._keys, self._counts), *self._waiting]
        keys, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        self._keys, at = np.unique(keys, return_inverse=True)
        totals = np.bincount(at, weights=counts, minlength=len(self._keys))
        self._counts = totals.astype(np.int64)
        self._waiting, self._n_waiting = [], 0


@dataclass
class EpochBits:
    """Bits of one epoch: uint8 [bytes, n_train] and, of the models that have them, [bytes]."""

    correct: NDArray[np.uint8]
    trained: NDArray[np.uint8]


class Recorded:
    """Everything recorded of one objective and size.

    ``margins`` int8 [subsets, n_train], multiples of ``MARGIN_STEP`` or ``NO_MARGIN``; None where
    the study does not ask for them.
    """

    def __init__(self, n_subsets: int, n_train: int, *, keep_margins: bool = False) -> None:
        self.n_subsets, self.n_train = n_subsets, n_train
        self.votes = Votes()
        self.epochs: dict[int, EpochBits] = {}
        self.margins: NDArray[np.int8] | None = None
        if keep_margins:
            self.margins = np.full((n_subsets, n_train), NO_MARGIN, np.int8)

    def add(self, record: ModelRecord) -> None:
        """Add what one model recorded."""
        subset = record.info.subset_id
        if record.predicted is not None:
            inside = np.zeros(len(record.predicted), dtype=np.bool_)
            inside[: self.n_train] = record.in_train
            self.votes.add(record.predicted, inside)
        if record.evaluated is not None and record.epoch_correct is not None:
            byte, bit = subset >> 3, np.uint8(0x80 >> (subset & 7))
            for epoch, correct in zip(record.evaluated, record.epoch_correct, strict=True):
                at = self.epoch(int(epoch))
                at.trained[byte] |= bit
                at.correct[byte] |= correct * bit
        if self.margins is not None and "margin" in record.signals:
            self.margins[subset] = quantised(record.signals["margin"][: self.n_train])

    def epoch(self, epoch: int) -> EpochBits:
        """The bits of an epoch, zeros if it is new."""
        if epoch not in self.epochs:
            n_bytes = bits.width(self.n_subsets)
            self.epochs[epoch] = EpochBits(
                np.zeros((n_bytes, self.n_train), np.uint8), np.zeros(n_bytes, np.uint8)
            )
        return self.epochs[epoch]


def quantised(margins: NDArray[np.float16]) -> NDArray[np.int8]:
    """Margins as int8 multiples of ``MARGIN_STEP``, what lies beyond them at the last one."""
    steps = np.round(margins.astype(np.float64) / MARGIN_STEP)
    known = np.isfinite(steps)
    clipped = np.clip(np.where(known, steps, 0), -_LARGEST, _LARGEST)
    return np.where(known, clipped, NO_MARGIN).astype(np.int8)


# What a packed store holds already


def recall(
    store: Store, objective: str, size: str, recorded: Recorded
) -> list[NDArray[np.float32]] | None:
    """Put a packed store's rows back; squares of margins in half a, inside and outside, if any."""
    rows = {
        name: store.read_table(name, filters=[("objective", "=", objective), ("size", "=", size)])
        for name in ("votes", "margins", "epoch_outcomes")
        if store.table_path(name).exists()
    }
    if "votes" in rows:
        example, predicted, *sides = (
            rows["votes"][name].to_numpy() for name in ("example_id", "class", "n_in", "n_out")
        )
        for inside, counts in zip((True, False), sides, strict=True):
            some = counts > 0
            where = np.full(np.count_nonzero(some), inside)
            recorded.votes.add_counts(example[some], predicted[some], where, counts[some])
    if "epoch_outcomes" in rows:
        _recall_epochs(rows["epoch_outcomes"], recorded)
    margins = rows.get("margins")
    if margins is None or not len(margins):
        return None
    if recorded.margins is not None and not margins["margins"].null_count:
        packed = blob_array(margins["margins"]).view(np.int8).T
        recorded.margins[: len(packed)] = packed
    return [margins[f"margin_{side}_sumsq_a"].to_numpy() for side in ("in", "out")]


def _recall_epochs(rows: pa.Table, recorded: Recorded) -> None:
    epochs = rows["epoch"].to_numpy()
    for epoch in np.unique(epochs):
        chosen = rows.filter(pa.array(epochs == epoch))
        at = recorded.epoch(int(epoch))
        correct, trained = blob_array(chosen["correct"]).T, blob_array(chosen["trained"])[0]
        if len(correct) > len(at.correct):
            raise StoreError(
                f"'epoch_outcomes.parquet' holds bits of {len(correct)} bytes, too many for the "
                f"{recorded.n_subsets} subsets of the manifest; restore the manifest."
            )
        at.correct[: len(correct)] = correct
        at.trained[: len(trained)] = trained
