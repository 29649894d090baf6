"""Packed outcomes of one objective, and the counts that every estimator starts from.

One example at one size is two short bit strings, ``in_train`` and ``correct``, over the subsets of
the store. Counts over disjoint sets of subsets add up, hence leaving a group of models out is a
subtraction of its counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memanalysis.storage import bits

Packed = NDArray[np.uint8]
Numbers = NDArray[Any]  # int32 counts of 0/1 outcomes, or float64 sums of a continuous signal

_WORD = 8  # bytes counted at once


@dataclass(frozen=True)
class Counts:
    """Sums and numbers of models inside and outside the subset; arrays of one common shape.

    ``hits_in`` and ``hits_out`` count correct models, or sum a continuous signal over them.
    """

    hits_in: Numbers
    n_in: Numbers
    hits_out: Numbers
    n_out: Numbers

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hits_in + other.hits_in,
            self.n_in + other.n_in,
            self.hits_out + other.hits_out,
            self.n_out + other.n_out,
        )

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.hits_in - other.hits_in,
            self.n_in - other.n_in,
            self.hits_out - other.hits_out,
            self.n_out - other.n_out,
        )

    def __getitem__(self, index: Any) -> Counts:
        return Counts(
            self.hits_in[index], self.n_in[index], self.hits_out[index], self.n_out[index]
        )

    def sum(self, axis: int = 0) -> Counts:
        """Counts added up along one axis, for instance over groups."""
        return Counts(
            self.hits_in.sum(axis),
            self.n_in.sum(axis),
            self.hits_out.sum(axis),
            self.n_out.sum(axis),
        )

    @property
    def accuracy_in(self) -> NDArray[np.float64]:
        """p_in = hits_in / n_in, NaN where n_in = 0."""
        return ratio(self.hits_in, self.n_in)

    @property
    def accuracy_out(self) -> NDArray[np.float64]:
        """p_out = hits_out / n_out, NaN where n_out = 0."""
        return ratio(self.hits_out, self.n_out)

    @property
    def memorization(self) -> NDArray[np.float64]:
        """p_in - p_out (Feldman & Zhang 2020, stability score), NaN where either is."""
        return self.accuracy_in - self.accuracy_out

    def filled(self, min_count: int = 1) -> NDArray[np.bool_]:
        """True where both cells hold at least ``min_count`` models."""
        return np.asarray((self.n_in >= min_count) & (self.n_out >= min_count))


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of one objective at L sizes, n examples and S subsets in B bytes.

    Attributes
    ----------
    sizes
        L names, smallest first.
    in_train, correct
        uint8 [L, n, B], packed along the subsets; both are subsets of ``trained``.
    trained
        uint8 [L, B], the subsets trained at each size.
    groups
        uint8 [G, B], one mask of subsets per group: the unit that is left out and resampled.
    example_id
        int64 [n].
    """

    sizes: tuple[str, ...]
    in_train: Packed
    correct: Packed
    trained: Packed
    groups: Packed
    example_id: NDArray[np.int64]

    @classmethod
    def from_bools(
        cls,
        in_train: NDArray[np.bool_],
        correct: NDArray[np.bool_],
        group_size: int,
        sizes: Sequence[str] | None = None,
    ) -> Outcomes:
        """Pack bool ``in_train`` [n, S] (the same at all sizes) and ``correct`` [L, n, S]."""
        n_sizes, n_examples, n_subsets = correct.shape
        group_of_subset = np.arange(n_subsets) // group_size
        masks = group_of_subset == np.arange(group_of_subset[-1] + 1)[:, None]
        packed = bits.pack(in_train)
        return cls(
            sizes=tuple(sizes or (f"size{rank}" for rank in range(n_sizes))),
            in_train=np.broadcast_to(packed, (n_sizes, *packed.shape)).copy(),
            correct=bits.pack(correct),
            trained=np.broadcast_to(
                bits.pack(np.ones(n_subsets, dtype=np.bool_)), (n_sizes, packed.shape[-1])
            ).copy(),
            groups=bits.pack(masks),
            example_id=np.arange(n_examples, dtype=np.int64),
        )

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return len(self.example_id)

    @property
    def n_groups(self) -> int:
        """Number of groups of subsets."""
        return len(self.groups)

    def counts(self) -> Counts:
        """Hits and models inside and outside the subset: int32 [L, n] each."""
        hits = popcount(self.in_train & self.correct)
        n_in = popcount(self.in_train)
        return Counts(
            hits_in=hits,
            n_in=n_in,
            hits_out=popcount(self.correct) - hits,
            n_out=popcount(self.trained)[:, None] - n_in,
        )

    def group_counts(self) -> Counts:
        """The counts of each group by itself: [G, L, n] each, of ``narrow_type``."""
        shape = (self.n_groups, len(self.sizes), self.n_examples)
        kind = narrow_type(self.groups)
        result = Counts(*(np.zeros(shape, dtype=kind) for _ in range(4)))
        for group in range(self.n_groups):
            alone = self.only(group).counts()
            result.hits_in[group], result.n_in[group] = alone.hits_in, alone.n_in
            result.hits_out[group], result.n_out[group] = alone.hits_out, alone.n_out
        return result

    def keep(self, mask: Packed) -> Outcomes:
        """The same examples seen by the subsets of ``mask`` (uint8 [B]) alone.

        Groups without any such subset disappear; bytes that hold none are dropped, which no count
        can notice.
        """
        kept = np.flatnonzero(mask)
        chosen = np.ascontiguousarray(mask[kept])
        groups = self.groups[:, kept] & chosen
        return Outcomes(
            sizes=self.sizes,
            in_train=self.in_train[:, :, kept] & chosen,
            correct=self.correct[:, :, kept] & chosen,
            trained=self.trained[:, kept] & chosen,
            groups=groups[groups.any(axis=1)],
            example_id=self.example_id,
        )

    def only(self, group: int) -> Outcomes:
        """Group ``group`` by itself."""
        return self.keep(self.groups[group])

    def without(self, group: int) -> Outcomes:
        """All groups but ``group``."""
        others = np.delete(self.groups, group, axis=0)
        return self.keep(np.bitwise_or.reduce(others, axis=0, initial=0))

    def select(self, sizes: Sequence[str]) -> Outcomes:
        """The given sizes, in the given order."""
        rows = [self.sizes.index(size) for size in sizes]
        return replace(
            self,
            sizes=tuple(sizes),
            in_train=self.in_train[rows],
            correct=self.correct[rows],
            trained=self.trained[rows],
        )

    def examples(self, index: NDArray[np.int64]) -> Outcomes:
        """The examples at the positions ``index``."""
        return replace(
            self,
            in_train=self.in_train[:, index],
            correct=self.correct[:, index],
            example_id=self.example_id[index],
        )


