"""Conditions, on which the findings are decided, whole and in parts.

Every robustness check is the same rule on other evidence: half of the groups, fewer sizes, another
signal, another alpha.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.contrasts import PairedCounts, group_pairs
from memanalysis.analysis.correlations import HalfSums
from memanalysis.analysis.distillation import Comparison, compare
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import Counts, Outcomes
from memanalysis.analysis.trajectories import default_alpha
from memanalysis.rules import Rules, load

Signal = Literal["correctness", "probability"]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Condition:
    """One objective: outcomes of training examples, and test accuracy per group.

    Attributes
    ----------
    outcomes
        Packed bits with G groups and L sizes.
    group_ids
        int64 [G], aligned with ``outcomes.groups``.
    counts
        [G, L, n], of the outcomes.
    parameters
        float64 [L], NaN where unknown.
    test_sum, test_n
        float64 [G, L]: accuracy on the test examples summed over models, and number of models.
    probability
        [G, L, n] sums of the label's probability, or None where groups are not kept.
    """

    outcomes: Outcomes
    group_ids: NDArray[np.int64]
    counts: Counts
    parameters: Floats
    test_sum: Floats
    test_n: Floats
    probability: Counts | None = None

    @property
    def sizes(self) -> tuple[str, ...]:
        """Sizes, smallest first."""
        return self.outcomes.sizes

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.group_ids)

    @property
    def half(self) -> NDArray[np.int64]:
        """The half of each group, int64 [G]: see ``alternating``."""
        return alternating(self.group_ids)

    @cached_property
    def group_pairs(self) -> PairedCounts:
        """Joint counts of all pairs of sizes per group: int32 [G, P, n]."""
        return group_pairs(self.outcomes)

    def keep_groups(self, kept: Flags, mask: NDArray[np.uint8] | None = None) -> Condition:
        """The chosen groups alone; ``mask`` (uint8 [B]) has their subsets' bits, at least."""
        if mask is None:
            mask = np.bitwise_or.reduce(self.outcomes.groups[kept], axis=0, initial=0)
        return Condition(
            outcomes=self.outcomes.keep(mask),
            group_ids=self.group_ids[kept],
            counts=self.counts[kept],
            parameters=self.parameters,
            test_sum=self.test_sum[kept],
            test_n=self.test_n[kept],
            probability=None if self.probability is None else self.probability[kept],
        )

    def select(self, sizes: list[str]) -> Condition:
        """The given sizes alone."""
        rows = [self.sizes.index(size) for size in sizes]
        return Condition(
            outcomes=self.outcomes.select(sizes),
            group_ids=self.group_ids,
            counts=self.counts[:, rows],
            parameters=self.parameters[rows],
            test_sum=self.test_sum[:, rows],
            test_n=self.test_n[:, rows],
            probability=None if self.probability is None else self.probability[:, rows],
        )

    def accuracy_in(self) -> Floats:
        """Mean p_in of each size over examples with both cells: float64 [L]."""
        total = self.counts.sum(0)
        n = total.filled().sum(axis=-1)
        rates = np.where(total.filled(), total.accuracy_in, 0.0).sum(axis=-1)
        return np.where(n > 0, rates / np.maximum(n, 1), np.nan)


@dataclass(frozen=True)
class Teacher:
    """Teacher of the distilled models."""

    size: str
    scope: str
    parameters: float
    temperature: float | None = None
    weight: float | None = None


@dataclass(frozen=True)
class ProxyEvidence:
    """The proxies of the one-hot models: [2, P, L, n] and, if known, per group."""

    names: tuple[str, ...]
    signs: NDArray[np.int64]
    sums: HalfSums
    group_ids: NDArray[np.int64]

    def keep_groups(self, group_ids: NDArray[np.int64]) -> ProxyEvidence | None:
        """The proxies of the chosen groups, split again into halves; None if groups are unknown."""
        sums = self.sums
        if sums.groups is None or sums.groups_n is None:
            return None
        kept = np.isin(self.group_ids, group_ids)
        half = alternating(self.group_ids[kept])
        return replace(
            self, sums=half_sums(sums.groups[kept], sums.groups_n[kept], half),
            group_ids=self.group_ids[kept],
        )  # fmt: skip

    def select(self, rows: list[int]) -> ProxyEvidence:
        """The given sizes alone, by position."""
        sums = self.sums
        return replace(
            self,
            sums=HalfSums(
                sums.total[:, :, rows],
                sums.n[:, :, rows],
                None if sums.groups is None else sums.groups[:, :, rows],
                None if sums.groups_n is None else sums.groups_n[:, :, rows],
                sums.half,
            ),
        )


