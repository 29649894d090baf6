"""Agreement of signals: do scores by different ones order the examples alike?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import METHODS, halves_correlated, over_splits
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.splits import halves
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.evidence.signals import Signal
from memanalysis.relations.tables import stack

_SPLITS: Final = 10
_RANKS: Final = tuple(method for method in METHODS if method != "kendall")


def signal_agreement(study: Study, signals: dict[str, dict[str, Signal]]) -> dict[str, list[Any]]:
    """Correlation between the scores by every two signals, per size and of their changes.

    The two scores come from opposite halves of the groups: on the same models they would agree in
    their noise as well.
    """
    parts = []
    for objective, mine in signals.items():
        condition = study.conditions[objective]
        if condition.n_groups < 2 or len(mine) < 2:
            continue
        scores = _Scores(condition, mine, study.seed)
        splits, folds = list(scores.splits()), list(scores.folds())
        for size in [*condition.sizes, None] if len(condition.sizes) > 1 else condition.sizes:
            row = condition.sizes.index(size) if size else None
            for at in range(len(mine) - 1):
                for method in _RANKS:
                    pairs = [_pair(split, row, at) for split in splits]
                    measured = np.asarray([halves_correlated(method, *pair) for pair in pairs])
                    without = [
                        halves_correlated(method, *_pair(fold, row, at))[0] for fold in folds
                    ]
                    n_others = len(mine) - 1 - at
                    found = over_splits(measured, np.asarray(without).reshape(-1, n_others))
                    parts.append(
                        {
                            "objective": objective,
                            "size": size,
                            "size_rank": study.size_rank[size] if size else None,
                            "quantity": "level" if size else "change",
                            "signal_a": list(mine)[at],
                            "signal_b": list(mine)[at + 1 :],
                            "method": method,
                            "estimate": found.interval.estimate,
                            "ci_low": found.interval.low,
                            "ci_high": found.interval.high,
                            "reliability": found.reliability,
                            "corrected_estimate": found.corrected,
                            "n_examples": int(np.isfinite(pairs[0][1]).all(axis=0).sum()),
                            "n_groups": condition.n_groups,
                            "n_splits": len(splits),
                        }
                    )
    return stack(parts)


def _pair(scores: Floats, row: int | None, at: int) -> tuple[Floats, Floats]:
    """Signals after ``at`` [2, P, n] and signal ``at`` [2, n], of a size or of the change."""
    values = scores[:, :, -1] - scores[:, :, 0] if row is None else scores[:, :, row]
    return values[:, at + 1 :], values[:, at]


class _Scores:
    """Scores of all signals by halves, float64 [2, signals, L, n]."""

    def __init__(self, condition: Condition, signals: dict[str, Signal], seed: int) -> None:
        self.signals = list(signals.values())
        self.grouped = all(signal.per_group for signal in self.signals)
        self.half = condition.half
        self.seed = seed

    def splits(self) -> Iterator[Floats]:
        """Every split, or the one of the fixed halves in a packed store."""
        if not self.grouped:
            yield np.stack([self._fixed(side) for side in (0, 1)])
            return
        for first in halves(len(self.half), _SPLITS, self.seed):
            yield np.stack([self._scores(first), self._scores(~first)])

    def folds(self) -> Iterator[Floats]:
        """The fixed halves without each group; none in a packed store."""
        if not self.grouped:
            return
        for group in range(len(self.half)):
            kept = np.arange(len(self.half)) != group
            yield np.stack([self._scores(kept & (self.half == side)) for side in (0, 1)])

    def _fixed(self, side: int) -> Floats:
        return np.stack([s.units[s.half == side].sum(0).memorization for s in self.signals])

    def _scores(self, used: NDArray[np.bool_]) -> Floats:
        return np.stack([signal.units[used].sum(0).memorization for signal in self.signals])
