"""Membership inference, image by image: was a model trained on it?

The attack of Carlini et al. (2022, arXiv:2112.03570, section V) on one image compares a model's
margin with those of models trained with and without the image. From sums and sums of squares the
two distributions are taken as normal; the attacker calls "member" above a threshold on the margin.
With means m and SDs s of models inside and outside,

    area = Phi((m_in - m_out) / sqrt(s_in^2 + s_out^2)),
    TPR at FPR f = Phi((m_in - m_out - z_(1-f) s_out) / s_in).

Where every model's margin is known, the area needs no law: it is the share of pairs of one model
inside and one outside whose margins stand in that order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import ranks
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.analysis.quantiles import tail, upper_quantile


@dataclass(frozen=True)
class Margins:
    """Sums of margins and of their squares over the models of ``counts``; arrays of one shape."""

    sums: Counts
    squares_in: Floats
    squares_out: Floats

    @property
    def means(self) -> tuple[Floats, Floats]:
        """Mean inside and outside, NaN without models."""
        return self.sums.accuracy_in, self.sums.accuracy_out

    @property
    def deviations(self) -> tuple[Floats, Floats]:
        """SD over models inside and outside (n - 1); NaN below two models or without spread."""
        inside = _deviation(self.sums.hits_in, self.squares_in, self.sums.n_in)
        return inside, _deviation(self.sums.hits_out, self.squares_out, self.sums.n_out)


def gaussian_area(margins: Margins, means: tuple[Floats, Floats] | None = None) -> Floats:
    """Chance that a model inside has the larger margin than one outside, margins normal.

    ``means`` inside and outside from part of the models, the SDs from all: two halves of a packed
    store keep no sums of squares of their own.
    """
    inside, outside = margins.means if means is None else means
    sd_in, sd_out = margins.deviations
    return np.asarray(tail((outside - inside) / np.hypot(sd_in, sd_out)))


def gaussian_tpr(margins: Margins, fpr: float) -> Floats:
    """Share of members called at a false-positive rate ``fpr``, margins normal.

    NaN where fewer than 1/(2 fpr) models are outside (50 for 1 %, 500 for .1 %): less than half of
    one of them would lie beyond the threshold, which then rests on the normal tail alone.
    """
    inside, outside = margins.means
    sd_in, sd_out = margins.deviations
    z = float(upper_quantile(fpr))
    found = tail(-(inside - outside - z * sd_out) / sd_in)
    return np.where(margins.sums.n_out >= 0.5 / fpr, found, np.nan)


def pairwise_area(margins: Floats, inside: NDArray[np.bool_]) -> Floats:
    """The area without a law, from ``margins`` [n, S] and membership [n, S]; ties count half: [n].

    Models whose margin is NaN take no part. NaN where all others are on one side.
    """
    known = ~np.isnan(margins)
    n_in, n_out = (inside & known).sum(axis=-1), (~inside & known).sum(axis=-1)
    # Last in order, models without a margin move no rank of another.
    summed = np.where(inside & known, ranks(np.where(known, margins, np.inf)), 0.0).sum(axis=-1)
    return ratio(summed - n_in * (n_in + 1) / 2, n_in * n_out)


def _deviation(total: Floats, squares: Floats, n: NDArray[np.integer]) -> Floats:
    # float32 sums can leave a variance a hair below zero.
    variance = ratio(np.maximum(squares - ratio(np.asarray(total) ** 2, n), 0), n - 1)
    return np.sqrt(np.where(variance > 0, variance, np.nan))
