"""Subsets: balanced exactly, drawn the same everywhere."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memanalysis.storage import subsets

RATIOS = {0.5: (2, 1), 0.667: (3, 1), 0.7: (10, 3), 0.75: (4, 1), 0.9: (10, 1)}


@given(st.sampled_from(sorted(RATIOS)), st.integers(10, 80), st.integers(0, 9))
def test_every_example_is_out_of_equally_many_models(ratio: float, n: int, seed: int) -> None:
    """In a balanced group each example misses the same number; sizes differ by a few examples."""
    size, dropped = RATIOS[ratio]
    masks = subsets.balanced_group(n, 3, ratio, seed)
    assert masks.shape == (size, n)
    assert set((~masks).sum(axis=0).tolist()) == {dropped}
    assert np.ptp(masks.sum(axis=1)) <= dropped


def test_each_model_drops_consecutive_blocks() -> None:
    """Neighbouring models of a group of ten share two of their three dropped blocks."""
    masks = subsets.balanced_group(100, 0, 0.7, 0)
    shared = [int((~masks[k] & ~masks[(k + 1) % 10]).sum()) for k in range(10)]
    assert shared == [20] * 10


def test_the_draw_never_changes() -> None:
    """The masks of seed 5, group 2 are those that every store made so far was trained on."""
    masks = subsets.balanced_group(50, 2, 0.7, 5)
    assert hashlib.sha256(np.packbits(masks).tobytes()).hexdigest()[:16] == "6a9f947a6e4083d0"
    masks = subsets.independent_group(50, 2, 4, 0.7, 5)
    assert hashlib.sha256(np.packbits(masks).tobytes()).hexdigest()[:16] == "d6cf8b3f5f14fa42"


def test_groups_and_seeds_are_fresh_permutations() -> None:
    """Another group or another seed gives other masks."""
    first = subsets.balanced_group(50, 0, 0.7, 0)
    assert (first != subsets.balanced_group(50, 1, 0.7, 0)).any()
    assert (first != subsets.balanced_group(50, 0, 0.7, 1)).any()


def test_independent_draws_have_an_exact_size() -> None:
    """Feldman and Zhang's draws hold int(ratio n) examples; how often one is out varies."""
    masks = subsets.independent_group(33, 0, 20, 0.7, 1)
    assert set(masks.sum(axis=1).tolist()) == {23}
    assert np.ptp(masks.sum(axis=0)) > 0


def test_impossible_designs_are_refused() -> None:
    """A ratio without blocks, or fewer examples than blocks, is an error that says so."""
    assert subsets.design(0.8) is None
    with pytest.raises(ValueError, match=r"no balanced design for ratio 0.8; there are 1/2, 2/3"):
        subsets.balanced_group(50, 0, 0.8, 0)
    with pytest.raises(ValueError, match="9 examples cannot be cut into 10 blocks"):
        subsets.balanced_group(9, 0, 0.7, 0)
