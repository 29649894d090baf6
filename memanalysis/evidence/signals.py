"""Scores by every signal: their sums over groups of models, or over halves where no more is kept.

The bits of a store tell 0/1 outcomes per group for ever. Sums of continuous signals per group are
there until a store is packed; after that, those of two fixed halves of the groups are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.errors import StoreError
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.storage.model_files import read_tensors
from memanalysis.storage.schema import HALVES, SIGNALS
from memanalysis.storage.store import Store

CORRECTNESS: Final = "correctness"
_SIDES: Final = ("in", "out")
# Sign of a signal in its score: high means a good fit, as in `memorization_by`.
_SIGNS: Final = {"probability": 1.0, "margin": 1.0, "loss": -1.0}


@dataclass(frozen=True)
class Signal:
    """One signal of one objective.

    Attributes
    ----------
    units
        Counts [U, L, n] of the groups, or of two halves where ``per_group`` is False.
    half
        int [U], the fixed half that each unit belongs to.
    std_error
        float64 [L, n], Welch's error of the score over all models; NaN below two on a side, and for
        0/1 outcomes, whose error depends on counts alone.
    """

    units: Counts
    half: NDArray[np.int64]
    per_group: bool
    std_error: Floats


def read_signals(store: Store, study: Study) -> dict[str, dict[str, Signal]]:
    """Every signal of every objective, 0/1 correctness first; absent ones are left out."""
    found: dict[str, dict[str, Signal]] = {}
    for objective, condition in study.conditions.items():
        nothing = np.full(condition.counts.n_in.shape[1:], np.nan)
        mine = {CORRECTNESS: Signal(condition.counts, condition.half, True, nothing)}
        tables = [_rows(store, objective, size) for size in condition.sizes]
        grouped = _grouped(store, objective, condition)
        for signal in SIGNALS:
            read = _signal(signal, condition, tables, grouped)
            if read is not None:
                mine[signal] = read
        found[objective] = mine
    return found


def _signal(
    name: str, condition: Condition, tables: list[pa.Table], grouped: Counts | None
) -> Signal | None:
    sign = _SIGNS[name]
    counts = condition.counts
    error = np.full(counts.n_in.shape[1:], np.nan)
    sums = np.zeros((2, len(HALVES), *error.shape))
    for row, table in enumerate(tables):
        at = np.searchsorted(condition.outcomes.example_id, table["example_id"].to_numpy())
        error[row, at] = _welch(name, table, counts.sum(0)[row][at])
        for side, where in enumerate(_SIDES):
            first = _floats(table[f"{name}_{where}_sum_{HALVES[0]}"])
            sums[side, 0, row, at] = first
            sums[side, 1, row, at] = _floats(table[f"{name}_{where}_sum"]) - first
    if grouped is not None:
        column = SIGNALS.index(name)
        units = Counts(
            sign * grouped.hits_in[:, :, column], counts.n_in,
            sign * grouped.hits_out[:, :, column], counts.n_out,
        )  # fmt: skip
        return Signal(units, condition.half, True, error) if _known(units) else None
    # The halves of the file are those of even and odd groups, whatever groups are here.
    of_half = [counts[condition.group_ids % 2 == half].sum(0) for half in range(len(HALVES))]
    units = Counts(
        sign * sums[0], np.stack([c.n_in for c in of_half]),
        sign * sums[1], np.stack([c.n_out for c in of_half]),
    )  # fmt: skip
    return Signal(units, np.arange(len(HALVES)), False, error) if _known(units) else None


def _known(units: Counts) -> bool:
    """True if there are two units and finite sums."""
    if len(units.n_in) < 2 or not (units.n_in.any() and units.n_out.any()):
        return False
    sums = np.abs(units.hits_in).sum(axis=0) + np.abs(units.hits_out).sum(axis=0)
    return bool((np.isfinite(sums) & (sums > 0)).any())


def _welch(name: str, table: pa.Table, counts: Counts) -> Floats:
    """sqrt(s_in^2 / n_in + s_out^2 / n_out) from sums and sums of squares."""
    squared = np.zeros(table.num_rows)
    for side, n in (("in", counts.n_in), ("out", counts.n_out)):
        total = _floats(table[f"{name}_{side}_sum"])
        square = _floats(table[f"{name}_{side}_sumsq"])
        # float32 sums can leave a variance a hair below zero.
        variance = ratio(np.maximum(square - ratio(total**2, n), 0), n - 1)
        squared = squared + ratio(variance, n)
    return np.sqrt(squared)


def _rows(store: Store, objective: str, size: str) -> pa.Table:
    columns = [
        f"{signal}_{side}_{moment}"
        for signal in SIGNALS
        for side in _SIDES
        for moment in ("sum", "sumsq", f"sum_{HALVES[0]}")
    ]
    chosen = (
        (pc.field("objective") == objective)
        & (pc.field("size") == size)
        & (pc.field("split") == "train")
    )
    return store.read_table("outcomes", ["example_id", *columns], chosen)


def _grouped(store: Store, objective: str, condition: Condition) -> Counts | None:
    """Sums per group, signals on the third axis: [G, L, signals, n]; None unless all are kept."""
    shape = (condition.n_groups, len(condition.sizes), len(SIGNALS), condition.outcomes.n_examples)
    sums = {side: np.zeros(shape) for side in _SIDES}
    for row, size in enumerate(condition.sizes):
        detail = _read_detail(store.intact_sums(objective, size))
        if detail is None or "signal_in" not in detail:
            return None
        ids = detail["group_ids"].astype(np.int64)
        if not np.isin(condition.group_ids, ids).all():
            return None
        position = np.searchsorted(ids, condition.group_ids)
        for side, total in sums.items():
            total[:, row] = detail[f"signal_{side}"][position]
    return Counts(sums["in"], condition.counts.n_in, sums["out"], condition.counts.n_out)


def _read_detail(path: Path | None) -> dict[str, NDArray[Any]] | None:
    if path is None:
        return None
    names = ("group_ids", "signal_in", "signal_out")
    _, tensors = read_tensors(path, "file of sums per group", lambda name: name in names)
    if "group_ids" not in tensors:
        raise StoreError(f"'{path}' lacks group_ids; build the store again.")
    return tensors


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
