import numpy as np
import pytest
from scipy import optimize, stats

from memanalysis.analysis import beta_binomial


def _drawn(rates: np.ndarray, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.full(len(rates), n)
    return np.random.default_rng(seed).binomial(numbers, rates), numbers


def test_one_component_equals_scipy() -> None:
    """The likelihood maximum that Nelder-Mead finds on SciPy's betabinom.logpmf, ragged n."""
    rng = np.random.default_rng(0)
    n = rng.integers(5, 19, 500)
    x = rng.binomial(n, rng.beta(0.4, 1.5, 500))

    def negative(theta: np.ndarray) -> float:
        return -float(stats.betabinom.logpmf(x, n, *np.exp(theta)).sum())

    best = optimize.minimize(negative, [0.0, 0.0], method="Nelder-Mead", tol=1e-9)
    a, b = np.exp(best.x)
    found = beta_binomial.fit(x, n)
    assert found.mean == pytest.approx(a / (a + b), rel=1e-4)
    assert found.precision == pytest.approx(a + b, rel=1e-3)
    assert found.u_shaped == (a < 1 and b < 1)


def test_bic_difference_equals_scipy() -> None:
    """BIC of both models from SciPy's probabilities at the fitted parameters, 2 and 5 of them."""
    rng = np.random.default_rng(1)
    rates = np.where(rng.random(400) < 0.7, rng.beta(2, 18, 400), rng.beta(16, 4, 400))
    x, n = _drawn(rates, 30)
    fit = beta_binomial.fit(x, n)

    def log_pmf(mean: float, precision: float) -> np.ndarray:
        return np.asarray(stats.betabinom.logpmf(x, n, mean * precision, (1 - mean) * precision))

    one = log_pmf(fit.mean, fit.precision).sum()
    low = np.log(1 - fit.high_weight) + log_pmf(fit.low_mean, fit.low_precision)
    high = np.log(fit.high_weight) + log_pmf(fit.high_mean, fit.high_precision)
    two = np.logaddexp(low, high).sum()
    expected = (2 * np.log(400) - 2 * one) - (5 * np.log(400) - 2 * two)
    assert fit.bic_difference == pytest.approx(expected)


def test_two_clusters_are_found() -> None:
    """Planted: 70 % Beta(2, 18), 30 % Beta(16, 4): weights, means, and Ashman's D by hand.

    Variances .1 .9/21 and .8 .2/21; D = sqrt(2) .7 / sqrt(sum of both) = 9.1.
    """
    rng = np.random.default_rng(2)
    rates = np.where(rng.random(5000) < 0.7, rng.beta(2, 18, 5000), rng.beta(16, 4, 5000))
    fit = beta_binomial.fit(*_drawn(rates, 60))
    assert fit.bic_difference > 500
    assert fit.high_weight == pytest.approx(0.3, abs=0.02)
    assert [fit.low_mean, fit.high_mean] == pytest.approx([0.1, 0.8], abs=0.01)
    assert [fit.low_precision, fit.high_precision] == pytest.approx([20, 20], rel=0.25)
    assert fit.ashman_d == pytest.approx(np.sqrt(2) * 0.7 / np.sqrt(0.25 / 21), rel=0.1)


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.6), (2.0, 6.0)])
def test_a_continuum_is_no_two_clusters(a: float, b: float) -> None:
    """One planted Beta, U-shaped or with one mode: two clusters do not describe it better."""
    rates = np.random.default_rng(3).beta(a, b, 5000)
    fit = beta_binomial.fit(*_drawn(rates, 18))
    assert fit.bic_difference < 0
    assert fit.mean == pytest.approx(a / (a + b), abs=0.02)
    assert fit.precision == pytest.approx(a + b, rel=0.15)
    assert fit.u_shaped == (a < 1)


def test_a_known_start_gives_the_same_fit() -> None:
    """Started from its own result, a fit stays there."""
    rates = np.random.default_rng(4).beta(0.3, 1.0, 1000)
    x, n = _drawn(rates, 20)
    first = beta_binomial.fit(x, n)
    again = beta_binomial.fit(x, n, first)
    assert again.bic_difference == pytest.approx(first.bic_difference, abs=0.01)
    assert again.precision == pytest.approx(first.precision, rel=1e-3)


def test_nothing_to_fit() -> None:
    """Examples that no model left out tell nothing."""
    found = beta_binomial.fit(np.zeros(5, dtype=int), np.zeros(5, dtype=int))
    assert np.isnan(found.bic_difference)


def test_everything_right() -> None:
    """No error anywhere: a rate next to 0, without a failure."""
    found = beta_binomial.fit(np.zeros(50, dtype=int), np.full(50, 9))
    assert found.mean < 0.01
    assert found.bic_difference <= 0
