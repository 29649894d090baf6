"""Subsets and groups of models: equal masks get equal ids.

Imported subsets have no groups, but everything that is resampled needs them. They are assigned in
the order of the source:

1. If every block of u consecutive models (u = 2, 3, 4, 5 or 10, the smallest that fits) contains
   each example equally often, the design is balanced in blocks, pairs of complements among them,
   and blocks stay whole. Otherwise a block is one model.
2. Consecutive blocks are cut into at most 20 groups of (nearly) equal size; of at least two models
   each, where a block is one model.

Twenty groups give a jackknife of 19 degrees of freedom; more would leave each too few models.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BLOCKS: Final = (2, 3, 4, 5, 10)
_GROUPS: Final = 20

# A mask and which of its equals it is, since two models of a source may share a subset.
Key = tuple[bytes, int]


@dataclass(frozen=True)
class Design:
    """The masks of one size and objective, read once.

    ``keys`` [models]; ``n_in`` int32 [n_train], models with each example; ``sizes`` int64 [models],
    examples in each subset; ``block`` as in the module's text.
    """

    keys: list[Key]
    n_in: NDArray[np.int32]
    sizes: NDArray[np.int64]
    block: int

    @property
    def n_models(self) -> int:
        """Number of models."""
        return len(self.keys)

    @property
    def density(self) -> float:
        """Mean share of the examples in a subset, NaN without any."""
        n = len(self.n_in)
        return float(self.sizes.mean() / n) if n and len(self.sizes) else float("nan")


@dataclass
class Subsets:
    """Subset and group ids by mask: those of a store, and those that an import adds."""

    known: dict[Key, tuple[int, int]] = field(default_factory=dict)
    n_subsets: int = 0
    n_groups: int = 0

    def place(self, design: Design, declared: Sequence[int] | None) -> list[tuple[int, int]]:
        """(subset_id, group_id) of each model; masks that are not known get the next ids.

        ``declared``: group of each model in the source. One with members that are known already is
        their group, unless these are in several.
        """
        fresh = [at for at, key in enumerate(design.keys) if key not in self.known]
        if not fresh:
            return [self.known[key] for key in design.keys]
        if declared is None:
            block = design.block if len(fresh) == design.n_models else 1
            groups = [self.n_groups + g for g in assign_groups(len(fresh), block)]
        else:
            groups = self._declared(design, fresh, declared)
        for at, group in zip(fresh, groups, strict=True):
            self.known[design.keys[at]] = (self.n_subsets, group)
            self.n_subsets += 1
        self.n_groups = max(self.n_groups, max(groups) + 1)
        return [self.known[key] for key in design.keys]

    def _declared(self, design: Design, fresh: list[int], declared: Sequence[int]) -> list[int]:
        """The group of each fresh model."""
        members: dict[int, set[int]] = {}
        for key, group in zip(design.keys, declared, strict=True):
            if key in self.known:
                members.setdefault(group, set()).add(self.known[key][1])
        joined = {group: min(ids) for group, ids in members.items() if len(ids) == 1}
        others = sorted({declared[at] for at in fresh} - joined.keys())
        joined |= {group: self.n_groups + rank for rank, group in enumerate(others)}
        return [joined[declared[at]] for at in fresh]


def digest(in_train: NDArray[np.bool_]) -> bytes:
    """Digest that identifies a mask."""
    return hashlib.sha256(np.packbits(in_train).tobytes()).digest()


def numbered(digests: Iterable[bytes]) -> list[Key]:
    """Digests with the number of equal ones before each."""
    seen: Counter[bytes] = Counter()
    keys = []
    for value in digests:
        keys.append((value, seen[value]))
        seen[value] += 1
    return keys


def examine(masks: Iterable[NDArray[np.bool_]], n_models: int, n_train: int) -> Design:
    """Read every mask once, keeping counts and digests."""
    blocks = {u: np.zeros(n_train, np.int16) for u in _BLOCKS if n_models % u == 0 and u < n_models}
    n_in, sizes, digests = np.zeros(n_train, np.int32), [], []
    for at, mask in enumerate(masks):
        digests.append(digest(mask))
        sizes.append(int(np.count_nonzero(mask)))
        n_in += mask
        for block in list(blocks):
            blocks[block] += mask
            if (at + 1) % block == 0:
                if n_train and blocks[block].min() != blocks[block].max():
                    del blocks[block]
                else:
                    blocks[block][:] = 0
    return Design(numbered(digests), n_in, np.array(sizes, np.int64), min(blocks, default=1))


def assign_groups(n_models: int, block: int) -> list[int]:
    """Group of each of ``n_models`` in order, from 0; see the module's text."""
    n_blocks = n_models // block
    wanted = n_blocks if block > 1 else max(n_blocks // 2, min(n_blocks, 2))
    parts = np.array_split(np.arange(n_blocks), min(_GROUPS, wanted))
    return [group for group, part in enumerate(parts) for _ in range(len(part) * block)]
