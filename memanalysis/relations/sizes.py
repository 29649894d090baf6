"""One row per objective and size: accuracies, bimodality and its trend, Beta-binomial fits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from memanalysis.analysis import beta_binomial as beta
from memanalysis.analysis.intervals import Floats, Interval, jackknife, jackknife_of
from memanalysis.analysis.mixing import BIN_EDGES
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.analysis.polarisation import STATISTICS, Summary, summarise
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.relations.tables import interval_columns, stack

_FITTED: Final = (
    "mean", "precision", "low_mean", "low_precision", "high_mean", "high_precision", "high_weight",
    "bic_difference", "ashman_d",
)  # fmt: skip


def accuracy_intervals(study: Study) -> dict[str, list[Any]]:
    """Mean p_in, p_out and mem over examples with both cells, and test accuracy; jackknife."""
    parts = []
    limit = study.evidence.rules.common.saturated_accuracy_in
    for objective, condition in study.conditions.items():
        means = jackknife_of(_means, condition.counts)  # [3, L]
        parts.append(
            {
                "objective": objective,
                "size": list(condition.sizes),
                **interval_columns("accuracy_in", means[0]),
                **interval_columns("accuracy_out", means[1]),
                **interval_columns("memorization", means[2]),
                **interval_columns("accuracy_test", _test(condition)),
                "saturated": [bool(p >= limit) for p in condition.accuracy_in()],
                "n_groups": _groups_per_size(condition),
            }
        )
    return stack(parts)


def bimodality(study: Study) -> tuple[dict[str, list[Any]], ...]:
    """Columns of ``bimodality``, ``bimodality_trends`` and ``memorization_density``."""
    parts, trends, densities = [], [], []
    limit = study.evidence.rules.common.saturated_accuracy_in
    for objective, condition in study.conditions.items():
        columns: dict[str, Any] = _size_columns(study, objective, condition)
        summary = summarise(condition.counts)
        densities += _densities(columns, summary)
        for name, interval in summary.per_size().items():
            columns |= interval_columns(name, interval)
        parts.append(columns)
        saturated = np.flatnonzero(condition.accuracy_in() >= limit).tolist()
        chosen = {"all": list(range(len(condition.sizes))), "saturated": saturated}
        trends += [
            {"objective": objective, "sizes": name, **_trend(summary, places)}
            for name, places in chosen.items()
            if len(places) > 1
        ]
    return stack(parts), stack(trends), stack(densities)


def _trend(summary: Summary, places: list[int]) -> dict[str, Any]:
    change, slope = summary.over_sizes(places)
    return {
        "statistic": list(STATISTICS),
        "first": summary.estimate[places[0]],
        "last": summary.estimate[places[-1]],
        **interval_columns("change", change),
        **interval_columns("slope", slope),
        "n_sizes": len(places),
        "n_groups": len(summary.replicates),
    }


def _densities(columns: dict[str, Any], summary: Summary) -> list[dict[str, Any]]:
    """The bins of each size that was measured, one part per size."""
    shares = summary.densities()
    return [
        {
            **{name: values[0] for name, values in row.items() if isinstance(values, list)},
            "objective": row["objective"],
            "bin_low": BIN_EDGES[:-1],
            "bin_high": BIN_EDGES[1:],
            **interval_columns("share", shares[place]),
        }
        for place, row in enumerate(_rows(columns))
        if np.isfinite(summary.density[place]).all()
    ]


def beta_binomial(study: Study) -> dict[str, list[Any]]:
    """One Beta of held-out error rates against two, per objective and size."""
    parts = []
    for objective, condition in study.conditions.items():
        total = condition.counts.sum(0)
        for row, columns in enumerate(_rows(_size_columns(study, objective, condition))):
            whole = beta.fit(total.n_out[row] - total.hits_out[row], total.n_out[row])
            folds = [
                beta.fit(part.n_out - part.hits_out, part.n_out, whole)
                for part in (total[row] - group[row] for group in _groups(condition))
            ]
            found = jackknife(
                np.array([getattr(whole, name) for name in _FITTED]),
                np.array([[getattr(fold, name) for name in _FITTED] for fold in folds]),
            )
            for at, name in enumerate(_FITTED):
                columns |= interval_columns(name, found[at])
            columns["u_shaped"] = [whole.u_shaped if np.isfinite(whole.mean) else None]
            parts.append(columns)
    return stack(parts)


def _size_columns(study: Study, objective: str, condition: Condition) -> dict[str, Any]:
    return {
        "objective": objective,
        "size": list(condition.sizes),
        "size_rank": [study.size_rank[size] for size in condition.sizes],
        "n_examples": list(condition.counts.sum(0).filled().sum(axis=-1)),
        "n_groups": _groups_per_size(condition),
    }


def _rows(columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of columns of which some are lists, the others single values."""
    for row in range(len(columns["size"])):
        yield {
            name: [values[row]] if isinstance(values, list) else values
            for name, values in columns.items()
        }


def _groups(condition: Condition) -> Iterator[Counts]:
    return (condition.counts[group] for group in range(condition.n_groups))


def _means(counts: Counts) -> Floats:
    """Means over examples with both cells filled: [3, L] of p_in, p_out, mem."""
    filled = counts.filled()
    rates = np.stack([counts.accuracy_in, counts.accuracy_out, counts.memorization])
    return ratio(np.where(filled, rates, 0.0).sum(axis=-1), filled.sum(axis=-1))


def _test(condition: Condition) -> Interval:
    total, n = condition.test_sum.sum(axis=0), condition.test_n.sum(axis=0)
    replicates = ratio(total - condition.test_sum, n - condition.test_n)
    return jackknife(ratio(total, n), replicates)


def _groups_per_size(condition: Condition) -> list[int]:
    models = condition.counts.n_in.sum(axis=-1) + condition.counts.n_out.sum(axis=-1)
    return [int(n) for n in (models > 0).sum(axis=0)]
