import itertools

import numpy as np
import pytest

from memanalysis.analysis import splits


@pytest.mark.parametrize("n_groups", range(2, 8))
def test_few_groups_are_split_in_every_way(n_groups: int) -> None:
    """All halves, each with its complement once: as many as itertools counts."""
    found = splits.halves(n_groups)
    size = n_groups // 2
    unordered = {
        frozenset((frozenset(c), frozenset(range(n_groups)) - frozenset(c)))
        for c in itertools.combinations(range(n_groups), size)
    }
    assert {
        frozenset((frozenset(np.flatnonzero(f)), frozenset(np.flatnonzero(~f)))) for f in found
    } == unordered
    assert len(found) == len(unordered)


def test_many_groups_are_sampled() -> None:
    """Different splits into equal halves, the same for the same seed."""
    found = splits.halves(20, 30, seed=3)
    assert found.shape == (30, 20)
    assert (found.sum(axis=1) == 10).all()
    assert len(np.unique(found, axis=0)) == 30
    assert found[:, 0].all()
    assert np.array_equal(found, splits.halves(20, 30, seed=3))
    assert not np.array_equal(found, splits.halves(20, 30, seed=4))
    assert splits.halves(1).shape == (0, 1)


def test_parts_of_the_groups() -> None:
    """Four of nine groups, two in each half, every group used by some draw; all: the halves."""
    found = splits.parts(9, 4, 40)
    assert ((found == 0).sum(axis=1) == 2).all()
    assert ((found == 1).sum(axis=1) == 2).all()
    assert (found >= 0).any(axis=0).all()
    assert np.array_equal(splits.parts(6, 6) == 0, splits.halves(6))
