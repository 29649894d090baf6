"""Influence of training examples on others (Feldman & Zhang 2020, arXiv 2008.03703).

infl(i, j) = P[correct on j | i in train] - P[correct on j | i not in train]: the stability score
with another example's outcomes, so counts, scores and errors are those of ``Counts``. Where a cell
is empty it is undefined; the published code divides by max(count, 1e-10) instead and calls the
missing rate 0.

With few models nearly every pair above a threshold is noise. ``scan`` therefore tests every pair,
against what the design of the subsets makes likely by chance alone (``assignment``), and returns
those that stand out together with the number that noise would have produced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.assignment import Assignment
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import Counts, Packed, popcount, words
from memanalysis.analysis.p_values import PValueCounts

Index = NDArray[np.int64]

# Feldman & Zhang's threshold for pairs of the same class.
THRESHOLD: Final = 0.15
FALSE_DISCOVERY_RATE: Final = 0.05
# Pairs at once: 512 x 512 pairs take 64 bytes each, 16 MiB, whatever the number of examples.
BLOCK: Final = 512
# Fewer training examples than this: common bits are counted; more: a product of matrices is faster.
_FEW: Final = 64
_TIE: Final = 1e-9  # on hits, which are whole numbers: see trajectories


@dataclass(frozen=True)
class Training:
    """The examples whose influence is measured, at one objective and size.

    ``in_train`` uint8 [n, B], ``trained`` uint8 [B], ``groups`` uint8 [G, B] with ``half`` int [G],
    ``label`` int64 [n], -1 where unknown.
    """

    in_train: Packed
    trained: Packed
    groups: Packed
    half: Index
    label: Index


@dataclass(frozen=True)
class Partners:
    """The examples on which it is measured: ``correct`` uint8 [m, B], ``label`` int64 [m].

    ``same`` says that these are the training examples themselves, in the same order; the pair of
    an example with itself, whose influence is its memorisation, is then left out.
    """

    correct: Packed
    label: Index
    same: bool = False


@dataclass(frozen=True)
class Pairs:
    """Pairs that stand out: positions ``train`` and ``partner`` int64 [r], counts and q [r]."""

    train: Index
    partner: Index
    counts: Counts
    q_value: Floats


@dataclass(frozen=True)
class Scan:
    """All pairs of one objective and size.

    Attributes
    ----------
    n_pairs
        Pairs tested: of the same class if asked for, both cells filled.
    n_above, n_above_by_noise
        Pairs whose influence reaches the threshold, and how many of the pairs would if no training
        example had any influence (exact expectation, given every partner's outcomes).
    least_p_value
        The smallest p-value that any pair could have reached. NaN without pairs.
    jaccard
        Pairs above the threshold in both halves of the groups over those in either; NaN if none.
    pairs
        Pairs at or above the threshold with q <= the false discovery rate.
    """

    n_pairs: int
    n_above: int
    n_above_by_noise: float
    least_p_value: float
    jaccard: float
    pairs: Pairs


def influence_counts(in_train: Packed, correct: Packed, trained: Packed) -> Counts:
    """Counts of every pair, dense: int32 [n, m] from uint8 [n, B], [m, B] and [B].

    ``.memorization`` of the result is the influence, float64, and ``std_error`` its error; memory
    is 16 bytes a pair. With ``correct`` of the training examples the diagonal is their own counts.
    """
    n_subsets = 8 * len(trained)
    hits = _unpacked(in_train, n_subsets) @ _unpacked(correct, n_subsets).T
    shape = hits.shape
    hits_in = hits.astype(np.int32)
    n_in = popcount(in_train)[:, None]
    return Counts(
        hits_in,
        np.broadcast_to(n_in, shape),
        popcount(correct)[None, :] - hits_in,
        np.broadcast_to(popcount(trained) - n_in, shape),
    )


def influence_matrix(in_train: Packed, correct: Packed, trained: Packed) -> Floats:
    """Influence of every pair, dense: float64 [n, m], NaN where a cell is empty.

    ``influence_counts(...).memorization``, to the bit, for when the counts are not asked for.
    """
    n_subsets = 8 * len(trained)
    hits = _unpacked(in_train, n_subsets) @ _unpacked(correct, n_subsets).T
    n_in = popcount(in_train)[:, None]
    n_out = popcount(trained) - n_in
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.divide(hits, n_in, dtype=np.float64)
        np.subtract(popcount(correct).astype(np.float32), hits, out=hits)
        inside -= np.divide(hits, n_out, dtype=np.float64)
    inside[((n_in == 0) | (n_out == 0))[:, 0]] = np.nan
    return np.asarray(inside)


def scan(
    training: Training,
    partners: Partners,
    *,
    threshold: float = THRESHOLD,
    same_class: bool = True,
    level: float = FALSE_DISCOVERY_RATE,
    block: int = BLOCK,
) -> Scan:
    """Test every pair and keep those that stand out.

    The p-value of a pair is one-sided, P[at least as many hits inside] under ``Assignment``; the
    q-value is Benjamini & Hochberg's over all pairs tested, below the threshold too. Memory is
    64 bytes x block^2, 4 x block x subsets bytes of unpacked bits, 34 MB of p-value counts, and the
    pairs returned; pairs are gone over once, and a second time where some can stand out.
    """
    scanner = _Scanner(training, partners, threshold, same_class, block)
    for patch in scanner.patches():
        scanner.count(patch)
    q_of_bin = scanner.p_values.q_values(scanner.n_pairs)
    return Scan(
        scanner.n_pairs,
        scanner.n_above,
        scanner.n_by_noise,
        scanner.least_p if scanner.n_pairs else float("nan"),
        scanner.n_both / scanner.n_either if scanner.n_either else float("nan"),
        scanner.outstanding(q_of_bin, level),
    )


@dataclass(frozen=True)
class _Patch:
    """Exchangeable training examples ``rows`` against some partners ``columns`` of their class."""

    rows: Index
    columns: Index
    tails: Floats  # P[hits >= x], [columns, n_in + 1]
    reach: Index  # fewest hits inside with influence >= threshold, [columns]


@dataclass
class _Scanner:
    training: Training
    partners: Partners
    threshold: float
    same_class: bool
    block: int
    n_pairs: int = 0
    n_above: int = 0
    n_by_noise: float = 0.0
    least_p: float = 1.0
    n_both: int = 0
    n_either: int = 0
    p_values: PValueCounts = field(default_factory=PValueCounts)

    def __post_init__(self) -> None:
        training = self.training
        self.assignment = Assignment.of(training.in_train, training.trained, training.groups)
        self.n_models = int(popcount(training.trained))
        halves = [
            np.bitwise_or.reduce(training.groups[training.half == side], axis=0, initial=0)
            & training.trained
            for side in (0, 1)
        ]
        self.halves = halves if all(half.any() for half in halves) else []
        rest = training.trained & ~np.bitwise_or.reduce(self.halves or [halves[0] & 0], axis=0)
        self.masks = [mask for mask in (*self.halves, rest) if mask.any()]
        self.bits = [np.flatnonzero(np.unpackbits(mask)) for mask in self.masks]
        self.right_in_half = [popcount(self.partners.correct & half) for half in self.halves]

    def patches(self) -> Iterator[_Patch]:
        """All pairs, in pieces; strata outermost, so that each one's chances are computed once."""
        for stratum, n_in in enumerate(self.assignment.n_in):
            if not 0 < n_in < self.n_models:
                continue
            members = np.flatnonzero(self.assignment.stratum == stratum)
            for rows, columns in self._classes(members):
                for start in range(0, len(columns), self.block):
                    yield self._patch(stratum, rows, columns[start : start + self.block])

    def _classes(self, members: Index) -> Iterator[tuple[Index, Index]]:
        if not self.same_class:
            yield members, np.arange(len(self.partners.label))
            return
        by_label = members[np.argsort(self.training.label[members], kind="stable")]
        labels, starts = np.unique(self.training.label[by_label], return_index=True)
        order = np.argsort(self.partners.label, kind="stable")
        bounds = np.searchsorted(self.partners.label[order], [labels, labels + 1])
        for k, rows in enumerate(np.split(by_label, starts[1:])):
            columns = order[bounds[0, k] : bounds[1, k]]
            if labels[k] >= 0 and len(columns):
                yield rows, columns

    def _patch(self, stratum: int, rows: Index, columns: Index) -> _Patch:
        correct = self.partners.correct[columns] & self.training.trained
        tails = self.assignment.tails(stratum, correct)
        n_in = int(self.assignment.n_in[stratum])
        n_out = self.n_models - n_in
        reach = _reach(popcount(correct), n_in, n_out, self.threshold)
        return _Patch(rows, columns, tails, np.ceil(reach - _TIE).astype(np.int64))

    def hits(self, rows: Index, columns: Index) -> list[NDArray[np.float32]]:
        """Hits inside, of each half of the groups and of subsets in neither: [rows, columns]."""
        in_train, correct = self.training.in_train[rows], self.partners.correct[columns]
        if len(rows) < _FEW:
            right_words = words(correct)
            return [
                np.bitwise_count(words(in_train & mask)[:, None] & right_words).sum(
                    axis=-1, dtype=np.float32
                )
                for mask in self.masks
            ]
        inside, right = np.unpackbits(in_train, axis=1), np.unpackbits(correct, axis=1)
        return [
            inside[:, at].astype(np.float32) @ right[:, at].astype(np.float32).T for at in self.bits
        ]

    def count(self, patch: _Patch) -> None:
        """Add a patch to all numbers."""
        n_columns, width = patch.tails.shape
        column = np.arange(n_columns)
        n_rows = np.zeros(n_columns, dtype=np.int64)
        for start in range(0, len(patch.rows), self.block):
            rows = patch.rows[start : start + self.block]
            parts = self.hits(rows, patch.columns)
            others = self._others(rows, patch.columns)
            hits = sum(parts[1:], parts[0]).astype(np.int64)
            self.n_above += int(np.count_nonzero(others & (hits >= patch.reach)))
            self._count_p_values(patch.tails, (hits + column * width)[others])
            if self.halves:
                self._compare_halves(rows, patch.columns, parts, others)
            n_rows += np.count_nonzero(others, axis=0)
        chance = patch.tails[column, np.clip(patch.reach, 0, width - 1)]
        # More hits, smaller p: so the smallest that a partner can reach is its last above 0.
        least = patch.tails[column, np.count_nonzero(patch.tails, axis=1) - 1]
        self.n_pairs += int(n_rows.sum())
        self.n_by_noise += float((n_rows * np.where(patch.reach < width, chance, 0)).sum())
        self.least_p = min(self.least_p, float(least[n_rows > 0].min(initial=1)))

    def _count_p_values(self, tails: Floats, cells: Index) -> None:
        """Count the p-values of pairs, given as places in the flat ``tails``."""
        if len(cells) < tails.size:
            self.p_values.add(tails.ravel()[cells], 1)
        else:
            numbers = np.bincount(cells)
            (filled,) = np.nonzero(numbers)
            self.p_values.add(tails.ravel()[filled], numbers[filled])

    def _others(self, rows: Index, columns: Index) -> NDArray[np.bool_]:
        """False for the pair of an example with itself: bool [rows, columns]."""
        if not self.partners.same:
            return np.ones((len(rows), len(columns)), dtype=np.bool_)
        return np.asarray(rows[:, None] != columns[None, :])

    def _compare_halves(
        self, rows: Index, columns: Index, parts: list[NDArray[np.float32]],
        others: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        above = []
        for half, right, hits in zip(self.halves, self.right_in_half, parts, strict=False):
            n_in = popcount(self.training.in_train[rows] & half)[:, None]
            h = right[columns][None, :]
            reach = _reach(h, n_in, popcount(half) - n_in, self.threshold)
            above.append(others & (hits >= reach - _TIE))
        self.n_both += int(np.count_nonzero(above[0] & above[1]))
        self.n_either += int(np.count_nonzero(above[0] | above[1]))

    def outstanding(self, q_of_bin: Floats, level: float) -> Pairs:
        """The pairs at or above the threshold with q <= level, in the order of their positions."""
        parts: list[tuple[Index, Index, Index]] = []
        values: list[Floats] = []
        for patch in self.patches() if (q_of_bin <= level).any() else ():
            q = self.p_values.look_up(q_of_bin, patch.tails)
            # Fewer hits, larger p: so each partner has a least number of hits that stands out.
            possible = (q <= level) & (patch.tails > 0)
            width = patch.tails.shape[1]
            least = np.where(possible.any(axis=1), possible.argmax(axis=1), width)
            least = np.maximum(least, patch.reach)
            columns = np.flatnonzero(least < width)
            for start in range(0, len(patch.rows) if len(columns) else 0, self.block):
                rows = patch.rows[start : start + self.block]
                hits_of = self.hits(rows, patch.columns[columns])
                hits = sum(hits_of[1:], hits_of[0]).astype(np.int64)
                others = self._others(rows, patch.columns[columns])
                i, j = np.nonzero(others & (hits >= least[columns]))
                parts.append((rows[i], patch.columns[columns[j]], hits[i, j]))
                values.append(q[columns[j], hits[i, j]])
        return self._pairs(parts, values)

    def _pairs(self, parts: list[tuple[Index, Index, Index]], values: list[Floats]) -> Pairs:
        nothing = np.zeros(0, dtype=np.int64)
        train, partner, hits_in = (
            np.concatenate([nothing, *(part[k] for part in parts)]) for k in range(3)
        )
        order = np.lexsort((partner, train))
        train, partner, hits_in = train[order], partner[order], hits_in[order]
        n_in = popcount(self.training.in_train[train])
        hits = popcount(self.partners.correct[partner] & self.training.trained)
        counts = Counts(hits_in, n_in, hits - hits_in, self.n_models - n_in)
        return Pairs(train, partner, counts, np.concatenate([np.zeros(0), *values])[order])


def _reach(
    hits: NDArray[np.int32], n_in: NDArray[np.int32] | int, n_out: NDArray[np.int32] | int,
    threshold: float,
) -> Floats:  # fmt: skip
    """The real number of hits inside at which x/n_in - (hits - x)/n_out is the threshold.

    NaN, which nothing reaches, where a cell is empty.
    """
    n_in, n_out = np.asarray(n_in, np.float64), np.asarray(n_out, np.float64)
    n_in, n_out = np.where(n_in > 0, n_in, np.nan), np.where(n_out > 0, n_out, np.nan)
    return np.asarray((threshold + hits / n_out) / (1 / n_in + 1 / n_out))


def _unpacked(packed: Packed, n_subsets: int) -> NDArray[np.float32]:
    return np.unpackbits(packed, axis=1, count=n_subsets).astype(np.float32)
