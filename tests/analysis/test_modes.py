from fractions import Fraction

import numpy as np
import pytest
from drawn_counts import drawn, exactly

from memanalysis.analysis import modes
from memanalysis.analysis.outcomes import Counts

BINS = (
    lambda m: m > Fraction(9, 10),
    lambda m: Fraction(7, 10) < m <= Fraction(8, 10),
    lambda m: Fraction(6, 10) < m <= Fraction(7, 10),
    lambda m: m < Fraction(1, 10),
    lambda m: Fraction(2, 10) <= m < Fraction(3, 10),
    lambda m: Fraction(3, 10) <= m < Fraction(4, 10),
)


def _naive(counts: Counts, size: int) -> list[float]:
    """Shares of images in each bin and with p_out < 1/10, in exact fractions."""
    n = counts.n_in.shape[-1]
    numbers = [0] * 7
    for i in range(n):
        p_in = Fraction(int(counts.hits_in[size, i]), int(counts.n_in[size, i]))
        p_out = Fraction(int(counts.hits_out[size, i]), int(counts.n_out[size, i]))
        for column, holds in enumerate(BINS):
            numbers[column] += holds(p_in - p_out)
        numbers[6] += p_out < Fraction(1, 10)
    return [number / n for number in numbers]


@pytest.mark.parametrize("n_out", [1, 2, 3, 7])
def test_shares_equal_exact_fractions(n_out: int) -> None:
    """Every share, with and without each group, is that of exact rational arithmetic."""
    groups = drawn(5, 2, 200, seed=n_out, n_in=4, n_out=n_out)
    measured = modes.measure(groups)
    for size in range(2):
        assert measured.shares[size] == pytest.approx(_naive(groups.sum(0), size))
        for group in range(5):
            rest = groups.sum(0) - groups[group]
            assert measured.without[group, size] == pytest.approx(_naive(rest, size))


@pytest.mark.parametrize("n_out", [10, 30, 60])
def test_a_flat_distribution_has_no_mode(n_out: int) -> None:
    """Images at every multiple of 1/n_out above 0: each bin holds as many as its neighbours."""
    counts = exactly([list(range(n_out))], n_out, groups=5)
    measured = modes.measure(counts)
    top, above_7, above_6 = measured.shares[0, :3]
    assert top == pytest.approx(above_7) == pytest.approx(above_6)


def test_an_empty_bin_beside_a_full_mode_is_the_strongest_case() -> None:
    """Half of the images at 1, nobody between .6 and .8: the ratio is infinite, not unknown."""
    counts = exactly([[0] * 50 + [10] * 50], 10, groups=5)
    found = modes.measure(counts).ratio_beside(modes.TOP)
    assert (found.estimate, found.low) == (np.inf, np.inf)


def test_an_empty_bin_beside_next_to_nobody_decides_nothing() -> None:
    """One image of 200 above .9 and nobody beside it: no ratio."""
    counts = exactly([[0] + [10] * 199], 10, groups=5)
    assert np.isnan(modes.measure(counts).ratio_beside(modes.TOP).estimate)


def test_a_bin_that_one_group_empties_leaves_the_limits_finite() -> None:
    """The jackknife runs on the ratio's linear part where leaving a group out empties a bin."""
    rows = [[0] * 30 + [3] + [10] * 69] * 5
    hits = np.asarray(rows)[:, None]
    hits[0, 0, 30] = 0  # without this group the image is no longer in (.6, .8]
    hits[1:, 0, 30] = 4
    counts = Counts(*(np.full(hits.shape, 10),) * 2, hits, np.full(hits.shape, 10))
    measured = modes.measure(counts)
    assert (measured.without[:, 0, 1:3].sum(axis=-1) == 0).any()
    found = measured.ratio_beside(modes.TOP)
    assert np.isfinite([found.estimate, found.low, found.high]).all()
