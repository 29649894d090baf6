import numpy as np
import pytest
import worlds

from memanalysis.analysis import extrapolation
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.polarisation import plain_tails
from memanalysis.analysis.splits import halves


def _probabilities(groups: int, seed: int, n: int = 1500) -> tuple[np.ndarray, Counts]:
    """True scores [n] and sums per group [G, 1, n] of probabilities that vary between models.

    Each is drawn from a Beta distribution with precision .3, hence mostly near 0 or 1, around the
    example's own mean inside or outside.
    """
    rng = np.random.default_rng(seed)
    p_in = rng.beta(19, 1, n).clip(0.005, 0.995)
    p_out = (p_in - worlds.feldman_zhang(n, rng)).clip(0.005, 0.995)
    inside = worlds.masks(n, groups, seed).reshape(n, groups, 10)
    mean = np.where(inside, p_in[:, None, None], p_out[:, None, None])
    drawn = rng.beta(np.maximum(0.3 * mean, 1e-3), np.maximum(0.3 * (1 - mean), 1e-3))
    sums = [(drawn * mask).sum(axis=2).T[:, None] for mask in (inside, ~inside)]
    numbers = [mask.sum(axis=2).T[:, None] for mask in (inside, ~inside)]
    return p_in - p_out, Counts(sums[0], numbers[0], sums[1], numbers[1])


def test_bias_of_one_over_k_disappears() -> None:
    """A statistic that is 3 + 5/K exactly comes out as 3, for even and odd numbers of groups."""

    def statistic(counts: Counts) -> np.ndarray:
        return 3 + 5 / counts.n_in.mean(axis=-1)

    for n_groups in (2, 5, 6):
        ones = np.ones((n_groups, 1, 4))
        groups = Counts(ones, ones, ones, ones)
        found = extrapolation.extrapolated(statistic, groups, halves(n_groups))
        assert found == pytest.approx([3])
    alone = Counts(*(np.ones((1, 1, 4)) for _ in range(4)))
    assert np.isnan(extrapolation.extrapolated(statistic, alone, halves(1))).all()


def test_tails_of_a_continuous_signal() -> None:
    """12 groups, 4 worlds: counting misses the planted low tail by .03, this by less than .012.

    The planted truth is the share of examples whose true score is within each tail.
    """
    errors = []
    for seed in range(4):
        truth, groups = _probabilities(12, seed)
        tails = np.array([(truth <= 0.1).mean(), (truth >= 0.9).mean()])
        plain = plain_tails(groups.sum(0))[0]
        errors.append((plain - tails, extrapolation.extrapolated_tails(groups)[0] - tails))
    plain_error, error = np.mean(errors, axis=0)
    assert plain_error[0] < -0.02
    assert abs(error[0]) < 0.012
    assert abs(error[1]) < 0.01


def test_interval_covers_the_planted_tail() -> None:
    """12 groups, 12 worlds of 400 examples: the interval holds the true low tail in most of them.

    11.4 expected at 95 %; 9 is what chance allows at 1 in 500.
    """
    covered = 0
    for seed in range(12):
        truth, groups = _probabilities(12, 100 + seed, n=400)
        found = extrapolation.extrapolated_interval(lambda c: plain_tails(c)[0], groups)
        covered += bool(found.low[0] <= (truth <= 0.1).mean() <= found.high[0])
        assert found.low[0] < found.estimate[0] < found.high[0]
    assert covered >= 9
