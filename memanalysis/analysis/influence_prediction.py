"""Influence put to the test: does it predict models that it was not estimated on?

Influence, estimated on some groups of models, is read as a linear model of the data: a model's
prediction for a test example is the sum of the influences of the examples that it was trained on.
Ranked over held-out models and compared with what they got right, this is the linear datamodeling
score (Park et al. 2023, arXiv 2303.14186). A constant cannot matter for ranks, and where influence
is noise the expectation is 0, since groups of models are exchangeable.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.influence import Partners, Training
from memanalysis.analysis.intervals import Floats

Bools = NDArray[np.bool_]

FOLDS: Final = 10
# Ranks over fewer models than this say nothing.
LEAST_MODELS: Final = 4
# Examples at once: 4,096 x 4,000 subsets of float64 are 128 MiB.
_BLOCK: Final = 4_096
# Predictions that differ by less are ties: they are sums of fractions of small counts.
_DECIMALS: Final = 9


def prediction_scores(
    training: Training, partners: Partners, *, same_class: bool = False, n_folds: int = FOLDS
) -> Floats:
    """Rank correlations of predicted and observed correctness: float64 [folds, m].

    Whole groups are held out, consecutive ones together where there are more groups than folds.
    NaN in folds with fewer than four held-out models, and for partners whom all held-out models, or
    all others, get right or all wrong. With ``same_class`` the influence of training examples of
    the partner's class is added up alone; partners of unknown class are then NaN.
    """
    folds = np.array_split(np.arange(len(training.groups)), min(n_folds, len(training.groups)) or 1)
    scores = np.full((len(folds), len(partners.label)), np.nan)
    models = np.flatnonzero(np.unpackbits(training.trained))
    for row, fold in enumerate(folds):
        mask = np.bitwise_or.reduce(training.groups[fold], axis=0, initial=0)
        out = np.unpackbits(mask).astype(np.bool_)[models]
        if min(out.sum(), (~out).sum()) >= LEAST_MODELS:
            scores[row] = _fold(training, partners, models[out], models[~out], same_class)
    return scores


def _fold(
    training: Training,
    partners: Partners,
    held_out: NDArray[np.intp],
    others: NDArray[np.intp],
    same_class: bool,
) -> Floats:
    """Correlations [m] of one fold: ``held_out`` and ``others`` are positions of models."""
    right = np.unpackbits(partners.correct, axis=1).astype(np.float64).T  # [subsets, m]
    scores = np.full(len(partners.label), np.nan)
    classes = np.unique(partners.label[partners.label >= 0]) if same_class else [None]
    for label in classes:
        rows = slice(None) if label is None else training.label == label
        columns = slice(None) if label is None else partners.label == label
        weights = _weights(training.in_train[rows], held_out, others)
        observed, known = right[held_out][:, columns], right[others][:, columns]
        predicted = np.round(weights @ known, _DECIMALS)
        found = _spearman(predicted, observed)
        # The same answer of all models gives no influence but what rounding leaves.
        scores[columns] = np.where(np.ptp(known, axis=0) > 0, found, np.nan)
    return scores


def _weights(
    in_train: NDArray[np.uint8], held_out: NDArray[np.intp], others: NDArray[np.intp]
) -> Floats:
    """W [held-out models, other models], such that W @ correct are the predictions.

    The influence of example i is sum_k (a_i M_ik - b_i) correct_k over the other models k, with
    M their membership, b_i = 1/n_out and a_i = 1/n_in + 1/n_out; added up over the examples of a
    held-out model h, W_hk = sum_i M_ih (a_i M_ik - b_i). So no matrix of all pairs is needed.
    Examples without a model on either side have no influence and are left out.
    """
    weights = np.zeros((len(held_out), len(others)))
    for start in range(0, len(in_train), _BLOCK):
        inside = np.unpackbits(in_train[start : start + _BLOCK], axis=1).astype(np.float64)
        known = inside[:, others]
        n_in = known.sum(axis=1)
        n_out = len(others) - n_in
        filled = (n_in > 0) & (n_out > 0)
        known, n_in, n_out = known[filled], n_in[filled, None], n_out[filled, None]
        weights += inside[filled][:, held_out].T @ (known * (1 / n_in + 1 / n_out) - 1 / n_out)
    return weights


def _spearman(a: Floats, b: Floats) -> Floats:
    """Spearman's correlation of the columns of two arrays [h, m]; NaN where one is constant."""
    if a.size == 0:
        return np.full(a.shape[1], np.nan)
    from scipy import stats  # takes long to import, and few ask

    ranks = [stats.rankdata(values, axis=0) for values in (a, b)]
    x, y = (values - values.mean(axis=0) for values in ranks)
    spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 0, (x * y).sum(axis=0) / spread, np.nan))
