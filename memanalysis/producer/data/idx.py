"""Fashion-MNIST and MNIST: four idx files, gzipped or plain."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from memanalysis.errors import DataError
from memanalysis.producer.data.source import (
    FOLDER_VARIABLE,
    ArrayImages,
    Pixels,
    Source,
    Split,
    missing,
)
from memanalysis.settings import Data

FASHION_MNIST_FOLDER: Final = "/usr/share/datasets/fashion-mnist"
FILES: Final = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
FASHION_MNIST_CLASSES: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_GZIP: Final = b"\x1f\x8b"


def fashion_mnist(settings: Data) -> Source:
    """Fashion-MNIST from ``settings.folder``, the folder in MEMANALYSIS_DATA, or Debian's."""
    folder = settings.folder or os.environ.get(FOLDER_VARIABLE) or FASHION_MNIST_FOLDER
    return _source(
        Path(folder),
        name="Fashion-MNIST",
        licence="MIT, Copyright 2017 Zalando SE",
        citation="Xiao, Rasul and Vollgraf (2017), Fashion-MNIST, arXiv 1708.07747",
        class_names=FASHION_MNIST_CLASSES,
        advice="Install the Debian package dataset-fashion-mnist, or fetch the four files from "
        "https://github.com/zalandoresearch/fashion-mnist and name their folder in data.folder of "
        f"the study file or in {FOLDER_VARIABLE}.",
    )


def mnist(settings: Data) -> Source:
    """MNIST from ``settings.folder`` or the folder in MEMANALYSIS_DATA."""
    folder = settings.folder or os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        raise DataError(
            f"MNIST is not in its usual places: give the folder of {', '.join(FILES)} in "
            f"data.folder of the study file or in {FOLDER_VARIABLE}. Nothing is downloaded."
        )
    return _source(
        Path(folder),
        name="MNIST",
        licence="CC BY-SA 3.0, as published by LeCun, Cortes and Burges",
        citation="LeCun, Bottou, Bengio and Haffner (1998), Proceedings of the IEEE 86(11)",
        class_names=tuple(map(str, range(10))),
        advice="Fetch the four files, for instance from https://yann.lecun.com/exdb/mnist/ or a "
        "mirror of it, and name their folder in data.folder of the study file.",
    )


def read_idx(path: Path) -> Pixels:
    """Read an idx file of unsigned bytes, gzipped or plain.

    Raises
    ------
    DataError
        If it is damaged or of another type.
    """
    try:
        content = path.read_bytes()
        if content[:2] == _GZIP:
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read as a gzip file: {error}.") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise DataError(f"'{path}' is not an idx file of unsigned bytes.")
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * content[3])
    if values.size != np.prod(shape):
        raise DataError(f"'{path}' holds {values.size} values, its header promises {shape}.")
    images: Pixels = values.reshape(shape)
    return images


def _source(
    folder: Path,
    *,
    name: str,
    licence: str,
    citation: str,
    class_names: tuple[str, ...],
    advice: str,
) -> Source:
    paths = [_find(folder, file) for file in FILES]
    absent = [file for file, path in zip(FILES, paths, strict=True) if path is None]
    if absent:
        advice = f"Expected {', '.join(FILES)}, also without .gz. {advice}"
        raise missing(name, folder, absent, advice)
    train_images, train_labels, test_images, test_labels = (p for p in paths if p is not None)
    return Source(
        name=name,
        licence=licence,
        citation=citation,
        class_names=class_names,
        train=_split(train_images, train_labels, "train"),
        test=_split(test_images, test_labels, "test"),
    )


def _find(folder: Path, file: str) -> Path | None:
    names = (file, file.removesuffix(".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _split(image_file: Path, label_file: Path, which: str) -> Split:
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DataError(
            f"'{image_file}' has the shape {images.shape} and '{label_file}' {labels.shape}; "
            "expected images [n, height, width] and as many labels [n]."
        )
    return Split(
        images=ArrayImages(images[..., None], f"'{image_file}'"),
        labels=labels.astype(np.int64),
        ids=[f"{which}/{i}" for i in range(len(labels))],
    )
