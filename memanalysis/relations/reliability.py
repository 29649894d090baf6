"""Reliability of scores and their changes, and its growth with the number of models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis import splits
from memanalysis.analysis.contrasts import PairedCounts, contrast, paired_counts
from memanalysis.analysis.intervals import Floats, std_error
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.reliability import Scores, ladder, reliability
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.evidence.signals import CORRECTNESS, Signal
from memanalysis.relations.tables import stack

Flags = NDArray[np.bool_]

# A correlation over 50,000 examples is good to .002 by itself; more only take time.
_MOST_EXAMPLES: Final = 50_000
# Fewer groups than all are drawn anew for each split, so the splits share less: fewer suffice.
_FEWER_SPLITS: Final = 10
# The mean error over examples hardly depends on which groups are taken.
_ERROR_DRAWS: Final = 2


@dataclass(frozen=True)
class _Quantity:
    """Q scores to judge: the columns they have in common, how to score and how to err."""

    columns: dict[str, Any]
    scores: Scores
    errors: Scores
    models: Scores  # number of models [Q] of some groups
    n_units: int
    n_groups: int


def reliability_table(study: Study, signals: dict[str, dict[str, Signal]]) -> dict[str, list[Any]]:
    """Rows per objective, quantity, signal and number of groups."""
    parts: list[dict[str, Any]] = []
    for quantity in _quantities(study, signals):
        rungs = ladder(quantity.n_units)
        for used in rungs:
            limit = splits.LIMIT if used == rungs[-1] else _FEWER_SPLITS
            parts.append(_row(quantity, used, limit, study.seed))
    return stack(parts)


def _row(quantity: _Quantity, used: int, limit: int, seed: int) -> dict[str, Any]:
    chosen = splits.parts(quantity.n_units, used, limit, seed)
    found = reliability(quantity.scores, chosen)
    draws = chosen[:1] if used == quantity.n_units else chosen[:_ERROR_DRAWS]
    return quantity.columns | {
        "n_groups": round(used * quantity.n_groups / quantity.n_units),
        "n_models": np.mean([quantity.models(draw >= 0) for draw in draws], axis=0).round(),
        "correlation": found.correlation,
        "reliability": found.reliability,
        "spread": found.spread,
        "n_splits": found.n_splits,
        "split_seed": seed,
        "std_error": np.mean([quantity.errors(draw >= 0) for draw in draws], axis=0),
    }


def _quantities(study: Study, signals: dict[str, dict[str, Signal]]) -> Iterator[_Quantity]:
    for objective, mine in signals.items():
        condition = study.conditions[objective]
        chosen = _sample(condition.outcomes.n_examples, study.seed)
        for name, signal in mine.items():
            columns = {"objective": objective, "signal": name, "n_examples": len(chosen)}
            units = signal.units[:, :, chosen]
            yield _levels(study, condition, columns, signal, units)
            if len(condition.sizes) > 1:
                yield _change(condition, columns, signal, units, chosen)
    yield from _distillation(study)


def _levels(
    study: Study, condition: Condition, columns: dict[str, Any], signal: Signal, units: Counts
) -> _Quantity:
    def errors(used: Flags) -> Floats:
        if columns["signal"] == CORRECTNESS:
            return _mean(std_error(units[used].sum(0)))
        return np.asarray(_mean(signal.std_error) * np.sqrt(len(used) / used.sum()))

    sizes = list(condition.sizes)
    return _Quantity(
        columns
        | {"quantity": "level", "size": sizes, "size_rank": [study.size_rank[s] for s in sizes]},
        lambda used: units[used].sum(0).memorization,
        errors,
        lambda used: _models(units[used]),
        len(units.n_in),
        condition.n_groups,
    )


def _change(
    condition: Condition, columns: dict[str, Any], signal: Signal, units: Counts,
    chosen: NDArray[np.int64],
) -> _Quantity:  # fmt: skip
    ends = units[:, [0, -1]]
    # Of all pairs of sizes in their order, the first size's with the last.
    pairs = condition.group_pairs[:, len(condition.sizes) - 2][:, chosen]

    def scores(used: Flags) -> Floats:
        found = ends[used].sum(0).memorization
        return np.asarray(found[1:] - found[:1])

    def errors(used: Flags) -> Floats:
        if columns["signal"] == CORRECTNESS:
            counts = ends[used].sum(0)
            return _mean(contrast(pairs[used].sum(0), counts[0], counts[1]).se[None])
        both = _mean(np.hypot(signal.std_error[0], signal.std_error[-1])[None])
        return np.asarray(both * np.sqrt(len(used) / used.sum()))

    return _Quantity(
        columns | {"quantity": "change", "size": [None], "size_rank": [None]},
        scores,
        errors,
        lambda used: _models(ends[used]).min(keepdims=True),
        len(units.n_in),
        condition.n_groups,
    )


def _distillation(study: Study) -> Iterator[_Quantity]:
    """The change from one-hot to each way of distilling, over the sizes and groups of both."""
    one_hot = study.conditions.get("one_hot")
    for objective, condition in study.conditions.items():
        if one_hot is not None and objective != "one_hot":
            yield from _distilled(study, objective, one_hot, condition)


def _distilled(study: Study, objective: str, a: Condition, b: Condition) -> Iterator[_Quantity]:
    sizes = [size for size in a.sizes if size in b.sizes]
    a, b = (
        c.select(sizes).keep_groups(np.isin(c.group_ids, other.group_ids))
        for c, other in ((a, b), (b, a))
    )
    if not sizes or a.n_groups < 2:
        return
    chosen = _sample(a.outcomes.n_examples, study.seed)
    counts = [c.counts[:, :, chosen] for c in (a, b)]
    pairs = _paired_groups(a, b, chosen)

    def errors(used: Flags) -> Floats:
        both = [c[used].sum(0) for c in counts]
        return _mean(contrast(pairs[used].sum(0), *both).se)

    def scores(used: Flags) -> Floats:
        one_hot, distilled = (c[used].sum(0).memorization for c in counts)
        return np.asarray(distilled - one_hot)

    yield _Quantity(
        {
            "objective": objective,
            "signal": CORRECTNESS,
            "quantity": "distillation",
            "size": sizes,
            "size_rank": [study.size_rank[size] for size in sizes],
            "n_examples": len(chosen),
        },
        scores,
        errors,
        lambda used: np.minimum(*(_models(c[used]) for c in counts)),
        a.n_groups,
        a.n_groups,
    )


def _paired_groups(a: Condition, b: Condition, chosen: NDArray[np.int64]) -> PairedCounts:
    """Joint counts of both objectives at each size, each group by itself: int32 [G, L, n]."""
    rows = np.arange(len(a.sizes))
    first, second = a.outcomes.examples(chosen), b.outcomes.examples(chosen)
    alone = [
        paired_counts(first.keep(mask), second.keep(mask), rows, rows) for mask in a.outcomes.groups
    ]
    names = ("n_in", "gained_in", "lost_in", "n_out", "gained_out", "lost_out")
    return PairedCounts(*(np.stack([getattr(part, name) for part in alone]) for name in names))


def _sample(n_examples: int, seed: int) -> NDArray[np.int64]:
    """Positions of the examples that correlations run over, in order."""
    if n_examples <= _MOST_EXAMPLES:
        return np.arange(n_examples)
    generator = np.random.default_rng(np.random.SeedSequence([seed, 0x5A3]))
    return np.sort(generator.choice(n_examples, _MOST_EXAMPLES, replace=False))


def _models(units: Counts) -> Floats:
    """Models at each size, of units [U, L, n]: [L]."""
    total = units.sum(0)
    return np.asarray((total.n_in + total.n_out).max(axis=-1, initial=0), dtype=np.float64)


def _mean(errors: Floats) -> Floats:
    """Mean over the examples with an error, NaN where there is none: [Q, n] -> [Q]."""
    known = np.isfinite(errors)
    n = known.sum(axis=-1)
    total = np.where(known, errors, 0.0).sum(axis=-1)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
