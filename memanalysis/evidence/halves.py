"""Proxies and scores from halves of the groups: in many splits, and without each group in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import HalfScores, HalfSums
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.splits import halves
from memanalysis.evidence.conditions import Condition, ProxyEvidence, half_sums

# Proxies [2, P, L, n], oriented, and scores [2, L, n] of both halves.
Pair = tuple[Floats, Floats]

# Of 6 groups there are 10 splits. More of more groups change a correlation in its third digit.
_SPLITS: Final = 10


@dataclass(frozen=True)
class Halved:
    """One objective's proxies and scores by halves.

    A packed store knows its proxies by two fixed halves alone; there is then one split, and no fold
    without a group.
    """

    condition: Condition
    proxies: ProxyEvidence
    seed: int

    @property
    def n_folds(self) -> int:
        """Groups that can be left out, 0 in a packed store."""
        return self.proxies.sums.n_groups

    @property
    def n_splits(self) -> int:
        """Splits there are to average over."""
        return len(self._assignments())

    def splits(self) -> Iterator[Pair]:
        """Both halves of each split."""
        sums = self.proxies.sums
        for half in self._assignments():
            if sums.groups is not None and sums.groups_n is not None:
                sums = half_sums(sums.groups, sums.groups_n, half)
            yield self._pair(sums, half, None)

    def folds(self) -> Iterator[Pair]:
        """Both fixed halves without each group."""
        for group in range(self.n_folds):
            yield self._pair(self.proxies.sums, self.condition.half, group)

    def _assignments(self) -> list[NDArray[np.int64]]:
        if self.n_folds == 0:
            return [self.condition.half]
        chosen = halves(self.condition.n_groups, _SPLITS, self.seed)
        return [np.where(first, 0, 1).astype(np.int64) for first in chosen]

    def _pair(self, sums: HalfSums, half: NDArray[np.int64], without: int | None) -> Pair:
        signs = np.where(self.proxies.signs == 0, 1, self.proxies.signs)[:, None, None]
        scores = HalfScores(self.condition.counts, half).means(without)
        return sums.means(without) * signs, scores
