import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memanalysis.analysis.standardised_change import area, level, standardised_change


def _naive_area(values: np.ndarray, high: np.ndarray, low: np.ndarray) -> tuple[float, float]:
    """Area and DeLong's standard error from the matrix of all comparisons."""
    x, y = values[high], values[low]
    wins = np.array([[(a > b) + (a == b) / 2 for b in y] for a in x])
    v, w = wins.mean(axis=1), wins.mean(axis=0)
    return wins.mean(), np.sqrt(v.var(ddof=1) / len(x) + w.var(ddof=1) / len(y))


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12))
def test_area_equals_all_comparisons(seed: int, m: int, n: int) -> None:
    """Area and limits are those of the m x n matrix of comparisons, ties counting half."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 6, m + n).astype(float)
    high = np.arange(m + n) < m
    expected, se = _naive_area(values, high, ~high)
    found = area(values[None], high, ~high)
    assert float(found.estimate[0]) == pytest.approx(expected)
    assert float(found.low[0]) == pytest.approx(max(expected - 1.959964 * se, 0), abs=1e-6)
    assert float(found.high[0]) == pytest.approx(min(expected + 1.959964 * se, 1), abs=1e-6)


def test_limits_hold_the_true_area_in_95_per_cent_of_draws() -> None:
    """400 draws of two normal samples with a true area of .760: DeLong's limits hold it."""
    rng = np.random.default_rng(0)
    high = np.arange(150) < 50
    held = 0
    for _ in range(400):
        values = rng.normal(size=150) + high
        found = area(values[None], high, ~high)
        held += bool(found.low[0] <= 0.7602 <= found.high[0])
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(("scale", "shift"), [(0.2, 0.0), (3.0, 5.0)])
def test_scale_and_shift_of_a_size_change_nothing(scale: float, shift: float) -> None:
    """A quantity in other units at the last size has the same standardised change."""
    rng = np.random.default_rng(1)
    first, last = rng.normal(size=(2, 1, 50))
    plain = standardised_change(first, last)
    assert standardised_change(first, scale * last + shift) == pytest.approx(plain)
    unknown = first.copy()
    unknown[0, 3] = np.nan
    assert np.isnan(standardised_change(unknown, last)).sum() == 1


def test_level_is_the_mean_rank_correlation_of_opposite_halves() -> None:
    """Both directions and all sizes averaged; limits hold the estimate and narrow with n."""
    rng = np.random.default_rng(2)
    scores = rng.random((2, 3, 400))
    values = scores[:, None] + rng.normal(0, 0.1, (2, 2, 3, 400))
    ranked = values.argsort(axis=-1).argsort(axis=-1)
    ranked_scores = scores.argsort(axis=-1).argsort(axis=-1)
    expected = np.mean([
        np.corrcoef(ranked[h, 1, s], ranked_scores[1 - h, s])[0, 1]
        for h in range(2) for s in range(3)
    ])  # fmt: skip
    found = level(values, scores)
    assert float(found.estimate[1]) == pytest.approx(expected)
    assert float(found.low[1]) < expected < float(found.high[1])
    few = level(values[..., :40], scores[..., :40])
    assert float(few.high[1] - few.low[1]) > float(found.high[1] - found.low[1])
