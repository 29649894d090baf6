"""Changes of a quantity over sizes beside the score's, whatever its scale.

A quantity that follows the score in units that shrink with size has falling raw values, one that
knows nothing of the change but spreads with size rises for all hard images; ranks within a size
leave no room to those that rank high already. Standardised within each size (mean 0, SD 1 over
images), a change is one relative to the other images of that size.

Images are sorted by the models of one half of the groups and measured by those of the other, in
both directions, so limits are over images (DeLong et al. 1988, Biometrics 44: 837).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import correlate, ranks
from memanalysis.analysis.intervals import Floats, Interval
from memanalysis.analysis.quantiles import quantile
from memanalysis.analysis.trajectories import Trajectories

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class TrendAreas:
    """Areas of P quantities in both directions of the halves, intervals [2, P].

    ``standardised``: of the change of the standardised value. ``raw``: of the raw change, near 0
    for any quantity whose scale shrinks with size. ``first_size``: of the value at the smallest
    size. ``share_rising`` float64 [2, P]: of the increasing images, those whose raw value rises.
    ``n_increasing`` int64 [2], by the half that sorts.
    """

    standardised: Interval
    raw: Interval
    first_size: Interval
    share_rising: Floats
    n_increasing: NDArray[np.int64]


def standardised(values: Floats) -> Floats:
    """Each row [..., n] minus its mean over its SD, over its finite values; NaN without spread."""
    finite = np.isfinite(values)
    n = np.maximum(finite.sum(axis=-1, keepdims=True), 1)
    centred = values - np.where(finite, values, 0.0).sum(axis=-1, keepdims=True) / n
    squares = (np.where(finite, centred, 0.0) ** 2).sum(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(np.where(squares > 0, squares / n, np.nan)))


def standardised_change(first: Floats, last: Floats) -> Floats:
    """z_last - z_first of each row [..., n], over the images known at both ends; NaN elsewhere."""
    known = np.isfinite(first) & np.isfinite(last)
    first, last = (standardised(np.where(known, values, np.nan)) for values in (first, last))
    return np.asarray(last - first)


def area(values: Floats, positive: Flags, negative: Flags, level: float = 0.95) -> Interval:
    """Chance that a positive image has the larger value, ties counting half, with DeLong limits.

    ``values`` [P, n], the flags [n]; intervals [P] within [0, 1], NaN with fewer than two images on
    either side. With placement values v_i = (rank of positive i among all - rank among positives)
    / n_negative and w_j = 1 - (rank of negative j among all - rank among negatives) / n_positive
    the area is their mean and SE^2 = var(v)/n_positive + var(w)/n_negative.
    """
    z = float(quantile(0.5 + level / 2))
    estimate, se = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for row, line in enumerate(values):
        known = np.isfinite(line)
        high, low = line[known & positive], line[known & negative]
        m, n = len(high), len(low)
        if m < 2 or n < 2:
            continue
        together = ranks(np.concatenate([high, low]))
        v = (together[:m] - ranks(high)) / n
        w = 1 - (together[m:] - ranks(low)) / m
        estimate[row] = v.mean()
        se[row] = np.sqrt(v.var(ddof=1) / m + w.var(ddof=1) / n)
    return Interval(estimate, np.clip(estimate - z * se, 0, 1), np.clip(estimate + z * se, 0, 1), 2)


def trend_areas(values: Floats, shapes: Sequence[Trajectories]) -> TrendAreas:
    """Areas with which P quantities separate increasing images from fixed or decreasing ones.

    Parameters
    ----------
    values
        float64 [2, P, L, n], mean over the models of each half, oriented so that high is hard.
    shapes
        Trajectories by each half; those of one half sort, the values of the other are measured.
    """
    intervals: list[tuple[Interval, Interval, Interval]] = []
    shares, numbers = [], []
    for half, sorting in enumerate(shapes):
        increasing = sorting.is_shape("increasing")
        others = sorting.is_shape("fixed", "decreasing")
        first, last = values[1 - half][:, 0], values[1 - half][:, -1]
        measured = (standardised_change(first, last), last - first, first)
        standard, raw, at_first = (area(v, increasing, others) for v in measured)
        intervals.append((standard, raw, at_first))
        known = increasing & np.isfinite(last - first)
        n = known.sum(axis=-1)
        rising = (known & (last > first)).sum(axis=-1)
        shares.append(np.where(n > 0, rising / np.maximum(n, 1), np.nan))
        numbers.append(int(increasing.sum()))
    standard, raw, at_first = (_stacked(column) for column in zip(*intervals, strict=True))
    return TrendAreas(standard, raw, at_first, np.stack(shares), np.asarray(numbers))


def level(values: Floats, scores: Floats, confidence: float = 0.95) -> Interval:
    """Spearman correlation of P quantities with the score, mean over sizes and both directions.

    ``values`` [2, P, L, n] and ``scores`` [2, L, n], each half with the other half's. Limits are
    over images, on Fisher's z with SE sqrt((1 + r^2/2)/(n - 3)) (Bonett & Wright 2000,
    Psychometrika 65: 23); sizes share their images, so averaging them narrows nothing. [P].
    """
    r = correlate("spearman", values, scores[::-1, None])  # [2, P, L]
    mean = r.mean(axis=(0, 2))
    n = int(np.isfinite(scores).all(axis=(0, 1)).sum())
    if n <= 3:
        nothing = np.full(mean.shape, np.nan)
        return Interval(mean, nothing, nothing, 2)
    half = float(quantile(0.5 + confidence / 2)) * np.sqrt((1 + mean**2 / 2) / (n - 3))
    centre = np.arctanh(np.clip(mean, -1 + 1e-12, 1 - 1e-12))
    return Interval(mean, np.tanh(centre - half), np.tanh(centre + half), 2)


def _stacked(intervals: Sequence[Interval]) -> Interval:
    return Interval(
        np.stack([i.estimate for i in intervals]), np.stack([i.low for i in intervals]),
        np.stack([i.high for i in intervals]), len(intervals),
    )  # fmt: skip
