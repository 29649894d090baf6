import numpy as np
import pytest
import worlds

from memanalysis.analysis import distillation
from memanalysis.analysis.outcomes import Outcomes


def test_change_by_hand() -> None:
    """p_in 1 -> 1/2, p_out 1/2 -> 1/2: mem changes by -1/2, all of it inside."""
    inside = np.array([[True, True, False, False]])
    a = Outcomes.from_bools(inside, np.array([[[True, True, True, False]]]), 2).counts()
    b = Outcomes.from_bools(inside, np.array([[[True, False, False, True]]]), 2).counts()
    assert distillation.change(a, b)[:, 0] == pytest.approx([-0.5, -0.5, 0.0])
    nobody = np.array([[False]])
    assert np.isnan(distillation.change(a, b, nobody)).all()


def test_naive_is_biased_and_cross_fitting_is_not() -> None:
    """60 models, no effect: examples chosen by mem >= .25 seem to lose memory, unless held out."""
    scores = worlds.feldman_zhang(400, np.random.default_rng(0))
    naive, fitted = [], []
    for objective in ("one_hot", "distilled"):
        a = worlds.memorising(np.tile(scores, (30, 1)), 6, seed=1)
        b = _redrawn(a, scores)
        comparison = distillation.compare(a, b)
        choice = distillation.by_score(comparison, objective, 0.25, np.inf)
        naive.append(distillation.naive(comparison, choice).change.estimate.mean())
        fitted.append(distillation.cross_fitted(comparison, choice).change.estimate.mean())
    assert naive[0] < -0.01
    assert naive[1] > 0.01
    assert np.abs(fitted).max() < 0.004


def _redrawn(a: Outcomes, scores: np.ndarray) -> Outcomes:
    """The same subsets and true scores, outcomes drawn anew."""
    rng = np.random.default_rng(99)
    inside = worlds.masks(len(scores), a.n_groups, 1)
    correct = np.stack([
        rng.random(inside.shape) < np.where(inside, 1, 1 - scores[:, None])
        for _ in range(len(a.sizes))
    ])  # fmt: skip
    return Outcomes.from_bools(inside, correct, 10)


def test_planted_effect() -> None:
    """A fifth of memorisation removed by raising p_out: found, split right, in every group."""
    scores = worlds.feldman_zhang(600, np.random.default_rng(0))[None]
    comparison = distillation.compare(
        worlds.memorising(scores, 10), worlds.memorising(0.8 * scores, 10)
    )
    choice = distillation.by_score(comparison, "one_hot", 0.5, np.inf)
    effect = distillation.cross_fitted(comparison, choice)
    truth = -0.2 * scores[scores >= 0.5].mean()
    assert effect.change.low[0] < truth < effect.change.high[0]
    assert effect.change_in.estimate[0] == 0
    assert effect.change_out.estimate[0] == pytest.approx(-effect.change.estimate[0])
    assert effect.n_examples[0] == pytest.approx((scores >= 0.5).sum(), rel=0.1)
    overall = distillation.over_all(comparison)
    assert overall.change.estimate[0] == pytest.approx(-0.2 * scores.mean(), abs=0.01)


def test_only_shared_subsets_are_compared() -> None:
    """Two groups were distilled, three trained: the comparison has the two groups of both."""
    scores = np.full((2, 30), 0.5)
    one_hot = worlds.memorising(scores, 3)
    distilled = one_hot.keep(one_hot.groups[0] | one_hot.groups[2])
    wide = np.zeros_like(one_hot.correct)
    kept = np.flatnonzero(one_hot.groups[0] | one_hot.groups[2])
    wide[:, :, kept] = distilled.correct
    partly = Outcomes(
        one_hot.sizes, one_hot.in_train & (one_hot.groups[0] | one_hot.groups[2]), wide,
        one_hot.trained & (one_hot.groups[0] | one_hot.groups[2]), one_hot.groups,
        one_hot.example_id,
    )  # fmt: skip
    comparison = distillation.compare(one_hot, partly)
    assert comparison.n_groups == 2
    assert np.array_equal(comparison.a.n_in, comparison.b.n_in)


def test_unpaired_comparison() -> None:
    """No shared subset: all groups of both stay, and the means can still be compared."""
    drawn = worlds.memorising(np.full((1, 40), 0.5), 4)
    first, second = (
        Outcomes(
            drawn.sizes, drawn.in_train & mask, drawn.correct & mask, drawn.trained & mask,
            drawn.groups[rows], drawn.example_id,
        )
        for rows, mask in (
            ([0, 1], drawn.groups[0] | drawn.groups[1]),
            ([2, 3], drawn.groups[2] | drawn.groups[3]),
        )
    )  # fmt: skip
    comparison = distillation.compare(first, second)
    assert comparison.n_groups == 4
    expected = second.counts().memorization.mean() - first.counts().memorization.mean()
    assert distillation.over_all(comparison).change.estimate[0] == pytest.approx(expected)
