"""Columns of NumPy arrays to typed Arrow tables; NaN becomes NULL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from memanalysis.analysis.intervals import Interval

Columns = Mapping[str, Sequence[Any]]


def as_table(columns: Columns, schema: pa.Schema) -> pa.Table:
    """A table of ``schema``; columns that are not given are NULL, NaN is NULL everywhere."""
    length = max((len(values) for values in columns.values()), default=0)
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise ValueError(f"no such columns: {', '.join(sorted(unknown))}")
    arrays = [_array(columns.get(field.name), field.type, length) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def stack(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows below each other: each part holds equally long columns, or single values to repeat."""
    names = list(dict.fromkeys(name for part in parts for name in part))
    found: dict[str, list[Any]] = {name: [] for name in names}
    for part in parts:
        lengths = [len(v) for v in part.values() if isinstance(v, list | np.ndarray)]
        length = max(lengths, default=1)
        for name in names:
            value = part.get(name)
            if isinstance(value, list | np.ndarray):
                found[name] += list(value)
            else:
                found[name] += [value] * length
    return found


def interval_columns(name: str, interval: Interval) -> dict[str, Any]:
    """``name``, ``name_low``, ``name_high`` from an interval over rows."""
    return {
        name: np.atleast_1d(interval.estimate),
        f"{name}_low": np.atleast_1d(interval.low),
        f"{name}_high": np.atleast_1d(interval.high),
    }


def _array(values: Sequence[Any] | None, kind: pa.DataType, length: int) -> pa.Array:
    if values is None:
        return pa.nulls(length, kind)
    if pa.types.is_floating(kind):
        numbers = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        return pa.array(numbers, type=kind, mask=~np.isfinite(numbers))
    if isinstance(values, np.ndarray):
        return pa.array(values).cast(kind)
    return pa.array([v.item() if isinstance(v, np.generic) else v for v in values], type=kind)
