import numpy as np
import pytest
import worlds
from scipy import stats

from memanalysis.analysis import mixing, polarisation
from memanalysis.analysis.dip import dip
from memanalysis.analysis.outcomes import Counts


def _counts(hits_out: list[int], n: int = 10) -> Counts:
    """One size, p_in = 1, so many of n held-out models right per example."""
    full = np.full((1, len(hits_out)), n)
    return Counts(full, full, np.array([hits_out]), full)


def test_polarisation_by_hand() -> None:
    """Scores 0, 0, 1, 1: mean 1/2, variance 1/3, no noise: P = (1/3)/(1/4); two equal ones: < 0.

    Scores .5 and .5 with n = 10: variance 0, noise .25/9, P = -(.25/9)/.25 = -1/9.
    """
    assert polarisation.polarisation(_counts([10, 10, 0, 0]))[0] == pytest.approx(4 / 3)
    assert polarisation.polarisation(_counts([5, 5]))[0] == pytest.approx(-1 / 9)


def test_nothing_memorised_is_undefined() -> None:
    """Below a mean of .02 polarisation is unknown."""
    assert np.isnan(polarisation.polarisation(_counts([10, 10, 10]))[0])


def test_polarisation_is_unbiased() -> None:
    """60 models, 40 worlds: the mean of P is the P of the true scores; plug-in is too high."""
    truth = worlds.feldman_zhang(300, np.random.default_rng(0))
    expected = truth.var(ddof=1) / (truth.mean() * (1 - truth.mean()))
    counts = worlds.memorising(np.tile(truth, (40, 1)), 6).counts()
    found = polarisation.polarisation(counts)
    assert found.mean() == pytest.approx(expected, abs=0.004)
    mem = counts.memorization
    plain = mem.var(axis=1, ddof=1) / (mem.mean(axis=1) * (1 - mem.mean(axis=1)))
    assert plain.mean() > expected + 0.02


def test_tails_without_noise() -> None:
    """60 models: removing noise brings the low tail nearer the truth than counting scores does."""
    truth = worlds.feldman_zhang(2000, np.random.default_rng(3))
    counts = worlds.memorising(truth[None], 6).counts()
    low, high = (truth <= 0.1).mean(), (truth >= 0.9).mean()
    found, plain = polarisation.tails(counts)[0], polarisation.plain_tails(counts)[0]
    assert abs(found[0] - low) < abs(plain[0] - low)
    assert found == pytest.approx([low, high], abs=0.03)


def test_mixing_recovers_rates_below_one() -> None:
    """Half the examples at (.9, .1), half at (.6, .5): the fitted mean rates are those."""
    p_in = np.repeat([0.9, 0.6], 300)[None]
    p_out = np.repeat([0.1, 0.5], 300)[None]
    weights = mixing.fit(worlds.outcomes(p_in, p_out, 20).counts()[0])
    assert weights.sum() == pytest.approx(1)
    assert (weights.sum(axis=1) @ mixing.GRID) == pytest.approx(0.75, abs=0.02)
    assert (weights.sum(axis=0) @ mixing.GRID) == pytest.approx(0.30, abs=0.02)
    assert mixing.mass(weights, 0.45, 2) == pytest.approx(0.5, abs=0.04)
    knots, values = mixing.cumulative(weights)
    assert values[0] == pytest.approx(0)
    assert values[-1] == pytest.approx(1)
    assert (np.diff(values) >= -1e-12).all()
    assert len(knots) == len(values)


def test_straddling_cells_count_half() -> None:
    """All mass at p_in = .975, p_out = .875 is mem = .1, on the limit: half of it below."""
    weights = np.zeros((22, 22))
    weights[20, 18] = 1
    assert mixing.SCORES[20, 18] == pytest.approx(0.1)
    assert mixing.mass(weights, -2, 0.1) == 0.5
    assert mixing.mass(weights, 0.1, 2) == 0.5


def test_empty_cells_have_no_distribution() -> None:
    """Examples that were never held out leave nothing to fit."""
    ones, zeros = np.ones(3, dtype=int), np.zeros(3, dtype=int)
    assert np.isnan(mixing.fit(Counts(ones, ones, zeros, zeros))).all()


def test_bimodality_coefficient_equals_scipy_moments() -> None:
    """Sarle's coefficient from SciPy's bias-corrected skewness and kurtosis."""
    hits = np.random.default_rng(0).integers(0, 11, 60).tolist()
    counts = _counts(hits)
    mem, n = counts.memorization[0], 60
    g, kappa = stats.skew(mem, bias=False), stats.kurtosis(mem, bias=False)
    expected = (g**2 + 1) / (kappa + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))
    assert polarisation.bimodality_coefficient(counts)[0] == pytest.approx(expected)
    assert np.isnan(polarisation.bimodality_coefficient(_counts([1, 1, 1, 1, 1]))[0])


