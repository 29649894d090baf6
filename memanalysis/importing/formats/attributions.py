"""Influence of training on test examples as tools of data attribution give it, beside ours.

One matrix [test, train] or [train, test], the higher the more the training example helps:

====================  ==================================================================
tool                  what it writes
====================  ==================================================================
TRAK                  ``scores/<name>.mmap``, float16 or float32 [train, test], as .npy
dattri                what ``attribute`` returns, [train, test], saved as .npy
kronfluence           ``scores_<name>/pairwise_scores.safetensors``, key ``all_modules``
                      [query, train]; without such a key, FILE:KEY names one module
any                   .npy, .npz or .safetensors with one array of two axes, or FILE:KEY
====================  ==================================================================

Training examples are all of the store in its order. Test examples are, too, unless --test-ids names
a .npy or table of the ``example_id`` of each. A square matrix needs --rows. Files of torch are
pickles, which are never read: save what they hold with numpy.save.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from memanalysis.errors import did_you_mean
from memanalysis.importing.arrays import (
    Archive,
    Array,
    Held,
    as_integers,
    integers,
    open_npy,
    refuse_pickle,
)
from memanalysis.importing.labels import split_key
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Attribution, Contents, Examples, Format, Options
from memanalysis.importing.tables import read_table

FORMAT: Final = Format(
    name="influence",
    module=__name__,
    reads="influence by TRAK, dattri or kronfluence",
    options=("name", "rows", "test_ids", "replace"),
    example="influence scores/quickstart.mmap --name trak --out mine",
    gives="the relations attributions and influence_agreement, theirs beside ours",
    keyed=True,
)
_TORCH: Final = (".pt", ".pth")
_KRONFLUENCE: Final = "all_modules"
_EXPECTED: Final = "a matrix as .npy, TRAK's .mmap, .npz or .safetensors"


def read(source: Path, options: Options) -> Contents:
    """One matrix; how long its axes must be is for the store to say.

    Raises
    ------
    DataError
        If it is not clear which array is meant, or it is no matrix of numbers.
    """
    path, key = split_key(source)
    matrix = _matrix(path, key)
    if len(matrix.shape) != 2:
        raise fault(matrix.where, f"shape {matrix.shape}", "two axes, [test, train]")
    if matrix.dtype.kind not in "iufV":  # V: bfloat16, which turns into floats
        raise fault(matrix.where, f"{matrix.dtype}", "one number for each pair")
    given = None if options.test_ids is None else _test_ids(options.test_ids)
    attribution = Attribution(options.name or path.stem, matrix, options.rows, given)
    return Contents("influence", path.name, Examples(), attributions=(attribution,))


def _matrix(path: Path, key: str) -> Array:
    where = f"'{path}'"
    if path.is_dir():
        raise fault(where, "a folder", _EXPECTED, "Give the path of the file.")
    if path.suffix.lower() in _TORCH:
        raise fault(
            where, "a file of torch, a pickle, which is never read: it can run any code", _EXPECTED,
            "Load it by torch with weights_only=True; of the tensor that it gives, "
            f"numpy.save('{path.stem}.npy', tensor.float().cpu().numpy()) makes one.",
        )  # fmt: skip
    refuse_pickle(path)
    ending = path.suffix.lower()
    if ending in (".npy", ".mmap"):
        if key:
            raise fault(where, f"the key '{key}'", "none: the file is one array")
        return open_npy(path)
    if ending == ".npz":
        archive = Archive(path)
        shapes = {name: archive[name].shape for name in archive.keys}
        return archive[_chosen(shapes, key, where)]
    if ending == ".safetensors":
        return _tensor(path, key, where)
    raise fault(where, f"a file called {path.name}", _EXPECTED)


def _chosen(shapes: dict[str, tuple[int, ...]], key: str, where: str) -> str:
    """The key that is meant: the one given, kronfluence's, or the only matrix."""
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
    if key:
        if key not in shapes:
            hint = did_you_mean(key, shapes).strip()
            raise fault(where, f"no key '{key}' among {listed}", f"'{key}'", hint)
        return key
    matrices = [name for name, shape in shapes.items() if len(shape) == 2]
    if _KRONFLUENCE in matrices:
        return _KRONFLUENCE
    if len(matrices) != 1:
        raise fault(where, listed, "one array of two axes", "Give FILE:KEY.")
    return matrices[0]


def _tensor(path: Path, key: str, where: str) -> Held:
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            name = _chosen({n: tuple(s.get_shape()) for n, s in slices.items()}, key, where)
            kind = str(slices[name].get_dtype())
            if kind not in ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32"):
                raise fault(
                    f"{where}, key '{name}'", f"dtype {kind}", "float16, float32 or float64",
                    "Convert it by .float() before it is saved.",
                )  # fmt: skip
            return Held(file.get_tensor(name), f"{where}, key '{name}'")
    except (SafetensorError, OSError, ValueError) as error:
        raise fault(where, f"no readable file ({error})", "a whole .safetensors file") from error


def _test_ids(source: Path) -> NDArray[np.int64]:
    path, key = split_key(source)
    refuse_pickle(path)
    if not path.exists():
        raise fault(f"'{path}'", "no such file", "the example_id of each test example")
    if path.suffix == ".npy":
        array = open_npy(path)
        if len(array.shape) != 1:
            raise fault(array.where, f"shape {array.shape}", "one example_id for each test example")
        return integers(array)
    table = read_table(path)
    names = list(table.columns)
    column = key or ("example_id" if "example_id" in names or len(names) != 1 else names[0])
    where = f"{table.where}, column '{column}'"
    if column not in names:
        raise fault(table.where, f"columns {', '.join(names)}", f"'{column}'", "Give FILE:COLUMN.")
    numbers = table.numbers(column)
    if numbers is None:
        raise fault(where, "text", "the example_id of each test example")
    return as_integers(numbers, where)


def finite_rows(matrix: Array, axes: tuple[str, str]) -> Iterator[NDArray[np.float64]]:
    """The rows of a matrix as float64; ``axes`` name its rows and columns in messages.

    Raises
    ------
    DataError
        At the first number that is NaN or infinite.
    """
    for at, row in enumerate(matrix.rows()):
        values: NDArray[Any] = row.astype(np.float64)
        if not np.isfinite(values).all():
            wrong = int(np.flatnonzero(~np.isfinite(values))[0])
            raise fault(
                matrix.where, f"{values[wrong]} at {axes[0]} example {at}, {axes[1]} example "
                f"{wrong}", "a finite number for each pair",
                "TRAK's scores are NaN until finalize_scores; half precision overflows at 65,504.",
            )  # fmt: skip
        yield values
