"""The section [data]: which images, and what is planted among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator

from memanalysis.settings.keys import (
    CLOSED,
    TABLE,
    TRUTH,
    Faults,
    Flag,
    Float,
    Int,
    Key,
    Read,
    Text,
    one_of,
    unexpected,
)

# Where the images come from; `producer/data/` has one module for each layout of files.
SOURCES: Final = (
    "fashion-mnist",
    "mnist",
    "cifar10",
    "cifar100",
    "folder",
    "npz",
    "parquet",
    "digits",
)
AUGMENTATIONS: Final = ("crop-flip", "crop", "flip")
WHITENINGS: Final = ("zca",)

# Bits, votes, images and influence are kept for at most this many test examples, or with "all" for
# all of them; accuracy uses all.
MAX_TEST_KEPT: Final = 2000
ALL_TEST: Final = "all"

_SIDES: Final = (4, 512)


_SHARE: Final = Key("a share in [0, 1)", lambda value: 0 <= value < 1)
_PLACE: Final = Key("a path")
_NAME: Final = Key("a name")


def _flip(noise: Any) -> Any:
    """``noise = 0.1`` is short for ``noise.flip = 0.1``."""
    if not isinstance(noise, float):
        return noise
    if not _SHARE.valid(noise):
        raise unexpected(_SHARE.expected)
    return {"flip": noise}


def _is_size(value: Any) -> bool:
    low, high = _SIDES
    return all(low <= side <= high for side in ((value,) if isinstance(value, int) else value))


@dataclass(frozen=True)
class Noise:
    """Noise planted among the training examples; shares are of all of them."""

    __pydantic_config__: ClassVar = CLOSED

    flip: Annotated[Float, _SHARE] = 0.0
    """Share given a wrong label: any other class with equal chances or, with `pairs`, the class
    that its own is mapped to; then only examples of mapped classes are drawn."""
    pairs: Annotated[
        tuple[tuple[str, str], ...],
        Read(dict[str, Text], lambda pairs: tuple(pairs.items())),
        Key(parts=True),
    ] = ()
    """Classes by name, each with the class that it is mapped to."""
    blend: Annotated[Float, _SHARE] = 0.0
    """Share replaced by the mean of two images of different classes, with either label."""
    rotate: Annotated[Float, _SHARE] = 0.0
    """Share turned by 90 degrees, with its right label."""
    random_labels: Annotated[Flag, TRUTH] = False
    """Draw every label anew with equal chances: all that is then learned is memorised."""

    @property
    def total(self) -> float:
        """The share of examples that something is planted in, but for random labels."""
        return self.flip + self.blend + self.rotate

    def check(self, faults: Faults) -> None:
        """Note what excludes each other."""
        for name, other in self.pairs:
            if name == other:
                label = f"data.noise.pairs.{name}"
                faults.unexpected(label, other, "the name of another class")
        if self.total > 1:
            faults.add(
                f"data.noise: flip, blend and rotate add up to {self.total:g}, expected at most 1"
            )
        if self.random_labels and self.total:
            faults.add("data.noise: random_labels leaves no right label, so it stands alone")
        if self.pairs and not self.flip:
            faults.add("data.noise.pairs is given, but data.noise.flip is missing")


@dataclass(frozen=True)
class Data:
    """Images, and the noise planted among them."""

    __pydantic_config__: ClassVar = CLOSED

    source: Annotated[Text, one_of(SOURCES)]
    """The kind of data set."""
    folder: Annotated[Text | None, _PLACE] = None
    """The folder of the data set's files, relative to the study file."""
    train_examples: Annotated[
        Int | None, Key("a whole number from 10", lambda value: value >= 10)
    ] = None
    """Examples drawn from the training split; all by default."""
    test_kept: Annotated[
        Int | Text,
        Key(
            f'a whole number from 0 to {MAX_TEST_KEPT}, or "{ALL_TEST}"',
            lambda value: (
                value == ALL_TEST or (isinstance(value, int) and 0 <= value <= MAX_TEST_KEPT)
            ),
        ),
    ] = MAX_TEST_KEPT
    """Test examples, from the first, with bits, votes and influence; accuracy uses all."""
    image_size: Annotated[
        Int | tuple[Int, Int] | None,
        Key(f"pixels or [height, width], {_SIDES[0]} to {_SIDES[1]}", _is_size),
    ] = None
    """Height and width in pixels that images are resized to; as they are by default."""
    file: Annotated[Text | None, _PLACE] = None
    """The file of the source `npz`, relative to the study file."""
    channels: Annotated[
        Int | None, Key("1 for grey or 3 for RGB", lambda value: value in (1, 3))
    ] = None
    """Channels of an image; those of the first training image by default."""
    image_column: Annotated[Text | None, _NAME] = None
    """The column of images in a Parquet file."""
    label_column: Annotated[Text | None, _NAME] = None
    """The column of labels in a Parquet file; in CIFAR-100 `fine` or `coarse`."""
    test_split: Annotated[Text | None, _NAME] = None
    """The split taken for the test split; by default the usual one of the source."""
    noise: Annotated[Noise | None, BeforeValidator(_flip), TABLE] = None
    """Label noise planted among the training examples; a number is the share `flip`."""
    augmentation: Annotated[Text | None, one_of(AUGMENTATIONS)] = None
    """Random moves of training images; none by default."""
    whitening: Annotated[Text | None, one_of(WHITENINGS)] = None
    """Whitening of all images, fitted to those of training; by default they are only normalised."""
    images: Annotated[Flag, TRUTH] = True
    """Keep pictures of the examples in the store."""

    def completed(self, folder: str | None, faults: Faults) -> Data:
        """With places in ``folder``, that of the study file; what excludes each other is noted."""
        if self.source == "npz":
            if self.file is None:
                faults.add("data.file is missing: expected the path of the .npz file")
        elif self.file is not None:
            faults.add(f"data.file is for npz; {self.source} takes a folder")
        if self.source in ("folder", "parquet") and self.folder is None:
            faults.add(f"data.folder is missing: {self.source} lies in no usual place")
        noise = self.noise
        if noise is not None:
            noise.check(faults)
            noise = noise if noise.total or noise.random_labels else None
        return replace(
            self, noise=noise, folder=_path(self.folder, folder), file=_path(self.file, folder)
        )


def _path(place: str | None, folder: str | None) -> str | None:
    if place is None:
        return None
    path = Path(place).expanduser()
    return str(path if folder is None else Path(folder) / path)
