"""Planted truth: what is discovered falsely, and what selection makes of nothing."""

from collections.abc import Callable

import numpy as np
import pytest
import worlds

from memanalysis.analysis import distillation
from memanalysis.analysis.outcomes import Outcomes
from memanalysis.analysis.trajectories import SHAPES, by_threshold, classify_outcomes

Report = Callable[[str], None]


@pytest.mark.parametrize(("groups", "alpha"), [(6, 0.20), (20, 0.15)])
def test_false_discovery_rate(groups: int, alpha: float, report: Report) -> None:
    """A tenth rises and a tenth falls by .3: of all directions called at most 5 % are false.

    Five worlds of 3,000 examples with the scores of CIFAR-100, five sizes, shared models.
    """
    rates, recalled = [], []
    for seed in range(5):
        scores = np.tile(worlds.feldman_zhang(3000, np.random.default_rng(seed)), (5, 1))
        scores[:, :600] = np.random.default_rng([seed, 1]).uniform(0, 0.6, 600)
        step = 0.3 * np.linspace(0, 1, 5)[:, None]
        scores[:, :300] += step
        scores[:, 300:600] += 0.3 - step
        found = classify_outcomes(worlds.memorising(scores, groups, seed), alpha)
        called = found.is_direction("increasing", "decreasing")
        right = np.r_[
            found.is_direction("increasing")[:300], found.is_direction("decreasing")[300:600]
        ]
        rates.append(1 - right.sum() / max(called.sum(), 1))
        recalled.append(right.mean())
    report(f"{10 * groups} models: false {np.mean(rates):.3f}, recalled {np.mean(recalled):.2f}")
    assert np.mean(rates) <= 0.05


@pytest.mark.parametrize(("groups", "alpha", "least"), [(6, 0.20, 0.4), (20, 0.15, 0.95)])
def test_recall_of_shapes(groups: int, alpha: float, least: float, report: Report) -> None:
    """A tenth each rises, falls, peaks by .4: found as such, never as fixed, others left alone."""
    rng = np.random.default_rng(0)
    scores = np.tile(worlds.feldman_zhang(3000, rng), (5, 1))
    low, step = rng.uniform(0, 0.2, 300), np.linspace(0, 1, 5)[:, None]
    scores[:, :300] = low + 0.4 * step
    scores[:, 300:600] = low + 0.4 * (1 - step)
    scores[:, 600:900] = low + 0.4 * (1 - np.abs(2 * step - 1))
    found = classify_outcomes(worlds.memorising(scores, groups), alpha)
    kinds = ("increasing", "decreasing", "cap")
    recalled = [
        float(found.is_shape(kind)[300 * k : 300 * (k + 1)].mean()) for k, kind in enumerate(kinds)
    ]
    report(f"{10 * groups} models, recall of {kinds}: {np.round(recalled, 2)}")
    assert min(recalled) > least
    assert not found.is_shape("fixed")[:900].any()
    assert found.is_shape("increasing", "decreasing")[900:].mean() <= 0.004


def test_selection_makes_something_of_nothing(report: Report) -> None:
    """No change at all, chosen as increasing by the threshold rule: naive -.1, left out 0.

    100 models, five sizes. Distilled models are one-hot models with other seeds.
    """
    scores = np.tile(worlds.feldman_zhang(3000, np.random.default_rng(0)), (5, 1))
    one_hot = worlds.memorising(scores, 10)
    distilled = _with_other_seeds(one_hot, scores)
    comparison = distillation.compare(one_hot, distilled)
    chosen = [
        by_threshold(classify_outcomes(part, 0.15).pairs, 5, 0.15) == SHAPES.index("increasing")
        for part in (one_hot, *(one_hot.without(group) for group in range(10)))
    ]

    def sort(without: int | None) -> distillation.Codes:
        flags = chosen[0 if without is None else without + 1]
        return np.tile(np.where(flags, 0, -1), (5, 1))

    naive = float(distillation.naive_by(comparison, sort, 1).change.estimate[-1, 0])
    fitted = distillation.cross_fitted_by(comparison, sort, 1).change[-1, 0]
    middle, low, high = (float(x) for x in (fitted.estimate, fitted.low, fitted.high))
    report(f"naive {naive:+.3f}, leave one group out {middle:+.3f} ({low:+.3f} to {high:+.3f})")
    assert naive < -0.08
    assert low < 0 < high
    assert abs(middle) < 0.02


@pytest.mark.parametrize("groups", [6, 20])
def test_left_out_intervals_cover(groups: int, report: Report) -> None:
    """Nothing changes, examples chosen by mem >= .25 on either objective: 0 is covered.

    150 studies of 250 examples at once, as if they were sizes. The naive mean misses 0 by far more
    than the left-out one, whose 95 % intervals hold it in at least 91 %.
    """
    scores = np.tile(worlds.feldman_zhang(250, np.random.default_rng(1)), (150, 1))
    one_hot = worlds.memorising(scores, groups)
    comparison = distillation.compare(one_hot, _with_other_seeds(one_hot, scores))
    for objective in ("one_hot", "distilled"):
        sorting = distillation.by_bins(comparison, objective, (0.25,))
        fitted = distillation.cross_fitted_by(comparison, sorting, 2).change[:, 1]
        naive = distillation.naive_by(comparison, sorting, 2).change[:, 1]
        covered = ((fitted.low <= 0) & (fitted.high >= 0)).mean()
        biases = [float(found.estimate.mean()) for found in (naive, fitted)]
        report(
            f"{groups} groups, chosen on {objective}: naive {biases[0]:+.4f}, left out "
            f"{biases[1]:+.4f}, covered {covered:.3f}"
        )
        assert covered >= 0.91
        assert abs(biases[1]) < abs(biases[0]) / 3


def _with_other_seeds(one_hot: Outcomes, scores: np.ndarray) -> Outcomes:
    """The same subsets and true scores, outcomes drawn anew."""
    inside = worlds.masks(scores.shape[1], one_hot.n_groups, 0)
    rng = np.random.default_rng(77)
    correct = [rng.random(inside.shape) < np.where(inside, 1, 1 - row[:, None]) for row in scores]
    return Outcomes.from_bools(inside, np.stack(correct), 10)
