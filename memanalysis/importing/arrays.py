"""Foreign arrays, read row by row: .npy files, members of .npz archives, objects in memory.

Nothing is ever unpickled, and no array is in memory whole unless ``whole`` is called. Every fault
names the file and the key.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tokenize import TokenError
from typing import IO, Any, Final, Protocol

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from memanalysis.importing.problems import fault

_NUMBERS: Final = "biuf"
_TEXT: Final = "US"
# A column-major member of an archive must be read whole to be cut into rows; above this it is not.
_LARGEST_TURNED: Final = 2**31
_PICKLES: Final = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib")
_PROTOCOLS: Final = (b"\x02", b"\x03", b"\x04", b"\x05")
_INT64: Final = 2.0**63
_OBJECTS: Final = (
    "Objects are pickles, which are never read. Save the numbers as a plain array in the "
    "environment that made the file."
)


class Array(Protocol):
    """A named array: ``where`` for messages, and its rows along the first axis."""

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def rows(self) -> Iterator[NDArray[Any]]:
        """The rows in order, one in memory at a time."""
        ...

    def whole(self) -> NDArray[Any]:
        """All of it in memory."""
        ...


class Held:
    """An array-like that can be indexed: NumPy, memory-mapped, torch, JAX, HDF5, Zarr."""

    def __init__(self, values: Any, where: str) -> None:
        self.where = where
        if np.ma.is_masked(values):
            raise fault(where, "an array with masked values", "a value everywhere")
        # Data frames give columns, and matrices give matrices, where a row is asked for.
        plain = hasattr(values, "shape") and not hasattr(values, "columns")
        self._values = (
            values if plain and not isinstance(values, np.matrix) else _numpy(values, where)
        )
        self.shape = tuple(int(n) for n in self._values.shape)
        # Other libraries have dtypes of their own; a row of none tells NumPy's.
        self.dtype = _numpy(self._values[:0] if self.shape else self._values, where).dtype
        _require_plain(self.dtype, where)

    def rows(self) -> Iterator[NDArray[Any]]:
        """The rows in order, one in memory at a time."""
        for index in range(self.shape[0]):
            yield _numpy(self._values[index], self.where)

    def whole(self) -> NDArray[Any]:
        """All of it in memory."""
        return _numpy(self._values, self.where)


def _numpy(values: Any, where: str) -> NDArray[Any]:
    try:
        if hasattr(values, "__array__") or not hasattr(values, "__dlpack__"):
            return np.asarray(values)
        return np.from_dlpack(values)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise fault(
            where,
            f"a {type(values).__name__} that NumPy cannot read ({error})",
            "an array in the main memory of a NumPy dtype",
            "For torch: .detach().float().cpu().",
        ) from error


def open_npy(path: Path) -> Held:
    """A .npy file, memory-mapped.

    Raises
    ------
    DataError
        If it is missing, truncated, no .npy file, or holds Python objects.
    """
    where = f"'{path}'"
    refuse_pickle(path)
    try:
        with path.open("rb") as file:
            shape, _, dtype = _header(file, where)
            expected = file.tell() + math.prod(shape) * dtype.itemsize
    except OSError as error:
        raise fault(where, f"no readable file ({error.strerror})", "a .npy array") from error
    if (found := path.stat().st_size) != expected:
        raise fault(
            where,
            f"{found:,} bytes",
            f"{expected:,} for {dtype.name} {_text(shape)}",
            "The file is truncated or was changed; copy it again.",
        )
    empty = 0 in shape
    return Held(np.load(path, mmap_mode=None if empty else "r", allow_pickle=False), where)


def refuse_pickle(path: Path) -> None:
    """Raise DataError if a file is a pickle, by its name or by how it begins.

    torch's files are pickles, in a zip archive since version 1.6.
    """
    if _is_pickle(path) or path.suffix.lower() in _PICKLES:
        raise fault(
            f"'{path}'", "a pickle, which is never read: it can run any code",
            "plain numbers, as .npy, .npz or CSV",
            "In the environment that made it, save its numbers with numpy.save, or as CSV with the "
            "file's own ids beside them (example_forgetting sorts its examples by count).",
        )  # fmt: skip


class Archive:
    """The arrays of a .npz file by key; members are streamed, never loaded as a side effect.

    ``keys``: their names in the file's order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            raise fault(f"'{path}'", "a folder", "a .npz file", "Give the path of the file.")
        refuse_pickle(path)
        if _is_npy(path):
            raise fault(
                f"'{path}'", "one array (.npy)", "a .npz file, several arrays by name",
                "numpy.savez(file, key=array, …) makes one; from Python, ma.store.write takes "
                "arrays.",
            )  # fmt: skip
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (OSError, zipfile.BadZipFile) as error:
            raise fault(
                f"'{path}'",
                f"no readable archive ({error})",
                "a whole .npz file",
                "The file is truncated or of another kind; copy it again.",
            ) from error
        self.keys = [name.removesuffix(".npy") for name in names]
        if len(set(self.keys)) < len(self.keys):
            twice = next(key for key in self.keys if self.keys.count(key) > 1)
            raise fault(f"'{path}'", f"key '{twice}' more than once", "each key once")

    def __contains__(self, key: str) -> bool:
        """True if there is an array ``key``."""
        return key in self.keys

    def __getitem__(self, key: str) -> Member:
        """The array ``key``; only its header is read.

        Raises
        ------
        DataError
            If there is none, or it holds Python objects.
        """
        where = f"'{self.path}', key '{key}'"
        if key not in self.keys:
            raise fault(where, f"no such key among {', '.join(self.keys)}", f"an array '{key}'")
        return Member(self.path, f"{key}.npy", where)

    def get(self, key: str) -> Member | None:
        """The array ``key``, or None where there is none."""
        return self[key] if key in self.keys else None


