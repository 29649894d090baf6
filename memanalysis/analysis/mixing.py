"""The distribution of true rates behind noisy counts: binomial noise removed.

Example i has k_in of n_in and k_out of n_out models right. If its true rates (p_in, p_out) were
known for every example, the share of scores below .1 would be a count; the share of *estimated*
scores below .1 is that count blurred by noise. Here the joint distribution of (p_in, p_out) is
estimated by maximum likelihood on a grid (Kiefer & Wolfowitz 1956; Laird 1978) with expectation-
maximisation, started from the uniform distribution and stopped early, which keeps it smooth.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from memanalysis.analysis.outcomes import Counts, Numbers

Floats = NDArray[np.float64]

# Rates that the grid knows: 0 and 1 themselves, where most examples are, and the centres of twenty
# cells between. So mem = p_in - p_out has cells that end at .1, .7, .8 and .9.
GRID: Final[Floats] = np.concatenate([[0.0], (np.arange(20) + 0.5) / 20, [1.0]])
SCORES: Final[Floats] = np.round(GRID[:, None] - GRID[None, :], 6)  # mem of each grid point

# Bins of mem for pictures: .05 wide, centred on 0, on 1 and on what lies between.
BIN_EDGES: Final[Floats] = np.round((np.arange(-20, 22) - 0.5) / 20, 6)

# Simulated with Feldman & Zhang's CIFAR-100 scores, 2,000 examples, 60 models, true tails .556 and
# .114: 20 iterations give .565 +- .031 and .110 +- .015 (half a jackknife interval), 100 iterations
# .585 +- .062 and .119 +- .028; plug-in .503 and .103. 200 models: .562 +- .018, .115 +- .012.
_ITERATIONS: Final = 20
_FLOOR: Final = 1e-300


def fit(counts: Counts) -> Floats:
    """Weights of the grid points (p_in, p_out): float64 [22, 22], non-negative, sum 1.

    ``counts`` int32 [n] of one size; examples with an empty cell are left out. All NaN where no
    example has both cells.
    """
    filled = counts.filled()
    if not filled.any():
        return np.full((len(GRID), len(GRID)), np.nan)
    rows, multiplicity = _distinct(counts[filled])
    inside = _likelihood(rows[:, 0], rows[:, 1])
    outside = _likelihood(rows[:, 2], rows[:, 3])
    share = multiplicity / multiplicity.sum()
    weights = np.full((len(GRID), len(GRID)), 1 / len(GRID) ** 2)
    for _ in range(_ITERATIONS):
        expected = np.einsum("ra,ra->r", inside @ weights, outside)
        ratio = share / np.maximum(expected, _FLOOR)
        weights = weights * (inside.T @ (outside * ratio[:, None]))
    return np.asarray(weights / weights.sum())


def mass(weights: Floats, low: float, high: float) -> float:
    """Share of examples with ``low`` < mem <= ``high``.

    A grid point exactly on a limit stands for a cell that straddles it and counts half.
    """
    return float((weights * (_below(high) - _below(low))).sum())


def binned(weights: Floats) -> Floats:
    """Share of examples in each bin between ``BIN_EDGES``: float64 [41], sum 1."""
    return np.array([mass(weights, low, high) for low, high in pairwise(BIN_EDGES)])


def cumulative(weights: Floats) -> tuple[Floats, Floats]:
    """Piecewise linear distribution function of mem: knots [K] and values [K].

    The mass of each grid point is spread evenly over one cell, +- .025.
    """
    knots = np.arange(-41, 42, dtype=np.float64) * 0.025
    position = (knots[:, None, None] - SCORES + 0.025) / 0.05
    return knots, np.asarray((np.clip(position, 0, 1) * weights).sum(axis=(1, 2)))


def _below(limit: float) -> Floats:
    """1 where a grid point's mem is below the limit, 1/2 on it, else 0; all 1 from 1 upwards."""
    if limit >= 1:
        return np.ones_like(SCORES)
    return np.asarray((limit - 1e-9 > SCORES) * 0.5 + (limit + 1e-9 > SCORES) * 0.5)


def _distinct(counts: Counts) -> tuple[Numbers, Numbers]:
    """Distinct (hits_in, n_in, hits_out, n_out) and how often each occurs."""
    columns = np.stack([counts.hits_in, counts.n_in, counts.hits_out, counts.n_out], axis=1)
    bases = columns.max(axis=0).astype(np.int64) + 1
    code = np.ravel_multi_index(tuple(columns.T), tuple(bases))
    distinct, multiplicity = np.unique(code, return_counts=True)
    return np.stack(np.unravel_index(distinct, tuple(bases)), axis=1), multiplicity


def _likelihood(hits: Numbers, n: Numbers) -> Floats:
    """Binomial likelihood of each row at each grid rate, each row's largest 1: [rows, 22]."""
    misses = (n - hits)[:, None]
    log = special.xlogy(hits[:, None], GRID) + special.xlog1py(misses, -GRID)
    return np.asarray(np.exp(log - log.max(axis=1, keepdims=True)))
