"""Packing along the model axis: exact, most significant bit first."""

import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as arrays

from memanalysis.storage import bits

outcomes = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=20))


def test_the_first_subset_is_the_most_significant_bit() -> None:
    """Subsets 0 and 8 of nine are the highest bits of two bytes; the padding is zero."""
    packed = bits.pack(np.array([[1, 0, 0, 0, 0, 0, 0, 0, 1]], dtype=bool))
    assert packed.tolist() == [[0x80, 0x80]]


@given(outcomes)
def test_packing_loses_nothing(drawn: np.ndarray) -> None:
    """Unpacking, and reading one column, give back what was packed; counts are row sums."""
    packed = bits.pack(drawn)
    n_subsets = drawn.shape[1]
    assert packed.shape == (len(drawn), bits.width(n_subsets))
    np.testing.assert_array_equal(bits.unpack(packed, n_subsets), drawn)
    np.testing.assert_array_equal(bits.count(packed), drawn.sum(axis=1))
    for k in range(n_subsets):
        np.testing.assert_array_equal(bits.column(packed, k), drawn[:, k])
