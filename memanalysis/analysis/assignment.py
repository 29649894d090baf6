"""Chance alone for a pair: the distribution of hits if the training example were any.

An example has no influence on a partner if the partner's outcomes would have been the same whatever
subsets the example had been drawn into. Then its subsets are as good as drawn at random, and the
number of hits among them has a known distribution.

In a balanced design the draw is between few patterns: each group of ten subsets leaves out three
neighbouring blocks of ten, so an example has one of ten patterns in each group, whatever its other
groups are. That makes for more spread than drawing subsets one by one (the hypergeometric
distribution), because a partner's outcomes depend on other examples, which share blocks with this
one. Measured on 4,000 examples and 60 models: of 1.6 million train-train pairs 56,517 lie above .15
at the largest size; patterns lead to expect 56,443, the hypergeometric distribution 33,139, and its
q-values call 361 of them real where patterns call none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from memanalysis.analysis.outcomes import Packed, popcount

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

# A design by blocks has no more patterns than subsets in a group. Where it does, but so many groups
# are incomplete that examples fall into more strata than this, single draws stand in.
_MOST_STRATA: Final = 64
_WORD: Final = 8
_TOGETHER: Final = 64  # partners whose chances are computed at once


@dataclass(frozen=True)
class _Group:
    """The patterns of one group: bits [U, bytes], shares [U], subsets in each [U]; ``at`` [bytes].

    ``at`` are the bytes of the store's bit strings that the group touches.
    """

    at: NDArray[np.intp]
    patterns: Packed
    shares: Floats
    n_in: NDArray[np.int64]


@dataclass(frozen=True)
class Assignment:
    """The way in which training examples came into subsets.

    Attributes
    ----------
    stratum
        int64 [n], examples that are exchangeable: equally many subsets in each group where groups
        have few patterns, equally many subsets elsewhere.
    n_in
        int64 [strata], subsets of each example of a stratum.
    """

    stratum: NDArray[np.int64]
    n_in: NDArray[np.int64]
    trained: Packed
    _groups: tuple[_Group, ...]
    _keys: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, in_train: Packed, trained: Packed, groups: Packed) -> Assignment:
        """The assignment that the bits show: ``in_train`` uint8 [n, B], ``groups`` uint8 [G, B]."""
        blocked = _blocked(in_train, trained, groups)
        if blocked is not None:
            return blocked
        n_in, stratum = np.unique(popcount(in_train), return_inverse=True)
        return cls(stratum.astype(np.int64), n_in.astype(np.int64), trained, (), ())

    @property
    def by_patterns(self) -> bool:
        """True if chance draws patterns of groups; else it draws single subsets."""
        return bool(self._groups)

    def tails(self, stratum: int, correct: Packed) -> Floats:
        """P[hits >= x] for an example of the stratum and each partner: float64 [m, n_in + 1].

        ``correct`` uint8 [m, B]. Exact, given the partner's outcomes.
        """
        if not self._groups:
            n_models, n_in = int(popcount(self.trained)), int(self.n_in[stratum])
            return _hypergeometric_tails(n_models, n_in)[popcount(correct)]
        groups = [
            _hits(group, n_in, correct)
            for group, n_in in zip(self._groups, self._keys[stratum], strict=True)
        ]
        return _tails_of_sum(groups, int(self.n_in[stratum]))


def _blocked(in_train: Packed, trained: Packed, groups: Packed) -> Assignment | None:
    """Strata and patterns of groups, or None unless every trained subset is in a group of few."""
    found, keys = [], [()]
    stratum = np.zeros(len(in_train), dtype=np.int64)
    if len(groups) == 0 or (trained & ~np.bitwise_or.reduce(groups, axis=0)).any():
        return None
    for members in groups:
        mask = members & trained
        at = np.flatnonzero(mask)
        if len(at) > _WORD:
            return None
        words = np.zeros((len(in_train), _WORD), dtype=np.uint8)
        words[:, : len(at)] = in_train[:, at] & mask[at]
        distinct, which, frequency = np.unique(
            words.view(np.uint64)[:, 0], return_inverse=True, return_counts=True
        )
        if len(distinct) > popcount(members):
            return None
        patterns = distinct.view(np.uint8).reshape(-1, _WORD)[:, : len(at)]
        n_in = popcount(patterns).astype(np.int64)
        found.append(_Group(at, patterns, frequency / frequency.sum(), n_in))
        base = int(n_in.max()) + 1
        codes, stratum = np.unique(stratum * base + n_in[which], return_inverse=True)
        keys = [(*keys[code // base], int(code % base)) for code in codes]
        if len(keys) > _MOST_STRATA:
            return None
    n_in = np.array([sum(key) for key in keys], dtype=np.int64)
    return Assignment(stratum, n_in, trained, tuple(found), tuple(keys))


def _hits(group: _Group, n_in: int, correct: Packed) -> tuple[Index, Floats]:
    """Fewest hits within one group, [m], and the chance of each number from there, [m, width]."""
    chosen = group.n_in == n_in
    shares = group.shares[chosen] / group.shares[chosen].sum()
    both = correct[:, None, group.at] & group.patterns[chosen]
    found = np.bitwise_count(both).sum(axis=-1, dtype=np.int64)  # [m, U]
    fewest = found.min(axis=1, initial=n_in)
    found -= fewest[:, None]
    width = int(found.max(initial=0)) + 1
    cells = np.arange(len(found))[:, None] * width + found
    weights = np.broadcast_to(shares, found.shape)
    counted = np.bincount(cells.ravel(), weights.ravel(), len(found) * width)
    return fewest, np.asarray(counted.reshape(-1, width), dtype=np.float64)


def _tails_of_sum(groups: list[tuple[Index, Floats]], most: int) -> Floats:
    """P[sum >= x] of independent numbers of hits: float64 [m, most + 1].

    Most partners are right in all subsets of most groups, or in all but one, so most groups add a
    number that is certain or nearly so. Each partner's groups are therefore taken by falling
    spread, and partners with similar spreads together.
    """
    width = max(chances.shape[1] for _, chances in groups)
    chances = np.zeros((len(groups[0][0]), len(groups), width))
    for place, (_, found) in enumerate(groups):
        chances[:, place, : found.shape[1]] = found
    spread = width - 1 - (chances[:, :, ::-1] > 0).argmax(axis=2)
    by_spread = np.argsort(-spread, axis=1, kind="stable")
    spread = np.take_along_axis(spread, by_spread, axis=1)
    chances = np.take_along_axis(chances, by_spread[:, :, None], axis=1)
    fewest = np.sum([found for found, _ in groups], axis=0)
    partners = np.argsort(spread.sum(axis=1), kind="stable")
    tails = np.empty((len(chances), most + 1))
    for start in range(0, len(partners), _TOGETHER):
        rows = partners[start : start + _TOGETHER]
        total = np.ones((len(rows), 1))
        for place, kernel in enumerate(spread[rows].max(axis=0)):
            if kernel:
                total = _convolved(total, chances[rows, place, : kernel + 1])
        beyond = np.cumsum(total[:, ::-1], axis=1)[:, ::-1]
        beyond = np.pad(np.minimum(beyond, 1), ((0, 0), (0, 1)))
        at = np.arange(most + 1) - fewest[rows, None]
        found = np.take_along_axis(beyond, np.clip(at, 0, beyond.shape[1] - 1), axis=1)
        tails[rows] = np.where(at <= 0, 1, found)
    return tails


def _convolved(first: Floats, second: Floats) -> Floats:
    """Row by row, the distribution of the sum of two independent numbers."""
    result = np.zeros((len(first), first.shape[1] + second.shape[1] - 1))
    for shift in range(second.shape[1]):
        result[:, shift : shift + first.shape[1]] += first * second[:, shift, None]
    return result


@lru_cache(maxsize=2)
def _hypergeometric_tails(n_models: int, n_in: int) -> Floats:
    """P[hits >= x] if ``n_in`` of ``n_models`` are drawn, h of which hit: [n_models + 1, n_in + 1].

    Fisher's exact test, one-sided.
    """
    h = np.arange(n_models + 1)[:, None]
    x = np.arange(n_in + 1)[None, :]
    possible = (x <= h) & (h - x <= n_models - n_in)
    inside, outside = np.where(possible, x, 0), np.where(possible, h - x, 0)
    log = (
        _log_binomial(n_in, inside)
        + _log_binomial(n_models - n_in, outside)
        - _log_binomial(n_models, h)
    )
    chances = np.where(possible, np.exp(log), 0.0)
    return np.asarray(np.minimum(np.cumsum(chances[:, ::-1], axis=1)[:, ::-1], 1))


def _log_binomial(n: int, k: NDArray[np.int64]) -> Floats:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))
