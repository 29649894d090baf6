"""Polarisation of the scores of one size: all alike, or some 0 and some 1.

The measure of the findings is ``polarisation``; everything else is shown beside it. Each function
takes the counts of one size, [n], or of several, [L, n], and returns one value per size, so that a
jackknife can call it with any group of models left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from memanalysis.analysis import mixing
from memanalysis.analysis.dip import dip_of_distribution
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts, ratio

LOW: Final = 0.1
HIGH: Final = 0.9
_SCARCE: Final = 1e-3  # a mode ratio over less than a thousandth of the examples says nothing
_TIE: Final = 1e-11  # scores are fractions of small counts, see trajectories

STATISTICS: Final = (
    "mean", "polarisation", "low_mass", "high_mass", "low_mass_plain", "high_mass_plain",
    "upper_mode_ratio", "bimodality_coefficient", "dip", "dip_plain",
)  # fmt: skip
_DECONVOLVED: Final = ("low_mass", "high_mass", "upper_mode_ratio", "dip")


@dataclass(frozen=True)
class Moments:
    """Mean score and the variance of the true scores over examples; float64, one per size."""

    mean: Floats
    true_variance: Floats


def moments(counts: Counts) -> Moments:
    """Mean and noise-removed variance of the scores, over examples with two models on each side.

    tau^2 = variance of mem over examples - mean of p_in(1-p_in)/(n_in-1) + p_out(1-p_out)/(n_out-1)
    which is unbiased for the variance of the true scores (and may come out below 0).
    """
    usable = counts.filled(2)
    n = usable.sum(axis=-1)
    p_in, p_out = counts.accuracy_in, counts.accuracy_out
    noise = ratio(p_in * (1 - p_in), counts.n_in - 1) + ratio(p_out * (1 - p_out), counts.n_out - 1)
    mem = np.where(usable, p_in - p_out, 0.0)
    mean = ratio(mem.sum(axis=-1), n)
    squares = np.where(usable, (mem - mean[..., None]) ** 2, 0.0).sum(axis=-1)
    removed = ratio(np.where(usable, noise, 0.0).sum(axis=-1), n)
    return Moments(mean, ratio(squares, n - 1) - removed)


def polarisation(counts: Counts, minimum_mean: float = 0.02) -> Floats:
    """P = tau^2 / (mu (1 - mu)): 0 where all true scores are equal, 1 where all are 0 or 1.

    NaN where the mean score mu is below ``minimum_mean``: nothing is memorised, nothing can be
    polarised.
    """
    found = moments(counts)
    return polarisation_of(found.mean, found.true_variance, minimum_mean)


def polarisation_of(mean: Floats, true_variance: Floats, minimum_mean: float = 0.02) -> Floats:
    """P from a mean and a noise-free variance, for any quantity within [0, 1]."""
    usable = (mean >= minimum_mean) & (mean < 1)
    return np.where(usable, ratio(true_variance, np.where(usable, mean * (1 - mean), 0.0)), np.nan)


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


def tails(counts: Counts) -> Floats:
    """Noise-removed share(mem <= .1) and share(mem >= .9) of each size of [L, n]: [L, 2]."""
    return np.array(
        [
            [mixing.mass(weights, -2, LOW), mixing.mass(weights, HIGH, 2)]
            for weights in _fits(counts)
        ]
    )


def plain_tails(counts: Counts) -> Floats:
    """Plug-in share(mem <= .1) and share(mem >= .9): [L, 2]; ties are inside."""
    mem = counts.memorization
    n = np.isfinite(mem).sum(axis=-1)  # what was not recorded is no score of 0
    low = ratio((mem <= LOW + _TIE).sum(axis=-1), n)
    high = ratio((mem >= HIGH - _TIE).sum(axis=-1), n)
    return np.stack([low, high], axis=-1)


def upper_mode_ratio(weights: Floats) -> float:
    """share(.9 < mem <= 1) / share(.7 < mem <= .8) of a fitted distribution (``mixing.fit``).

    Above 1 there is a mode at the upper end. NaN where (.7, .8] holds next to nothing.
    """
    below = mixing.mass(weights, 0.7, 0.8)
    return mixing.mass(weights, HIGH, 2) / below if below > _SCARCE else float("nan")


def bimodality_coefficient(counts: Counts) -> Floats:
    """Sarle's coefficient of the plain scores, per size; does not tell two modes from skewness.

    (g^2 + 1) / (kappa + 3 (n-1)^2/((n-2)(n-3))), g the bias-corrected sample skewness and kappa the
    bias-corrected excess kurtosis (SAS/STAT user's guide; Pfister et al. 2013). NaN below four
    examples or where all scores are equal.
    """
    return np.array([_sarle(mem[np.isfinite(mem)]) for mem in counts.memorization])


def plain_dip(counts: Counts) -> Floats:
    """Dip of the plain scores, per size, each spread evenly over +- half a step of 1/n_out.

    Without spreading, the lattice of possible scores would itself look like many modes.
    """
    return np.array([_spread_dip(counts[size]) for size in range(len(counts.n_in))])


@dataclass(frozen=True)
class Summary:
    """Every statistic of STATISTICS: from all groups [L, S], and without each [G, L, S].

    ``density`` [L, B] and ``density_replicates`` [G, L, B] are the shares of examples in the bins
    of ``mixing.BIN_EDGES``, noise removed.
    """

    estimate: Floats
    replicates: Floats
    density: Floats
    density_replicates: Floats

    def per_size(self) -> dict[str, Interval]:
        """Per statistic and size, [L], with jackknife intervals."""
        interval = jackknife(self.estimate, self.replicates)
        return {name: interval[:, column] for column, name in enumerate(STATISTICS)}

    def densities(self) -> Interval:
        """Share of examples per size and bin, [L, B], with jackknife intervals."""
        return jackknife(self.density, self.density_replicates)

    def over_sizes(self, sizes: Sequence[int] | None = None) -> tuple[Interval, Interval]:
        """Change from the first to the last size, and slope per step of size: [S] each.

        ``sizes`` are the places of the sizes to look at, by default all; at least two. The slope
        is that of least squares on the rank of the size. Jackknifed as a whole: sizes share their
        subsets, so their errors do not add up.
        """
        places = np.arange(len(self.estimate)) if sizes is None else np.asarray(sizes)
        estimate, replicates = self.estimate[places], self.replicates[:, places]
        rank = places - places.mean()

        def slope(values: Floats) -> Floats:
            return np.asarray((rank[:, None] * values).sum(axis=-2) / (rank**2).sum())

        return (
            jackknife(estimate[-1] - estimate[0], replicates[:, -1] - replicates[:, 0]),
            jackknife(slope(estimate), slope(replicates)),
        )


def summarise(groups: Counts) -> Summary:
    """Every statistic per size, with all that a jackknife over the groups needs.

    ``groups`` int32 [G, L, n].
    """
    total, n_groups = groups.sum(0), len(groups.n_in)
    estimate, density = _described(total)
    folds = [_described(total - groups[group]) for group in range(n_groups)]
    return Summary(
        estimate,
        np.asarray([fold[0] for fold in folds]).reshape(n_groups, *estimate.shape),
        density,
        np.asarray([fold[1] for fold in folds]).reshape(n_groups, *density.shape),
    )


def _described(counts: Counts) -> tuple[Floats, Floats]:
    """Statistics [L, STATISTICS] and noise-removed shares of the bins [L, B]."""
    plain = plain_tails(counts)
    fits = _fits(counts)
    deconvolved = np.array([_deconvolved(weights) for weights in fits])
    columns = {
        "mean": moments(counts).mean,
        "polarisation": polarisation(counts),
        "low_mass_plain": plain[:, 0],
        "high_mass_plain": plain[:, 1],
        "bimodality_coefficient": bimodality_coefficient(counts),
        "dip_plain": plain_dip(counts),
        **dict(zip(_DECONVOLVED, deconvolved.T, strict=True)),
    }
    statistics = np.stack([columns[name] for name in STATISTICS], axis=-1)
    return statistics, np.array([mixing.binned(weights) for weights in fits])


def _fits(counts: Counts) -> list[Floats]:
    return [mixing.fit(counts[size]) for size in range(len(counts.n_in))]


def _deconvolved(weights: Floats) -> tuple[float, float, float, float]:
    if not np.isfinite(weights).all():
        return (np.nan,) * 4
    knots, values = mixing.cumulative(weights)
    return (
        mixing.mass(weights, -2, LOW),
        mixing.mass(weights, HIGH, 2),
        upper_mode_ratio(weights),
        dip_of_distribution(knots, values, values),
    )


def _sarle(values: Floats) -> float:
    n = len(values)
    if n < 4 or np.ptp(values) == 0:
        return float("nan")
    deviation = values - values.mean()
    second, third, fourth = ((deviation**power).mean() for power in (2, 3, 4))
    skewness = third / second**1.5 * np.sqrt(n * (n - 1)) / (n - 2)
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourth / second**2 - 3) + 6)
    return float((skewness**2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


def _spread_dip(counts: Counts) -> float:
    filled = counts.filled()
    if not filled.any():
        return float("nan")
    step = 1 / float(np.median(counts.n_out[filled]))
    cell = np.round(counts.memorization[filled] / step).astype(np.int64)
    frequency = np.bincount(cell - cell.min()) / len(cell)
    edges = np.arange(len(frequency) + 1, dtype=np.float64) * step
    values = np.concatenate([[0.0], np.cumsum(frequency)])
    return dip_of_distribution(edges, values, values)
