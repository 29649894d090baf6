"""Parquet files of a store: how they are written, and every fault of reading as one message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.errors import StoreError

Result = TypeVar("Result")


def read_parquet(path: Path, columns: list[str] | None = None, filters: Any = None) -> pa.Table:
    """A table, or some columns and rows of it, whose pages match their checksums.

    Files of earlier versions have no checksums of pages.

    Raises
    ------
    StoreError
        If the file cannot be read, or lacks a column.
    """
    return _guarded(
        path,
        lambda: pq.read_table(
            path, columns=columns, filters=filters, page_checksum_verification=True
        ),
    )


def read_schema(path: Path) -> pa.Schema:
    """The columns of a file and its metadata.

    Raises
    ------
    StoreError
        If its footer cannot be read.
    """
    return _guarded(path, lambda: pq.read_schema(path))


def count_rows(path: Path) -> int:
    """Number of rows of a file by its footer.

    Raises
    ------
    StoreError
        If that cannot be read.
    """
    return int(_guarded(path, lambda: pq.read_metadata(path).num_rows))


def _guarded(path: Path, read: Callable[[], Result]) -> Result:
    try:
        return read()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"'{path}' cannot be read as Parquet: {text}") from error


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """Options of writing a table: floats split by byte, ids by difference, the rest by dictionary.

    Splitting floats by byte takes a third off ``outcomes`` and a fifth off ``proxies``; zstd's
    level 15 costs seconds at build time and saves a tenth of a shipped store.
    """
    encodings = {
        **{f.name: "BYTE_STREAM_SPLIT" for f in schema if pa.types.is_floating(f.type)},
        **{f.name: "DELTA_BINARY_PACKED" for f in schema if pa.types.is_int64(f.type)},
    }
    return {
        "compression": "zstd",
        "compression_level": 15,
        "use_dictionary": [f.name for f in schema if f.name not in (*encodings, "image")],
        "column_encoding": encodings,
        "write_page_checksum": True,
    }


def blob_array(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """BLOBs of equal length as uint8 [rows, bytes].

    Raises
    ------
    StoreError
        If their lengths differ.
    """
    parts = [_bytes_of(chunk) for chunk in column.chunks if len(chunk)]
    lengths = {int(length) for _, found in parts for length in found}
    if len(lengths) > 1:
        raise StoreError(f"BLOBs of {sorted(lengths)} bytes; expected one length in a store.")
    width = lengths.pop() if lengths else 0
    arrays = [content.reshape(-1, width) for content, _ in parts] if width else []
    return np.concatenate(arrays) if arrays else np.zeros((len(column), 0), dtype=np.uint8)


def _bytes_of(chunk: pa.BinaryArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of all BLOBs, without a copy, and their distinct lengths; NULL has length 0."""
    _, offsets, content = chunk.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    joined = np.frombuffer(content, dtype=np.uint8) if content else np.zeros(0, dtype=np.uint8)
    return joined[bounds[0] : bounds[-1]], np.unique(np.diff(bounds).astype(np.int64))
