"""Influence put to the test: does it predict models that it was not estimated on?

Influence, estimated on some groups of models, is read as a linear model of the data: a model's
prediction for a test example is the sum of the influences of the examples that it was trained on.
Ranked over held-out models and compared with what they got right, this is the linear datamodeling
score (Park et al. 2023, arXiv 2303.14186). A constant cannot matter for ranks, and where influence
is noise the expectation is 0, since groups of models are exchangeable.

Margins on training images are predicted alike, where every model's is kept: to the models without
it a training image is a test image. It is ranked over those alone, and from the margins that
influence is estimated on goes their mean over models with the image, or without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import ranks
from memanalysis.analysis.influence import Partners, Training
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import ratio

Bools = NDArray[np.bool_]
Index = NDArray[np.intp]
# Of some partners: what every subset's model gave, [m, S], and whether it was trained on them.
_Read = Callable[[Index], tuple[Floats, Bools]]

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

    def read(chosen: Index) -> tuple[Floats, Bools]:
        right = np.unpackbits(partners.correct[chosen], axis=1)
        return right.astype(np.float64), np.zeros(right.shape, dtype=np.bool_)

    n_folds = min(n_folds, len(training.groups))
    return _scores(training, partners.label, read, n_folds, same_class)


def margin_scores(
    training: Training,
    margins: NDArray[np.number[Any]],
    *,
    same_class: bool = False,
    n_folds: int = FOLDS,
) -> Floats:
    """Rank correlations of predicted and observed margins on training images: float64 [folds, n].

    ``margins`` [n, S] of every subset's model, in any unit; of subsets without one they are not
    looked at. Held-out models without the image are ranked. Folds hold at least two groups, since
    few models of one group are without an image. NaN as in ``prediction_scores``.
    """

    def read(chosen: Index) -> tuple[Floats, Bools]:
        inside = np.unpackbits(training.in_train[chosen], axis=1).astype(np.bool_)
        return margins[chosen].astype(np.float64), inside

    n_folds = min(n_folds, len(training.groups) // 2)
    return _scores(training, training.label, read, n_folds, same_class)


def _scores(training: Training, label: Any, read: _Read, n_folds: int, same_class: bool) -> Floats:
    """Correlations [folds, m] with partners of these labels."""
    models = np.flatnonzero(np.unpackbits(training.trained))
    folds = np.array_split(np.arange(len(training.groups)), max(n_folds, 1))
    scores = np.full((len(folds), len(label)), np.nan)
    for row, fold in enumerate(folds):
        mask = np.bitwise_or.reduce(training.groups[fold], axis=0, initial=0)
        out = np.unpackbits(mask).astype(np.bool_)[models]
        if min(out.sum(), (~out).sum()) < LEAST_MODELS:
            continue
        held_out, others = models[out], models[~out]
        for rows, partners in _of_one_class(training.label, label, same_class):
            weights = _weights(training.in_train[rows], held_out, others)
            for start in range(0, len(partners), _BLOCK):
                chosen = partners[start : start + _BLOCK]
                observed, inside = read(chosen)
                known = _within_sides(observed[:, others], inside[:, others])
                predicted = np.round(known @ weights.T, _DECIMALS)
                found = _spearman(predicted, observed[:, held_out], ~inside[:, held_out])
                # The same of all models gives no influence but what rounding leaves.
                varies = np.ptp(known, axis=1) > 10.0**-_DECIMALS
                scores[row, chosen] = np.where(varies, found, np.nan)
    return scores


def _of_one_class(training: Any, partners: Any, same_class: bool) -> Iterator[tuple[Any, Index]]:
    """Training examples, as an index, and positions of the partners that they are added up for."""
    if not same_class:
        yield slice(None), np.arange(len(partners))
        return
    for label in np.unique(partners[partners >= 0]):
        yield training == label, np.flatnonzero(partners == label)


def _within_sides(values: Floats, inside: Bools) -> Floats:
    """``values`` [m, k] less their mean over the models with the partner, or those without it."""
    for side in (inside, ~inside):
        mean = ratio(np.where(side, values, 0).sum(axis=1), side.sum(axis=1))
        values = np.where(side, values - mean[:, None], values)
    return values


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


def _spearman(a: Floats, b: Floats, ranked: Bools) -> Floats:
    """Spearman's correlation along rows of two arrays [m, h], over the columns ``ranked`` [m, h].

    NaN over fewer than four, or where one is constant.
    """
    n = ranked.sum(axis=1)
    # Last in order, what is not ranked moves no rank of another.
    x, y = (
        np.where(ranked, ranks(np.where(ranked, values, np.inf)) - (n[:, None] + 1) / 2, 0.0)
        for values in (a, b)
    )
    spread = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.where(n >= LEAST_MODELS, ratio((x * y).sum(axis=1), spread), np.nan)
