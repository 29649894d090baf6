"""Changes of memorisation by distillation: over all examples and over parts of them.

Examples that are chosen because their score is high were also lucky: measured again by the same
models, their score falls whatever is done to them. So the chosen are measured on a group of models
that had no part in choosing them, and the choice is made once on each objective's score, because
real heterogeneity alone gives the two choices opposite signs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import corrected_for_attenuation, correlate
from memanalysis.analysis.intervals import Floats, Interval, jackknife, leave_one_group_out
from memanalysis.analysis.outcomes import Counts, Outcomes, ratio

Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]
# Chooses examples from what is known without group g (None: from everything): bool [L, n].
Choice = Callable[[int | None], Flags]
# Sorts examples into categories 0, 1, ... from what is known without group g: int [L, n], -1 none.
Sorting = Callable[[int | None], Codes]

MEMORISED: Final = 0.5
NOT_MEMORISED: Final = 0.25
_TIE: Final = 1e-11


@dataclass(frozen=True)
class Comparison:
    """Two conditions A and B over the same groups, sizes and examples; counts [G, L, n].

    ``kept`` int [G]: which of the compared outcomes' groups these are.
    """

    a: Counts
    b: Counts
    kept: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))

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
    """``a`` and ``b`` at the sizes of both, at each over the subsets that both were trained on.

    Where the two share no subset with equal in_train at a size, all subsets stay there: the
    comparison is then unpaired at that size.
    """
    sizes = [size for size in a.sizes if size in b.sizes]
    a, b = a.select(sizes), b.select(sizes)
    differs = np.bitwise_or.reduce(a.in_train ^ b.in_train, axis=1, initial=0)
    mask = a.trained & b.trained & ~differs  # [L, B]
    mask[~mask.any(axis=1)] = np.uint8(255)
    groups = a.groups
    if not np.array_equal(a.groups, b.groups):
        groups = np.unique(np.concatenate([a.groups, b.groups]), axis=0)
    first, second = (
        replace(
            c, in_train=c.in_train & mask[:, None], correct=c.correct & mask[:, None],
            trained=c.trained & mask, groups=groups,
        )
        for c in (a, b)
    )  # fmt: skip
    return first, second


def compare(a: Outcomes, b: Outcomes) -> Comparison:
    """Group counts of ``shared`` outcomes, without groups that have no models left."""
    first, second = shared(a, b)
    used = np.bitwise_or.reduce(first.trained | second.trained, axis=0, initial=0)
    kept = np.flatnonzero((first.groups & used).any(axis=1))
    return Comparison(first.group_counts()[kept], second.group_counts()[kept], kept)


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


def by_bins(comparison: Comparison, objective: str, edges: Sequence[float]) -> Sorting:
    """Sorts by the score of A (``one_hot``) or B (any other), each size by its own.

    Category 0 lies below ``edges[0]``, category k from ``edges[k - 1]``, included, to ``edges[k]``.
    """
    column = 0 if objective == "one_hot" else 1

    def sort(without: int | None) -> Codes:
        mem = comparison.totals(without)[column].memorization
        codes = np.searchsorted(np.asarray(edges), mem + _TIE, side="right")
        return np.where(np.isfinite(mem), codes, -1)

    return sort


def change_by(a: Counts, b: Counts, codes: Codes, n: int) -> tuple[Floats, Floats]:
    """``change`` in each of ``n`` categories [3, L, n], and the examples in each [L, n]."""
    change_in = b.accuracy_in - a.accuracy_in
    change_out = b.accuracy_out - a.accuracy_out
    used = np.isfinite(change_in - change_out) & (codes >= 0)
    n_sizes = len(codes)
    place = (codes + n * np.arange(n_sizes)[:, None])[used]
    numbers = np.bincount(place, minlength=n_sizes * n).reshape(n_sizes, n)
    sums = [
        np.bincount(place, part[used], minlength=n_sizes * n).reshape(n_sizes, n)
        for part in (change_in, change_out)
    ]
    inside, outside = (ratio(total, numbers) for total in sums)
    return np.stack([inside - outside, inside, outside]), numbers.astype(np.float64)


def naive_by(comparison: Comparison, sorting: Sorting, n: int) -> Effect:
    """``naive`` in each of ``n`` categories: intervals [L, n]."""
    results = [
        change_by(*comparison.totals(group), sorting(group), n)
        for group in (None, *range(comparison.n_groups))
    ]
    estimate, counts = results[0]
    replicates = np.asarray([values for values, _ in results[1:]])
    return _effect(jackknife(estimate, replicates.reshape(-1, *estimate.shape)), counts)


def cross_fitted_by(comparison: Comparison, sorting: Sorting, n: int) -> Effect:
    """``cross_fitted`` in each of ``n`` categories: intervals [L, n]."""
    results = [
        change_by(comparison.a[group], comparison.b[group], sorting(group), n)
        for group in range(comparison.n_groups)
    ]
    n_sizes = comparison.a.n_in.shape[1]
    values = np.asarray([fold for fold, _ in results]).reshape(-1, 3, n_sizes, n)
    counts = np.asarray([number for _, number in results]).reshape(-1, n_sizes, n)
    return _effect(leave_one_group_out(values), counts.mean(axis=0))


def agreement(
    comparison: Comparison, half: Codes, *, averaged: bool = False
) -> tuple[Interval, Interval]:
    """Pearson correlation of both scores per size [L]: plain, and corrected for attenuation.

    Or their means over sizes, if ``averaged``.

    Each half of the groups of one objective with the other half of the other, averaged over both
    ways; corrected by the correlations between the halves of each (Spearman 1904), NaN below a
    reliability of .3. ``half`` int [G] is 0 or 1. Jackknife over groups; no interval below four.
    """
    n_groups = comparison.n_groups
    everyone = np.arange(n_groups)

    def measure(kept: Flags) -> Floats:
        a, b = (
            np.stack([c[kept & (half == side)].sum(0).memorization for side in (0, 1)])
            for c in (comparison.a, comparison.b)
        )  # [2, L, n]
        plain = correlate("pearson", a, b[::-1]).mean(axis=0)
        corrected = corrected_for_attenuation(
            plain, correlate("pearson", a[0], a[1]), correlate("pearson", b[0], b[1])
        )
        both = np.stack([plain, corrected])
        return np.asarray(both.mean(axis=-1)) if averaged else both

    estimate = measure(everyone >= 0)
    # Below four groups some replicates have an empty half, and the others alone would be too sure.
    left_out = everyone if n_groups >= 4 else everyone[:0]
    replicates = [measure(everyone != group) for group in left_out]
    found = jackknife(estimate, np.asarray(replicates).reshape(-1, *estimate.shape))
    return found[0], found[1]


def _jackknifed(comparison: Comparison, choice: Choice | None) -> Effect:
    def measure(without: int | None) -> Floats:
        return change(*comparison.totals(without), None if choice is None else choice(without))

    replicates = np.asarray([measure(group) for group in range(comparison.n_groups)])
    estimate = measure(None)
    counts = None if choice is None else choice(None).sum(axis=-1).astype(np.float64)
    if counts is None:
        a, b = comparison.totals()
        counts = (a.filled() & b.filled()).sum(axis=-1).astype(np.float64)
    return _effect(jackknife(estimate, replicates.reshape(-1, *estimate.shape)), counts)


def _effect(interval: Interval, n_examples: Floats) -> Effect:
    return Effect(interval[0], interval[1], interval[2], n_examples)
