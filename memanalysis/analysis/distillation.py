"""What distillation does to memorisation, and to whose.

Examples that are chosen because their score is high were also lucky: measured again by the same
models, their score falls whatever is done to them. So the chosen are measured on a group of models
that had no part in choosing them, and the choice is made once on each objective's score, because
real heterogeneity alone gives the two choices opposite signs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats, Interval, jackknife, leave_one_group_out
from memanalysis.analysis.outcomes import Counts, Outcomes

Flags = NDArray[np.bool_]
# Chooses examples from what is known without group g (None: from everything): bool [L, n].
Choice = Callable[[int | None], Flags]

MEMORISED: Final = 0.5
NOT_MEMORISED: Final = 0.25
_TIE: Final = 1e-11


@dataclass(frozen=True)
class Comparison:
    """Two conditions A and B over the same groups, sizes and examples; counts [G, L, n]."""

    a: Counts
    b: Counts

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.a.n_in)

    @cached_property
    def _whole(self) -> tuple[Counts, Counts]:
        return self.a.sum(0), self.b.sum(0)

    def totals(self, without: int | None = None) -> tuple[Counts, Counts]:
        """Counts of A and B over all groups, or all but one: [L, n]."""
        a, b = self._whole
        return (a, b) if without is None else (a - self.a[without], b - self.b[without])


@dataclass(frozen=True)
class Effect:
    """Mean change from A to B over chosen examples, per size [L]; change = change_in - change_out.

    ``n_examples`` is the mean number chosen, over folds.
    """

    change: Interval
    change_in: Interval
    change_out: Interval
    n_examples: Floats


def shared(a: Outcomes, b: Outcomes) -> tuple[Outcomes, Outcomes]:
    """``a`` and ``b`` at the sizes of both, over the subsets that both were trained on.

    Where the two share no subset with equal in_train at all their sizes, all subsets stay: the
    comparison is then unpaired.
    """
    sizes = [size for size in a.sizes if size in b.sizes]
    a, b = a.select(sizes), b.select(sizes)
    differs = np.bitwise_or.reduce(a.in_train ^ b.in_train, axis=1, initial=0)
    mask = np.bitwise_and.reduce(a.trained & b.trained & ~differs, axis=0)
    if mask.any():
        return a.keep(mask), b.keep(mask)
    groups = np.unique(np.concatenate([a.groups, b.groups]), axis=0)
    return replace(a, groups=groups), replace(b, groups=groups)


def compare(a: Outcomes, b: Outcomes) -> Comparison:
    """Group counts of ``shared`` outcomes."""
    first, second = shared(a, b)
    return Comparison(first.group_counts(), second.group_counts())


def change(a: Counts, b: Counts, chosen: Flags | None = None) -> Floats:
    """Mean over examples of (change, change_in, change_out) from A to B: [3, L].

    Examples with an empty cell on either side are left out; NaN where none is left.
    """
    change_in = b.accuracy_in - a.accuracy_in
    change_out = b.accuracy_out - a.accuracy_out
    parts = np.stack([change_in - change_out, change_in, change_out])
    used = np.isfinite(parts[0]) if chosen is None else np.isfinite(parts[0]) & chosen
    n = used.sum(axis=-1)
    total = np.where(used, parts, 0.0).sum(axis=-1)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def over_all(comparison: Comparison) -> Effect:
    """The mean change over all examples, jackknife over groups."""
    return _jackknifed(comparison, None)


def naive(comparison: Comparison, choice: Choice) -> Effect:
    """Chosen and measured by the same models: biased, there to be compared with."""
    return _jackknifed(comparison, choice)


def cross_fitted(comparison: Comparison, choice: Choice) -> Effect:
    """Chosen without group g, measured in g, averaged over g: unbiased."""
    folds = cross_fitted_folds(comparison, choice)
    numbers = [choice(group).sum(axis=-1) for group in range(comparison.n_groups)]
    return _effect(leave_one_group_out(folds), np.asarray(numbers).mean(axis=0))


def cross_fitted_folds(comparison: Comparison, choice: Choice) -> Floats:
    """The folds themselves: [G, 3, L]."""
    folds = [
        change(comparison.a[group], comparison.b[group], choice(group))
        for group in range(comparison.n_groups)
    ]
    return np.asarray(folds).reshape(comparison.n_groups, 3, comparison.a.n_in.shape[1])


def by_score(comparison: Comparison, objective: str, low: float, high: float) -> Choice:
    """Chooses low <= mem < high by the score of A (``one_hot``) or B (``distilled``).

    Each size chooses by its own score.
    """
    column = 0 if objective == "one_hot" else 1

    def choose(without: int | None) -> Flags:
        mem = comparison.totals(without)[column].memorization
        return np.asarray((mem >= low - _TIE) & (mem < high - _TIE))

    return choose


def _jackknifed(comparison: Comparison, choice: Choice | None) -> Effect:
    def measure(without: int | None) -> Floats:
        return change(*comparison.totals(without), None if choice is None else choice(without))

    replicates = np.asarray([measure(group) for group in range(comparison.n_groups)])
    estimate = measure(None)
    chosen = None if choice is None else choice(None).sum(axis=-1).astype(np.float64)
    if chosen is None:
        a, b = comparison.totals()
        chosen = (a.filled() & b.filled()).sum(axis=-1).astype(np.float64)
    return _effect(jackknife(estimate, replicates.reshape(-1, *estimate.shape)), chosen)


def _effect(interval: Interval, n_examples: Floats) -> Effect:
    return Effect(interval[0], interval[1], interval[2], n_examples)
