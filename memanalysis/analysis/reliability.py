"""Split-half reliability: the share of the spread of scores over examples that is signal.

Two halves of the groups of models score every example independently. Their correlation r over
examples is the reliability of half as many models, var(true) / (var(true) + var(noise)); the
Spearman-Brown formula raises it to all of them. A score can be reliable and its change between two
sizes, a small difference of two noisy scores, not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import correlate
from memanalysis.analysis.intervals import Floats

# Scores [Q, n] of Q quantities from the groups that are True in bool [G].
Scores = Callable[[NDArray[np.bool_]], Floats]


@dataclass(frozen=True)
class Reliability:
    """Agreement of halves for Q quantities, arrays [Q].

    Attributes
    ----------
    correlation
        Pearson correlation of both halves over examples, mean over splits.
    reliability
        Of the score from both halves together, by Spearman and Brown; NaN for a correlation <= 0.
    spread
        Standard deviation of the correlation between splits; NaN for one split. It tells how much
        luck one split holds, and is no standard error: splits share their models.
    n_splits
        Splits averaged.
    """

    correlation: Floats
    reliability: Floats
    spread: Floats
    n_splits: int


def reliability(scores: Scores, parts: NDArray[np.int8]) -> Reliability:
    """Split-half reliability over the splits ``parts`` int8 [splits, G] of ``splits.parts``."""
    found, shares = [], []
    for part in parts:
        first, second = part == 0, part == 1
        found.append(correlate("pearson", scores(first), scores(second)))
        shares.append(first.sum() / max(int((part >= 0).sum()), 1))
    r = np.asarray(found)
    spread = r.std(axis=0, ddof=1) if len(r) > 1 else np.full(r.shape[1:], np.nan)
    mean = r.mean(axis=0)
    return Reliability(mean, lengthened(mean, float(np.mean(shares))), spread, len(parts))


def lengthened(r: Floats, share: float = 0.5) -> Floats:
    """Reliability of the whole from the correlation of its two parts; NaN for r <= 0.

    Parts that hold ``share`` = p and q = 1 - p of the models (Horst 1951, Psychometrika 16: 368):

        (r sqrt(r^2 + 4 p q (1 - r^2)) - r^2) / (2 p q (1 - r^2)),

    which for p = 1/2 is Spearman and Brown's 2 r / (1 + r).
    """
    product = share * (1 - share)
    positive = np.where(r > 0, r, np.nan)
    room = np.maximum(1 - positive**2, 0)
    root = np.sqrt(positive**2 + 4 * product * room)
    # Multiplied by its conjugate, the numerator keeps its digits as r approaches 1.
    return np.asarray(2 * positive / (root + positive))


def ladder(n_groups: int) -> list[int]:
    """Numbers of groups at which to look: 2, 4, 8, ... and all of them; none below two."""
    if n_groups < 2:
        return []
    doubled = [2**power for power in range(1, n_groups.bit_length()) if 2**power < n_groups]
    return [*doubled, n_groups]
