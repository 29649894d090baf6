"""Whether a proxy's change over the sizes tells whose memorisation increases.

A shift common to all examples is no trend of an example: larger models learn everything faster.
Hence the proxy is ranked among the examples of each size, and the change of that rank has to
separate increasing examples from fixed and decreasing ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import HalfSums, correlate, ranks
from memanalysis.analysis.intervals import Floats, Interval, leave_one_group_out
from memanalysis.analysis.outcomes import ratio
from memanalysis.analysis.polarisation import polarisation_of
from memanalysis.analysis.trajectories import Trajectories

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Trends:
    """Per proxy, arrays [P].

    ``auc``: how well its change follows the score's. ``share_rising``: the share of increasing
    examples whose proxy rises. ``reproduced``: correlation of its rank changes in one group of
    models with those in the next; the lower it is, the more an AUC is drawn towards .5 by noise.
    """

    auc: Interval
    share_rising: Floats
    reproduced: Floats


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


def proxy_trends(
    proxies: HalfSums, signs: NDArray[np.int64], folds: Sequence[Trajectories]
) -> Trends:
    """AUC and share of risers, leave one group out: shapes from all other groups, proxy from this.

    ``proxies`` [2, P, L, n] with their sums per group, oriented by ``signs`` [P] (+1: high means
    hard); ``folds`` [G], the trajectories without each group. A proxy is so seen as the mean over
    one group's models, as someone who trains a few would see it. All NaN where the sums per group
    are unknown: nothing would separate the choice of examples from their measurement.

    Simulated over fresh models of the same 250 examples (40 runs): 95 % intervals hold the area of
    a proxy that misses in .93 and 1.0, of one that follows in .88 and .93, with 6 and 20 groups.
    """
    if proxies.n_groups == 0:
        nothing = np.full(len(signs), np.nan)
        return Trends(Interval(nothing, nothing, nothing, 0), nothing, nothing)
    values, moves = [], []
    for group, fold in enumerate(folds):
        oriented = proxies.group_means(group) * signs[:, None, None]
        moves.append(rank_change(oriented[:, 0], oriented[:, -1]))
        values.append(_measure(oriented, moves[-1], fold))
    found = leave_one_group_out(np.asarray(values))
    again = [correlate("pearson", a, b) for a, b in itertools.pairwise(moves)]
    reproduced = np.mean(again, axis=0) if again else np.full(len(signs), np.nan)
    return Trends(found[0], found.estimate[1], reproduced)


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


def _measure(oriented: Floats, moved: Floats, shapes: Trajectories) -> Floats:
    """AUC and share of risers, [2, P], from a group's means [P, L, n] and rank changes [P, n]."""
    increasing = shapes.is_shape("increasing")
    others = shapes.is_shape("fixed", "decreasing")
    first, last = oriented[:, 0], oriented[:, -1]
    known = np.isfinite(last - first) & increasing
    share = ratio((known & (last > first)).sum(axis=-1), known.sum(axis=-1))
    return np.stack([auc(moved, increasing, others), share])
