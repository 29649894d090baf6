"""Modes at both ends of the scores of one size, by plain counting.

A mode is a bin with more images than the bins beside it. Noise can blur a mode but not make one,
so nothing is deconvolved. With every training image fitted and n models without an image, scores
are multiples of 1/n: bins closed at the wrong side hold more of these values than their
neighbours. Half-open bins counted from the outside hold equally many: (.9, 1], (.7, .8], (.6, .7]
at the upper end, [0, .1), [.2, .3), [.3, .4) at the lower. Scores below 0 belong to the lowest bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts, ratio

TOLERANCE: Final = 1e-9  # k/n - .9 is 0 or at least 1e-5 for n up to 10,000

# (low, high]: open below, so that 1 belongs to the first.
UPPER: Final = ((0.9, np.inf), (0.7, 0.8), (0.6, 0.7))
# [low, high): open above, so that 0 belongs to the first.
LOWER: Final = ((-np.inf, 0.1), (0.2, 0.3), (0.3, 0.4))

TOP: Final = 0
BOTTOM: Final = 3
HELD_OUT: Final = 6  # images that fewer than one in ten held-out models get right
_BESIDE: Final = {TOP: (1, 2), BOTTOM: (4, 5)}


@dataclass(frozen=True)
class Modes:
    """Shares of images in the bins of UPPER, LOWER and in p_out < .1, at each size.

    ``shares`` float64 [L, 7]; ``without`` float64 [G, L, 7], each group of models left out.
    """

    shares: Floats
    without: Floats

    def ratio_beside(self, mode: int, size: int = -1, minimum_share: float = 0.01) -> Interval:
        """Share in the mode (TOP or BOTTOM) over the mean share of the two bins beside it.

        Delete-one-group limits. Infinite with its limits if nobody lies beside the mode while it
        holds ``minimum_share`` of the images, NaN if it holds fewer. If leaving out a group empties
        the bins beside, the jackknife runs on the ratio's linear part, r + (m_-g - r b_-g)/b, which
        is defined wherever b, the mean share beside, is above 0.
        """
        m, b = _mode_and_beside(self.shares[size], mode)
        m_without, b_without = _mode_and_beside(self.without[:, size], mode)
        n_groups = len(self.without)
        if b <= 0:
            value = np.asarray(np.inf if m >= minimum_share else np.nan)
            return Interval(value, value, value, n_groups)
        estimate = m / b
        if (b_without > 0).all():
            return jackknife(estimate, m_without / b_without)
        return jackknife(estimate, estimate + (m_without - estimate * b_without) / b)

    def rise(self, column: int, first: int = 0, last: int = -1) -> Interval:
        """Change of a share (a column of ``shares``) between two sizes, delete-one-group limits."""
        return jackknife(
            self.shares[last, column] - self.shares[first, column],
            self.without[:, last, column] - self.without[:, first, column],
        )


def measure(groups: Counts) -> Modes:
    """Shares from counts [G, L, n], over the images with both cells at every size."""
    total = groups.sum(0)
    without = [_shares(total - groups[group]) for group in range(len(groups.n_in))]
    shares = _shares(total)
    return Modes(shares, np.asarray(without).reshape(-1, *shares.shape))


def _shares(counts: Counts) -> Floats:
    usable = counts.filled().all(axis=0)
    score, held_out = counts.memorization[:, usable], counts.accuracy_out[:, usable]
    upper = [_between(-score, -high, -low) for low, high in UPPER]
    lower = [_between(score, low, high) for low, high in LOWER]
    numbers = np.stack([*upper, *lower, _between(held_out, -np.inf, 0.1)], axis=-1)
    return ratio(numbers, np.asarray(usable.sum()))


def _between(values: Floats, low: float, high: float) -> Floats:
    """Number of values of each row in [low, high): float64 [L]."""
    inside = (values >= low - TOLERANCE) & (values < high - TOLERANCE)
    return np.asarray(inside.sum(axis=-1), dtype=np.float64)


def _mode_and_beside(shares: Floats, mode: int) -> tuple[Floats, Floats]:
    first, second = _BESIDE[mode]
    return shares[..., mode], (shares[..., first] + shares[..., second]) / 2
