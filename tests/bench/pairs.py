"""Influence of every training example on every test example."""

from __future__ import annotations

import numpy as np
from inputs import Bits, Scale, draw
from numpy.typing import NDArray
from rich.table import Table
from timing import paired_ratios, ratio_cells, ratio_table

from memanalysis.analysis.influence import (
    Partners,
    Training,
    influence_counts,
    influence_matrix,
    scan,
)
from memanalysis.storage import bits

N_TEST, N_CLASSES = 2_000, 10


def compare(scale: Scale) -> Table:
    """Ratios to the published NumPy code, which makes one dense float32 matrix [test, train]."""
    masks = draw(scale, 0)[0]
    outcomes = np.random.default_rng(3).random((scale.models, N_TEST)) < 0.8
    packed = bits.pack(masks.T), bits.pack(outcomes.T)
    trained = bits.pack(np.ones(scale.models, dtype=np.bool_))
    n_groups = scale.models // 10
    groups = bits.pack(np.arange(scale.models) // 10 == np.arange(n_groups)[:, None])
    half = np.arange(n_groups) % 2

    def matrix() -> NDArray[np.float64]:
        return influence_matrix(packed[0], packed[1], trained)

    def counted() -> object:
        return influence_counts(packed[0], packed[1], trained).memorization

    def tested(same_class: bool) -> object:
        label = np.arange(scale.examples) % N_CLASSES
        training = Training(packed[0], trained, groups, half, label)
        partners = Partners(packed[1], np.arange(N_TEST) % N_CLASSES)
        return scan(training, partners, same_class=same_class)

    def theirs() -> NDArray[np.float32]:
        return published(masks, outcomes)

    assert np.allclose(matrix().T, theirs(), atol=1e-5)
    title = (
        f"influence, {scale.examples:,} training × {N_TEST:,} test examples × {scale.models} models"
    )
    table = ratio_table(title, "ours, against the published NumPy code", "times faster", "range")
    for name, run in (
        ("dense matrix, float64", matrix),
        ("dense matrix with all counts", counted),
        ("pairs of one class, each tested, q-values", lambda: tested(same_class=True)),
        ("all pairs, each tested, q-values", lambda: tested(same_class=False)),
    ):
        table.add_row(name, *ratio_cells(paired_ratios(run, theirs)))
    return table


def published(masks: Bits, correct: Bits) -> NDArray[np.float32]:
    """Masked products over models, [test, train] (google-research, heldout-influence)."""

    def average(mask: Bits) -> NDArray[np.float32]:
        product = np.matmul(correct.T.astype(np.float32), mask)
        return (product / np.maximum(mask.sum(axis=0, keepdims=True), 1e-10)).astype(np.float32)

    return average(masks) - average(~masks)
