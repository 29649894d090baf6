"""Changes of scores between two sizes: by score, by class, and behind the noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from memanalysis.analysis.blocks import joined
from memanalysis.analysis.falling import PARTS, TENTHS, TOLERANCE, selected_change
from memanalysis.analysis.intervals import Floats, jackknife_of
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.true_changes import (
    changes_with_errors,
    distribution_of_changes,
    shares_changing,
    variance_of_changes,
)
from memanalysis.evidence.conditions import Condition, Evidence
from memanalysis.evidence.load import Study
from memanalysis.relations.tables import interval_columns, stack

# Groups of images by the mean of their scores at both ends: low <= score < high.
SCORES: Final = ((-np.inf, np.inf), (0.02, np.inf), (0.1, 0.5), (0.5, np.inf))
_ENDS: Final = ("first", "last")


def change_by_score(study: Study) -> dict[str, list[Any]]:
    """Mean change by tenth of the score, chosen at either end in models that do not measure it."""
    parts = []
    edges = np.array([-np.inf, *TENTHS, np.inf])
    for condition, common, places in _ends(study):
        rules = study.evidence.rules.common
        groups = joined(condition.counts[:, places], rules.join_above, rules.blocks)
        measured = selected_change(groups, TENTHS, rules.minimum_selected)
        interval = measured.interval()
        for end, name in enumerate(_ENDS):
            columns = [
                interval_columns(part, interval[end, :, column])
                for column, part in enumerate(PARTS)
            ]
            parts.append(
                common
                | {
                    "selected_at": name,
                    "score_low": edges[:-1],
                    "score_high": edges[1:],
                    "n_examples": measured.numbers[:, end].mean(axis=0),
                    "n_folds": measured.n_folds[end],
                }
                | {key: value for part in columns for key, value in part.items()}
            )
    return stack(parts)


def class_changes(study: Study) -> dict[str, list[Any]]:
    """Mean change of the examples of each class, with jackknife intervals over groups of models.

    Nothing where no label is known. An example counts if both its cells are filled at both ends.
    """
    parts = []
    labels = np.unique(study.labels[study.labels >= 0])
    for condition, common, places in _ends(study):
        rules = study.evidence.rules.common
        ends = condition.counts[:, places]
        ends = joined(ends, rules.join_above, rules.blocks)
        filled = ends.sum(0).filled().all(axis=0)
        for label in labels:
            chosen = filled & (study.labels == label)
            interval = jackknife_of(_mean_change, ends[:, :, chosen])
            columns = [interval_columns(part, interval[k]) for k, part in enumerate(PARTS)]
            parts.append(
                common
                | {"label": label, "n_examples": int(chosen.sum())}
                | {key: value[0] for part in columns for key, value in part.items()}
            )
    return stack(parts)


def _mean_change(counts: Counts) -> Floats:
    """Means over examples of PARTS, float64 [3], from counts [2, n]; NaN of no example."""
    known = counts.filled().all(axis=0)
    if not known.any():
        return np.full(len(PARTS), np.nan)
    inside = np.diff(counts.accuracy_in[:, known].mean(axis=1))[0]
    outside = np.diff(counts.accuracy_out[:, known].mean(axis=1))[0]
    return np.array([inside - outside, inside, -outside])


def true_changes(study: Study) -> dict[str, list[Any]]:
    """Spread of true changes from the halves, and modelled shares that fall or rise by .04."""
    parts = []
    for condition, common, places in _ends(study):
        first, last = places
        counts = condition.counts.sum(0)
        change, error = changes_with_errors(condition.outcomes, counts, first, last)
        scores = counts.memorization[places]
        parts += [
            common | _group(condition, places, change, error, scores, limits) for limits in SCORES
        ]
    return stack(parts)


def _group(
    condition: Condition,
    places: list[int],
    change: Floats,
    error: Floats,
    scores: Floats,
    limits: tuple[float, float],
) -> dict[str, Any]:
    """One row of ``true_changes``: images whose mean score lies within ``limits``."""
    low, high = limits
    mean = scores.mean(axis=0)
    chosen = np.isfinite(change) & (mean >= low - TOLERANCE) & (mean < high - TOLERANCE)
    spread = variance_of_changes(condition.counts[:, places][:, :, chosen], condition.half)
    variance = float(spread.estimate)
    falling, rising = shares_changing(distribution_of_changes(change[chosen], error[chosen]))
    return {
        "score_low": low,
        "score_high": high,
        "n_examples": int(chosen.sum()),
        "mean_change": float(change[chosen].mean()) if chosen.any() else np.nan,
        **{name: values[0] for name, values in interval_columns("variance", spread).items()},
        # A variance that noise pushes to 0 or below has no root: not known to differ from 0.
        "sd": np.sqrt(variance) if variance > 0 else np.nan,
        "share_falling": falling,
        "share_rising": rising,
    }


def _ends(study: Study) -> Iterator[tuple[Condition, dict[str, Any], list[int]]]:
    """Objectives with two places: the ends of all sizes, and of those that fit everything."""
    for objective, condition in study.conditions.items():
        fitting = Evidence(condition).saturated_sizes()
        saturated = [condition.sizes.index(size) for size in fitting]
        for name, places in (("all", list(range(len(condition.sizes)))), ("saturated", saturated)):
            if len(places) < 2:
                continue
            first, last = places[0], places[-1]
            common = {
                "objective": objective,
                "sizes": name,
                "first_size": condition.sizes[first],
                "last_size": condition.sizes[last],
                "n_groups": condition.n_groups,
            }
            yield condition, common, [first, last]