def ratio(numerator: Numbers, denominator: Numbers) -> NDArray[np.float64]:
    """Numerator / denominator as float64, NaN where the denominator is 0."""
    result = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def narrow_type(groups: Packed) -> type[np.signedinteger[Any]]:
    """The smallest signed integers for numbers of subsets within one group, with room to spare.

    Counts per group are what takes the memory of a study: 40 groups, 5 sizes, 50,000 examples and
    10 pairs of sizes are 640 MB of int32, and 160 MB of int8. Sums over groups are int64.
    """
    largest = int(popcount(groups).max(initial=0))
    return np.int8 if largest <= 100 else np.int16 if largest <= 30_000 else np.int32


def popcount(packed: Packed) -> NDArray[np.int32]:
    """Set bits along the last axis: uint8 [..., B] -> int32 [...].

    ``bits.count``, eight bytes at a time.
    """
    return np.asarray(np.bitwise_count(words(packed)).sum(axis=-1, dtype=np.int32))


def words(packed: Packed) -> NDArray[np.uint64]:
    """The same bits eight bytes at a time, zero-padded: uint8 [..., B] -> uint64 [..., ceil(B/8)].

    What stands for which bit differs between machines; counts of bits and of common bits do not.
    """
    spare = -packed.shape[-1] % _WORD
    if spare:
        packed = np.concatenate(
            [packed, np.zeros((*packed.shape[:-1], spare), dtype=np.uint8)], axis=-1
        )
    return np.ascontiguousarray(packed).view(np.uint64)