class Member:
    """One array of an archive."""

    def __init__(self, archive: Path, name: str, where: str) -> None:
        self.where = where
        self._archive, self._name = archive, name
        with self._open() as file:
            self.shape, self._fortran, self.dtype = _header(file, where)
            begins = file.tell()
        self._require_length(begins)

    def _require_length(self, begins: int) -> None:
        """Believe the header only as far as the archive says that the member is long."""
        with zipfile.ZipFile(self._archive) as archive:
            length = archive.getinfo(self._name).file_size
        expected = begins + math.prod(self.shape) * self.dtype.itemsize
        if length != expected:
            raise self._damaged(f"{length:,} bytes in place of {expected:,}")

    def rows(self) -> Iterator[NDArray[Any]]:
        """The rows in order, one in memory at a time."""
        if self._fortran and len(self.shape) > 1:
            yield from self._turned()
            return
        row = self.shape[1:]
        count = math.prod(row)
        with self._open() as file:
            _header(file, self.where)
            for at in range(self.shape[0]):
                values = self._read(file, count).reshape(row)
                if at == self.shape[0] - 1:
                    self._finish(file)  # before the last row, after which nobody asks any more
                yield values

    def whole(self) -> NDArray[Any]:
        """All of it in memory."""
        with self._open() as file:
            _header(file, self.where)
            values = self._read(file, math.prod(self.shape))
            self._finish(file)
        return values.reshape(self.shape, order="F" if self._fortran else "C")

    def _turned(self) -> NDArray[Any]:
        n_bytes = math.prod(self.shape) * self.dtype.itemsize
        if n_bytes > _LARGEST_TURNED:
            raise fault(
                self.where,
                f"{n_bytes:,} bytes in column-major (Fortran) order",
                "row-major order, so that it can be read model by model",
                "Save it again with np.ascontiguousarray.",
            )
        return self.whole()

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        """The member's bytes; nothing stays open, however many archives there are."""
        with ExitStack() as stack:
            try:
                archive = stack.enter_context(zipfile.ZipFile(self._archive))
                file = stack.enter_context(archive.open(self._name))
            except (OSError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
                found = f"no readable member ({error})"
                raise fault(self.where, found, f"'{self._name}' in a whole .npz file") from error
            yield file

    def _read(self, file: IO[bytes], count: int) -> NDArray[Any]:
        wanted = count * self.dtype.itemsize
        try:
            content = file.read(wanted)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise self._damaged(str(error)) from error
        if len(content) < wanted:
            raise self._damaged("it ends early")
        return np.frombuffer(content, dtype=self.dtype)

    def _finish(self, file: IO[bytes]) -> None:
        """Reach the end, which is where zipfile compares the checksum."""
        try:
            rest = file.read(1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise self._damaged(str(error)) from error
        if rest:
            raise self._damaged(f"there is more than {self.dtype.name} {_text(self.shape)}")

    def _damaged(self, how: str) -> Exception:
        found = f"a damaged array ({how})"
        return fault(self.where, found, f"{self.dtype.name} {_text(self.shape)}", "Copy it again.")


def require_shape(array: Array, expected: tuple[int | None, ...], axes: tuple[str, ...]) -> None:
    """Raise DataError unless ``array`` has the shape ``expected``; None fits any length.

    A shape that would fit the other way round is called transposed.
    """
    if _fits(array.shape, expected):
        return
    wanted = ", ".join(
        f"{'any' if n is None else n} {axis}" for n, axis in zip(expected, axes, strict=True)
    )
    turned = len(expected) > 1 and _fits(array.shape, expected[::-1])
    hint = f"It is transposed: turn it to {' x '.join(axes)}." if turned else ""
    raise fault(array.where, f"shape {_text(array.shape)}", f"({wanted})", hint)


def require_numbers(array: Array) -> None:
    """Raise DataError if ``array`` holds text."""
    if array.dtype.kind in _TEXT:
        raise fault(array.where, f"{array.dtype}", "numbers")


def require_line(array: Array, what: str) -> None:
    """Raise DataError unless ``array`` has one axis; ``what`` its values are."""
    if len(array.shape) != 1:
        raise fault(array.where, f"shape {_text(array.shape)}", f"one axis of {what}")


def as_bools(row: NDArray[Any], where: str, model: int) -> NDArray[np.bool_]:
    """0/1 values of one model as bool; ``where`` and ``model`` are for the message."""
    if row.dtype == np.bool_:
        return row
    strange = (row != 0) & (row != 1)  # true for NaN
    if strange.any():
        at = int(np.flatnonzero(strange)[0])
        raise fault(where, f"{row[at]} at model {model}, example {at}", "0 or 1 everywhere")
    return row.astype(np.bool_)


def integers(array: Array) -> NDArray[np.int64]:
    """All of ``array`` as int64; floats must be whole numbers."""
    return as_integers(array.whole(), array.where)


def as_integers(values: NDArray[Any], where: str) -> NDArray[np.int64]:
    """Values as int64; floats must be whole numbers."""
    if values.dtype.kind not in _NUMBERS:
        raise fault(where, f"{values.dtype}", "integers")
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.rint(values))).all():
        raise fault(where, "numbers that are not whole", "integers")
    # 2^63 itself is a float, the largest int64 is not.
    if (
        values.dtype.kind in "uf"
        and values.size
        and not -_INT64 <= values.min() <= values.max() < _INT64
    ):
        raise fault(where, f"numbers to {values.max():g}", "integers of 64 bits")
    return values.astype(np.int64)


