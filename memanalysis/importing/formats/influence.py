"""Influence of training on test examples, from masks and test correctness alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

# One row a model: bool [n_train] or [n_test].
Rows = Callable[[], Iterator[NDArray[np.bool_]]]
Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

# Feldman and Zhang (2020) publish pairs from this influence on.
THRESHOLD: Final = 0.15
# Cells of the matrix, and models, in memory at a time.
_CELLS: Final = 2**25
_MODELS: Final = 256


def strong_pairs(
    masks: Rows, correct: Rows, n_train: int, n_test: int, threshold: float = THRESHOLD
) -> Found:
    """(training examples, test examples, influence) of every pair from ``threshold`` on.

    Influence is the accuracy on the test example of the models trained with the training example,
    less that of the others (Feldman and Zhang 2020, arXiv 2008.03703). Training examples that are
    in every model, or in none, have none. Blocks of test examples and of models bound the memory;
    ``masks`` and ``correct`` are read once for each block of test examples.
    """
    n_in, n_models = np.zeros(n_train), 0
    for row in masks():
        n_in += row
        n_models += 1
    found: list[Found] = []
    step = max(1, _CELLS // max(1, n_train))
    for start in range(0, n_test, step):
        tests = slice(start, min(start + step, n_test))
        inside, hits = _hits(masks, correct, tests, n_train)
        with np.errstate(divide="ignore", invalid="ignore"):
            influence = inside / n_in - (hits[:, None] - inside) / (n_models - n_in)
        rows, trains = np.nonzero(influence >= threshold)  # NaN of an empty cell is not
        found.append((trains, rows + start, influence[rows, trains]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    trains, tests_, values = (np.concatenate(part) for part in zip(*found, strict=True))
    return trains, tests_, values


def _hits(
    masks: Rows, correct: Rows, tests: slice, n_train: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Models right with each training example [tests, n_train], and of all models [tests]."""
    inside = np.zeros((tests.stop - tests.start, n_train), np.float32)
    hits = np.zeros(len(inside))
    both = zip(masks(), correct(), strict=True)
    while block := list(islice(both, _MODELS)):
        mask = np.stack([mask for mask, _ in block])
        right = np.stack([row[tests] for _, row in block])
        # Sums of 0 and 1 in float32 are exact below 2^24.
        inside += right.T.astype(np.float32) @ mask.astype(np.float32)
        hits += right.sum(axis=0)
    return inside, hits
