"""Kendall's tau-b of many rows at once.

A pair of examples is discordant if x and y order it differently. Sorted by x, discordant pairs are
inversions of y, and those are counted bit by bit: among examples that agree in all higher bits of
their rank, a 1 before a 0 is an inversion, and a stable partition by that bit prepares the next.
One pass per bit over all rows; SciPy's tau takes a call, of mostly overhead, per row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import ratio

Whole = NDArray[np.int64]


def tau_b(x: Floats, y: Floats) -> Floats:
    """Kendall's (1945) tau-b of each row of ``x`` with that of ``y``, both [P, n], no NaN: [P].

    (concordant - discordant) / sqrt((pairs - ties in x) (pairs - ties in y)); NaN where either does
    not vary.
    """
    n = x.shape[-1]
    by_y = np.argsort(y, axis=-1, kind="stable")
    x, y = np.take_along_axis(x, by_y, axis=-1), np.take_along_axis(y, by_y, axis=-1)
    same_y = y[:, 1:] == y[:, :-1]
    steps = np.pad(~same_y, ((0, 0), (1, 0)))
    ranks = np.cumsum(steps, axis=-1, dtype=np.int64)
    by_x = np.argsort(x, axis=-1, kind="stable")
    x = np.take_along_axis(x, by_x, axis=-1)
    ranks = np.take_along_axis(ranks, by_x, axis=-1)
    same_x = x[:, 1:] == x[:, :-1]
    ties_x, ties_y = _tied_pairs(same_x), _tied_pairs(same_y)
    ties_both = _tied_pairs(same_x & (ranks[:, 1:] == ranks[:, :-1]))
    pairs = n * (n - 1) // 2
    untied = pairs - ties_x - ties_y + ties_both
    product = (pairs - ties_x).astype(np.float64) * (pairs - ties_y)
    return ratio(untied - 2 * inversions(ranks), np.sqrt(product))


def inversions(ranks: Whole) -> Whole:
    """Pairs of each row of int [P, n], not negative, of which the first is larger: int64 [P]."""
    n_rows, n = ranks.shape
    values = ranks.reshape(-1)
    place = np.arange(len(values))
    start = np.repeat(np.arange(n_rows) * n, n)
    end = start + n
    found = np.zeros(n_rows, dtype=np.int64)
    for bit in reversed(range(int(values.max(initial=0)).bit_length())):
        ones = (values >> bit) & 1
        before = np.concatenate([[0], np.cumsum(ones)])
        base = before[start]
        ones_before = before[:-1] - base
        found += np.where(ones, 0, ones_before).reshape(n_rows, n).sum(axis=1)
        boundary = end - (before[end] - base)  # where the ones of each segment begin
        target = np.where(ones, boundary + ones_before, place - ones_before)
        source = np.empty_like(target)
        source[target] = place
        values = values[source]
        start, end = np.where(ones, boundary, start)[source], np.where(ones, end, boundary)[source]
    return found


def _tied_pairs(same: NDArray[np.bool_]) -> Whole:
    """Pairs within runs of equal neighbours: bool [P, n - 1] -> int64 [P].

    An element with e equals right before it closes e pairs.
    """
    place = np.arange(1, same.shape[-1] + 1)
    run_start = np.maximum.accumulate(np.where(same, 0, place), axis=-1)
    return np.asarray((place - run_start).sum(axis=-1), dtype=np.int64)
