"""The examples of a study: which of a data set's, at which size, with what planted among them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError
from memanalysis.producer.data import planting
from memanalysis.producer.data.arrays import npz
from memanalysis.producer.data.cifar import cifar10, cifar100
from memanalysis.producer.data.digits import digits
from memanalysis.producer.data.folder import folder
from memanalysis.producer.data.idx import fashion_mnist, mnist
from memanalysis.producer.data.parquet import parquet
from memanalysis.producer.data.pixels import Size, gather, thumbnail
from memanalysis.producer.data.planting import Planted
from memanalysis.producer.data.source import STREAM, Labels, Pixels, Source, Split, require_labels
from memanalysis.settings import Data


@dataclass(frozen=True)
class Dataset:
    """Images and labels of one study.

    Attributes
    ----------
    train_images, test_images
        uint8 [examples, H, W, channels], with what was planted.
    train_labels, test_labels
        int64 [examples], what models are trained on and judged by.
    planted
        What was done to the training examples, None where nothing was.
    test_kept
        How many of the test examples, from the first, get bits; accuracy uses all.
    source_ids
        Where each training example and then each kept test example comes from; of a blend both
        origins, its own first.
    fingerprint
        SHA-256 over shapes, images and labels.
    label_fingerprint
        SHA-256 over all training labels of the data set, in its own order, as little-endian int64:
        whoever has other scores of this data set can see whether the order is the same.
    first_labels
        The first ten of those labels.
    md5, official
        As in ``Source``.
    """

    name: str
    licence: str
    citation: str
    class_names: tuple[str, ...]
    train_images: Pixels
    train_labels: Labels
    test_images: Pixels
    test_labels: Labels
    planted: Planted | None
    test_kept: int
    source_ids: tuple[str, ...]
    fingerprint: str
    label_fingerprint: str
    first_labels: tuple[int, ...]
    md5: Mapping[str, str]
    official: bool | None
    _train: Split
    _chosen: NDArray[np.int64]
    _test: Split

    def thumbnails(self) -> Iterator[bytes]:
        """PNG of each training example, then of each kept test example, as ``source_ids`` has them.

        At their original size, at most 64 pixels, as they were planted. Original images are read
        again: workers have no use for them.
        """
        yield from self._train_thumbnails()
        for batch in self._test.images.batches(np.arange(self.test_kept)):
            yield from map(thumbnail, batch)

    def _train_thumbnails(self) -> Iterator[bytes]:
        images, planted = self._train.images, self.planted
        others: dict[int, Pixels] = {}
        if planted is not None:
            needed = np.unique(planted.partners[planted.partners >= 0])
            others = dict(zip(needed.tolist(), self._originals(needed), strict=True))
        originals = (image for batch in images.batches(self._chosen) for image in batch)
        for position, image in enumerate(originals):
            shown = image
            if planted is not None and planted.kinds[position] == "rotated":
                shown = np.rot90(image)
            elif planted is not None and planted.kinds[position] == "blended":
                other = others[int(planted.partners[position])]
                shown = planting.blend(image[None], other[None])[0]
            yield thumbnail(shown)

    def _originals(self, positions: NDArray[np.int64]) -> Iterator[Pixels]:
        for batch in self._train.images.batches(self._chosen[positions]):
            yield from batch


def load(settings: Data, seed: int) -> Dataset:
    """The examples of a study.

    ``train_examples`` of them are drawn without replacement by PCG64 from
    ``SeedSequence([seed, 0xDA7A])`` and kept in their original order.

    Raises
    ------
    DataError
        If files are missing or damaged, labels are out of range, images are of several sizes, or
        there are fewer examples than asked for.
    """
    source = read(settings, seed)
    require_labels(source)
    chosen = _choice(len(source.train.labels), settings.train_examples, seed)
    train_images = gather(source.train.images, chosen, _size(settings))
    everything = np.arange(len(source.test.labels))
    test_images = np.zeros((0, *train_images.shape[1:]), dtype=np.uint8)
    if len(everything):
        test_images = gather(source.test.images, everything, _size(settings))
    if train_images.shape[1:] != test_images.shape[1:]:
        raise DataError(
            f"{source.name}: training images are {train_images.shape[1:]}, test images "
            f"{test_images.shape[1:]} (height, width, channels); expected the same. "
            "Set data.image_size or data.channels."
        )
    labels = source.train.labels[chosen]
    planted = None
    if settings.noise is not None:
        planted = planting.plant(settings.noise, labels, source.class_names, seed)
        planting.apply(planted, train_images)
        labels = planted.labels
    n_test = len(source.test.labels)
    kept = min(settings.test_kept, n_test) if isinstance(settings.test_kept, int) else n_test
    order = source.train.labels
    return Dataset(
        name=source.name,
        licence=source.licence,
        citation=source.citation,
        class_names=source.class_names,
        train_images=train_images,
        train_labels=labels,
        test_images=test_images,
        test_labels=source.test.labels,
        planted=planted,
        test_kept=kept,
        source_ids=(*_ids(source, chosen, planted), *source.test.ids[:kept]),
        fingerprint=_fingerprint(train_images, labels, test_images, source.test.labels),
        label_fingerprint=hashlib.sha256(order.astype("<i8").tobytes()).hexdigest(),
        first_labels=tuple(order[:10].tolist()),
        md5=source.md5,
        official=source.official,
        _train=source.train,
        _chosen=chosen,
        _test=source.test,
    )


def read(settings: Data, seed: int) -> Source:
    """The data set that ``settings.source`` names, as it comes."""
    readers = {
        "fashion-mnist": fashion_mnist,
        "mnist": mnist,
        "cifar10": cifar10,
        "cifar100": cifar100,
        "folder": folder,
        "npz": npz,
        "parquet": parquet,
    }
    if settings.source == "digits":
        return digits(seed)
    return readers[settings.source](settings)


def _size(settings: Data) -> Size | None:
    size = settings.image_size
    return (size, size) if isinstance(size, int) else size


def _choice(available: int, wanted: int | None, seed: int) -> NDArray[np.int64]:
    if wanted is None or wanted == available:
        return np.arange(available)
    if wanted > available:
        raise DataError(
            f"data.train_examples = {wanted}, but there are only {available} training examples."
        )
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, STREAM])))
    return np.sort(generator.choice(available, wanted, replace=False))


def _ids(source: Source, chosen: NDArray[np.int64], planted: Planted | None) -> list[str]:
    ids = [source.train.ids[i] for i in chosen]
    if planted is None:
        return ids
    return [
        own if partner < 0 else f"{own} + {ids[partner]}"
        for own, partner in zip(ids, planted.partners, strict=True)
    ]


def _fingerprint(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        # Grey images count as [examples, H, W], whatever axis they are kept with.
        plain = array[..., 0] if array.ndim == 4 and array.shape[-1] == 1 else array
        digest.update(f"{plain.dtype.str}{plain.shape}".encode())
        digest.update(np.ascontiguousarray(plain).tobytes())
    return digest.hexdigest()
