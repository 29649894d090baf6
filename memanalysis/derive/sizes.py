"""One row per objective and size: accuracies and bimodality."""

from __future__ import annotations

from typing import Any

import numpy as np

from memanalysis.analysis.intervals import Floats, Interval, jackknife, jackknife_of
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.analysis.polarisation import summarise
from memanalysis.derive.reading import Study
from memanalysis.derive.tables import interval_columns, stack
from memanalysis.findings.evidence import Condition


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


def bimodality(study: Study) -> dict[str, list[Any]]:
    """Every statistic of ``analysis.polarisation`` per objective and size."""
    parts = []
    for objective, condition in study.conditions.items():
        columns: dict[str, Any] = {
            "objective": objective,
            "size": list(condition.sizes),
            "size_rank": [study.size_rank[size] for size in condition.sizes],
            "n_examples": list(condition.counts.sum(0).filled().sum(axis=-1)),
            "n_groups": _groups_per_size(condition),
        }
        for name, interval in summarise(condition.counts).items():
            columns |= interval_columns(name, interval)
        parts.append(columns)
    return stack(parts)


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
