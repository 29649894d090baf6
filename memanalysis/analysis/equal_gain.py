"""Distillation against an equal gain for all: are memorised images changed by more?

If every image gained equally in logits, the held-out rates p of hard images would still gain more,
because they have room: to first order, an image gains d v with v = p (1 - p), averaged over both
objectives by the trapezoid. That null needs no link function fitted and no rates smoothed: v is
estimated without bias by k (n - k)/(n (n - 1)) from k right of n held-out models.

Per student, D is the mean change of the images with score >= .5 minus that of the images with
score < .25, split into fitting (p_in) and generalising (-p_out). The images are chosen by all
groups of models but g, once by the one-hot and once by the distilled score, and measured in g.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts

Flags = NDArray[np.bool_]

TOLERANCE: Final = 1e-9
# Columns of the folds: contrasts of fitting, of generalising and of v, means of the held-out gain
# and of v over all training images.
_FIT, _GENERALISE, _VARIANCE, _GAIN, _MEAN_VARIANCE = range(5)


@dataclass(frozen=True)
class EqualGain:
    """Contrasts between memorised and not memorised images.

    ``folds`` float64 [G, 2, S, 5]: group, selection (by the one-hot, by the distilled score),
    student, column; NaN where a fold holds too few images. ``numbers`` int64 [G, 2, S, 2]: how many
    memorised and not memorised images a fold measures.
    """

    folds: Floats
    numbers: NDArray[np.int64]

    @property
    def n_folds(self) -> NDArray[np.int64]:
        """Folds with enough images, int64 [2, S]."""
        return np.asarray(np.isfinite(self.folds[..., _FIT]).sum(axis=0))

    def per_student(self) -> dict[str, Interval]:
        """``fit``, ``generalise``, ``null``, ``excess`` = generalise - null: [2, S] each.

        Each column is averaged over groups before it is used; delete-one-group limits.
        """
        return self._intervals(np.arange(self.folds.shape[2]), averaged=False)

    def averaged(self, students: NDArray[np.intp]) -> dict[str, Interval]:
        """The same averaged over the chosen students (positions): [2] each."""
        return self._intervals(students, averaged=True)

    def _intervals(self, students: NDArray[np.intp], *, averaged: bool) -> dict[str, Interval]:
        folds = self.folds[:, :, students]
        everyone = np.arange(len(folds))
        replicates = [_terms(folds[everyone != group]) for group in everyone]
        estimate, stacked = _terms(folds), np.asarray(replicates)
        stacked = np.where(np.isfinite(folds[..., _FIT])[:, None], stacked, np.nan)
        if averaged:
            # A student without this fold is the same with and without it.
            stacked = np.where(
                np.isfinite(stacked).any(axis=-1, keepdims=True),
                np.where(np.isfinite(stacked), stacked, estimate), np.nan,
            ).mean(axis=-1)  # fmt: skip
            estimate = estimate.mean(axis=-1)
        names = ("fit", "generalise", "null", "excess")
        return {n: jackknife(estimate[i], stacked[:, i]) for i, n in enumerate(names)}


def contrasts(
    a: Counts, b: Counts, memorised: float = 0.5, not_memorised: float = 0.25, minimum: int = 20
) -> EqualGain:
    """Cross-fitted contrasts from one_hot (``a``) to distilled (``b``), counts [G, S, n] each.

    Images need two held-out models of each objective in the group that measures them (groups of
    two models: join them, see ``blocks``). A fold with fewer than ``minimum`` images on either side
    is left out.
    """
    n_groups, n_students = a.n_in.shape[:2]
    folds = np.full((n_groups, 2, n_students, 5), np.nan)
    numbers = np.zeros((n_groups, 2, n_students, 2), dtype=np.int64)
    totals = a.sum(0), b.sum(0)
    for group in range(n_groups):
        alone = a[group], b[group]
        fit = alone[1].accuracy_in - alone[0].accuracy_in
        gain = alone[1].accuracy_out - alone[0].accuracy_out
        variance = (_variance(alone[0]) + _variance(alone[1])) / 2
        usable = np.isfinite(fit + gain + variance)  # [S, n]
        everyone = _means(np.stack([gain, variance]), usable)
        for by in range(2):
            score = (totals[by] - alone[by]).memorization
            high = usable & (score >= memorised - TOLERANCE)
            low = usable & (score < not_memorised - TOLERANCE)
            numbers[group, by] = np.stack([high.sum(axis=-1), low.sum(axis=-1)], axis=-1)
            parts = np.stack([fit, -gain, variance])
            contrast = _means(parts, high) - _means(parts, low)
            folds[group, by] = np.concatenate([contrast, everyone]).T
    folds[(numbers < minimum).any(axis=-1)] = np.nan
    return EqualGain(folds, numbers)


def _terms(folds: Floats) -> Floats:
    """Fit, generalise, null and excess from folds [G, 2, S, 5]: [4, 2, S]."""
    finite = np.isfinite(folds)
    n = finite.sum(axis=0)
    mean = np.where(finite, folds, 0).sum(axis=0) / np.where(n > 0, n, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        null = -mean[..., _GAIN] / mean[..., _MEAN_VARIANCE] * mean[..., _VARIANCE]
    null = np.where(mean[..., _MEAN_VARIANCE] > 0, null, np.nan)
    generalise = mean[..., _GENERALISE]
    return np.stack([mean[..., _FIT], generalise, null, generalise - null])


def _variance(counts: Counts) -> Floats:
    """k (n - k)/(n (n - 1)) of the held-out models, unbiased for p (1 - p); NaN below two."""
    k, n = counts.hits_out.astype(np.float64), counts.n_out.astype(np.float64)
    enough = n >= 2
    return np.where(enough, k * (n - k) / np.where(enough, n * (n - 1), 1), np.nan)


def _means(values: Floats, chosen: Flags) -> Floats:
    """Means of ``values`` [C, S, n] over the chosen images [S, n]: [C, S], NaN of none."""
    n = chosen.sum(axis=-1)
    total = np.where(chosen, values, 0.0).sum(axis=-1)
    return np.asarray(total / np.where(n > 0, n, np.nan))
