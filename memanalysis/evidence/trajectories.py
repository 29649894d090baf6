"""Trajectories of either signal, from all groups and without each group in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.contrasts import Contrast, paired_counts, size_pairs
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.trajectories import (
    Trajectories,
    classify,
    classify_contrasts,
    classify_outcomes,
)
from memanalysis.evidence.conditions import Condition, Evidence

Flags = NDArray[np.bool_]


def whole_trajectories(evidence: Evidence, condition: Condition) -> Trajectories:
    """Shapes from all groups."""
    if evidence.signal == "probability":
        return _by_probability(evidence, condition)(np.ones(condition.n_groups, dtype=np.bool_))
    return classify_outcomes(condition.outcomes, evidence.alpha, evidence.rules.trajectories)


def trajectories_of(
    evidence: Evidence, condition: Condition
) -> tuple[Trajectories, list[Trajectories]]:
    """Shapes from all groups, and from all groups but each in turn."""
    if evidence.signal == "probability":
        classified = _by_probability(evidence, condition)
        everyone = np.arange(condition.n_groups)
        return classified(everyone >= 0), [classified(everyone != group) for group in everyone]
    settings, rows = evidence.rules.trajectories, size_pairs(len(condition.sizes))
    pairs = paired_counts(condition.outcomes, condition.outcomes, *rows)
    counts = condition.counts.sum(0)
    folds = [
        classify(
            pairs - condition.group_pairs[group], counts - condition.counts[group],
            evidence.alpha, settings,
        )
        for group in range(condition.n_groups)
    ]  # fmt: skip
    return classify(pairs, counts, evidence.alpha, settings), folds


def by_groups(
    evidence: Evidence, condition: Condition, alpha: float | None, kept: Flags
) -> Trajectories:
    """Shapes by some of the groups, bool [G], with an alpha of their own."""
    part = replace(evidence, alpha=alpha)
    if evidence.signal == "probability":
        return _by_probability(part, condition)(kept)
    outcomes = condition.keep_groups(kept).outcomes
    return classify_outcomes(outcomes, alpha, evidence.rules.trajectories)


def _by_probability(evidence: Evidence, condition: Condition) -> Callable[[Flags], Trajectories]:
    """Shapes from a continuous signal over chosen groups: bool [G] -> trajectories.

    The spread of an example's change between groups is its error, tested by Student's t.
    """
    sums = condition.probability
    assert sums is not None  # the caller looked
    first, second = size_pairs(len(condition.sizes))
    change_in = sums.accuracy_in[:, second] - sums.accuracy_in[:, first]  # [G, P, n]
    change_out = sums.accuracy_out[:, second] - sums.accuracy_out[:, first]
    filled = condition.counts.sum(0).filled(evidence.rules.trajectories.min_count)
    tested = np.asarray(filled[[0, -1]].all(axis=0))
    n_sizes = len(condition.sizes)

    def classified(kept: Flags) -> Trajectories:
        return _by_spread(change_in[kept], change_out[kept], tested, evidence, n_sizes)

    return classified


def _by_spread(
    change_in: Floats, change_out: Floats, tested: Flags, evidence: Evidence, n_sizes: int
) -> Trajectories:
    n = len(change_in)
    if n == 0:
        change_in = change_out = np.full((1, *change_in.shape[1:]), np.nan)
    parts = change_in - change_out
    mean = parts.mean(axis=0)
    # One group shows no spread; no spread between several is an artefact, not certainty.
    spread = parts.std(axis=0, ddof=1) if n > 1 else np.full(mean.shape, np.inf)
    se = np.maximum(spread / np.sqrt(max(n, 1)), 1e-6)
    contrast = Contrast(
        mean, change_in.mean(axis=0), change_out.mean(axis=0), se, mean,
        np.ones(mean.shape, dtype=np.bool_),
    )  # fmt: skip
    usable = tested & np.isfinite(mean).all(axis=0)
    return classify_contrasts(
        contrast, n_sizes, usable, evidence.alpha, evidence.rules.trajectories, max(n - 1, 1)
    )
