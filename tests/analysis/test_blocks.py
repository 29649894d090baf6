import numpy as np
import pytest
from drawn_counts import drawn

from memanalysis.analysis.blocks import block_of_group, joined


def test_few_groups_stay_as_they_are() -> None:
    """Up to 40 groups nothing is joined."""
    counts = drawn(40, 1, 3, seed=0)
    assert joined(counts) is counts


@pytest.mark.parametrize("n_groups", [41, 200, 399])
def test_many_groups_become_twenty_blocks_of_neighbours(n_groups: int) -> None:
    """Blocks hold consecutive groups, differ by at most one in size, and lose no count."""
    counts = drawn(n_groups, 2, 5, seed=1)
    block = block_of_group(n_groups)
    sizes = np.bincount(block)
    assert len(sizes) == 20
    assert np.ptp(sizes) <= 1
    assert (np.diff(block) >= 0).all()
    blocks = joined(counts)
    for b in range(20):
        expected = sum(counts.hits_out[g].astype(int) for g in range(n_groups) if block[g] == b)
        assert (blocks.hits_out[b] == expected).all()


def test_blocks_do_not_overflow_narrow_counts() -> None:
    """50 groups of 100 int8 counts join without wrapping round."""
    counts = drawn(50, 1, 2, seed=2)
    narrow = type(counts)(*(np.full((50, 1, 2), 100, np.int8) for _ in range(4)))
    assert joined(narrow).n_in.sum(axis=0).tolist() == [[5000, 5000]]
