import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from memanalysis.analysis import dip as dip_module
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


def test_equals_the_definition_on_a_larger_sample() -> None:
    """Forty values in two clusters: the same linear programs."""
    rng = np.random.default_rng(5)
    sample = np.concatenate([rng.normal(0, 1, 20), rng.normal(4, 1, 20)])
    assert dip(sample) == pytest.approx(_by_definition(sample), abs=1e-7)


def test_percentage_points_of_hartigan_and_hartigan() -> None:
    """Uniform samples of 50: median and 95 % point of the dip as tabulated, .0489 and .0703.

    The table of Hartigan & Hartigan (1985), in the digits that Maechler recomputed from a million
    samples. 600 samples leave a standard error of .0003 and .0009.
    """
    rng = np.random.default_rng(0)
    found = [dip(rng.random(50)) for _ in range(600)]
    assert np.quantile(found, 0.5) == pytest.approx(0.0489, abs=0.001)
    assert np.quantile(found, 0.95) == pytest.approx(0.0703, abs=0.003)


def test_a_million_values() -> None:
    """Half uniform on [0, .1], half on [.9, 1], a million of them: .2, as by hand below.

    Uniform ones alone stay below the table's 99.9 % point for so many, 1.4 / sqrt(n) at most.
    """
    rng = np.random.default_rng(0)
    sample = rng.random(1_000_000)
    assert dip(sample) < 1.4e-3
    sample = np.where(sample < 0.5, sample / 5, 0.9 + (sample - 0.5) / 5)
    knots = np.array([0.0, 0.1, 0.9, 1.0])
    values = np.array([0.0, 0.5, 0.5, 1.0])
    assert dip(sample) == pytest.approx(dip_of_distribution(knots, values, values), abs=2e-3)


def test_thinning_keeps_the_hull(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points ruled out by chords are no vertices: the dip is the same with and without."""
    rng = np.random.default_rng(2)
    samples = [rng.random(5_000), rng.integers(0, 900, 5_000) / 900, rng.beta(0.3, 0.5, 5_000)]
    thinned = [dip(sample) for sample in samples]
    monkeypatch.setattr(dip_module, "_FEW", 10**9)
    assert [dip(sample) for sample in samples] == pytest.approx(thinned, abs=1e-15)


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
