"""From which category of one-hot score or shape to which of the distilled one.

Noise alone moves examples between categories. So the two scores come from opposite halves of the
groups of models, and beside each share stands the one by which one-hot scores move to themselves:
the same categories, from one half of the groups to the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.distillation import Codes, Comparison
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts, ratio

_TIE = 1e-11  # scores are fractions of small counts, see trajectories


def table(first: Codes, second: Codes, n: int) -> Floats:
    """Number of examples from category to category: [..., n] codes, -1 none -> [L, n, n]."""
    used = (first >= 0) & (second >= 0)
    n_sizes = len(first)
    place = (first * n + second + n * n * np.arange(n_sizes)[:, None])[used]
    numbers = np.bincount(place, minlength=n_sizes * n * n)
    return numbers.reshape(n_sizes, n, n).astype(np.float64)


def shares(numbers: Floats) -> Floats:
    """Share of each row's examples that go to each category, NaN where a row is empty."""
    return ratio(numbers, numbers.sum(axis=-1, keepdims=True))


def score_transitions(
    comparison: Comparison, half: NDArray[np.int64], edges: Sequence[float]
) -> tuple[Floats, Interval, Floats]:
    """Numbers [L, C, C], shares with jackknife intervals, and shares without any change.

    Numbers are means over both ways to assign the halves, ``half`` int [G]. Categories are those
    of ``distillation.by_bins``.
    """
    everyone = np.arange(comparison.n_groups)
    numbers, unchanged = _both_ways(comparison, half, everyone >= 0, edges)
    replicates = np.asarray(
        [shares(_both_ways(comparison, half, everyone != g, edges)[0]) for g in everyone]
    )
    interval = jackknife(shares(numbers), replicates.reshape(-1, *numbers.shape))
    return numbers, interval, shares(unchanged)


def _both_ways(
    comparison: Comparison,
    half: NDArray[np.int64],
    kept: NDArray[np.bool_],
    edges: Sequence[float],
) -> tuple[Floats, Floats]:
    n = len(edges) + 1
    a, b = (
        [_codes(c[kept & (half == side)].sum(0), edges) for side in (0, 1)]
        for c in (comparison.a, comparison.b)
    )
    moved = (table(a[0], b[1], n) + table(a[1], b[0], n)) / 2
    return moved, (table(a[0], a[1], n) + table(a[1], a[0], n)) / 2


def _codes(counts: Counts, edges: Sequence[float]) -> Codes:
    mem = counts.memorization
    codes = np.searchsorted(np.asarray(edges), mem + _TIE, side="right")
    return np.where(np.isfinite(mem), codes, -1)
