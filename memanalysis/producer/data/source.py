"""A source of data, as every reader returns it: two splits, images read when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError

# Keeps what is drawn among the examples apart from every other use of a study's seed.
STREAM: Final = 0xDA7A

# The environment variable that names the folder of a data set whose study file names none.
FOLDER_VARIABLE: Final = "MEMANALYSIS_DATA"

_CHUNK: Final = 1024  # images that are worked on at a time

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Index = NDArray[np.int64]


class Images(Protocol):
    """Images of one split, which may lie in files still."""

    def batches(self, index: Index) -> Iterator[Pixels]:
        """The images at these positions, in order: uint8 [some, H, W, channels], again and again.

        Images within a batch have one size; batches may differ.
        """

    def name(self, position: int) -> str:
        """Name of an image in messages."""


@dataclass(frozen=True)
class ArrayImages:
    """Images of one size in memory, uint8 [examples, H, W, channels]; ``where`` names them."""

    pixels: Pixels
    where: str

    def batches(self, index: Index) -> Iterator[Pixels]:
        """See ``Images``."""
        for start in range(0, len(index), _CHUNK):
            yield self.pixels[index[start : start + _CHUNK]]

    def name(self, position: int) -> str:
        """See ``Images``."""
        return f"image {position} of {self.where}"


@dataclass(frozen=True)
class FileImages:
    """Images that are decoded one by one when they are asked for.

    Attributes
    ----------
    read
        The images at ascending positions, each uint8 [H, W, channels].
    name
        How messages call the image at a position.
    """

    read: Callable[[Index], Iterator[Pixels]]
    name: Callable[[int], str]

    def batches(self, index: Index) -> Iterator[Pixels]:
        """See ``Images``."""
        for image in self.read(index):
            yield image[None]


@dataclass(frozen=True)
class Split:
    """Images, labels (int64 [examples]) and names of the examples of one split, in their order."""

    images: Images
    labels: Labels
    ids: Sequence[str]


@dataclass(frozen=True)
class Source:
    """A data set as it comes; its test split may be empty.

    ``md5`` are the sums of its files by name, and ``official`` says whether they are all those of
    the files that its authors publish; empty and None where nobody compares.
    """

    name: str
    licence: str
    citation: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    md5: Mapping[str, str] = field(default_factory=dict)
    official: bool | None = None


def require_labels(source: Source) -> None:
    """Refuse labels that name no class, and classes that no training example belongs to.

    Raises
    ------
    DataError
        With the first example or all classes concerned.
    """
    classes = len(source.class_names)
    if classes < 2:
        raise DataError(
            f"{source.name} has the classes {_some(source.class_names) or 'none'}; expected at "
            "least two, or there is nothing to classify."
        )
    for which, split in (("training", source.train), ("test", source.test)):
        if split is source.train and not len(split.labels):
            raise DataError(f"{source.name} has no {which} examples.")
        wrong = np.flatnonzero((split.labels < 0) | (split.labels >= classes))
        if len(wrong):
            first = int(wrong[0])
            raise DataError(
                f"{source.name}: {len(wrong)} {which} labels are out of range, the first is "
                f"{split.labels[first]} of {split.images.name(first)}; expected 0 to {classes - 1} "
                f"for the classes {_some(source.class_names)}."
            )
    counts = np.bincount(source.train.labels, minlength=classes)
    empty = [source.class_names[label] for label in np.flatnonzero(counts == 0)]
    if empty:
        raise DataError(
            f"{source.name}: no training example has the class {_some(empty)}; "
            "expected at least one of each class."
        )


def numbered_classes(labels: Labels, where: str) -> tuple[str, ...]:
    """Classes called by their numbers, for labels without names.

    Raises
    ------
    DataError
        If a label is so large that some class must be without an example.
    """
    largest = int(labels.max(initial=-1))
    if largest >= max(1, len(labels)):
        raise DataError(
            f"{where} has the label {largest}, but only {len(labels)} training examples; expected "
            "classes from 0 on, with at least one example of each."
        )
    return tuple(map(str, range(largest + 1)))


def missing(what: str, folder: Path, absent: Sequence[str], advice: str) -> DataError:
    """The error for files of a data set that are not there; nothing is ever downloaded."""
    return DataError(
        f"{what} is not complete in '{folder}': {', '.join(absent)} missing. {advice} "
        "Nothing is downloaded."
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")
