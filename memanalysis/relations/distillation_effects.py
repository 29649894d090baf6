"""Effects of distillation: one set of rows for every distilled objective."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis import transitions
from memanalysis.analysis.distillation import (
    Codes,
    Comparison,
    Effect,
    Sorting,
    agreement,
    by_bins,
    cross_fitted_by,
    naive_by,
    over_all,
)
from memanalysis.analysis.intervals import Interval, jackknife, leave_one_group_out
from memanalysis.analysis.trajectories import SHAPES, Trajectories
from memanalysis.evidence.conditions import (
    Condition,
    Evidence,
    Teacher,
    alternating,
    with_common_groups,
)
from memanalysis.evidence.load import Study
from memanalysis.evidence.trajectories import trajectories_of
from memanalysis.findings.inhibition import accuracy_gains, inhibition_folds, usable_sizes
from memanalysis.relations.tables import interval_columns, stack

_BINS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_TRANSITION_BINS: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
_UNDETERMINED: Final = SHAPES.index("undetermined")


@dataclass(frozen=True)
class Students:
    """One distilled objective beside the labels: what all of its tables start from."""

    study: Study
    objective: str
    evidence: Evidence
    one_hot: Condition
    distilled: Condition
    teacher: Teacher
    comparison: Comparison
    sizes: list[str]
    common: dict[str, Any]

    @property
    def half(self) -> NDArray[np.int64]:
        """Half of each group compared, int64 [G]."""
        return alternating(np.arange(self.comparison.n_groups))

    @cached_property
    def shapes(self) -> dict[str, list[Codes]]:
        """By objective, shapes at all of its sizes, from the groups compared: [1 + G] of int [n].

        From all of these groups first, then without each. Missing where an objective has one
        size, or both share no groups.
        """
        codes = {}
        for objective in ("one_hot", self.objective):
            mine = self.study.conditions[objective]
            other = self.objective if objective == "one_hot" else "one_hot"
            ids = np.intersect1d(mine.group_ids, self.study.conditions[other].group_ids)
            if len(mine.sizes) < 2 or len(ids) == 0:
                continue
            kept = np.isin(mine.group_ids, ids[self.comparison.kept])
            condition = mine if kept.all() else mine.keep_groups(kept)
            evidence = replace(self.study.evidence, alpha=self.study.alphas[objective])
            whole, folds = trajectories_of(evidence, condition)
            codes[objective] = [_shape_codes(part) for part in (whole, *folds)]
        return codes


def students(study: Study) -> list[Students]:
    """Every distilled objective that can be compared with the labels, the main one first."""
    found = []
    one_hot = study.evidence.one_hot
    for objective, teacher in study.teachers.items():
        distilled = study.conditions.get(objective)
        evidence = replace(study.evidence, distilled=distilled, teacher=teacher)
        comparison = evidence.comparison()
        if one_hot is None or distilled is None or comparison is None:
            continue
        sizes = [size for size in one_hot.sizes if size in distilled.sizes]
        common = {
            "objective": objective,
            "size": sizes,
            "size_rank": [study.size_rank[size] for size in sizes],
            "teacher_size": teacher.size,
            "teacher_scope": teacher.scope,
            "gap": np.log(teacher.parameters / one_hot.select(sizes).parameters),
            "n_groups": comparison.n_groups,
        }
        a, b = with_common_groups(one_hot.select(sizes), distilled.select(sizes))
        found.append(Students(study, objective, evidence, a, b, teacher, comparison, sizes, common))
    return found


def distillation_effects(taught: list[Students]) -> dict[str, list[Any]]:
    """Mean change of mem, p_in and p_out from one-hot to distilled, per size.

    All examples with a jackknife; examples sorted by score or by shape, of either objective, both
    naively (measured by the models that sorted) and leaving one group out.
    """
    parts = []
    for each in taught:
        group = {"grouping": "all", "category": "all", "selected_on": None}
        parts.append(each.common | group | _columns("jackknife", over_all(each.comparison)))
        for grouping, names, selected_on, sorting in _sortings(each):
            effects = (
                ("leave_one_group_out", cross_fitted_by(each.comparison, sorting, len(names))),
                ("naive", naive_by(each.comparison, sorting, len(names))),
            )
            for column, category in enumerate(names):
                group = {"grouping": grouping, "category": category, "selected_on": selected_on}
                parts += [
                    each.common | group | _columns(estimator, _category(effect, column))
                    for estimator, effect in effects
                    if effects[1][1].n_examples[:, column].any()
                ]
    return stack(parts)


def distillation_by_size(taught: list[Students]) -> dict[str, list[Any]]:
    """Per student size: mean change, test gain, agreement of both scores, share inhibited."""
    parts = []
    for each in taught:
        comparison = each.comparison
        effect = over_all(comparison)
        plain, corrected = agreement(comparison, each.half)
        usable = usable_sizes(each.evidence, comparison)
        lost = leave_one_group_out(inhibition_folds(each.evidence, comparison))
        parts.append(
            each.common
            | {
                "temperature": _known(each.teacher.temperature),
                "distillation_weight": _known(each.teacher.weight),
                "n_examples": effect.n_examples.astype(np.int64),
            }
            | interval_columns("change", effect.change)
            | interval_columns("change_in", effect.change_in)
            | interval_columns("change_out", effect.change_out)
            | interval_columns("accuracy_gain", accuracy_gains(each.one_hot, each.distilled)[:-1])
            | interval_columns("agreement", plain)
            | interval_columns("agreement_corrected", corrected)
            | interval_columns("inhibition", _only(lost, usable))
        )
    return stack(parts)


def distillation_transitions(taught: list[Students]) -> dict[str, list[Any]]:
    """From each category of one-hot score or shape to each of the distilled one."""
    parts = []
    for each in taught:
        names = _bin_names(_TRANSITION_BINS)
        numbers, share, unchanged = transitions.score_transitions(
            each.comparison, each.half, _TRANSITION_BINS
        )
        for row, size in enumerate(each.sizes):
            place = {
                "objective": each.objective, "size": size, "size_rank": each.study.size_rank[size],
                "grouping": "score", "n_groups": each.comparison.n_groups,
            }  # fmt: skip
            parts.append(place | _cells(names, numbers[row], share[row], unchanged[row]))
        parts += _shape_transitions(each)
    return stack(parts)


def _shape_transitions(each: Students) -> list[dict[str, Any]]:
    """Shapes of both objectives from all their groups; jackknife over the groups of both."""
    if len(each.shapes) < 2:
        return []
    both = (each.shapes["one_hot"], each.shapes[each.objective])
    numbers = [
        transitions.table(a[None], b[None], len(SHAPES))[0] for a, b in zip(*both, strict=True)
    ]
    replicates = np.asarray([transitions.shares(fold) for fold in numbers[1:]])
    share = jackknife(transitions.shares(numbers[0]), replicates.reshape(-1, *numbers[0].shape))
    place = {
        "objective": each.objective, "size": None, "size_rank": None, "grouping": "shape",
        "n_groups": each.comparison.n_groups,
    }  # fmt: skip
    nothing = np.full(numbers[0].shape, np.nan)
    return [place | _cells(list(SHAPES), numbers[0], share, nothing)]


def _cells(
    names: list[str],
    numbers: NDArray[np.float64],
    share: Interval,
    unchanged: NDArray[np.float64],
) -> dict[str, Any]:
    """Occupied cells [C, C] as columns."""
    rows, columns = np.nonzero(np.nan_to_num(numbers) + np.nan_to_num(unchanged))
    return {
        "category_one_hot": [names[row] for row in rows],
        "category_distilled": [names[column] for column in columns],
        "n_examples": numbers[rows, columns],
        **interval_columns("share", share[rows, columns]),
        "share_unchanged": unchanged[rows, columns],
    }


def _sortings(each: Students) -> Iterator[tuple[str, list[str], str, Sorting]]:
    """(grouping, categories, selected_on, sorting) of every way to choose examples."""
    rules = each.evidence.rules.particular
    coarse = (rules.not_memorised, rules.memorised)
    for objective in ("one_hot", each.objective):
        for grouping, edges in (("score", coarse), ("bin", _BINS)):
            yield grouping, _bin_names(edges), objective, by_bins(each.comparison, objective, edges)
        if objective in each.shapes:
            sorting = _fixed(each.shapes[objective], len(each.sizes))
            yield "shape", list(SHAPES), objective, sorting


def _shape_codes(found: Trajectories) -> Codes:
    return np.where(found.tested, found.shape, _UNDETERMINED).astype(np.int64)


def _fixed(codes: list[Codes], n_sizes: int) -> Sorting:
    def sort(without: int | None) -> Codes:
        chosen = codes[0 if without is None else without + 1]
        return np.broadcast_to(chosen, (n_sizes, len(chosen)))

    return sort


def _bin_names(edges: tuple[float, ...]) -> list[str]:
    between = [f"{low:g} <= mem < {high:g}" for low, high in pairwise(edges)]
    return [f"mem < {edges[0]:g}", *between, f"mem >= {edges[-1]:g}"]


def _category(effect: Effect, column: int) -> Effect:
    return Effect(
        effect.change[:, column], effect.change_in[:, column], effect.change_out[:, column],
        effect.n_examples[:, column],
    )  # fmt: skip


def _only(interval: Interval, usable: NDArray[np.bool_]) -> Interval:
    """NaN where a size has too few memorised examples."""

    def kept(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(usable, values, np.nan)

    return Interval(
        kept(interval.estimate), kept(interval.low), kept(interval.high), interval.n_groups
    )


def _known(value: float | None) -> float:
    return np.nan if value is None else value


def _columns(estimator: str, effect: Effect) -> dict[str, Any]:
    return {
        "estimator": estimator,
        **interval_columns("change", effect.change),
        "change_in": effect.change_in.estimate,
        "change_out": effect.change_out.estimate,
        "n_examples": effect.n_examples,
    }
