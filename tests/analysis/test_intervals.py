import numpy as np
import pytest
import worlds
from scipy import stats

from memanalysis.analysis import intervals
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.polarisation import moments


def _counts(k_in: int, n_in: int, k_out: int, n_out: int) -> Counts:
    return Counts(*(np.array([value]) for value in (k_in, n_in, k_out, n_out)))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((280, 280, 60, 120), (0.4109, 0.5881)), ((7, 10, 2, 5), (-0.1778, 0.6416))],
)
def test_newcombe_vectors(counts: tuple[int, int, int, int], expected: tuple[float, float]) -> None:
    """The two published test vectors, to four decimals."""
    low, high = intervals.newcombe(_counts(*counts))
    assert (round(float(low[0]), 4), round(float(high[0]), 4)) == expected


def test_wilson_equals_scipy() -> None:
    """Wilson limits agree with SciPy's for every count of 17."""
    hits = np.arange(18)
    low, high = intervals.wilson(hits, np.full(18, 17))
    for k in hits:
        expected = stats.binomtest(int(k), 17).proportion_ci(0.95, method="wilson")
        assert low[k] == pytest.approx(expected.low, abs=1e-12)
        assert high[k] == pytest.approx(expected.high, abs=1e-12)


def test_newcombe_covers() -> None:
    """p_in = 1, p_out = .9, 140 and 60 models: 95 % intervals hold the truth in 93 to 99 %."""
    rng = np.random.default_rng(0)
    n = 4000
    k_out = rng.binomial(60, 0.9, n)
    full = np.full(n, 140)
    low, high = intervals.newcombe(Counts(full, full, k_out, np.full(n, 60)))
    assert 0.93 < ((low <= 0.1) & (high >= 0.1)).mean() < 0.99


def test_std_error_by_hand() -> None:
    """4/4 and 1/2: rates 5/6 and 2/4, sqrt(5/36/4 + 1/4/2) = .3997; never 0, unknown when empty."""
    assert intervals.std_error(_counts(4, 4, 1, 2))[0] == pytest.approx(0.39965, abs=1e-5)
    assert np.isnan(intervals.std_error(_counts(4, 4, 0, 0))[0])


def test_jackknife_of_a_mean() -> None:
    """For the mean the jackknife is the classical t interval."""
    values = np.random.default_rng(0).normal(size=9)
    found = intervals.jackknife(
        np.array(values.mean()), np.array([np.delete(values, g).mean() for g in range(9)])
    )
    low, high = stats.t.interval(0.95, 8, values.mean(), stats.sem(values))
    assert (float(found.low), float(found.high)) == pytest.approx((low, high))
    folds = intervals.leave_one_group_out(values)
    assert (float(folds.low), float(folds.high)) == pytest.approx((low, high))


def test_undefined_replicates_are_left_out() -> None:
    """A NaN fold does not count; a single fold has no interval."""
    found = intervals.leave_one_group_out(np.array([1.0, np.nan, 3.0]))
    assert float(found.estimate) == 2.0
    assert float(found.high) == pytest.approx(2 + stats.t.ppf(0.975, 1))
    alone = intervals.leave_one_group_out(np.array([1.0]))
    assert np.isnan(float(alone.low))
    nothing = intervals.jackknife(np.array([1.0, 2.0]), np.zeros((0, 2)))
    assert np.isnan(nothing.low).all()
    assert nothing.n_groups == 0


@pytest.mark.parametrize(("groups", "repeats"), [(6, 150), (20, 100)])
def test_jackknife_covers(groups: int, repeats: int) -> None:
    """Mean score and true variance: 95 % intervals hold the truth in 90 to 99 %."""
    truth = worlds.feldman_zhang(150, np.random.default_rng(0))
    # All repeats in one draw: each is one "size", independent of the others.
    counts = worlds.memorising(np.tile(truth, (repeats, 1)), groups).group_counts()

    def statistic(counts: Counts) -> intervals.Floats:
        found = moments(counts)
        return np.stack([found.mean, found.true_variance])

    found = intervals.jackknife_of(statistic, counts)
    for row, expected in enumerate((truth.mean(), truth.var(ddof=1))):
        covered = ((found.low[row] <= expected) & (found.high[row] >= expected)).mean()
        assert 0.90 < covered < 0.99


def test_benjamini_hochberg_equals_scipy() -> None:
    """q-values agree with SciPy's; a NaN is neither tested nor counted."""
    p = np.random.default_rng(0).random(40) ** 2
    with_gap = np.insert(p, 7, np.nan)
    expected = np.insert(stats.false_discovery_control(p), 7, np.nan)
    assert np.allclose(intervals.benjamini_hochberg(with_gap), expected, equal_nan=True)
    assert np.isnan(intervals.benjamini_hochberg(np.array([np.nan]))).all()


def test_false_discoveries() -> None:
    """A tenth of 2,000 tests is real: of those called at q <= .05 at most 8 % are not."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=2000)
    z[:200] += 4
    called = intervals.benjamini_hochberg(2 * stats.norm.sf(np.abs(z))) <= 0.05
    assert called[200:].sum() / called.sum() < 0.08
    assert called[:200].mean() > 0.7
