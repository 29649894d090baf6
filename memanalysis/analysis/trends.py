"""Whether a proxy's change over the sizes tells whose memorisation increases.

A shift common to all examples is no trend of an example: larger models learn everything faster.
Hence the proxy is ranked among the examples of each size, and the change of that rank has to
separate increasing examples from fixed and decreasing ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.contrasts import PairedCounts
from memanalysis.analysis.correlations import HalfSums, ranks
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.polarisation import polarisation_of
from memanalysis.analysis.trajectories import RuleSettings, Trajectories, classify

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Trends:
    """Per proxy, arrays [P]: how well its change follows the score's, and the share that rises."""

    auc: Interval
    share_rising: Floats


def auc(values: Floats, positive: Flags, negative: Flags) -> Floats:
    """Chance that a positive example has the larger value, ties counting half: [P].

    ``values`` [P, n]. The Mann-Whitney statistic over the product of both numbers; NaN where
    either side is empty.
    """
    result = np.full(len(values), np.nan)
    for row, line in enumerate(values):
        known = np.isfinite(line)
        high, low = line[known & positive], line[known & negative]
        if len(high) and len(low):
            order = ranks(np.concatenate([high, low]))[: len(high)]
            u = order.sum() - len(high) * (len(high) + 1) / 2
            result[row] = u / (len(high) * len(low))
    return result


def rank_change(first: Floats, last: Floats) -> Floats:
    """Change of each example's percentile rank within its size, from ``first`` to ``last`` [P, n].

    Ranks run over the examples known at both sizes, in (0, 1]; NaN elsewhere.
    """
    known = np.isfinite(first) & np.isfinite(last)
    # Unknown ones rank last, behind every known one, and are then dropped.
    positions = [ranks(np.where(known, values, np.inf)) for values in (first, last)]
    n = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return np.where(known, (positions[1] - positions[0]) / n, np.nan)


def half_trajectories(
    pairs: PairedCounts,
    counts: Counts,
    half: NDArray[np.int64],
    alpha: float | None,
    settings: RuleSettings,
) -> list[list[Trajectories]]:
    """Trajectories from each half, whole and then without each group: [2][1 + G].

    ``pairs`` [G, P, n] and ``counts`` [G, L, n] of each group, ``half`` int [G]. A half that a
    group does not belong to is not classified again: the entry is the whole half's.
    """
    found = []
    for side in (0, 1):
        of_half, of_counts = pairs[half == side].sum(), counts[half == side].sum()
        whole = classify(of_half, of_counts, alpha, settings)
        folds = [
            classify(of_half - pairs[g], of_counts - counts[g], alpha, settings)
            if half[g] == side
            else whole
            for g in range(len(half))
        ]
        found.append([whole, *folds])
    return found


def proxy_trends(
    proxies: HalfSums, signs: NDArray[np.int64], trajectories: list[list[Trajectories]]
) -> Trends:
    """AUC of every proxy with a jackknife interval; shape and proxy from opposite halves.

    ``proxies`` [2, P, L, n], oriented by ``signs`` [P] (+1: high means hard).
    """
    values = [_measure(proxies.means(), signs, trajectories, 0)]
    values += [
        _measure(proxies.means(without=group), signs, trajectories, group + 1)
        for group in range(proxies.n_groups)
    ]
    stacked = np.asarray(values)  # [1 + G, 2, P]
    return Trends(jackknife(stacked[0, 0], stacked[1:, 0]), stacked[0, 1])


def proxy_polarisation(means: Floats) -> Floats:
    """P of proxies within [0, 1] from ``means`` [2, P, L, n]: [P, L].

    The covariance between halves is the variance over examples without the models' noise.
    """
    known = np.isfinite(means).all(axis=0)
    n = np.maximum(known.sum(axis=-1), 1)
    filled = np.where(known, means, 0.0)
    centre = filled.sum(axis=-1) / n
    product = np.where(
        known, (filled[0] - centre[0][..., None]) * (filled[1] - centre[1][..., None]), 0
    )
    variance = product.sum(axis=-1) / np.maximum(n - 1, 1)
    return polarisation_of(centre.mean(axis=0), variance)


def _measure(
    means: Floats, signs: NDArray[np.int64], trajectories: list[list[Trajectories]], fold: int
) -> Floats:
    """AUC and share of risers, [2, P], averaged over both ways to assign the halves."""
    found = []
    for side in (0, 1):
        shapes = trajectories[side][fold]
        increasing = shapes.is_shape("increasing")
        others = shapes.is_shape("fixed", "decreasing")
        oriented = means[1 - side] * signs[:, None, None]
        first, last = oriented[:, 0], oriented[:, -1]
        rising = np.where(np.isfinite(last - first), last > first, np.nan)[:, increasing]
        share = np.nansum(rising, axis=1) / np.maximum(np.isfinite(rising).sum(axis=1), 1)
        share = np.where(np.isfinite(rising).any(axis=1), share, np.nan)
        found.append((auc(rank_change(first, last), increasing, others), share))
    return np.asarray(np.mean(found, axis=0))
