from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import worlds
from scipy import stats

from memanalysis.analysis import correlations
from memanalysis.analysis.correlations import HalfScores, Method
from memanalysis.evidence.conditions import half_sums

ORACLES: dict[Method, Callable[..., Any]] = {
    "pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau,
}  # fmt: skip


@pytest.mark.parametrize("method", correlations.METHODS)
def test_equals_scipy_with_ties_and_gaps(method: Method) -> None:
    """Every row agrees with SciPy on the examples where both are known."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 8, (2, 3, 40)).astype(float)
    y = rng.integers(0, 5, 40).astype(float)
    x[1, 2, :9] = np.nan
    y[39] = np.nan
    found = correlations.correlate(method, x, y)
    for row in np.ndindex(2, 3):
        known = np.isfinite(x[row]) & np.isfinite(y)
        expected = ORACLES[method](x[row][known], y[known]).statistic
        assert found[row] == pytest.approx(expected)


@pytest.mark.parametrize("method", correlations.METHODS)
def test_undefined_correlations(method: Method) -> None:
    """Too few examples, or no variation: unknown, not 0."""
    few = np.arange(5.0)
    assert np.isnan(correlations.correlate(method, few, few))
    assert np.isnan(correlations.correlate(method, np.full(20, 0.1), np.arange(20.0)))


def test_ranks_equal_scipy() -> None:
    """Ranks of many rows at once, ties sharing theirs."""
    values = np.random.default_rng(0).integers(0, 6, (3, 4, 25)).astype(float)
    assert np.array_equal(correlations.ranks(values), stats.rankdata(values, axis=-1))


def test_spearman_brown_by_hand() -> None:
    """.5 -> 2/3; nothing for halves that do not agree."""
    found = correlations.spearman_brown(np.array([0.5, 1.0, -0.1]))
    assert found[:2] == pytest.approx([2 / 3, 1])
    assert np.isnan(found[2])


def test_attenuation_is_corrected() -> None:
    """True correlation .6 behind noise of the same variance: raw .3, corrected .6."""
    rng = np.random.default_rng(0)
    truth = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 20_000).T
    x, y = (t + rng.normal(size=(2, t.size)) for t in truth)
    halves = correlations.halves_correlated("pearson", x[:, None], y)
    found = correlations.over_splits(halves[None], np.zeros((0, 1)))
    assert float(found.interval.estimate[0]) == pytest.approx(0.3, abs=0.02)
    assert float(found.corrected[0]) == pytest.approx(0.6, abs=0.03)
    assert float(found.reliability[0]) == pytest.approx(2 / 3, abs=0.02)
    assert np.isnan(found.interval.low[0])


def test_no_correction_of_noise() -> None:
    """A score that is nearly all noise (reliability below .3) gets no corrected correlation."""
    rng = np.random.default_rng(0)
    halves = correlations.halves_correlated(
        "pearson", rng.normal(size=(2, 1, 5000)), rng.normal(size=(2, 5000))
    )
    found = correlations.over_splits(halves[None], np.zeros((0, 1)))
    assert np.isnan(found.corrected[0])


@pytest.mark.parametrize("method", correlations.METHODS)
def test_halves_equal_scipy(method: Method) -> None:
    """Opposite halves and both split halves by SciPy, for proxies with and without gaps."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 9, (2, 2, 60)).astype(float)
    y = rng.integers(0, 7, (2, 60)).astype(float)
    x[0, 1, :5] = np.nan
    y[1, 59] = np.nan
    found = correlations.halves_correlated(method, x, y)

    def oracle(a: np.ndarray, b: np.ndarray) -> float:
        known = np.isfinite(a) & np.isfinite(b) & np.isfinite(y).all(axis=0)
        return float(ORACLES[method](a[known], b[known]).statistic)

    for p in (0, 1):
        opposite = (oracle(x[0, p], y[1]) + oracle(x[1, p], y[0])) / 2
        assert found[:, p] == pytest.approx(
            [opposite, oracle(x[0, p], x[1, p]), oracle(y[0], y[1])]
        )


def test_many_splits_are_averaged() -> None:
    """The estimate is the mean over splits, its error that of the folds (by hand)."""
    splits = np.array([[[0.5], [0.8], [0.9]], [[0.7], [0.6], [0.7]]])
    folds = np.array([[0.5], [0.6], [0.7]])
    found = correlations.over_splits(splits, folds)
    error = np.sqrt(2 / 3 * 0.02)
    assert found.interval.estimate == pytest.approx([0.6])
    assert found.interval.high - 0.6 == pytest.approx([stats.t.ppf(0.975, 2) * error])
    assert found.reliability == pytest.approx([1.4 / 1.7])
    assert found.corrected == pytest.approx([0.6 / np.sqrt(0.7 * 0.8)])


def test_leaving_groups_out_of_halves() -> None:
    """Means of both halves without group 2 are those of the others in its half."""
    rng = np.random.default_rng(0)
    per_group = rng.random((4, 1, 2, 5)).astype(np.float32)
    half = np.array([0, 1, 0, 1])
    sums = half_sums(per_group, np.ones(per_group.shape, np.uint16), half)
    assert np.allclose(sums.means(2)[0], per_group[0], atol=1e-5)
    assert np.allclose(sums.means(2)[1], per_group[[1, 3]].mean(axis=0), atol=1e-5)
    with pytest.raises(ValueError, match="sums per group"):
        correlations.HalfSums(sums.total, sums.n).means(0)


def test_rounding_breaks_no_ties() -> None:
    """A third, summed over one model or over seven in float32, is the same value."""
    per_group = np.array([[1 / 3, 7 * np.float32(1 / 3), 0.9]], dtype=np.float32)
    numbers = np.array([[1, 7, 1]], dtype=np.uint16)
    means = half_sums(per_group, numbers, np.array([0])).means()[0]
    assert means[0] == means[1]
    assert means[2] == pytest.approx(0.9, abs=1e-6)


def test_scores_of_halves() -> None:
    """The halves' scores are those of the outcomes of their groups."""
    drawn = worlds.memorising(np.random.default_rng(0).random((2, 30)), 4)
    half = np.array([0, 1, 0, 1])
    scores = HalfScores(drawn.group_counts(), half).means()
    even = drawn.keep(drawn.groups[0] | drawn.groups[2])
    assert np.allclose(scores[0], even.counts().memorization)
    without = HalfScores(drawn.group_counts(), half).means(3)
    assert np.allclose(without[1], drawn.only(1).counts().memorization)
