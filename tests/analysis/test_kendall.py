import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from memanalysis.analysis import kendall


@given(st.lists(st.lists(st.integers(0, 6), min_size=9, max_size=9), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_inversions_equal_a_loop(rows: list[list[int]]) -> None:
    """Every pair of positions looked at."""
    expected = [sum(row[i] > row[j] for j in range(9) for i in range(j)) for row in rows]
    assert kendall.inversions(np.array(rows)).tolist() == expected


@pytest.mark.parametrize("levels", [2, 7, 1000])
def test_equals_scipy(levels: int) -> None:
    """tau-b with few, some and next to no ties in x and in y."""
    rng = np.random.default_rng(levels)
    x = rng.integers(0, levels, (4, 120)) / levels
    y = rng.integers(0, levels, 120) / 3
    expected = [stats.kendalltau(row, y).statistic for row in x]
    assert kendall.tau_b(x, np.tile(y, (4, 1))) == pytest.approx(expected)


def test_what_does_not_vary() -> None:
    """A constant row, or a constant y, has no tau."""
    x = np.array([[1.0, 1, 1, 1], [1, 2, 3, 4]])
    found = kendall.tau_b(x, np.tile([1.0, 2, 2, 9], (2, 1)))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(stats.kendalltau(x[1], [1, 2, 2, 9]).statistic)
    assert np.isnan(kendall.tau_b(x, np.ones((2, 4)))).all()
