"""Counts of a few images, drawn at random, for oracles that loop over them."""

from __future__ import annotations

import numpy as np

from memanalysis.analysis.outcomes import Counts


def drawn(n_groups: int, n_sizes: int, n: int, seed: int, n_in: int = 7, n_out: int = 3) -> Counts:
    """Counts [G, L, n] of balanced groups; each image has rates of its own at every size."""
    rng = np.random.default_rng(seed)
    shape = (n_groups, n_sizes, n)
    p_in, p_out = rng.beta(8, 1, shape[1:]), rng.beta(0.7, 0.5, shape[1:])
    return Counts(
        rng.binomial(n_in, np.broadcast_to(p_in, shape)), np.full(shape, n_in),
        rng.binomial(n_out, np.broadcast_to(p_out, shape)), np.full(shape, n_out),
    )  # fmt: skip


def exactly(hits_out: list[list[int]], n_out: int, groups: int = 1) -> Counts:
    """Counts [G, L, n] of images that every model fits, right so often when held out."""
    rows = np.broadcast_to(np.asarray(hits_out), (groups, *np.shape(hits_out)))
    full = np.full(rows.shape, n_out)
    return Counts(full, full, rows, full)
