"""``distillation_parts``: what memorised images lose by distillation, in parts, per student."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from memanalysis.analysis.blocks import joined
from memanalysis.analysis.equal_gain import contrasts
from memanalysis.relations.distillation_effects import Students
from memanalysis.relations.tables import interval_columns, stack

_TERMS: Final = {
    "fit": "fitting", "generalise": "generalising", "null": "equal_gain", "excess": "excess",
}  # fmt: skip


def distillation_parts(taught: list[Students]) -> dict[str, list[Any]]:
    """Contrast of memorised and not memorised images, per student and selecting objective."""
    parts = []
    for each in taught:
        rules = each.evidence.rules
        a, b = (
            joined(counts, rules.common.join_above, rules.common.blocks)
            for counts in (each.comparison.a, each.comparison.b)
        )
        limits = rules.particular
        measured = contrasts(
            a, b, limits.memorised, limits.not_memorised, rules.common.minimum_selected
        )
        terms = measured.per_student()
        numbers = measured.numbers.mean(axis=0)  # [2, S, 2]
        inside = [_mean(counts.sum(0).accuracy_in) for counts in (a, b)]
        for by, objective in enumerate(("one_hot", each.objective)):
            columns = [interval_columns(_TERMS[t], terms[t][by]) for t in _TERMS]
            parts.append(
                each.common
                | {
                    "selected_on": objective,
                    "accuracy_in_one_hot": inside[0],
                    "accuracy_in_distilled": inside[1],
                    "n_memorised": numbers[by, :, 0],
                    "n_not_memorised": numbers[by, :, 1],
                    "n_folds": measured.n_folds[by],
                }
                | {key: value for part in columns for key, value in part.items()}
            )
    return stack(parts)


def _mean(rates: np.ndarray) -> np.ndarray:
    """Mean over the examples with a rate, NaN of none: [S]."""
    known = np.isfinite(rates)
    total = np.where(known, rates, 0.0).sum(axis=-1)
    n = known.sum(axis=-1)
    return np.asarray(total / np.where(n > 0, n, np.nan))
