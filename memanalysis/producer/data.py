"""The data sets that a study can be made of, as plain arrays.

Nothing is downloaded: Fashion-MNIST is read from a folder, the digits come with scikit-learn.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError, MissingDependencyError
from memanalysis.settings import Data

FOLDER_VARIABLE: Final = "MEMANALYSIS_DATA"
FASHION_MNIST_FOLDER: Final = "/usr/share/datasets/fashion-mnist"
FASHION_MNIST_FILES: Final = (
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
DIGITS_TEST_SHARE: Final = 5  # every fifth example of a class, so 360 of 1,797

_STREAM: Final = 0xDA7A  # keeps the choice of examples apart from every other use of the seed

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Images and labels of one study.

    Attributes
    ----------
    train_images, test_images
        uint8 [examples, H, W, channels].
    train_labels, test_labels
        int64 [examples].
    test_kept
        How many of the test examples, from the first, get bits; accuracy uses all.
    source_ids
        Where each training example and then each kept test example comes from.
    thumbnails
        PNG of each training example at its original size.
    fingerprint
        SHA-256 over shapes, images and labels.
    """

    name: str
    licence: str
    citation: str
    class_names: tuple[str, ...]
    train_images: Pixels
    train_labels: Labels
    test_images: Pixels
    test_labels: Labels
    test_kept: int
    source_ids: tuple[str, ...]
    thumbnails: tuple[bytes, ...]
    fingerprint: str


@dataclass(frozen=True)
class _Source:
    """Both splits as they come, uint8 [examples, H, W]."""

    name: str
    licence: str
    citation: str
    class_names: tuple[str, ...]
    train: tuple[Pixels, Labels, NDArray[np.int64]]
    test: tuple[Pixels, Labels, NDArray[np.int64]]
    source_id: str


def load(settings: Data, seed: int) -> Dataset:
    """The examples of a study.

    ``train_examples`` of them are drawn without replacement by PCG64 from
    ``SeedSequence([seed, 0xDA7A])`` and kept in their original order.

    Raises
    ------
    DataError
        If files are missing or damaged, or there are fewer examples than asked for.
    """
    source = _fashion_mnist(settings) if settings.source == "fashion-mnist" else _digits(seed)
    images, labels, origin = source.train
    chosen = _choice(len(labels), settings.train_examples, seed)
    test_images, test_labels, test_origin = source.test
    kept = min(settings.test_kept, len(test_labels))
    train_small = _resize(images[chosen], settings.image_size)
    test_small = _resize(test_images, settings.image_size)
    arrays = (train_small, labels[chosen], test_small, test_labels)
    train_ids = [source.source_id.format("train", i) for i in origin[chosen]]
    test_ids = [source.source_id.format("test", i) for i in test_origin[:kept]]
    return Dataset(
        name=source.name,
        licence=source.licence,
        citation=source.citation,
        class_names=source.class_names,
        train_images=train_small[..., None],
        train_labels=labels[chosen],
        test_images=test_small[..., None],
        test_labels=test_labels,
        test_kept=kept,
        source_ids=(*train_ids, *test_ids),
        thumbnails=tuple(png(image) for image in images[chosen]),
        fingerprint=_fingerprint(*arrays),
    )


def png(image: Pixels) -> bytes:
    """A greyscale PNG file of uint8 [H, W]; a few lines save a dependency."""
    height, width = image.shape
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row starts with its filter, none
    rows[:, 1:] = image
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _choice(available: int, wanted: int | None, seed: int) -> NDArray[np.int64]:
    if wanted is None or wanted == available:
        return np.arange(available)
    if wanted > available:
        raise DataError(
            f"data.train_examples = {wanted}, but there are only {available} training examples."
        )
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAM])))
    return np.sort(generator.choice(available, wanted, replace=False))


def _resize(images: Pixels, size: int | None) -> Pixels:
    """Block means: uint8 [n, H, W] -> uint8 [n, size, size]."""
    height, width = images.shape[1:]
    if size is None or size == height == width:
        return images
    if height % size or width % size:
        raise DataError(
            f"data.image_size = {size}: images of {height}x{width} pixels can only be reduced "
            "by whole blocks, to a size that divides theirs."
        )
    blocks = images.reshape(len(images), size, height // size, size, width // size)
    small: Pixels = np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
    return small


def _fingerprint(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _fashion_mnist(settings: Data) -> _Source:
    folder = Path(settings.folder or os.environ.get(FOLDER_VARIABLE) or FASHION_MNIST_FOLDER)
    missing = [name for name in FASHION_MNIST_FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(
            f"Fashion-MNIST is not complete in '{folder}': {', '.join(missing)} missing, of "
            f"{', '.join(FASHION_MNIST_FILES)}. Install the Debian package dataset-fashion-mnist, "
            "or fetch the four files from https://github.com/zalandoresearch/fashion-mnist and "
            f"name their folder in data.folder of the study file or in {FOLDER_VARIABLE}."
        )
    images, labels, test_images, test_labels = (read_idx(folder / f) for f in FASHION_MNIST_FILES)
    return _Source(
        name="Fashion-MNIST",
        licence="MIT, Copyright 2017 Zalando SE",
        citation="Xiao, Rasul and Vollgraf (2017), Fashion-MNIST, arXiv 1708.07747",
        class_names=FASHION_MNIST_CLASSES,
        train=(images, labels.astype(np.int64), np.arange(len(labels))),
        test=(test_images, test_labels.astype(np.int64), np.arange(len(test_labels))),
        source_id="{}/{}",
    )


def read_idx(path: Path) -> Pixels:
    """Read a gzipped idx file of unsigned bytes.

    Raises
    ------
    DataError
        If it is damaged or of another type.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read as a gzip file: {error}.") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise DataError(f"'{path}' is not an idx file of unsigned bytes.")
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * content[3])
    if values.size != np.prod(shape):
        raise DataError(f"'{path}' holds {values.size} values, its header promises {shape}.")
    images: Pixels = values.reshape(shape)
    return images


def _digits(seed: int) -> _Source:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError.for_feature("The data set 'digits'", "producer") from error
    bunch = load_digits()
    # Sixteen grey levels, spread over a byte.
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    test = _stratified(labels, seed)
    train = np.setdiff1d(np.arange(len(labels)), test)
    return _Source(
        name="Optical recognition of handwritten digits (scikit-learn)",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation="Alpaydin and Kaynak (1998), UCI Machine Learning Repository, doi 10.24432/C50P49",
        class_names=tuple(str(name) for name in bunch.target_names),
        train=(images[train], labels[train], train),
        test=(images[test], labels[test], test),
        source_id="load_digits/{1}",
    )


def _stratified(labels: Labels, seed: int) -> NDArray[np.int64]:
    """Test examples of the digits: a fifth of every class, drawn at random."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAM, 1])))
    drawn = [
        generator.permutation(np.flatnonzero(labels == label))[::DIGITS_TEST_SHARE]
        for label in np.unique(labels)
    ]
    return np.sort(np.concatenate(drawn))
