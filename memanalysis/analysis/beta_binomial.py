"""One Beta distribution of held-out error rates, or a mixture of two?

Example i is wrong in x_i of n_i models trained without it. If its true rate of errors is drawn from
a Beta distribution, x_i is Beta-binomial: binomial noise is part of the model, so the fitted
distribution is that of true rates. Where models fit their subsets (p_in = 1) that rate is the
memorisation score.

A single Beta with both shape parameters below 1 is U-shaped: two modes, but no two kinds of
examples. The two components are therefore held to one mode each, so that the comparison is between
a continuum, U-shaped or not, and two separate clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import optimize, special

from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import Numbers

# Unknowns of one component: logit of its mean, log of its precision a + b. Means within 1e-4 of 0
# or 1 and precisions beyond 3,000 cannot be told from the limit by less than ten thousand models.
_MEAN_BOUND: Final = (-9.2, 9.2)
_SINGLE_BOUND: Final = (np.log(0.02), np.log(3000.0))
# From a + b = 2 on, at most one of a and b is below 1, hence a Beta has one mode.
_UNIMODAL_BOUND: Final = (np.log(2.0), np.log(3000.0))
_WEIGHT_BOUND: Final = (-7.0, 7.0)  # logit: a component of less than a thousandth is none
# Where to start: means of both components, weight of the upper one.
_STARTS: Final = ((0.05, 0.8, 0.2), (0.02, 0.4, 0.4))


@dataclass(frozen=True)
class Fit:
    """Maximum likelihood of one and of two components; NaN where nothing could be fitted.

    Attributes
    ----------
    mean, precision
        Of the single Beta(a, b): a/(a + b) and a + b.
    low_mean, low_precision, high_mean, high_precision
        Of the two components, by their means.
    high_weight
        Share of examples in the upper component, the more memorised one.
    bic_difference
        BIC of one minus BIC of two components (Schwarz 1978), above 0 where two are worth their
        three parameters more: 2 (log L_2 - log L_1) - 3 log(examples).
    ashman_d
        Ashman, Bird & Zepf (1994): sqrt(2) |difference of means| / sqrt(sum of variances) of the
        components; above 2 they are cleanly apart.
    """

    mean: float
    precision: float
    low_mean: float
    low_precision: float
    high_mean: float
    high_precision: float
    high_weight: float
    bic_difference: float
    ashman_d: float

    @property
    def u_shaped(self) -> bool:
        """True if the single Beta has modes at both ends: a < 1 and b < 1."""
        a, b = self.mean * self.precision, (1 - self.mean) * self.precision
        return a < 1 and b < 1


NO_FIT: Final = Fit(*[float("nan")] * 9)


@dataclass(frozen=True)
class _Table:
    """Distinct (x, n) and how often each occurs."""

    x: Floats
    n: Floats
    times: Floats


def fit(wrong: Numbers, n: Numbers, start: Fit | None = None) -> Fit:
    """Fit both models to int [examples] wrong answers of ``n`` models each.

    Examples without models are left out. ``start``, an earlier fit of nearly the same data, saves
    trying several starting points.
    """
    known = n > 0
    if known.sum() < 2:
        return NO_FIT
    table = _tabulate(wrong[known], n[known])
    one = _minimise(table, np.array([_single_start(table, start)]), components=1)
    two = _minimise(table, _double_starts(start), components=2)
    return _as_fit(one, two, float(table.times.sum()))


def _tabulate(x: Numbers, n: Numbers) -> _Table:
    base = int(n.max()) + 1
    code, times = np.unique(x.astype(np.int64) * base + n, return_counts=True)
    return _Table((code // base).astype(float), (code % base).astype(float), times.astype(float))


def _single_start(table: _Table, start: Fit | None) -> list[float]:
    if start is not None and np.isfinite(start.mean):
        return [special.logit(start.mean), np.log(start.precision)]
    mean = (table.x * table.times).sum() / (table.n * table.times).sum()
    return [special.logit(np.clip(mean, 0.001, 0.999)), 0.0]


def _double_starts(start: Fit | None) -> Floats:
    if start is not None and np.isfinite(start.high_weight):
        return np.array([[
            special.logit(start.low_mean), np.log(start.low_precision),
            special.logit(start.high_mean), np.log(start.high_precision),
            special.logit(start.high_weight),
        ]])  # fmt: skip
    return np.array(
        [[special.logit(a), 1.5, special.logit(b), 1.5, special.logit(w)] for a, b, w in _STARTS]
    )


def _minimise(table: _Table, starts: Floats, components: int) -> Any:
    """Best of several local optima of the negative log likelihood.

    Truncated Newton, because SciPy's L-BFGS-B hands five unknowns to a threaded linear algebra
    library: measured, 105 ms instead of 18 for the same optimum.
    """
    if components == 1:
        objective, bounds = _one, [_MEAN_BOUND, _SINGLE_BOUND]
    else:
        objective, bounds = _two, [_MEAN_BOUND, _UNIMODAL_BOUND] * 2 + [_WEIGHT_BOUND]
    limits = np.array(bounds).T
    found = [
        optimize.minimize(
            objective, np.clip(at, *limits), args=(table,), jac=True, method="TNC",
            bounds=bounds, options={"maxfun": 500, "ftol": 1e-10, "gtol": 1e-6},
        )
        for at in starts
    ]  # fmt: skip
    return min(found, key=lambda result: result.fun)


def _one(theta: Floats, table: _Table) -> tuple[float, Floats]:
    log, gradient = _component(theta, table)
    n = table.times.sum()
    return -float(table.times @ log) / n, -(gradient @ table.times) / n


def _two(theta: Floats, table: _Table) -> tuple[float, Floats]:
    low, low_gradient = _component(theta[:2], table)
    high, high_gradient = _component(theta[2:4], table)
    weight = special.expit(theta[4])
    low = low + np.log1p(-weight)
    high = high + np.log(weight)
    both = np.logaddexp(low, high)
    of_high = np.exp(high - both)
    gradient = np.concatenate([
        low_gradient * (1 - of_high), high_gradient * of_high, [of_high - weight],
    ])  # fmt: skip
    n = table.times.sum()
    return -float(table.times @ both) / n, -(gradient @ table.times) / n


def _component(theta: Floats, table: _Table) -> tuple[Floats, Floats]:
    """Log likelihood of each row, less its binomial coefficient, and its gradient [2, rows]."""
    mean, precision = special.expit(theta[0]), np.exp(theta[1])
    a, b = mean * precision, (1 - mean) * precision
    log = special.betaln(table.x + a, table.n - table.x + b) - special.betaln(a, b)
    both = special.digamma(precision) - special.digamma(table.n + precision)
    by_a = special.digamma(table.x + a) - special.digamma(a) + both
    by_b = special.digamma(table.n - table.x + b) - special.digamma(b) + both
    slope = mean * (1 - mean) * precision
    return log, np.stack([slope * (by_a - by_b), a * by_a + b * by_b])


def _as_fit(one: Any, two: Any, n_examples: float) -> Fit:
    mean, precision = special.expit(one.x[0]), np.exp(one.x[1])
    means, precisions = special.expit(two.x[[0, 2]]), np.exp(two.x[[1, 3]])
    weight = special.expit(two.x[4])
    if means[0] > means[1]:
        means, precisions, weight = means[::-1], precisions[::-1], 1 - weight
    variance = means * (1 - means) / (precisions + 1)
    return Fit(
        float(mean), float(precision), float(means[0]), float(precisions[0]), float(means[1]),
        float(precisions[1]), float(weight),
        bic_difference=float(2 * n_examples * (one.fun - two.fun) - 3 * np.log(n_examples)),
        ashman_d=float(np.sqrt(2) * (means[1] - means[0]) / np.sqrt(variance.sum())),
    )  # fmt: skip
