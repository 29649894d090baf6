import numpy as np
import pytest
import worlds

from memanalysis.analysis import splits
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.reliability import ladder, lengthened, reliability


def _scores(groups: Counts):
    return lambda used: groups[used].sum(0).memorization


@pytest.mark.parametrize("n_groups", [4, 7, 16])
def test_equals_the_share_of_true_variance(n_groups: int) -> None:
    """Planted scores: reliability = var(true) / (var(true) + mean binomial noise), odd G as well.

    Models fit everything, so the noise of a score m is m (1 - m)/n_out, three held out per group.
    """
    truth = worlds.feldman_zhang(4000, np.random.default_rng(1)) * 0.6
    noise = (truth * (1 - truth)).mean() / (3 * n_groups)
    expected = truth.var() / (truth.var() + noise)
    groups = worlds.memorising(truth[None], n_groups).group_counts()
    found = reliability(_scores(groups), splits.parts(n_groups, n_groups))
    assert found.reliability[0] == pytest.approx(expected, abs=0.012)
    assert found.correlation[0] < found.reliability[0]


def test_fewer_groups_are_less_reliable() -> None:
    """Four of 16 groups: what four groups are worth by the planted variances."""
    truth = worlds.feldman_zhang(3000, np.random.default_rng(2)) * 0.6
    groups = worlds.memorising(truth[None], 16).group_counts()
    noise = (truth * (1 - truth)).mean() / 12
    found = reliability(_scores(groups), splits.parts(16, 4, 20))
    assert found.reliability[0] == pytest.approx(truth.var() / (truth.var() + noise), abs=0.015)
    assert found.n_splits == 20
    assert 0 < found.spread[0] < 0.05


def test_a_change_of_nothing_is_not_reliable() -> None:
    """The same scores at two sizes: levels agree, their difference is noise around 0."""
    truth = worlds.feldman_zhang(3000, np.random.default_rng(3))
    groups = worlds.memorising(np.stack([truth, truth]), 6).group_counts()

    def change(used):
        m = groups[used].sum(0).memorization
        return m[1:] - m[:1]

    parts = splits.parts(6, 6)
    assert reliability(_scores(groups), parts).reliability.min() > 0.9
    assert abs(reliability(change, parts).correlation[0]) < 0.06


def test_lengthening_by_hand() -> None:
    """r = .5: 2/3 for equal parts; a part of 1/3 and one of 2/3 in Horst's formula as printed."""
    r, p = 0.6, 1 / 3
    q = 1 - p
    printed = (r * np.sqrt(r**2 + 4 * p * q * (1 - r**2)) - r**2) / (2 * p * q * (1 - r**2))
    assert lengthened(np.array([0.5, 1.0, -0.1]))[:2] == pytest.approx([2 / 3, 1])
    assert np.isnan(lengthened(np.array([-0.1]))).all()
    assert lengthened(np.array([r]), p)[0] == pytest.approx(printed)


def test_ladder_of_groups() -> None:
    """2, 4, 8 ... and all."""
    assert [ladder(n) for n in (1, 2, 3, 6, 8, 20)] == [
        [], [2], [2, 3], [2, 4, 6], [2, 4, 8], [2, 4, 8, 16, 20],
    ]  # fmt: skip
