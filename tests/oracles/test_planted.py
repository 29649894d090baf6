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


def _with_other_seeds(one_hot: Outcomes, scores: np.ndarray) -> Outcomes:
    """The same subsets and true scores, outcomes drawn anew."""
    inside = worlds.masks(scores.shape[1], one_hot.n_groups, 0)
    rng = np.random.default_rng(77)
    correct = [rng.random(inside.shape) < np.where(inside, 1, 1 - row[:, None]) for row in scores]
    return Outcomes.from_bools(inside, np.stack(correct), 10)
