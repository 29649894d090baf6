"""What distillation does to whom: one row per size, group of examples and estimator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.distillation import (
    Choice,
    Comparison,
    Effect,
    by_score,
    cross_fitted,
    naive,
    over_all,
)
from memanalysis.analysis.trajectories import SHAPES
from memanalysis.derive.reading import Study
from memanalysis.derive.tables import interval_columns, stack
from memanalysis.findings.courses import trajectories_of

_OBJECTIVES: Final = ("one_hot", "distilled")


def distillation_effects(study: Study) -> dict[str, list[Any]]:
    """Mean change of mem, p_in and p_out from one-hot to distilled, per size.

    All examples with a jackknife; examples chosen by score or by shape, on either objective, both
    naively (measured by the models that chose) and leaving one group out.
    """
    comparison, teacher = study.evidence.comparison(), study.evidence.teacher
    one_hot, distilled = study.evidence.one_hot, study.evidence.distilled
    if comparison is None or teacher is None or one_hot is None or distilled is None:
        return {}
    sizes = [size for size in one_hot.sizes if size in distilled.sizes]
    common = {
        "size": sizes,
        "size_rank": [study.size_rank[size] for size in sizes],
        "teacher_size": teacher.size,
        "teacher_scope": teacher.scope,
        "n_groups": comparison.n_groups,
    }
    parts = [
        common | {"grouping": "all", "category": "all", "selected_on": None}
        | _columns("jackknife", over_all(comparison))
    ]  # fmt: skip
    for grouping, category, objective, choice in _choices(study, comparison):
        chosen = {"grouping": grouping, "category": category, "selected_on": objective}
        parts.append(
            common | chosen | _columns("leave_one_group_out", cross_fitted(comparison, choice))
        )
        parts.append(common | chosen | _columns("naive", naive(comparison, choice)))
    return stack(parts)


def _choices(study: Study, comparison: Comparison) -> Iterator[tuple[str, str, str, Choice]]:
    """(grouping, category, selected_on, choice) of every way to choose examples."""
    rules = study.evidence.rules.inhibition
    for objective in _OBJECTIVES:
        for category, low, high in (
            (f"mem >= {rules.memorised:g}", rules.memorised, np.inf),
            (
                f"{rules.not_memorised:g} <= mem < {rules.memorised:g}",
                rules.not_memorised, rules.memorised,
            ),
            (f"mem < {rules.not_memorised:g}", -np.inf, rules.not_memorised),
        ):  # fmt: skip
            yield "score", category, objective, by_score(comparison, objective, low, high)
    yield from _shape_choices(study, comparison)


def _shape_choices(study: Study, comparison: Comparison) -> Iterator[tuple[str, str, str, Choice]]:
    """Chosen by the shape of an objective's trajectory, where its groups are those compared."""
    n_sizes = comparison.a.n_in.shape[1]
    for objective in _OBJECTIVES:
        condition = study.conditions[objective]
        if len(condition.sizes) < 2 or condition.n_groups != comparison.n_groups:
            continue
        evidence = replace(study.evidence, alpha=study.alphas[objective])
        whole, folds = trajectories_of(evidence, condition)
        for shape in SHAPES:
            members = [found.is_shape(shape) for found in (whole, *folds)]
            if not any(flags.any() for flags in members):
                continue
            yield "shape", shape, objective, _fixed_choice(members, n_sizes)


def _fixed_choice(members: list[NDArray[np.bool_]], n_sizes: int) -> Choice:
    def choose(without: int | None) -> NDArray[np.bool_]:
        flags = members[0 if without is None else without + 1]
        return np.broadcast_to(flags, (n_sizes, len(flags)))

    return choose


def _columns(estimator: str, effect: Effect) -> dict[str, Any]:
    return {
        "estimator": estimator,
        **interval_columns("change", effect.change),
        "change_in": effect.change_in.estimate,
        "change_out": effect.change_out.estimate,
        "n_examples": effect.n_examples,
    }