def test_plain_dip_ignores_the_lattice() -> None:
    """Uniform scores on the lattice of 10 have a dip of 0; two far atoms nearly 1/4."""
    assert polarisation.plain_dip(_counts(list(range(11))))[0] == pytest.approx(0, abs=1e-12)
    assert polarisation.plain_dip(_counts([0] * 50 + [10] * 50))[0] > 0.2


def test_summary_has_every_statistic() -> None:
    """Each statistic per size, with an interval around it, and its trend over sizes."""
    scores = worlds.feldman_zhang(200, np.random.default_rng(0))
    drawn = worlds.memorising(np.stack([scores / 2, scores * 0.8, scores]), 6)
    summary = polarisation.summarise(drawn.group_counts())
    found = summary.per_size()
    assert tuple(found) == polarisation.STATISTICS
    for name in ("mean", "polarisation", "low_mass", "dip_plain"):
        interval = found[name]
        assert (interval.low <= interval.estimate).all()
        assert (interval.high >= interval.estimate).all()
    assert found["high_mass"].estimate[-1] > found["high_mass"].estimate[0]


def test_upper_mode_without_noise() -> None:
    """20 % of true scores in (.9, 1], 10 % in (.7, .8], the rest near 0: twice as many on top.

    With 200 models noise carries scores over both limits; removed, the ratio is 2 within a fifth,
    and the dip is that of the true scores.
    """
    rng = np.random.default_rng(4)
    truth = np.concatenate(
        [rng.uniform(0.9, 1, 800), rng.uniform(0.7, 0.8, 400), rng.uniform(0, 0.05, 2800)]
    )
    found = polarisation.summarise(worlds.memorising(truth[None], 20).group_counts()).per_size()
    assert found["upper_mode_ratio"].estimate[0] == pytest.approx(2, abs=0.4)
    assert found["low_mass"].estimate[0] == pytest.approx(0.7, abs=0.02)
    assert found["high_mass"].estimate[0] == pytest.approx(0.2, abs=0.03)
    assert found["dip"].estimate[0] == pytest.approx(dip(truth), abs=0.02)


def test_trends_equal_a_fitted_line() -> None:
    """Change and slope of every statistic are those of NumPy's line; the jackknife is by hand."""
    scores = worlds.feldman_zhang(300, np.random.default_rng(1))
    groups = worlds.memorising(np.stack([scores / 2, scores * 0.9, scores]), 6).group_counts()
    summary = polarisation.summarise(groups)
    change, slope = summary.over_sizes()
    at = polarisation.STATISTICS.index("polarisation")
    per_size = polarisation.polarisation(groups.sum(0))
    assert change.estimate[at] == pytest.approx(per_size[-1] - per_size[0])
    assert slope.estimate[at] == pytest.approx(np.polyfit(np.arange(3), per_size, 1)[0])
    folds = [
        np.polyfit(np.arange(3), polarisation.polarisation(groups.sum(0) - groups[g]), 1)[0]
        for g in range(6)
    ]
    error = np.sqrt(5 / 6 * ((folds - np.mean(folds)) ** 2).sum())
    half = stats.t.ppf(0.975, 5) * error
    assert slope.high[at] - slope.estimate[at] == pytest.approx(half)
    # Halved scores are less polarised: the slope is found.
    assert slope.low[at] > 0


def test_polarisation_of_a_proxy() -> None:
    """Half of the examples near 0, half near 1, seen with noise: P of the values without noise."""
    truth = np.repeat([0.1, 0.9], 200)[None, None]
    means = worlds.proxies(("p",), truth, 10).sums.means()
    assert polarisation.proxy_polarisation(means)[0, 0] == pytest.approx(0.16 / 0.25, abs=0.02)


def test_what_was_not_recorded_has_no_tails() -> None:
    """Sums that are NaN are not scores of 0: shares are of what is known, NaN of nothing."""
    counts = Counts(np.array([np.nan, 2.0]), np.full(2, 2), np.array([np.nan, 0.0]), np.full(2, 2))
    assert polarisation.plain_tails(counts).tolist() == [0.0, 1.0]
    nothing = Counts(np.full(2, np.nan), np.full(2, 2), np.full(2, np.nan), np.full(2, 2))
    assert np.isnan(polarisation.plain_tails(nothing)).all()
