"""Shapes and directions of every example, and their shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import jackknife
from memanalysis.analysis.noise import unchanging
from memanalysis.analysis.trajectories import (
    DIRECTIONS,
    SHAPES,
    Trajectories,
    by_threshold,
    classify_contrasts,
    classify_outcomes,
)
from memanalysis.evidence.load import Study
from memanalysis.evidence.trajectories import trajectories_of
from memanalysis.relations.tables import interval_columns, stack

Codes = NDArray[np.int8]
_UNDETERMINED = SHAPES.index("undetermined")


def trajectory_tables(
    study: Study,
) -> tuple[dict[str, list[Any]], dict[str, list[Any]], dict[str, Codes]]:
    """Columns of ``trajectory_tests`` and ``trajectory_shares``, and each objective's directions.

    Nothing for an objective with one size.
    """
    tests, shares, directions = [], [], {}
    for objective, condition in study.conditions.items():
        if len(condition.sizes) < 2:
            continue
        alpha = study.alphas[objective]
        evidence = replace(study.evidence, alpha=alpha)
        whole, folds = trajectories_of(evidence, condition)
        noise_outcomes = unchanging(condition.outcomes, study.seed)
        noise = classify_outcomes(noise_outcomes, alpha, evidence.rules.trajectories)
        directions[objective] = whole.direction
        tests.append(
            {
                "objective": objective,
                "example_id": condition.outcomes.example_id,
                "shape": [SHAPES[code] for code in whole.shape],
                "direction": [DIRECTIONS[code] for code in whole.direction],
                "p_value": whole.p_value,
                "q_value": whole.q_value,
                "alpha": np.nan if alpha is None else alpha,
            }
        )
        found = _shares(study, alpha, whole, folds, noise)
        shares += [{"objective": objective, **part} for part in found]
    return stack(tests), stack(shares), directions


def _shares(
    study: Study,
    alpha: float | None,
    whole: Trajectories,
    folds: list[Trajectories],
    noise: Trajectories,
) -> list[dict[str, Any]]:
    rules = study.evidence.rules
    found = [
        _share_rows("direction", alpha, DIRECTIONS, whole, folds, noise, lambda t: t.direction)
    ]
    if alpha is not None:
        for other in sorted({alpha, *(alpha * factor for factor in rules.alpha_factors)}):
            again = _reclassifier(study, other)
            found.append(_share_rows("shape", other, SHAPES, whole, folds, noise, again))
    else:
        found.append(_share_rows("shape", None, SHAPES, whole, folds, noise, lambda t: t.shape))
    return found + [
        _share_rows("threshold", other, SHAPES, whole, folds, noise, _threshold(other))
        for other in rules.threshold_alphas
    ]


def _reclassifier(study: Study, alpha: float) -> Callable[[Trajectories], Codes]:
    settings = study.evidence.rules.trajectories

    def shapes(found: Trajectories) -> Codes:
        if found.alpha == alpha:
            return found.shape
        return classify_contrasts(found.pairs, found.n_sizes, found.tested, alpha, settings).shape

    return shapes


def _threshold(alpha: float) -> Callable[[Trajectories], Codes]:
    def shapes(found: Trajectories) -> Codes:
        return by_threshold(found.pairs, found.n_sizes, alpha)

    return shapes


def _share_rows(
    rule: str,
    alpha: float | None,
    names: tuple[str, ...],
    whole: Trajectories,
    folds: list[Trajectories],
    noise: Trajectories,
    codes: Callable[[Trajectories], Codes],
) -> dict[str, Any]:
    """Share of each category among the tested examples, its interval, and what noise gives."""

    def share(found: Trajectories) -> NDArray[np.float64]:
        frequency = np.bincount(codes(found)[found.tested], minlength=len(names))
        return frequency / max(int(found.tested.sum()), 1)

    replicates = np.asarray([share(fold) for fold in folds]).reshape(-1, len(names))
    return {
        "rule": rule,
        "alpha": np.nan if alpha is None else round(alpha, 6),
        "category": list(names),
        **interval_columns("share", jackknife(share(whole), replicates)),
        "noise_share": share(noise),
        "n_examples": int(whole.tested.sum()),
        "n_groups": len(folds),
    }
