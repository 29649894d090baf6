"""Rank correlations of proxies with scores, and with their changes.

Proxy and score come from opposite halves of the groups of models, because errors that both owe to
the same models would correlate. Their correlation is then too low by the noise of both halves,
which the split-half reliabilities correct for (Spearman 1904).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.kendall import tau_b
from memanalysis.analysis.outcomes import Counts, ratio

Method = Literal["pearson", "spearman", "kendall"]
Flags = NDArray[np.bool_]

METHODS: Final[tuple[Method, ...]] = ("pearson", "spearman", "kendall")
MINIMUM_EXAMPLES: Final = 10
MINIMUM_RELIABILITY: Final = 0.3
# A constant row keeps a residue of rounding; this much is no variation.
_FLAT: Final = 1e-12
# Examples from which on SciPy's tau, a call per pair, is the faster one (measured).
_MANY: Final = 2_000


@dataclass(frozen=True)
class HalfSums:
    """A per-example quantity summed over the models of each half, and of each group if known.

    Attributes
    ----------
    total, n
        float64 [2, ...], sum over models and number of models of each half; the last axis is
        examples.
    groups, groups_n
        float32 and integers [G, ...], the same per group; None in a packed store.
    half
        int [G], the half that each group belongs to.
    """

    total: Floats
    n: NDArray[Any]
    groups: NDArray[np.float32] | None = None
    groups_n: NDArray[Any] | None = None
    half: NDArray[np.int64] | None = None

    @property
    def n_groups(self) -> int:
        """Groups that can be left out; 0 where only the halves are known."""
        return 0 if self.groups is None else len(self.groups)

    def means(self, without: int | None = None) -> Floats:
        """Mean over the models of each half, [2, ...], NaN where there are none."""
        if without is None:
            return _settled(ratio(self.total, self.n))
        if self.groups is None or self.groups_n is None or self.half is None:
            raise ValueError("a group can only be left out where the sums per group are known")
        total, n = self.total.copy(), self.n.copy()
        total[self.half[without]] -= self.groups[without]
        n[self.half[without]] -= self.groups_n[without]
        return _settled(ratio(total, n))

    def group_means(self, group: int) -> Floats:
        """Mean over the models of one group, [...], NaN where there are none."""
        if self.groups is None or self.groups_n is None:
            raise ValueError("a group can only be looked at where the sums per group are known")
        total = self.groups[group].astype(np.float64)
        return _settled(ratio(total, self.groups_n[group]))


@dataclass(frozen=True)
class HalfScores:
    """Memorisation scores of each half of the groups."""

    groups: Counts  # [G, L, n]
    half: NDArray[np.int64]  # [G]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.half)

    def means(self, without: int | None = None) -> Floats:
        """Scores [2, L, n] of both halves, NaN where a cell is empty."""
        kept = np.arange(self.n_groups) != (-1 if without is None else without)
        return np.stack(
            [self.groups[kept & (self.half == side)].sum(0).memorization for side in (0, 1)]
        )


@dataclass(frozen=True)
class Correlation:
    """One correlation per row (proxies), arrays [P].

    ``reliability`` is the lower of the two of score and proxy, both raised to all groups by
    Spearman-Brown; ``corrected`` = estimate / sqrt(product of the split-half correlations), NaN
    where the reliability is below .3, and not clipped at 1. For ranks it is approximate.
    """

    interval: Interval
    reliability: Floats
    corrected: Floats


def correlate(method: Method, x: Floats, y: Floats) -> Floats:
    """Correlations along the last axis of ``x`` [..., n] and ``y`` [..., n], which broadcast.

    Over the examples where both are known; NaN below MINIMUM_EXAMPLES of them or where either does
    not vary.
    """
    shape = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    known = np.broadcast_to(np.isfinite(x) & np.isfinite(y), (*shape, x.shape[-1]))
    if method == "kendall":
        whole = np.zeros(shape, dtype=np.bool_)
        result = np.full(shape, np.nan)
    else:
        whole = np.asarray(known.all(axis=-1))
        result = _rows(method, np.nan_to_num(x), np.nan_to_num(y))
        result = np.where(whole, result, np.nan)
    for row in map(tuple, np.argwhere(~whole)):
        there = known[row]
        pair = (np.broadcast_to(z, known.shape)[row][there] for z in (x, y))
        result[row] = _kendall(*pair) if method == "kendall" else _rows(method, *pair)
    return result


def opposite_halves(method: Method, x: Floats, y: Floats) -> Floats:
    """Mean correlation of ``x`` [..., 2, P, n] with ``y`` [..., 2, n], each half with the other's.

    float64 [..., P].
    """
    return np.asarray(correlate(method, x, y[..., ::-1, None, :]).mean(axis=-2))


def split_half(method: Method, x: Floats) -> Floats:
    """Correlation between the halves of ``x`` [2, P, n], row by row: [P]."""
    return correlate(method, x[0], x[1])


def spearman_brown(r: Floats) -> Floats:
    """Reliability 2r/(1+r) of the mean of both halves from their correlation r; NaN for r <= 0."""
    positive = np.where(r > 0, r, np.nan)
    return np.asarray(2 * positive / (1 + positive))


def corrected_for_attenuation(estimate: Floats, half_x: Floats, half_y: Floats) -> Floats:
    """Correlation without noise: estimate / sqrt(half_x half_y) (Spearman 1904).

    ``half_x``, ``half_y`` are the split-half correlations that belong to an ``opposite_halves``
    estimate. NaN where either reliability (Spearman-Brown) is below MINIMUM_RELIABILITY.
    """
    lower = np.minimum(spearman_brown(half_x), spearman_brown(half_y))
    usable = np.nan_to_num(lower, nan=0.0) >= MINIMUM_RELIABILITY
    product = np.where(usable, half_x * half_y, np.nan)
    return np.asarray(estimate / np.sqrt(product))


def halves_correlated(method: Method, x: Floats, y: Floats) -> Floats:
    """Agreement of halves, from ``x`` [2, P, n] and ``y`` [2, n] of both: float64 [3, P].

    Rows: mean correlation of x with y of the other half; of x between halves; of y between halves.
    Examples without y in both halves are left out.
    """
    known = np.isfinite(y).all(axis=0)
    x, y = x[..., known], y[..., known]
    whole = np.isfinite(x).all(axis=(0, 2)) & (x.shape[-1] >= MINIMUM_EXAMPLES)
    if method == "kendall" and x.shape[-1] > _MANY:
        whole[:] = False
    result = np.empty((3, x.shape[1]))
    if whole.any() and method == "kendall":
        a, b = x[:, whole]
        first, second = (np.broadcast_to(of_half, a.shape) for of_half in y)
        tau = tau_b(np.concatenate([a, b, a, y[:1]]), np.concatenate([second, first, b, y[1:]]))
        opposite, again, between = np.split(tau, [2 * len(a), 3 * len(a)])
        result[0, whole], result[1, whole] = opposite.reshape(2, -1).mean(axis=0), again
        result[2] = between
    elif whole.any():
        a, b = _standardised(method, x[:, whole]), _standardised(method, y)
        result[0, whole] = (a[0] @ b[1] + a[1] @ b[0]) / 2
        result[1, whole] = np.einsum("pn,pn->p", a[0], a[1])
        result[2] = b[0] @ b[1]
    gaps = ~whole
    if gaps.any():
        result[0, gaps] = opposite_halves(method, x[:, gaps], y)
        result[1, gaps] = split_half(method, x[:, gaps])
        result[2] = split_half(method, y[:, None])[0]
    return result


def over_splits(splits: Floats, folds: Floats) -> Correlation:
    """One estimate from many splits of the groups into halves, with its interval.

    ``splits`` [S, 3, P] as ``halves_correlated`` gives them, averaged over splits; ``folds`` [G, P]
    are opposite-half correlations from one split without each group in turn. The jackknife error of
    one split stands for that of the average, which can only be smaller.
    """
    estimate, half_x, half_y = splits.mean(axis=0)
    error = jackknife(estimate, folds)
    reliability = np.minimum(spearman_brown(half_x), spearman_brown(half_y))
    return Correlation(error, reliability, corrected_for_attenuation(estimate, half_x, half_y))


def ranks(values: Floats) -> Floats:
    """Ranks along the last axis, from 1, ties sharing their mean rank: float64 like ``values``.

    ``scipy.stats.rankdata`` for many rows at once.
    """
    n = values.shape[-1]
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    starts = np.ones(values.shape, dtype=np.bool_)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    ends = np.ones(values.shape, dtype=np.bool_)
    ends[..., :-1] = starts[..., 1:]
    position = np.arange(n, dtype=np.float64)
    first = np.maximum.accumulate(np.where(starts, position, 0.0), axis=-1)
    last = np.minimum.accumulate(np.where(ends, position, n)[..., ::-1], axis=-1)[..., ::-1]
    result = np.empty(values.shape)
    np.put_along_axis(result, order, (first + last) / 2 + 1, axis=-1)
    return result


def _settled(values: Floats) -> Floats:
    """Values rounded to a millionth (2^-20) of the row's range, so that equal ones tie again.

    Sums come from float32 means; what is equal but for their rounding must share its rank.
    """
    largest = np.nanmax(np.abs(values), axis=-1, keepdims=True, initial=0.0)
    step = np.exp2(np.ceil(np.log2(np.maximum(largest, 1e-30))) - 20)
    return np.asarray(np.round(values / step) * step)


def _standardised(method: Method, values: Floats) -> Floats:
    """Values or ranks, centred, each row of length 1; NaN where it does not vary."""
    if method == "spearman":
        values = ranks(values)
    centred = values - values.mean(axis=-1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=-1, keepdims=True))
    return ratio(centred, np.where(norm > _FLAT, norm, 0.0))


def _rows(method: Method, x: Floats, y: Floats) -> Floats:
    if x.shape[-1] < MINIMUM_EXAMPLES:
        return np.full(np.broadcast_shapes(x.shape[:-1], y.shape[:-1]), np.nan)
    if method == "spearman":
        x, y = ranks(x), ranks(y)
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    norm = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    product = np.asarray((x * y).sum(axis=-1))
    return ratio(product, np.where(norm > _FLAT, norm, 0.0))


def _kendall(x: Floats, y: Floats) -> float:
    if len(x) < MINIMUM_EXAMPLES or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    from scipy import stats  # takes long to import, and few ask

    return float(stats.kendalltau(x, y, method="asymptotic").statistic)
