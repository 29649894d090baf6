"""Arrays in one .npz file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError
from memanalysis.producer.data.source import ArrayImages, Source, Split, numbered_classes
from memanalysis.settings import Data

REQUIRED: Final = ("train_images", "train_labels", "test_images", "test_labels")
OPTIONAL: Final = ("class_names", "train_ids", "test_ids")
_TEST: Final = ("test_images", "test_labels", "test_ids")


def npz(settings: Data) -> Source:
    """The arrays of the file ``settings.file``, see ``from_arrays``.

    Raises
    ------
    DataError
        If the file is missing, damaged, holds pickled objects, or its arrays do not fit.
    """
    path = Path(settings.file or "")
    if not path.is_file():
        raise DataError(
            f"There is no file '{path}'; expected an .npz file with the arrays "
            f"{', '.join(REQUIRED)} and, if you like, {', '.join(OPTIONAL)}. "
            "Name it in data.file of the study file."
        )
    try:
        # Opened here, since NumPy leaves a damaged file open.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"'{path}' holds one array; expected an .npz file of several.")
            found = {key: archive[key] for key in (*REQUIRED, *OPTIONAL) if key in archive}
    except (
        OSError, ValueError, SyntaxError, TokenError, EOFError, MemoryError, NotImplementedError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise DataError(f"'{path}' cannot be read as an .npz file: {error}.") from error
    return from_arrays(found, f"'{path}'", path.stem)


def from_arrays(arrays: dict[str, NDArray[Any]], where: str, name: str) -> Source:
    """A data set of arrays; ``where`` names them in messages.

    Parameters
    ----------
    arrays
        ``train_images`` and ``test_images`` uint8 [n, H, W] or [n, H, W, 1 or 3]; ``train_labels``
        and ``test_labels`` integers [n], from 0; those of test may both be left out. Optionally
        ``class_names`` text [classes], ``train_ids`` and ``test_ids`` text or integers [n].
    """
    if "train_images" in arrays and not any(key in arrays for key in _TEST):
        images = arrays["train_images"]
        arrays = {**arrays, "test_images": images[:0], "test_labels": np.zeros(0, dtype=np.int64)}
    absent = [key for key in REQUIRED if key not in arrays]
    if absent:
        raise DataError(
            f"{where} lacks {', '.join(absent)}; expected the arrays {', '.join(REQUIRED)} and, if "
            f"you like, {', '.join(OPTIONAL)}."
        )
    train, test = (_split(arrays, which, where) for which in ("train", "test"))
    if "class_names" in arrays:
        given = arrays["class_names"]
        if given.ndim != 1 or len(np.unique(given)) != len(given):
            raise DataError(
                f"class_names of {where} is {list(given.shape)} {given.tolist()!r:.80}; expected a "
                "list of different names, one for each class."
            )
        names = tuple(str(n) for n in given.tolist())
    else:
        names = numbered_classes(train.labels, f"train_labels of {where}")
    return Source(
        name=name,
        licence="not stated",
        citation="not stated",
        class_names=names,
        train=train,
        test=test,
    )


def _split(arrays: dict[str, NDArray[Any]], which: str, where: str) -> Split:
    images, labels = arrays[f"{which}_images"], arrays[f"{which}_labels"]
    colours = images.ndim == 4 and images.shape[-1] in (1, 3)
    some = 0 not in images.shape[1:]
    if images.dtype != np.uint8 or not (images.ndim == 3 or colours) or not some:
        raise DataError(
            f"{which}_images of {where} is {images.dtype} {list(images.shape)}; expected uint8 "
            "[n, height, width] or [n, height, width, 1 or 3], with values from 0 to 255."
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != images.shape[:1]:
        raise DataError(
            f"{which}_labels of {where} is {labels.dtype} {list(labels.shape)}; expected "
            f"integers [{len(images)}], one for each of {which}_images."
        )
    ids = arrays.get(f"{which}_ids")
    if ids is not None and (ids.shape != labels.shape or len(np.unique(ids)) != len(ids)):
        raise DataError(f"{which}_ids of {where}: expected {len(labels)} names, all different.")
    return Split(
        images=ArrayImages(images if images.ndim == 4 else images[..., None], f"{which}_images"),
        labels=labels.astype(np.int64),
        ids=[f"{which}/{i}" for i in (range(len(labels)) if ids is None else ids.tolist())],
    )


def write_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays so that ``npz`` can read them."""
    # NumPy's savez would take any name for an array, and pickle what it cannot write.
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
