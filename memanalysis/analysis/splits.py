"""Ways to part the groups of models into two halves.

One split is a lottery ticket: two halves of six groups agree more or less by luck. Averaging over
many splits takes that luck out, and keeps whole groups together, which one training subset ties.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

# Against the average over all 92,378 splits of 20 groups, that over 50 has an error of about
# spread / sqrt(50): simulated, .001 where the correlation of one split varies by .007.
LIMIT: Final = 50


def halves(n_groups: int, limit: int = LIMIT, seed: int = 0) -> Flags:
    """Splits of the groups, one row each, True for the first half: bool [splits, n_groups].

    Every split once where there are at most ``limit``, else ``limit`` different ones drawn by
    ``seed``. Halves differ by one group where their number is odd; then the first is the smaller.
    No rows for fewer than two groups.
    """
    if n_groups < 2:
        return np.zeros((0, n_groups), dtype=np.bool_)
    size = n_groups // 2
    even = n_groups == 2 * size
    if comb(n_groups, size) // (1 + even) <= limit:
        # Of a split and its mirror image, the one whose first half has the first group.
        rest = combinations(range(1, n_groups), size - 1)
        chosen = [(0, *others) for others in rest] if even else combinations(range(n_groups), size)
        return _as_flags(list(chosen), n_groups)
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0x5B117, n_groups]))
    drawn: set[tuple[int, ...]] = set()
    while len(drawn) < limit:
        first = np.sort(generator.permutation(n_groups)[:size])
        if even and first[0] != 0:
            first = np.setdiff1d(np.arange(n_groups), first)
        drawn.add(tuple(first.tolist()))
    return _as_flags(sorted(drawn), n_groups)


def parts(n_groups: int, n_used: int, limit: int = LIMIT, seed: int = 0) -> NDArray[np.int8]:
    """Splits of ``n_used`` of the groups: int8 [splits, n_groups], 0 and 1 the halves, -1 unused.

    All groups: ``halves``. Fewer: ``limit`` draws of groups and of their halves.
    """
    if n_used >= n_groups:
        return np.where(halves(n_groups, limit, seed), 0, 1).astype(np.int8)
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0x5B117, n_groups, n_used]))
    rows = np.full((limit, n_groups), -1, dtype=np.int8)
    for row in rows:
        order = generator.permutation(n_groups)[:n_used]
        row[order[: n_used // 2]] = 0
        row[order[n_used // 2 :]] = 1
    return rows


def _as_flags(chosen: list[tuple[int, ...]], n_groups: int) -> Flags:
    flags = np.zeros((len(chosen), n_groups), dtype=np.bool_)
    for row, first in enumerate(chosen):
        flags[row, list(first)] = True
    return flags
