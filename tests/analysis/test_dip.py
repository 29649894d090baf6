import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from memanalysis.analysis.dip import dip, dip_of_distribution


def _by_definition(sample: np.ndarray) -> float:
    """Smallest distance to a unimodal distribution, a linear program for every possible mode.

    Unknowns: the distribution at each value, once more just before the mode (an atom is allowed
    there), and the distance.
    """
    values, times = np.unique(sample, return_counts=True)
    after = np.cumsum(times) / len(sample)
    before = after - times / len(sample)
    n = len(values)
    best = 1.0
    for mode in range(n):
        rows: list[np.ndarray] = []
        limits: list[float] = []

        def require(row: np.ndarray, limit: float, rows=rows, limits=limits) -> None:
            rows.append(row)
            limits.append(limit)

        def unknown(k: int, sign: float = 1.0) -> np.ndarray:
            row = np.zeros(n + 2)
            row[k] = sign
            return row

        def slope(left: int, right: int, gap: float) -> np.ndarray:
            return (unknown(right) - unknown(left)) / gap

        distance = unknown(n + 1)
        for i in range(n):
            left_limit = n if i == mode else i
            require(unknown(left_limit) - distance, before[i])
            require(-unknown(i) - distance, -after[i])
        for k in (n, mode):
            require(unknown(k) - distance, before[mode] if k == n else after[mode])
            require(-unknown(k) - distance, -before[mode] if k == n else -after[mode])
        require(unknown(n) - unknown(mode), 0)
        gaps = np.diff(values)
        rising = [slope(i, n if i + 1 == mode else i + 1, gaps[i]) for i in range(mode)]
        falling = [slope(i, i + 1, gaps[i]) for i in range(mode, n - 1)]
        for a, b in itertools.pairwise(rising):
            require(a - b, 0)
        for a, b in itertools.pairwise(falling):
            require(b - a, 0)
        for row in rising[:1] + falling[-1:]:
            require(-row, 0)
        bounds = [(0, 1)] * (n + 1) + [(0, None)]
        solved = linprog(distance, A_ub=np.array(rows), b_ub=np.array(limits), bounds=bounds)
        best = min(best, float(solved.fun))
    return best


@pytest.mark.parametrize("seed", range(18))
def test_equals_the_definition(seed: int) -> None:
    """On small samples, with and without ties, the dip is the distance it is defined as."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 11))
    sample = rng.integers(0, 6, n).astype(float) if seed % 3 == 0 else rng.random(n)
    if seed % 3 == 1:
        sample = np.where(rng.random(n) < 0.5, sample / 10, 1 - sample / 10)
    assert dip(sample) == pytest.approx(_by_definition(sample), abs=1e-8)


def test_limits() -> None:
    """Two distant points and two distant atoms reach 1/4; equal spacing 1/(2n); one atom 0."""
    assert dip(np.array([0.0, 1.0])) == pytest.approx(0.25)
    assert dip(np.repeat([0.0, 1.0], 50)) == pytest.approx(0.25)
    assert dip(np.arange(20.0)) == pytest.approx(1 / 40)
    assert dip(np.full(5, 3.0)) == 0
    assert np.isnan(dip(np.array([])))


def test_order_scale_and_place() -> None:
    """The dip depends neither on the order of the sample nor on its scale, place or sign."""
    sample = np.random.default_rng(0).normal(size=60)
    assert dip(sample[::-1] * -3 + 5) == pytest.approx(dip(sample))


def test_continuous_distribution() -> None:
    """Uniform: 0. Half the mass on each of two intervals of width w: (1 - 2w)/4 without the rest.

    F rises from 0 to 1/2 on [0, w], is flat, and rises again on [1 - w, 1]; w = .1. The nearest
    unimodal one runs along the diagonal of the gap: its distance is .5 (.5 - .5 w/(1-w)) / 1 = .2.
    """
    knots = np.array([0.0, 1.0])
    assert dip_of_distribution(knots, knots, knots) == 0
    knots = np.array([0.0, 0.1, 0.9, 1.0])
    values = np.array([0.0, 0.5, 0.5, 1.0])
    sample = np.concatenate([np.linspace(0, 0.1, 500), np.linspace(0.9, 1, 500)])
    assert dip_of_distribution(knots, values, values) == pytest.approx(dip(sample), abs=2e-3)
