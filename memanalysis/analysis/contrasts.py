"""The change of memorisation between two conditions, from the joint bits of both.

Where both conditions were trained on the same subset, outcomes are paired: in a stratum of n
models (the example inside, or outside) let ``gained`` be wrong at A and right at B, ``lost`` the
reverse. Then the stratum's change is d = (gained - lost)/n, and memorisation changes by
d_in - d_out. A and B are two sizes of one objective, or one size of two objectives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats, std_error
from memanalysis.analysis.outcomes import Counts, Numbers, Outcomes, narrow_type, popcount, ratio
from memanalysis.analysis.quantiles import tail

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class PairedCounts:
    """Joint counts of conditions A and B over shared subsets; int32 arrays of one shape.

    Additive over disjoint sets of subsets, as ``Counts`` is.
    """

    n_in: Numbers
    gained_in: Numbers
    lost_in: Numbers
    n_out: Numbers
    gained_out: Numbers
    lost_out: Numbers

    def __sub__(self, other: PairedCounts) -> PairedCounts:
        return PairedCounts(
            *(mine - theirs for mine, theirs in zip(self._all(), other._all(), strict=True))
        )

    def __getitem__(self, index: Any) -> PairedCounts:
        return PairedCounts(*(array[index] for array in self._all()))

    def sum(self, axis: int = 0) -> PairedCounts:
        """Counts added up along one axis, for instance over groups."""
        return PairedCounts(*(array.sum(axis) for array in self._all()))

    def _all(self) -> tuple[Numbers, ...]:
        return (
            self.n_in, self.gained_in, self.lost_in,
            self.n_out, self.gained_out, self.lost_out,
        )  # fmt: skip


@dataclass(frozen=True)
class Contrast:
    """Change from A to B per example; float64 arrays of one shape, NaN where undefined.

    Attributes
    ----------
    change, change_in, change_out
        Raw: m_B - m_A and its parts, change = change_in - change_out.
    se
        Adjusted standard error, never 0.
    adjusted
        The change with half a model added to each of the four joint cells; what is tested.
    paired
        False where A and B share no subset and the errors of both were added up.
    """

    change: Floats
    change_in: Floats
    change_out: Floats
    se: Floats
    adjusted: Floats
    paired: NDArray[np.bool_]

    def __getitem__(self, index: Any) -> Contrast:
        return Contrast(
            self.change[index],
            self.change_in[index],
            self.change_out[index],
            self.se[index],
            self.adjusted[index],
            self.paired[index],
        )

    @property
    def p_value(self) -> Floats:
        """Two-sided p-value of "no change": 2 (1 - Phi(|adjusted| / se))."""
        return np.asarray(2 * tail(np.abs(self.adjusted) / self.se), dtype=np.float64)


def size_pairs(n_sizes: int) -> tuple[Indices, Indices]:
    """All pairs of sizes i < j, in the order (0, 1), (0, 2), ..., (L-2, L-1)."""
    return np.triu_indices(n_sizes, k=1)


def paired_counts(a: Outcomes, b: Outcomes, rows_a: Indices, rows_b: Indices) -> PairedCounts:
    """Joint counts of the conditions ``a`` at row ``rows_a[p]`` and ``b`` at ``rows_b[p]``.

    int32 [P, n]. ``a`` and ``b`` may be the same outcomes (two sizes) or two objectives over the
    same examples and bytes. Only subsets trained at both with equal in_train count.
    """
    columns = [
        _joint(a, b, int(row_a), int(row_b)) for row_a, row_b in zip(rows_a, rows_b, strict=True)
    ]
    empty = np.zeros((0, a.n_examples), dtype=np.int32)
    return PairedCounts(
        *(np.stack([c[k] for c in columns]) if columns else empty for k in range(6))
    )


def _joint(a: Outcomes, b: Outcomes, row_a: int, row_b: int) -> tuple[NDArray[np.int32], ...]:
    in_a, in_b = a.in_train[row_a], b.in_train[row_b]
    right_a, right_b = a.correct[row_a], b.correct[row_b]
    shared = a.trained[row_a] & b.trained[row_b] & ~(in_a ^ in_b)
    inside, outside = shared & in_a, shared & ~in_a
    gained, lost = right_b & ~right_a, right_a & ~right_b
    return (
        popcount(inside), popcount(inside & gained), popcount(inside & lost),
        popcount(outside), popcount(outside & gained), popcount(outside & lost),
    )  # fmt: skip


def group_pairs(outcomes: Outcomes) -> PairedCounts:
    """Joint counts of all pairs of sizes, each group by itself: [G, P, n] of ``narrow_type``."""
    rows = size_pairs(len(outcomes.sizes))
    shape = (outcomes.n_groups, len(rows[0]), outcomes.n_examples)
    arrays = [np.zeros(shape, dtype=narrow_type(outcomes.groups)) for _ in range(6)]
    for group in range(outcomes.n_groups):
        alone = outcomes.only(group)
        for array, found in zip(arrays, paired_counts(alone, alone, *rows)._all(), strict=True):
            array[group] = found
    return PairedCounts(*arrays)


def contrast(pairs: PairedCounts, a: Counts, b: Counts) -> Contrast:
    """Change from A to B, paired where the two share subsets and unpaired elsewhere.

    Paired, per stratum: d = (gained - lost)/n; adjusted d~ = (gained - lost)/(n + 2),
    s~^2 = (gained + lost + 1)/(n + 2) - d~^2, variance s~^2/(n + 2) (Agresti & Min 2005: half a
    model in each of the four cells). Unpaired: difference of the scores, variance the sum of both
    ``std_error`` squared, adjusted = raw.

    ``pairs``, ``a`` and ``b`` have one common shape.
    """
    paired = np.asarray((pairs.n_in + pairs.n_out) > 0)
    raw_in, tilde_in, var_in = _stratum(pairs.n_in, pairs.gained_in, pairs.lost_in)
    raw_out, tilde_out, var_out = _stratum(pairs.n_out, pairs.gained_out, pairs.lost_out)
    change_in = np.where(paired, raw_in, b.accuracy_in - a.accuracy_in)
    change_out = np.where(paired, raw_out, b.accuracy_out - a.accuracy_out)
    change = change_in - change_out
    unpaired_se = np.hypot(std_error(a), std_error(b))
    return Contrast(
        change=change,
        change_in=change_in,
        change_out=change_out,
        se=np.where(paired, np.sqrt(var_in + var_out), unpaired_se),
        adjusted=np.where(paired, tilde_in - tilde_out, change),
        paired=paired,
    )


def _stratum(n: Numbers, gained: Numbers, lost: Numbers) -> tuple[Floats, Floats, Floats]:
    """Raw change, adjusted change and adjusted variance of one stratum; NaN where n = 0."""
    net = gained - lost
    adjusted = np.where(n > 0, net / (n + 2), np.nan)
    variance = ((gained + lost + 1) / (n + 2) - adjusted**2) / (n + 2)
    return ratio(net, n), adjusted, variance


def size_contrasts(pairs: PairedCounts, counts: Counts) -> Contrast:
    """Contrasts of all pairs of sizes: ``pairs`` [P, n] of ``size_pairs``, ``counts`` [L, n]."""
    first, second = size_pairs(len(counts.n_in))
    return contrast(pairs, counts[first], counts[second])
