import numpy as np
import pytest
import worlds

from memanalysis.analysis import trends
from memanalysis.analysis.correlations import HalfSums
from memanalysis.analysis.outcomes import Outcomes
from memanalysis.analysis.trajectories import Trajectories, classify_outcomes

GROUPS = 12


def test_area_by_hand() -> None:
    """Positives 3, 1 against 2, 1: pairs won 1 + 1, lost 1, tied 1 gives 2.5 of 4."""
    values = np.array([[3.0, 1.0, 2.0, 1.0, np.nan]])
    positive = np.array([True, True, False, False, True])
    assert trends.auc(values, positive, ~positive)[0] == pytest.approx(2.5 / 4)
    assert np.isnan(trends.auc(values, ~positive & False, positive)[0])


def test_rank_change_by_hand() -> None:
    """A common shift changes no rank; one example overtaking two moves up by two thirds."""
    first = np.array([[1.0, 2.0, 3.0]])
    assert np.array_equal(trends.rank_change(first, first + 5), np.zeros((1, 3)))
    found = trends.rank_change(first, np.array([[9.0, 2.0, 3.0]]))
    assert found[0] == pytest.approx([2 / 3, -1 / 3, -1 / 3])
    gap = trends.rank_change(first, np.array([[9.0, np.nan, 3.0]]))
    assert np.isnan(gap[0, 1])
    assert gap[0, [0, 2]] == pytest.approx([0.5, -0.5])


def folds_of(drawn: Outcomes) -> list[Trajectories]:
    """Trajectories without each group in turn."""
    return [classify_outcomes(drawn.without(group), 0.2) for group in range(drawn.n_groups)]


def test_following_and_missing() -> None:
    """A proxy that is the true score follows; one that knows only the first size's misses."""
    rng = np.random.default_rng(0)
    scores = np.tile(worlds.feldman_zhang(500, rng) * 0.5, (3, 1))
    scores[:, :100] += np.array([0.0, 0.25, 0.5])[:, None]
    drawn = worlds.memorising(scores, GROUPS)
    truth = np.stack([scores, np.tile(scores[:1], (3, 1)) + np.arange(3.0)[:, None]])
    proxies = worlds.proxies(("follows", "misses"), truth, GROUPS)
    found = trends.proxy_trends(proxies.sums, proxies.signs, folds_of(drawn))
    assert found.auc.low[0] > 0.75
    assert found.auc.high[1] < 0.75
    # The shift is common to all, so even the proxy that misses every trend rises.
    assert found.share_rising[1] > 0.95


def test_six_groups_are_enough_for_an_interval() -> None:
    """60 models: shapes from five groups, the proxy from the sixth, six folds, an interval."""
    scores = np.tile(np.r_[np.full(60, 0.1), np.full(140, 0.4)], (2, 1))
    scores[1, :60] = 0.9
    proxies = worlds.proxies(("follows",), scores[None], 6)
    found = trends.proxy_trends(proxies.sums, proxies.signs, folds_of(worlds.memorising(scores, 6)))
    assert found.auc.n_groups == 6
    assert 0.9 < found.auc.low[0] <= found.auc.estimate[0] <= 1
    halves = HalfSums(proxies.sums.total, proxies.sums.n)
    unknown = trends.proxy_trends(halves, proxies.signs, [])
    assert np.isnan(unknown.auc.estimate).all()


def test_polarisation_of_a_proxy() -> None:
    """Half of the examples near 0, half near 1, seen with noise: P of the values without noise."""
    truth = np.repeat([0.1, 0.9], 200)[None, None]
    means = worlds.proxies(("p",), truth, 10).sums.means()
    assert trends.proxy_polarisation(means)[0, 0] == pytest.approx(0.16 / 0.25, abs=0.02)