def floats(array: Array) -> NDArray[np.float64]:
    """All of ``array`` as float64, NaN kept."""
    values = array.whole()
    if values.dtype.kind not in _NUMBERS:
        raise fault(array.where, f"{values.dtype}", "numbers")
    return values.astype(np.float64)


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        b is None or a == b for a, b in zip(shape, expected, strict=True)
    )


def _header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, column-major, dtype) of a .npy stream, which then stands at its first value."""
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        version = npy.read_magic(file)
        if version not in readers:
            raise ValueError(f"version {version}")
        shape, fortran, dtype = readers[version](file)
    # A header is Python text; a damaged one fails in whatever way such text can.
    except (
        ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError, EOFError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise fault(
            where,
            f"no whole .npy header ({error})",
            "an array as numpy.save writes it",
            "The file is truncated or of another kind.",
        ) from error
    _require_plain(dtype, where)
    if any(not isinstance(n, int) or n < 0 for n in shape):
        raise fault(where, f"shape {_text(shape)}", "lengths of at least 0")
    return shape, fortran, dtype


def _require_plain(dtype: np.dtype[Any], where: str) -> None:
    if dtype.hasobject:
        raise fault(where, "an array of Python objects", "plain numbers", _OBJECTS)
    if not dtype.itemsize:
        raise fault(where, f"dtype {dtype}, of no bytes", "numbers, or texts of some length")
    # Extension types such as bfloat16 have kind V but turn into floats.
    if dtype.kind not in _NUMBERS + _TEXT and dtype.name != "bfloat16":
        raise fault(where, f"dtype {dtype}", "plain numbers")


def _begins(path: Path, count: int) -> bytes:
    """The first bytes of a file, none of what cannot be read: whoever reads it says so."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def _is_npy(path: Path) -> bool:
    return _begins(path, len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX


def _is_pickle(path: Path) -> bool:
    begins = _begins(path, 2)
    if begins != b"PK":
        return begins[:1] == b"\x80" and begins[1:] in _PROTOCOLS
    try:
        with zipfile.ZipFile(path) as archive:
            return any(PurePosixPath(name).name == "data.pkl" for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _text(shape: tuple[int, ...]) -> str:
    return str(tuple(shape))
