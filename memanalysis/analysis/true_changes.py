"""True changes of scores behind noisy ones: their spread, and a model of their distribution.

The spread needs no model: two halves of the models err independently, so the covariance over
images of the halves' changes is the variance of the true changes. Shares need one: the
distribution of true changes is fitted by maximum likelihood (NPMLE), and no interval for such a
share is honest: in simulations it is off by up to .3 and its jackknife limits cover 0 to .98.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.contrasts import contrast, paired_counts
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts, Outcomes

Flags = NDArray[np.bool_]

STEP: Final = 0.02
CHANGES: Final[Floats] = np.round(np.arange(-50, 51) * STEP, 2)
# Noise of a score between models is 1.03 times binomial in the width study (1.04 to 1.10 of the
# variance by groups, less what pairing saves).
OVERDISPERSION: Final = 1.03
LEAST: Final = 0.04
_ITERATIONS: Final = 300
_TIE: Final = 1e-9


def variance_of_changes(
    groups: Counts, half: NDArray[np.int64], first: int = 0, last: int = -1
) -> Interval:
    """Variance over images of the true change of score between two sizes, jackknife over groups.

    ``groups`` counts [G, L, n]; ``half`` int [G] of 0 and 1. The covariance of both halves'
    changes, unbiased and therefore below 0 at times where nothing changes; its root, where there
    is one, is the SD of true changes. NaN below four groups.
    """
    everyone = np.arange(len(half))

    def covariance(kept: Flags) -> float:
        changes = []
        for side in (0, 1):
            score = groups[kept & (half == side)].sum(0).memorization
            changes.append(score[last] - score[first])
        known = np.isfinite(changes[0] + changes[1])
        if known.sum() < 2:
            return float("nan")
        return float(np.cov(changes[0][known], changes[1][known])[0, 1])

    estimate = np.asarray(covariance(everyone >= 0))
    left_out = everyone if len(half) >= 4 else everyone[:0]
    return jackknife(estimate, np.array([covariance(everyone != group) for group in left_out]))


def changes_with_errors(
    outcomes: Outcomes, counts: Counts, first: int, last: int
) -> tuple[Floats, Floats]:
    """Change of the score from size ``first`` to ``last`` and its standard error, float64 [n].

    ``counts`` [L, n] over all groups. Subsets that both sizes share are paired; NaN where a cell
    is empty.
    """
    pairs = paired_counts(outcomes, outcomes, np.array([first]), np.array([last]))
    found = contrast(pairs, counts[[first]], counts[[last]])
    return found.change[0], found.se[0]


def distribution_of_changes(changes: Floats, errors: Floats) -> Floats:
    """Weights of the changes CHANGES by maximum likelihood (Kiefer & Wolfowitz 1956; EM).

    ``changes`` and their standard errors ``errors`` float64 [m]; errors count 1.03 times, normal.
    float64 [101], sum 1; NaN of no changes.
    """
    known = np.isfinite(changes) & np.isfinite(errors) & (errors > 0)
    if not known.any():
        return np.full(len(CHANGES), np.nan)
    z = (changes[known, None] - CHANGES) / (OVERDISPERSION * errors[known, None])
    log = -(z**2) / 2
    likelihood = np.exp(log - log.max(axis=1, keepdims=True))
    weights = np.full(len(CHANGES), 1 / len(CHANGES))
    for _ in range(_ITERATIONS):
        weights = weights * (likelihood.T @ (1 / (likelihood @ weights))) / len(likelihood)
    return np.asarray(weights / weights.sum())


def shares_changing(weights: Floats, least: float = LEAST) -> tuple[float, float]:
    """Shares of images whose true score falls and rises by at least ``least``."""
    falling = weights[-least + _TIE >= CHANGES].sum()
    rising = weights[least - _TIE <= CHANGES].sum()
    return float(falling), float(rising)
