"""Influence as a prediction: against loops, in a planted world, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import worlds
from numpy.typing import NDArray
from scipy import stats

from memanalysis.analysis.influence import Partners, Training
from memanalysis.analysis.influence_prediction import margin_scores, prediction_scores
from memanalysis.analysis.intervals import leave_one_group_out
from memanalysis.storage import bits

Bools = NDArray[np.bool_]


def _training(inside: Bools, label: NDArray[np.int64], trained: Bools, size: int) -> Training:
    """Groups of ``size`` consecutive subsets."""
    n_subsets = inside.shape[1]
    groups = np.arange(n_subsets) // size == np.arange(-(-n_subsets // size))[:, None]
    half = np.arange(len(groups)) % 2
    return Training(bits.pack(inside & trained), bits.pack(trained), bits.pack(groups), half, label)


def _by_loop(
    inside: Bools, right: Bools, label: NDArray[np.int64], of: int, own: int | None,
    out: list[int], others: list[int],
) -> float:  # fmt: skip
    """The correlation of one fold and partner, pair by pair and model by model."""
    predicted = dict.fromkeys(out, 0.0)
    for i in range(len(inside)):
        with_it = [right[of, k] for k in others if inside[i, k]]
        without = [right[of, k] for k in others if not inside[i, k]]
        if not with_it or not without or (own is not None and label[i] != own):
            continue
        influence = sum(with_it) / len(with_it) - sum(without) / len(without)
        for k in out:
            predicted[k] += influence * inside[i, k]
    observed = [right[of, k] for k in out]
    if len(set(observed)) < 2 or len({right[of, k] for k in others}) < 2:
        return np.nan
    values = np.round([predicted[k] for k in out], 9)
    return np.nan if np.ptp(values) == 0 else stats.spearmanr(values, observed).statistic


@pytest.mark.parametrize("same_class", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_a_loop(same_class: bool, seed: int) -> None:
    """Every fold and partner, with models missing, empty cells and partners all get right."""
    rng = np.random.default_rng(seed)
    trained = rng.random(33) < 0.9
    inside = (rng.random((15, 33)) < rng.choice([0.0, 0.4, 0.7, 1.0], (15, 1))) & trained
    right = (rng.random((8, 33)) < rng.choice([0.0, 0.3, 0.6, 1.0], (8, 1))) & trained
    label, partners = rng.integers(0, 3, 15), rng.integers(-1, 3, 8)
    training = _training(inside, label, trained, 6)
    found = prediction_scores(
        training, Partners(bits.pack(right), partners), same_class=same_class, n_folds=3
    )
    assert found.shape == (3, 8)
    for fold, groups in enumerate(([0, 1], [2, 3], [4, 5])):
        models = [k for k in range(33) if trained[k]]
        out = [k for k in models if k // 6 in groups]
        others = [k for k in models if k // 6 not in groups]
        for j in range(8):
            own = int(partners[j]) if same_class else None
            expected = _by_loop(inside, right, label, j, own, out, others)
            if own == -1:
                expected = np.nan
            assert found[fold, j] == pytest.approx(expected, nan_ok=True), (fold, j)
    assert np.isfinite(found).any()


def _scores(effect: float, groups: int) -> tuple[NDArray[np.float64], Bools, Bools]:
    """Each of 20 partners is right more often, by ``effect``, in models that hold its example."""
    inside = worlds.masks(20, groups, 1)
    rates = 0.5 + effect * (inside - 0.5)
    right = np.random.default_rng(2).random(inside.shape) < rates
    label = np.arange(20) % 4
    training = _training(inside, label, np.ones(inside.shape[1], dtype=bool), 10)
    return prediction_scores(training, Partners(bits.pack(right), label)), inside, right


def test_planted_influence_predicts_as_well_as_the_truth() -> None:
    """With 600 models the score is that of the true influence, of one example on each partner.

    Equal predictions of the truth are put into any order, as noise puts those of the estimate.
    """
    found, inside, right = _scores(0.8, 60)
    any_order = np.random.default_rng(3).random(inside.shape) / 1000
    predicted = 0.8 * inside + any_order
    truth = [stats.spearmanr(predicted[j], right[j]).statistic for j in range(20)]
    assert np.mean(truth) > 0.5
    assert np.nanmean(found) == pytest.approx(np.mean(truth), abs=0.02)


@pytest.mark.parametrize("groups", [6, 20])
def test_without_influence_nothing_is_predicted(groups: int) -> None:
    """Outcomes drawn without regard to the subsets: the mean over folds is 0 within its limits."""
    found, _, _ = _scores(0.0, groups)
    assert found.shape == (min(groups, 10), 20)
    interval = leave_one_group_out(np.nanmean(found, axis=1))
    assert float(interval.low) < 0 < float(interval.high)
    assert abs(float(interval.estimate)) < 0.1


def test_too_few_models_or_none_predict_nothing() -> None:
    """Groups of two models, three folds: fewer than four are held out, and nothing is ranked."""
    inside = np.random.default_rng(0).random((5, 6)) < 0.5
    training = _training(inside, np.zeros(5, dtype=np.int64), np.ones(6, dtype=bool), 2)
    partners = Partners(bits.pack(inside[:3]), np.zeros(3, dtype=np.int64))
    assert np.isnan(prediction_scores(training, partners)).all()
    nobody = Partners(np.zeros((0, 1), dtype=np.uint8), np.zeros(0, dtype=np.int64))
    assert prediction_scores(training, nobody).shape == (3, 0)


def _margin_by_loop(
    inside: Bools, margins: NDArray[np.float64], label: NDArray[np.int64], j: int, own: int | None,
    out: list[int], others: list[int],
) -> float:  # fmt: skip
    """One fold and image, pair by pair: margins without what membership of image j itself does."""
    centred = {}
    for k in others:
        alike = [margins[j, m] for m in others if inside[j, m] == inside[j, k]]
        centred[k] = margins[j, k] - sum(alike) / len(alike)
    ranked = [h for h in out if not inside[j, h]]
    predicted = []
    for h in ranked:
        total = 0.0
        for i in range(len(inside)):
            with_it = [centred[k] for k in others if inside[i, k]]
            without = [centred[k] for k in others if not inside[i, k]]
            if inside[i, h] and with_it and without and own in (None, label[i]):
                total += sum(with_it) / len(with_it) - sum(without) / len(without)
        predicted.append(round(total, 9))
    observed = [margins[j, h] for h in ranked]
    if len(ranked) < 4 or len(set(observed)) < 2 or len(set(predicted)) < 2:
        return np.nan
    return float(stats.spearmanr(predicted, observed).statistic)


@pytest.mark.parametrize("same_class", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_margin_scores_equal_a_loop(same_class: bool, seed: int) -> None:
    """Every fold and image, with models missing, images in all models or in none, and ties."""
    rng = np.random.default_rng(seed)
    trained = rng.random(37) < 0.9
    shares = rng.choice([0.0, 0.4, 0.7, 1.0], (15, 1))
    inside = (rng.random((15, 37)) < shares) & trained
    margins = np.where(trained, np.round(rng.normal(4 * inside, 2)), -128.0)
    label = rng.integers(-1, 3, 15)
    training = _training(inside, label, trained, 6)
    found = margin_scores(training, margins.astype(np.int8), same_class=same_class, n_folds=10)
    assert found.shape == (3, 15)  # two groups a fold, three in the first
    for fold, groups in enumerate(([0, 1, 2], [3, 4], [5, 6])):
        models = [k for k in range(37) if trained[k]]
        out = [k for k in models if k // 6 in groups]
        others = [k for k in models if k // 6 not in groups]
        for j in range(15):
            own = int(label[j]) if same_class else None
            expected = _margin_by_loop(inside, margins, label, j, own, out, others)
            if own == -1:
                expected = np.nan
            assert found[fold, j] == pytest.approx(expected, nan_ok=True), (fold, j)
    assert np.isfinite(found).any()


def _margin_mean(partner: float, itself: float, seed: int) -> float:
    """Mean score of 20 images: effects of the neighbour and of the image itself on its margin."""
    inside, rng = worlds.masks(20, 30, seed), np.random.default_rng([4, seed])
    shift = partner * np.roll(inside, 1, axis=0) + itself * inside
    margins = shift + rng.normal(0, 0.5, inside.shape) + rng.normal(0, 1, 300)
    training = _training(inside, np.zeros(20, dtype=np.int64), np.ones(300, dtype=bool), 10)
    found = margin_scores(training, margins)
    assert found.shape == (10, 20)
    return float(np.nanmean(found))


@pytest.mark.parametrize("itself", [0.0, 8.0])
def test_margins_are_predicted_by_planted_influence_alone(itself: float) -> None:
    """A neighbour's effect orders the models without the image; the image's own effect does not."""
    planted, none = (
        np.mean([_margin_mean(partner, itself, seed) for seed in range(5)]) for partner in (4, 0)
    )
    assert planted > 0.4
    assert abs(none) < 0.05
