"""Columns of numbers as one compressed text: little-endian arrays behind a JSON header.

The text is base64 of gzip of: the header's length in bytes (uint32), the header (JSON in UTF-8,
padded with spaces to a multiple of 8), then the arrays one after the other. The header's
``columns`` say of each array its ``type`` (as in ``INTEGERS``), ``start`` (bytes after the header),
``length`` (values), ``scale``, ``offset`` and ``null``: a stored integer i means
``offset + scale * i``, or NULL where it equals ``null``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.reporting.gzip64 import compressed

# Wider types first, so that every array starts at a multiple of its own width.
INTEGERS: Final = ("i4", "u4", "i2", "u2", "i1", "u1")


@dataclass(frozen=True)
class Column:
    """Integers by name: i stands for ``offset + scale * i``, ``null`` for NULL.

    ``values`` is an array [n] of one of the types in ``INTEGERS``.
    """

    name: str
    values: NDArray[Any]
    scale: float = 1.0
    offset: float = 0.0
    null: int | None = None

    @property
    def type(self) -> str:
        """The type's code, one of ``INTEGERS``."""
        return f"{self.values.dtype.kind}{self.values.dtype.itemsize}"


def whole(name: str, values: NDArray[Any], null: int | None = None) -> Column:
    """Whole numbers [n] exactly, in the narrowest type that holds them."""
    numbers = np.asarray(values)
    low, high = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, 0)
    kinds = ("u1", "u2", "u4") if low >= 0 else ("i1", "i2", "i4")
    kind = next(k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max)
    return Column(name, numbers.astype(kind), null=null)


def quantised(name: str, values: NDArray[np.float64]) -> Column:
    """Real numbers [n], NaN for NULL, as 65,535 equal steps from the least to the greatest.

    Off by at most half a step: (greatest - least) / 131,068.
    """
    known = np.isfinite(values)
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0, 0)
    null = np.iinfo(np.uint16).max
    step = (high - low) / (null - 1) or 1.0
    codes = np.full(len(values), null, dtype=np.uint16)
    codes[known] = np.rint((values[known] - low) / step).astype(np.uint16)
    return Column(name, codes, scale=step, offset=low, null=int(null))


def pack(columns: Sequence[Column], header: Mapping[str, Any]) -> str:
    """``columns`` with ``header`` as one text, in the format of this module."""
    ordered = sorted(columns, key=lambda column: INTEGERS.index(column.type))
    described, start = [], 0
    for column in ordered:
        described.append(_description(column, start))
        start += column.values.nbytes
    text = json.dumps({**header, "columns": described}, ensure_ascii=False, separators=(",", ":"))
    head = text.encode()
    head += b" " * (-(4 + len(head)) % 8)
    arrays = [np.ascontiguousarray(c.values, f"<{c.type}").tobytes() for c in ordered]
    return compressed(b"".join([len(head).to_bytes(4, "little"), head, *arrays]))


def _description(column: Column, start: int) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "start": start,
        "length": len(column.values),
        "scale": column.scale,
        "offset": column.offset,
        "null": column.null,
    }
