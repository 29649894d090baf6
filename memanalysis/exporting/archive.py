"""A NumPy archive written row by row, so that no array needs to be in memory whole."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

# One byte per bit compresses to an eighth at any level, and higher ones are several times slower.
_LEVEL: Final = 1


class Archive:
    """An ``.npz`` file at ``path``, to be used as a context; no entry is ever an object array."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def put(self, name: str, array: Any) -> None:
        """Add one array whole."""
        values = np.asarray(array)
        with self._entry(name) as file:
            np.lib.format.write_array(file, values, allow_pickle=False)

    def put_rows(
        self, name: str, dtype: DTypeLike, shape: tuple[int, int], blocks: Iterable[NDArray[Any]]
    ) -> None:
        """Add an array of ``shape`` from its rows, one [columns] or several [rows, columns] a time.

        Raises
        ------
        ValueError
            If the blocks do not make up the shape.
        """
        kind = np.dtype(dtype)
        header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False,
                  "shape": shape}  # fmt: skip
        written = 0
        with self._entry(name) as file:
            np.lib.format.write_array_header_1_0(file, header)
            for block in blocks:
                file.write(np.ascontiguousarray(block, dtype=kind).tobytes())
                written += block.size
        if written != shape[0] * shape[1]:
            raise ValueError(f"{name}: {written} values for the shape {shape}")

    def __enter__(self) -> Archive:
        """Use the archive; it is complete when the context ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write the table of contents."""
        self._zip.close()

    def _entry(self, name: str) -> IO[bytes]:
        # A fixed time makes equal studies equal files.
        info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        return self._zip.open(info, "w", force_zip64=True)
