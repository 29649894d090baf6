"""The section [data]: which images, and what is planted among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from memanalysis.settings.section import Section

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


@dataclass(frozen=True)
class Noise:
    """What is planted among the training examples; shares are of all of them.

    Attributes
    ----------
    flip
        Share that gets a wrong label: any other class with equal chances or, with ``pairs``, the
        class that its own is mapped to. Then only examples of the mapped classes are drawn.
    pairs
        (class, class) by name.
    blend
        Share that becomes the mean of two images of different classes, with either label.
    rotate
        Share that is turned by 90 degrees and keeps its right label.
    random_labels
        Every label is drawn anew with equal chances: what is learned is then memorised.
    """

    flip: float = 0.0
    pairs: tuple[tuple[str, str], ...] = ()
    blend: float = 0.0
    rotate: float = 0.0
    random_labels: bool = False


@dataclass(frozen=True)
class Data:
    """Which images.

    Attributes
    ----------
    source
        One of ``SOURCES``.
    folder, file
        Where the files of the data set lie, None for the usual places; ``file`` is for ``npz``.
    train_examples
        How many are drawn of the training split; None takes all.
    test_kept
        How many test examples, from the first, get bits; ``all`` for every one.
    image_size
        (height, width) in pixels that images are brought to; None leaves them as they are.
    channels
        1 for grey, 3 for RGB; None takes what the first training image has.
    image_column, label_column
        Columns of a Parquet file; in CIFAR-100 ``label_column`` is ``fine`` or ``coarse``.
    test_split
        Name of the split that is taken for the test split, None for the usual ones.
    noise
        What is planted, None for nothing.
    augmentation
        One of ``AUGMENTATIONS``, None for none.
    whitening
        One of ``WHITENINGS``, None for images that are normalised alone.
    images
        Whether the store keeps pictures of the examples.
    """

    source: str
    folder: str | None = None
    train_examples: int | None = None
    test_kept: int | str = MAX_TEST_KEPT
    image_size: int | tuple[int, int] | None = None
    file: str | None = None
    channels: int | None = None
    image_column: str | None = None
    label_column: str | None = None
    test_split: str | None = None
    noise: Noise | None = None
    augmentation: str | None = None
    whitening: str | None = None
    images: bool = True


def read(section: Section, folder: str | None = None) -> Data:
    """Validate [data]; faults go to the section. Places are relative to ``folder``."""
    source = section.get(
        "source",
        str,
        SOURCES[0],
        required=True,
        valid=lambda v: v in SOURCES,
        expected=f"one of {', '.join(SOURCES)}",
    )
    data = Data(
        source=source,
        folder=_place(section, "folder", folder),
        file=_place(section, "file", folder),
        train_examples=section.get(
            "train_examples", int, valid=lambda v: v >= 10, expected="a whole number from 10"
        ),
        test_kept=section.get(
            "test_kept",
            (int, str),
            MAX_TEST_KEPT,
            valid=lambda v: v == ALL_TEST or (isinstance(v, int) and 0 <= v <= MAX_TEST_KEPT),
            expected=f'a whole number from 0 to {MAX_TEST_KEPT}, or "{ALL_TEST}"',
        ),
        image_size=_image_size(section),
        channels=section.get(
            "channels", int, valid=lambda v: v in (1, 3), expected="1 for grey or 3 for RGB"
        ),
        image_column=section.get("image_column", str),
        label_column=section.get("label_column", str),
        test_split=section.get("test_split", str),
        noise=_noise(section),
        augmentation=section.get(
            "augmentation",
            str,
            valid=lambda v: v in AUGMENTATIONS,
            expected=f"one of {', '.join(AUGMENTATIONS)}",
        ),
        whitening=section.get(
            "whitening", str, valid=lambda v: v in WHITENINGS, expected=" or ".join(WHITENINGS)
        ),
        images=section.flag("images", default=True),
    )
    _require_places(section, data)
    section.finish()
    return data


def _place(section: Section, key: str, folder: str | None) -> str | None:
    place = section.get(key, str, valid=lambda v: v != "", expected="a path")
    if place is None:
        return None
    path = Path(place).expanduser()
    return str(path if folder is None else Path(folder) / path)


def _image_size(section: Section) -> int | tuple[int, int] | None:
    low, high = _SIDES

    def is_side(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    size = section.get(
        "image_size",
        (int, list),
        valid=lambda v: (
            is_side(v) or (isinstance(v, list) and len(v) == 2 and all(map(is_side, v)))
        ),
        expected=f"pixels or [height, width], {low} to {high}",
    )
    return tuple(size) if isinstance(size, list) else size


def _noise(section: Section) -> Noise | None:
    """``noise = 0.1`` is short for ``noise.flip = 0.1``."""
    if isinstance(section.content.get("noise"), float):
        return Noise(flip=_share(section, "noise"))
    if "noise" not in section.content:
        section.known.append("noise")
        return None
    table = section.section("noise")
    pairs = table.section("pairs")
    mapped = {name: _other_class(pairs, name) for name in pairs.content}
    noise = Noise(
        flip=_share(table, "flip"),
        pairs=tuple(mapped.items()),
        blend=_share(table, "blend"),
        rotate=_share(table, "rotate"),
        random_labels=table.flag("random_labels"),
    )
    table.finish()
    total = noise.flip + noise.blend + noise.rotate
    if total > 1:
        table.fault(f"{table.name}: flip, blend and rotate add up to {total:g}, expected at most 1")
    if noise.random_labels and total:
        table.fault(f"{table.name}: random_labels leaves no right label, so it stands alone")
    if pairs.content and not noise.flip:
        table.fault(f"{pairs.name} is given, but {table.label('flip')} is missing")
    return noise if total or noise.random_labels else None


def _other_class(pairs: Section, name: str) -> str:
    other = pairs.get(
        name, str, name, valid=lambda v: v != name, expected="the name of another class"
    )
    return str(other)


def _share(section: Section, key: str) -> float:
    share = section.get(
        key, (float, int), 0.0, valid=lambda v: 0 <= v < 1, expected="a share in [0, 1)"
    )
    return float(share)


def _require_places(section: Section, data: Data) -> None:
    if data.source == "npz":
        if data.file is None and "source" in section.content:
            section.fault(f"{section.label('file')} is missing: expected the path of the .npz file")
    elif data.file is not None:
        section.fault(f"{section.label('file')} is for npz; {data.source} takes a folder")
    if data.source in ("folder", "parquet") and data.folder is None:
        section.fault(f"{section.label('folder')} is missing: {data.source} lies in no usual place")
