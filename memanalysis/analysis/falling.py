"""Changes of chosen images' scores between two sizes, in models that did not choose them.

Images chosen by their score at the first size regress downwards when measured again, chosen at the
last size upwards; so each group of models measures the images that all other groups choose, once
by either end. The change is split into fitting (of p_in) and generalising (of -p_out).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats, Interval, leave_one_group_out
from memanalysis.analysis.outcomes import Counts, ratio

TOLERANCE: Final = 1e-9
TENTHS: Final = tuple(float(edge) for edge in np.round(np.arange(1, 10) / 10, 1))
PARTS: Final = ("change", "fitting", "generalising")


@dataclass(frozen=True)
class SelectedChange:
    """Mean change from the first to the last size in K bins of the score.

    ``folds`` float64 [G, 2, K, 3]: measured in group g on the images that the other groups put
    into a bin by their score at the first (0) and at the last size (1); the last axis is PARTS,
    change = fitting + generalising. NaN in folds with too few images. ``numbers`` int64 [G, 2, K].
    """

    folds: Floats
    numbers: NDArray[np.int64]

    @property
    def n_folds(self) -> NDArray[np.int64]:
        """Folds with enough images, int64 [2, K]."""
        return np.asarray(np.isfinite(self.folds[..., 0]).sum(axis=0))

    def interval(self) -> Interval:
        """Mean over folds +- t(G-1) sd/sqrt(G): arrays [2, K, 3]."""
        return leave_one_group_out(self.folds)


def selected_change(ends: Counts, edges: Sequence[float], minimum: int = 20) -> SelectedChange:
    """Cross-fitted change in the bins between ``edges``.

    Parameters
    ----------
    ends
        Counts [G, 2, n] of the first and the last size.
    edges
        E ascending edges make K = E + 1 bins: below the first, from one (included) to the next,
        and from the last upwards. A score within 1e-9 of an edge lies on it.
    minimum
        A fold with fewer images in a bin is left out.
    """
    n_groups, n_bins = len(ends.n_in), len(edges) + 1
    total = ends.sum(0)
    folds = np.full((n_groups, 2, n_bins, len(PARTS)), np.nan)
    numbers = np.zeros((n_groups, 2, n_bins), dtype=np.int64)
    for group in range(n_groups):
        alone = ends[group]
        parts = _parts(alone)
        score = (total - alone).memorization
        usable = np.isfinite(parts).all(axis=0)
        for end in range(2):
            bins = np.searchsorted(np.asarray(edges), score[end] + TOLERANCE, side="right")
            places = usable & np.isfinite(score[end])
            folds[group, end], numbers[group, end] = _bin_means(
                parts[:, places], bins[places], n_bins
            )
    folds[numbers < minimum] = np.nan
    return SelectedChange(folds, numbers)


def _parts(alone: Counts) -> Floats:
    """Change, fitting and generalising of each image between both sizes: [3, n]."""
    fitting = alone.accuracy_in[1] - alone.accuracy_in[0]
    generalising = -(alone.accuracy_out[1] - alone.accuracy_out[0])
    return np.stack([fitting + generalising, fitting, generalising])


def _bin_means(
    parts: Floats, bins: NDArray[np.intp], n_bins: int
) -> tuple[Floats, NDArray[np.int64]]:
    numbers = np.bincount(bins, minlength=n_bins)
    sums = [np.bincount(bins, part, minlength=n_bins) for part in parts]
    return np.stack([ratio(total, numbers) for total in sums], axis=-1), numbers
