import numpy as np
import pytest
from drawn_counts import drawn

from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.true_changes import (
    distribution_of_changes,
    shares_changing,
    variance_of_changes,
)


def _draw(change: np.ndarray, seed: int) -> Counts:
    """20 groups of 3 held-out models at two sizes; the score changes by ``change``."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.4, 0.6, len(change))
    rates = np.broadcast_to(np.stack([p, p - change]), (20, 2, len(change)))
    full = np.full(rates.shape, 3)
    return Counts(full, full, rng.binomial(3, rates), full)


def test_variance_equals_a_loop_over_halves() -> None:
    """The covariance of both halves' changes, by hand."""
    groups = drawn(6, 3, 50, seed=10)
    half = np.arange(6) % 2
    changes = []
    for side in (0, 1):
        mine = [g for g in range(6) if g % 2 == side]
        score = [
            groups.hits_in[mine, size].sum(axis=0) / groups.n_in[mine, size].sum(axis=0)
            - groups.hits_out[mine, size].sum(axis=0) / groups.n_out[mine, size].sum(axis=0)
            for size in (0, 2)
        ]
        changes.append(score[1] - score[0])
    x, y = (c - c.mean() for c in changes)
    found = variance_of_changes(groups, half)
    assert float(found.estimate) == pytest.approx((x * y).sum() / 49)


@pytest.mark.parametrize("sd", [0.0, 0.1])
def test_planted_spread_is_found_without_the_noise(sd: float) -> None:
    """True changes of SD 0 and .1 behind noise of SD .09: the limits hold their variance."""
    change = np.random.default_rng(0).normal(0, sd, 3000)
    found = variance_of_changes(_draw(change, 1), np.arange(20) % 2)
    assert float(found.low) < sd**2 < float(found.high)
    assert float(found.high - found.low) < 0.003


def test_planted_shares_are_roughly_found() -> None:
    """30 % fall by .2 behind errors of .05: the model says 30 +- 4 %, and 3 % at most rise."""
    rng = np.random.default_rng(1)
    true = np.where(rng.random(4000) < 0.3, -0.2, 0.0)
    weights = distribution_of_changes(true + rng.normal(0, 0.0515, 4000), np.full(4000, 0.05))
    falling, rising = shares_changing(weights)
    assert weights.sum() == pytest.approx(1)
    assert falling == pytest.approx(0.3, abs=0.04)
    assert rising < 0.03


def test_no_changes_have_no_distribution() -> None:
    """Without a single change with an error there is no model."""
    assert np.isnan(distribution_of_changes(np.array([np.nan]), np.array([0.1]))).all()