@dataclass(frozen=True)
class Evidence:
    """One study, or the part of it that a robustness check looks at."""

    one_hot: Condition | None
    distilled: Condition | None = None
    teacher: Teacher | None = None
    proxies: ProxyEvidence | None = None
    signal: Signal = "correctness"
    alpha: float | None = None
    # How a robustness check scales every alpha.
    alpha_factor: float = 1.0
    # The store knows the label's probability, but no longer per group of models.
    probability_lost: bool = False
    # A half of the groups, in a store that knows its proxies by no smaller part than that.
    proxies_lost: bool = False
    # The rules were made after data like these had been seen.
    post_hoc: bool = False
    rules: Rules = field(default_factory=load)

    @property
    def probability_known(self) -> bool:
        """True if the check by the label's probability can be made."""
        return self.one_hot is not None and self.one_hot.probability is not None

    @property
    def n_groups(self) -> int:
        """Groups of the primary objective."""
        return 0 if self.one_hot is None else self.one_hot.n_groups

    def keep_half(self, half: int) -> Evidence:
        """Half 0 (even group ids) or 1 (odd) of the groups alone."""
        both = [c for c in (self.one_hot, self.distilled) if c is not None]
        masks = [c.outcomes.groups[c.group_ids % 2 == half] for c in both]
        # One mask for both, so that the bytes of one stay those of the other.
        mask = np.bitwise_or.reduce(np.concatenate(masks), axis=0, initial=0) if masks else None
        one_hot, distilled = (
            None if c is None or mask is None else c.keep_groups(c.group_ids % 2 == half, mask)
            for c in (self.one_hot, self.distilled)
        )
        ids = np.zeros(0, dtype=np.int64) if one_hot is None else one_hot.group_ids
        proxies = None if self.proxies is None else self.proxies.keep_groups(ids)
        lost = self.proxies is not None and proxies is None
        return replace(
            self, one_hot=one_hot, distilled=distilled, proxies=proxies, proxies_lost=lost
        )

    def saturated_sizes(self) -> list[str]:
        """Sizes whose one-hot models fit their training examples: mean p_in >= .99."""
        if self.one_hot is None:
            return []
        fitted = self.one_hot.accuracy_in() >= self.rules.common.saturated_accuracy_in
        return [size for size, fits in zip(self.one_hot.sizes, fitted, strict=True) if fits]

    def saturated(self) -> Evidence:
        """The saturated sizes alone."""
        sizes = self.saturated_sizes()
        one_hot, distilled = self.one_hot, self.distilled
        if one_hot is None:
            return self
        rows = [one_hot.sizes.index(size) for size in sizes]
        return replace(
            self,
            one_hot=one_hot.select(sizes),
            distilled=None
            if distilled is None
            else distilled.select([size for size in sizes if size in distilled.sizes]),
            proxies=None if self.proxies is None else self.proxies.select(rows),
        )

    def comparison(self, sizes: list[str] | None = None) -> Comparison | None:
        """One-hot against distilled at the sizes of both, or at ``sizes``; None without both."""
        if self.one_hot is None or self.distilled is None:
            return None
        a, b = self.one_hot, self.distilled
        common = [size for size in a.sizes if size in b.sizes and (not sizes or size in sizes)]
        if not common:
            return None
        a, b = with_common_groups(a.select(common), b.select(common))
        if self.signal == "correctness":
            return compare(a.outcomes, b.outcomes)
        if a.probability is None or b.probability is None or a.n_groups != b.n_groups:
            return None
        return Comparison(a.probability, b.probability, np.arange(a.n_groups))


def with_common_groups(a: Condition, b: Condition) -> tuple[Condition, Condition]:
    """Both conditions with the groups of both, or as they are where they share none."""
    ids = np.intersect1d(a.group_ids, b.group_ids)
    kept = [np.isin(c.group_ids, ids) for c in (a, b)]
    if len(ids) == 0 or all(flags.all() for flags in kept):
        return a, b
    # One mask for both, so that the bytes of one stay those of the other.
    masks = np.concatenate([c.outcomes.groups[f] for c, f in zip((a, b), kept, strict=True)])
    mask = np.bitwise_or.reduce(masks, axis=0, initial=0)
    return a.keep_groups(kept[0], mask), b.keep_groups(kept[1], mask)


def half_sums(
    groups: NDArray[np.float32], groups_n: NDArray[Any], half: NDArray[np.int64]
) -> HalfSums:
    """Sums over the groups of each half, from sums per group [G, ...]."""
    return HalfSums(
        total=np.stack([groups[half == side].sum(axis=0, dtype=np.float64) for side in (0, 1)]),
        n=np.stack([groups_n[half == side].sum(axis=0, dtype=np.int64) for side in (0, 1)]),
        groups=groups,
        groups_n=groups_n,
        half=half,
    )


def alternating(group_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Half of each group: by parity of its id, or by turns where all ids have the same parity."""
    parity = group_ids % 2
    if len(group_ids) and (parity == parity[0]).all():
        return np.arange(len(group_ids)) % 2
    return parity


def alpha_of(condition: Condition | None, rules: Rules) -> float | None:
    """The default alpha of an objective."""
    if condition is None:
        return None
    return default_alpha(condition.counts.sum(0), rules.trajectories)
