"""``influence_prediction``: how well influence predicts models that it was not estimated on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.influence import Partners, Training
from memanalysis.analysis.influence_prediction import margin_scores, prediction_scores
from memanalysis.analysis.intervals import Floats, leave_one_group_out
from memanalysis.evidence.load import Study
from memanalysis.relations.influence import test_partners, training_of
from memanalysis.relations.membership_risk import kept_margins
from memanalysis.relations.tables import stack
from memanalysis.storage.store import Store

# Models^2 x training examples: 10^12 products take a minute on one core. A study of 4,000 models
# of 50,000 examples stays below.
_MOST_PRODUCTS: Final = 1e12


def influence_prediction(store: Store, study: Study) -> dict[str, list[Any]]:
    """Columns of ``influence_prediction``: by objective and size, of one class and of all."""
    parts = []
    for objective, condition in study.conditions.items():
        for row, size in enumerate(condition.sizes):
            training = training_of(study, condition, row)
            n_models = int(np.bitwise_count(training.trained).sum())
            if n_models**2 * len(training.label) > _MOST_PRODUCTS:
                continue
            partners, _ = test_partners(store, condition, row, objective)
            margins = kept_margins(store, objective, size, condition, row)
            common = {
                "objective": objective,
                "size": size,
                "size_rank": study.size_rank[size],
                "n_models": n_models,
                "n_train": len(training.label),
            }
            parts += [common | found for found in _predictions(training, partners, margins)]
    return stack(parts)


def _predictions(
    training: Training, partners: Partners, margins: NDArray[np.int8] | None
) -> Iterator[dict[str, Any]]:
    """One row with the examples of all classes, and one by classes where they are known."""
    if not len(training.groups) or (not len(partners.label) and margins is None):
        return
    labels = partners.label if margins is None else np.append(partners.label, training.label)
    known = bool((training.label >= 0).any() and (labels >= 0).any())
    for same_class in (False, True) if known else (False,):
        row = _row(prediction_scores(training, partners, same_class=same_class))
        if margins is not None:
            of_margins = _row(margin_scores(training, margins, same_class=same_class))
            row |= {f"margin_{name}": value for name, value in of_margins.items()}
        yield {"same_class": same_class, **row}


def _row(scores: Floats) -> dict[str, Any]:
    """The mean score with its limits over folds, and what it rests on."""
    interval = leave_one_group_out(_means(scores))
    defined = np.isfinite(scores).sum(axis=1)
    return {
        "estimate": float(interval.estimate),
        "ci_low": float(interval.low),
        "ci_high": float(interval.high),
        "n_folds": int((defined > 0).sum()),
        "n_examples": float(defined[defined > 0].mean()) if defined.any() else 0.0,
    }


def _means(scores: Floats) -> Floats:
    """Mean over partners of each fold, float64 [folds]; NaN of none."""
    known = np.isfinite(scores)
    n = known.sum(axis=1)
    return np.where(n > 0, np.where(known, scores, 0).sum(axis=1) / np.maximum(n, 1), np.nan)
