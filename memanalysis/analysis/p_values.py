"""Q-values of more tests than memory holds."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats

Index = NDArray[np.int64]


class PValueCounts:
    """Numbers of p-values, counted by the first 12 bits of their fraction, rounded up.

    So a q-value is never too small, and too large by at most 2^-12 of it; memory does not depend on
    the number of pairs. Bin b holds p-values up to the float64 whose upper 24 bits are b.
    """

    _SHIFT: Final = 40
    _SMALLEST: Final = np.finfo(np.float64).tiny

    def __init__(self) -> None:
        self.counts = np.zeros(int(self._bin(np.ones(1))[0]) + 1, dtype=np.int64)

    def _bin(self, p_values: Floats) -> Index:
        bits = np.maximum(p_values, self._SMALLEST).view(np.int64)
        return np.asarray((bits + ((1 << self._SHIFT) - 1)) >> self._SHIFT)

    def add(self, p_values: Floats, numbers: Index | int) -> None:
        """Count each p-value so many times."""
        np.add.at(self.counts, self._bin(p_values), numbers)

    def q_values(self, n_tests: int) -> Floats:
        """Benjamini & Hochberg's q of each bin, NaN for empty ones."""
        q_of_bin = np.full(len(self.counts), np.nan)
        filled = np.flatnonzero(self.counts)
        upper = (filled << self._SHIFT).view(np.float64)
        scaled = upper * n_tests / np.cumsum(self.counts[filled])
        q_of_bin[filled] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
        return q_of_bin

    def look_up(self, q_of_bin: Floats, p_values: Floats) -> Floats:
        """The q-value of each p-value, NaN where no pair has it."""
        return np.asarray(q_of_bin[self._bin(np.ascontiguousarray(p_values))])
