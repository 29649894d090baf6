"""Intervals: of one example's rates, and of aggregates over groups of models.

All examples share the models, so an aggregate's uncertainty comes from the groups of models, never
from resampling examples (docs: methods, section 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.outcomes import Counts, Numbers, ratio
from memanalysis.analysis.quantiles import quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Estimates with their limits, float64 arrays of one shape; NaN where there is none."""

    estimate: Floats
    low: Floats
    high: Floats
    n_groups: int

    def __getitem__(self, index: Any) -> Interval:
        return Interval(
            np.asarray(self.estimate[index]),
            np.asarray(self.low[index]),
            np.asarray(self.high[index]),
            self.n_groups,
        )

    def __neg__(self) -> Interval:
        return Interval(-self.estimate, -self.high, -self.low, self.n_groups)


def wilson(hits: Numbers, n: Numbers, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson (1927) score limits of a rate; NaN where n = 0."""
    z = float(quantile(0.5 + level / 2))
    p = ratio(hits, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * np.sqrt(p * (1 - p) / n + z * z / (4.0 * n * n)) / (1 + z * z / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def newcombe(counts: Counts, level: float = 0.95) -> tuple[Floats, Floats]:
    """Newcombe's (1998, method 10) hybrid limits of p_in - p_out; NaN where a cell is empty.

    With Wilson limits (l, u) of each rate: low = d - sqrt((p_in - l_in)^2 + (u_out - p_out)^2),
    high = d + sqrt((u_in - p_in)^2 + (p_out - l_out)^2).
    """
    low_in, high_in = wilson(counts.hits_in, counts.n_in, level)
    low_out, high_out = wilson(counts.hits_out, counts.n_out, level)
    p_in, p_out = counts.accuracy_in, counts.accuracy_out
    change = p_in - p_out
    return (
        change - np.hypot(p_in - low_in, high_out - p_out),
        change + np.hypot(high_in - p_in, p_out - low_out),
    )


def std_error(counts: Counts) -> Floats:
    """Standard error of p_in - p_out with each rate replaced by (k+1)/(n+2).

    sqrt(q_in (1 - q_in)/n_in + q_out (1 - q_out)/n_out): not 0 where a rate is 0 or 1. NaN where a
    cell is empty.
    """
    q_in = (counts.hits_in + 1) / (counts.n_in + 2)
    q_out = (counts.hits_out + 1) / (counts.n_out + 2)
    return np.sqrt(ratio(q_in * (1 - q_in), counts.n_in) + ratio(q_out * (1 - q_out), counts.n_out))


def jackknife(estimate: Numbers, replicates: Numbers, level: float = 0.95) -> Interval:
    """Delete-one-group jackknife: estimate +- t(G-1) SE, SE^2 = (G-1)/G sum (theta_-g - mean)^2.

    Parameters
    ----------
    estimate
        float64 [...], computed from all groups.
    replicates
        float64 [G, ...], computed without each group in turn. NaN where a statistic is undefined;
        the interval then uses the defined ones, and is NaN with fewer than two.
    """
    estimate = np.asarray(estimate, dtype=np.float64)
    replicates = np.asarray(replicates, dtype=np.float64).reshape(-1, *estimate.shape)
    n, _, squares = _moments(replicates)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = _t(n, level) * np.sqrt((n - 1) / n * squares)
    return Interval(estimate, estimate - half, estimate + half, len(replicates))


def leave_one_group_out(values: Numbers, level: float = 0.95) -> Interval:
    """Mean over folds +- t(G-1) sd/sqrt(G).

    ``values`` float64 [G, ...]: measured in group g on what was selected without it; NaN where
    nothing was selected, and such folds are left out.
    """
    values = np.asarray(values, dtype=np.float64)
    n, mean, squares = _moments(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = _t(n, level) * np.sqrt(squares / (n - 1) / n)
    return Interval(mean, mean - half, mean + half, len(values))


def jackknife_of(
    statistic: Callable[[Counts], Floats], groups: Counts, level: float = 0.95
) -> Interval:
    """Jackknife of any function of counts: ``groups`` has the groups along its first axis."""
    total = groups.sum(0)
    n_groups = len(groups.n_in)
    replicates = [statistic(total - groups[group]) for group in range(n_groups)]
    return jackknife(statistic(total), np.asarray(replicates, dtype=np.float64), level)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Benjamini & Hochberg (1995) q-values, float64 [n]; NaN stays NaN and is not counted.

    q_(i) = min over j >= i of p_(j) m / j.
    """
    q_values = np.full(p_values.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p_values))
    if len(tested) == 0:
        return q_values
    order = tested[np.argsort(p_values[tested], kind="stable")]
    scaled = p_values[order] * len(tested) / np.arange(1, len(tested) + 1)
    q_values[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return q_values


def _moments(values: Floats) -> tuple[Numbers, Floats, Floats]:
    """Number, mean and sum of squared deviations of the finite values along the first axis."""
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    mean = ratio(np.where(finite, values, 0).sum(axis=0), n)
    squares = np.where(finite, values - mean, 0) ** 2
    return n, mean, squares.sum(axis=0)


def _t(n: Numbers, level: float) -> Floats:
    """Student's t quantile with n - 1 degrees of freedom, NaN below two values."""
    reach = quantile(0.5 + level / 2, np.maximum(n - 1, 1))
    return np.where(n >= 2, reach, np.nan)
