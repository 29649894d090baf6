"""Two stores compared: scores of one against scores of the other.

Errors that both stores owe to the same training subsets would correlate. So scores come from
opposite halves of the groups wherever groups of the two share their subsets, and the correlation
without noise stands beside the measured one (see ``analysis.correlations``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from memanalysis.analysis.correlations import (
    MINIMUM_EXAMPLES,
    Method,
    corrected_for_attenuation,
    halves_correlated,
    spearman_brown,
)
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.splits import halves
from memanalysis.errors import StoreError
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import read_study
from memanalysis.storage.store import Store

METHODS: Final[tuple[Method, ...]] = ("pearson", "spearman")
_SPLITS: Final = 10

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]


def compare(first: Store, second: Store) -> pl.DataFrame:
    """Correlate the memorisation scores of every size of two stores over their common examples.

    Examples are the same where ``source_id`` and label are; stores without source ids must have
    the same number of training examples with the same labels in the same order.

    Parameters
    ----------
    first, second
        Built stores with masks. Both may be the same one: then sizes are compared with each other,
        and a size with itself says what noise leaves of a perfect agreement.

    Returns
    -------
    polars.DataFrame
        One row per objective that both have, size of the first, size of the second and method:
        ``estimate`` from opposite halves of the groups with its 95 % limits (delete-one-group
        jackknife), ``reliability_a`` and ``reliability_b`` of the scores of all groups,
        ``corrected_estimate`` = estimate / sqrt(product of the split-half correlations), NULL where
        a reliability is below .3; ``n_examples``, ``n_groups_a``, ``n_groups_b`` and whether groups
        of one number share their subsets.

    Raises
    ------
    StoreError
        If the stores have no objective, or fewer than 10 training examples, in common.
    """
    a, b = _Side(first), _Side(second)
    rows_a, rows_b = _common(a, b)
    objectives = [name for name in a.conditions if name in b.conditions]
    if not objectives:
        raise StoreError(
            f"'{first.path}' has scores for {_named(a)}, '{second.path}' for {_named(b)}; "
            "expected an objective in common."
        )
    found: list[dict[str, Any]] = []
    for objective in objectives:
        mine, other = a.conditions[objective], b.conditions[objective]
        pair = _Pair(
            mine.counts[:, :, rows_a],
            other.counts[:, :, rows_b],
            _same_subsets(mine, other, rows_a, rows_b),
        )
        for method in METHODS:
            for at, size in enumerate(mine.sizes):
                found += [
                    {"objective": objective, "size_a": size, "size_b": of, "method": method} | row
                    for of, row in zip(other.sizes, pair.agreement(method, at), strict=True)
                ]
    return pl.DataFrame(found).with_columns(pl.col(pl.Float64).fill_nan(None))


class _Side:
    """One of the two stores."""

    def __init__(self, store: Store) -> None:
        self.store = store
        conditions = read_study(store, proxies_named=()).conditions
        self.conditions = {
            name: condition for name, condition in conditions.items() if condition.n_groups > 1
        }
        examples = store.read_table("examples", ["example_id", "split", "label", "source_id"])
        scored: Sequence[int] = next(
            (c.outcomes.example_id.tolist() for c in self.conditions.values()), []
        )
        # Every condition has the same examples, in this order.
        self.examples = (
            pl.DataFrame(examples)
            .filter(pl.col("split") == "train", pl.col("example_id").is_in(scored))
            .with_row_index("row")
        )


def _named(side: _Side) -> str:
    return ", ".join(side.conditions) or "no objective with at least two groups of models"


def _common(a: _Side, b: _Side) -> tuple[Rows, Rows]:
    """Rows of the examples that both have, in the order of the first."""
    keys = ["source_id", "label"]
    known = all(side.examples["source_id"].null_count() == 0 for side in (a, b))
    if known and all(
        side.examples.select(keys).n_unique() == side.examples.height for side in (a, b)
    ):
        other = b.examples.select(*keys, pl.col("row").alias("other"))
        both = a.examples.join(other, on=keys, how="inner", maintain_order="left")
        if both.height >= MINIMUM_EXAMPLES:
            return both["row"].to_numpy(), both["other"].to_numpy()
        raise StoreError(
            f"'{a.store.path}' and '{b.store.path}' have {both.height} training examples with the "
            f"same source_id and label in common; expected at least {MINIMUM_EXAMPLES}."
        )
    if not a.examples["label"].equals(b.examples["label"]):
        raise StoreError(
            f"'{a.store.path}' has {a.examples.height} training examples, '{b.store.path}' "
            f"{b.examples.height}, with other labels and without a source_id that tells them "
            "apart; expected the same examples in the same order, or source ids."
        )
    if a.examples.height < MINIMUM_EXAMPLES:
        raise StoreError(
            f"'{a.store.path}' and '{b.store.path}' have {a.examples.height} training examples "
            f"with scores in common; expected at least {MINIMUM_EXAMPLES}."
        )
    everything = a.examples["row"].to_numpy()
    return everything, everything


def _same_subsets(a: Condition, b: Condition, rows_a: Rows, rows_b: Rows) -> bool:
    """True if groups of one number hold the same subsets, in every group that both have."""
    n_groups = min(a.n_groups, b.n_groups)
    n_bytes = min(a.outcomes.groups.shape[1], b.outcomes.groups.shape[1])
    groups_a, groups_b = (c.outcomes.groups[:n_groups, :n_bytes] for c in (a, b))
    trained_a, trained_b = (
        np.bitwise_or.reduce(c.outcomes.trained, axis=0)[:n_bytes] for c in (a, b)
    )
    both = trained_a & trained_b & np.bitwise_or.reduce(groups_a & groups_b, axis=0)
    if not both.any() or not (groups_a & both == groups_b & both).all():
        return False
    masks_a = np.bitwise_or.reduce(a.outcomes.in_train[:, rows_a, :n_bytes], axis=0)
    masks_b = np.bitwise_or.reduce(b.outcomes.in_train[:, rows_b, :n_bytes], axis=0)
    return bool((masks_a & both == masks_b & both).all())


@dataclass(frozen=True)
class _Pair:
    """Counts of both stores over their common examples, each [G, L, n]."""

    a: Counts
    b: Counts
    paired: bool

    def agreement(self, method: Method, at: int) -> list[dict[str, Any]]:
        """Size ``at`` of the first store against every size of the second."""
        splits = [self._halves(*split) for split in self._splits()]
        found = np.asarray([halves_correlated(method, b, a[:, at]) for a, b in splits])
        estimate, half_b, half_a = found.mean(axis=0)
        limits = self._limits(method, at, estimate)
        corrected = corrected_for_attenuation(estimate, half_b, half_a)
        known = np.isfinite(splits[0][0][:, at]).all(axis=0)
        return [
            {
                "estimate": estimate[k],
                "ci_low": limits.low[k],
                "ci_high": limits.high[k],
                "corrected_estimate": corrected[k],
                "reliability_a": spearman_brown(half_a)[k],
                "reliability_b": spearman_brown(half_b)[k],
                "n_examples": int((known & np.isfinite(splits[0][1][:, k]).all(axis=0)).sum()),
                "n_groups_a": len(self.a.n_in),
                "n_groups_b": len(self.b.n_in),
                "same_subsets": self.paired,
            }
            for k in range(len(estimate))
        ]

    def _splits(self) -> list[tuple[Flags, Flags]]:
        """First halves of both stores' groups; shared groups are on the same side of both."""
        n_a, n_b = len(self.a.n_in), len(self.b.n_in)
        shared = min(n_a, n_b) if self.paired else 0
        parts_a = _halves_from(n_a, shared, seed=1)
        parts_b = _halves_from(n_b, shared, seed=2)
        return list(zip(parts_a, parts_b, strict=False))

    def _halves(self, first_a: Flags, first_b: Flags) -> tuple[Floats, Floats]:
        """Scores [2, L, n] of both stores in both halves."""
        return (
            np.stack([self.a[side].sum(0).memorization for side in (first_a, ~first_a)]),
            np.stack([self.b[side].sum(0).memorization for side in (first_b, ~first_b)]),
        )

    def _limits(self, method: Method, at: int, estimate: Floats) -> Interval:
        """Jackknife over groups: of both stores at once where they share subsets."""
        first_a, first_b = self._splits()[0]
        n_a, n_b = len(first_a), len(first_b)

        def without(group_a: int | None, group_b: int | None) -> Floats:
            kept_a = np.arange(n_a) != (-1 if group_a is None else group_a)
            kept_b = np.arange(n_b) != (-1 if group_b is None else group_b)
            a, b = self._scores(self.a, first_a, kept_a), self._scores(self.b, first_b, kept_b)
            return np.asarray(halves_correlated(method, b, a[:, at])[0])

        if self.paired:
            groups = range(max(n_a, n_b))
            return jackknife(estimate, [without(g, g) for g in groups])  # type: ignore[arg-type]
        over_a = jackknife(estimate, np.asarray([without(g, None) for g in range(n_a)]))
        over_b = jackknife(estimate, np.asarray([without(None, g) for g in range(n_b)]))
        reach = np.hypot(over_a.high - estimate, over_b.high - estimate)
        return Interval(estimate, estimate - reach, estimate + reach, min(n_a, n_b))

    @staticmethod
    def _scores(counts: Counts, first: Flags, kept: Flags) -> Floats:
        return np.stack([counts[side & kept].sum(0).memorization for side in (first, ~first)])


def _halves_from(n_groups: int, shared: int, seed: int) -> list[Flags]:
    """``_SPLITS`` splits of the groups; the ``shared`` first fall alike in both stores."""
    together = _drawn(shared, 0)
    rest = _drawn(n_groups - shared, seed)
    return [np.concatenate([one, other]) for one, other in zip(together, rest, strict=True)]


def _drawn(n_groups: int, seed: int) -> list[Flags]:
    if n_groups < 2:
        # A group alone changes sides from split to split.
        return [np.full(n_groups, i % 2 == 0) for i in range(_SPLITS)]
    splits = halves(n_groups, _SPLITS, seed)
    return [splits[i % len(splits)] for i in range(_SPLITS)]
