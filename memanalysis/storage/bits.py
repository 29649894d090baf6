"""Packing outcomes along the model axis: one example at one size is two short bit strings.

Bit k of a string is the k-th subset in ``subset_id`` order, most significant bit first, padded
with zeros to whole bytes: NumPy's ``packbits`` order, and the order of DuckDB's ``blob::BIT``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Packed = NDArray[np.uint8]


def width(n_subsets: int) -> int:
    """Bytes that hold one bit per subset."""
    return -(-n_subsets // 8)


def pack(outcomes: NDArray[np.bool_]) -> Packed:
    """Pack bool [..., subsets] into uint8 [..., ceil(subsets / 8)]."""
    return np.packbits(outcomes, axis=-1)


def unpack(packed: Packed, n_subsets: int) -> NDArray[np.bool_]:
    """Unpack uint8 [..., bytes] into bool [..., subsets]."""
    return np.unpackbits(packed, axis=-1, count=n_subsets).astype(np.bool_)


def column(packed: Packed, subset: int) -> NDArray[np.bool_]:
    """The bit of one subset: uint8 [..., bytes] -> bool [...]."""
    return ((packed[..., subset >> 3] >> np.uint8(7 - (subset & 7))) & 1).astype(np.bool_)


def count(packed: Packed) -> NDArray[np.int32]:
    """Number of set bits along the last axis: uint8 [..., bytes] -> int32 [...]."""
    return np.asarray(np.bitwise_count(packed).sum(axis=-1, dtype=np.int32))
