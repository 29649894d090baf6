"""CIFAR-10 and CIFAR-100 in the official binary version, known by its MD5 sums."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from memanalysis.errors import DataError
from memanalysis.producer.data.source import (
    FOLDER_VARIABLE,
    ArrayImages,
    Labels,
    Pixels,
    Source,
    Split,
    missing,
)
from memanalysis.settings import Data

# Of the files with images in cifar-10-binary.tar.gz and cifar-100-binary.tar.gz, whose own sums are
# on _PAGE.
MD5: Final = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    "train.bin": "6172c7755cfe09b2fe270c85cebc1b15",
    "test.bin": "4499cfba6c016c1be1438163640a0898",
}
_PAGE: Final = "https://www.cs.toronto.edu/~kriz/cifar.html"
_CITATION: Final = "Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images"
_LICENCE: Final = "none stated by its authors"
_SIDE: Final = 32
_IMAGE_BYTES: Final = 3 * _SIDE * _SIDE

_TRAIN_10: Final = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
_LABELS_100: Final = ("coarse", "fine")  # the order of their bytes in a record


def cifar10(settings: Data) -> Source:
    """CIFAR-10: data_batch_1.bin to data_batch_5.bin, test_batch.bin and batches.meta.txt."""
    folder = _folder(settings, "cifar-10-batches-bin")
    _require(
        folder, "CIFAR-10", (*_TRAIN_10, "test_batch.bin", "batches.meta.txt"), "cifar-10-binary"
    )
    contents = _read(folder, (*_TRAIN_10, "test_batch.bin"), 1)
    return Source(
        name="CIFAR-10",
        licence=_LICENCE,
        citation=_CITATION,
        class_names=_names(folder / "batches.meta.txt"),
        train=_split(contents, _TRAIN_10, "train", 1, 0),
        test=_split(contents, ("test_batch.bin",), "test", 1, 0),
        **_sums(contents),
    )


def cifar100(settings: Data) -> Source:
    """CIFAR-100: train.bin, test.bin and the names of the fine or of the coarse labels.

    ``settings.label_column`` is ``fine`` (100 classes, the default) or ``coarse`` (20).
    """
    which = settings.label_column or "fine"
    if which not in _LABELS_100:
        raise DataError(f"data.label_column = '{which}': expected fine or coarse for CIFAR-100.")
    folder = _folder(settings, "cifar-100-binary")
    names = f"{which}_label_names.txt"
    _require(folder, "CIFAR-100", ("train.bin", "test.bin", names), "cifar-100-binary")
    column = _LABELS_100.index(which)
    contents = _read(folder, ("train.bin", "test.bin"), 2)
    return Source(
        name="CIFAR-100" if which == "fine" else "CIFAR-100 (coarse labels)",
        licence=_LICENCE,
        citation=_CITATION,
        class_names=_names(folder / names),
        train=_split(contents, ("train.bin",), "train", 2, column),
        test=_split(contents, ("test.bin",), "test", 2, column),
        **_sums(contents),
    )


def _folder(settings: Data, unpacked: str) -> Path:
    """The folder of the files, or the one above it that the archive unpacks into."""
    place = settings.folder or os.environ.get(FOLDER_VARIABLE)
    if place is None:
        raise DataError(
            f"CIFAR is not in its usual places: give the folder that has {unpacked} or its files "
            f"in data.folder of the study file or in {FOLDER_VARIABLE}. Nothing is downloaded."
        )
    folder = Path(place)
    return folder / unpacked if (folder / unpacked).is_dir() else folder


def _require(folder: Path, name: str, files: tuple[str, ...], archive: str) -> None:
    absent = [file for file in files if not (folder / file).is_file()]
    if absent:
        advice = (
            f"Expected {', '.join(files)}: unpack {archive}.tar.gz, the binary version on {_PAGE}, "
            f"and name the folder in data.folder of the study file or in {FOLDER_VARIABLE}; the "
            "Python and the Matlab versions are not read."
        )
        raise missing(name, folder, absent, advice)


def _names(file: Path) -> tuple[str, ...]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _read(folder: Path, files: tuple[str, ...], labels: int) -> dict[str, Pixels]:
    """Records of each file, uint8 [n, labels + 3072]."""
    return {file: _records(folder / file, labels) for file in files}


def _sums(contents: dict[str, Pixels]) -> dict[str, Any]:
    """The MD5 sums of the files, and whether they are those of the official ones."""
    sums = {
        file: hashlib.md5(records.data, usedforsecurity=False).hexdigest()
        for file, records in contents.items()
    }
    return {"md5": sums, "official": all(MD5[file] == found for file, found in sums.items())}


def _split(
    contents: dict[str, Pixels], files: tuple[str, ...], which: str, labels: int, column: int
) -> Split:
    """Records of ``labels`` label bytes and 3,072 pixels: red, green, blue plane, row by row."""
    records = np.concatenate([contents[file] for file in files])
    planes = records[:, labels:].reshape(-1, 3, _SIDE, _SIDE)
    pixels: Pixels = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    chosen: Labels = records[:, column].astype(np.int64)
    return Split(
        images=ArrayImages(pixels, f"the {which} split"),
        labels=chosen,
        ids=[f"{which}/{i}" for i in range(len(chosen))],
    )


def _records(file: Path, labels: int) -> Pixels:
    content = np.fromfile(file, dtype=np.uint8)
    length = labels + _IMAGE_BYTES
    if not len(content) or len(content) % length:
        raise DataError(
            f"'{file}' has {len(content)} bytes; expected records of {length} bytes. "
            "It is damaged or of another version: fetch it again."
        )
    return content.reshape(-1, length)
