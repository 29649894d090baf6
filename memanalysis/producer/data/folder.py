"""Folders of image files: one folder for each class, Tiny-ImageNet's layout included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from memanalysis.errors import DataError
from memanalysis.producer.data.pixels import channels_of, decode
from memanalysis.producer.data.source import (
    FileImages,
    Index,
    Pixels,
    Source,
    Split,
    missing,
)
from memanalysis.settings import Data

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".pgm", ".ppm", ".tif", ".tiff")
TEST_SPLITS: Final = ("test", "val", "valid", "validation")
_ANNOTATIONS: Final = "val_annotations.txt"
_LAYOUT: Final = (
    "Expected <class>/*.png (or .jpg, .jpeg, .bmp, .webp, .pgm, .ppm, .tif), or train/<class>/ "
    "and, for a test split, the same classes under test/ or val/; or Tiny-ImageNet's "
    f"train/<class>/images/*.JPEG, val/images/ and val/{_ANNOTATIONS}."
)


@dataclass(frozen=True)
class _Files:
    """Files and labels of one split, in order."""

    paths: list[Path]
    labels: list[int]


def folder(settings: Data) -> Source:
    """The images under ``settings.folder``, read when they are needed.

    Folders of classes lie in ``train/`` or, where there is none, in the folder itself; then, and
    where no other split has labels, the test split is empty. Classes are ordered by their folder's
    name, files within a class by their path. Classes are called like their folder, or as
    ``words.txt`` says, which is Tiny-ImageNet's list of names.

    Raises
    ------
    DataError
        If a split or a class has no image, or a test image belongs to no class of training.
    """
    root = Path(settings.folder or ".")
    flat = not (root / "train").is_dir()
    within = root if flat else root / "train"
    classes = _classes(within)
    without_train = flat and any(name in TEST_SPLITS for name in classes)
    if without_train or not any(next(_images(within / name), None) for name in classes):
        raise missing("The image folder", root, ["<class>/ or train/<class>/"], _LAYOUT)
    train = _by_class(within, classes)
    counts = Counter(train.labels)
    empty = [name for label, name in enumerate(classes) if not counts[label]]
    if empty:
        places = ", ".join(name if flat else f"train/{name}" for name in empty)
        raise DataError(f"No images in {places} of '{root}'. {_LAYOUT}")
    test = _Files([], []) if flat else _test(root, classes, settings.test_split)
    channels = settings.channels or channels_of(_content(train.paths[0]), _name(train.paths[0]))
    return Source(
        name=root.resolve().name,
        licence="not stated",
        citation="not stated",
        class_names=_class_names(root, classes),
        train=_split(root, train, channels),
        test=_split(root, test, channels),
    )


def _classes(split: Path) -> list[str]:
    if not split.is_dir():
        return []
    return sorted(f.name for f in split.iterdir() if f.is_dir() and not f.name.startswith("."))


def _by_class(split: Path, classes: list[str]) -> _Files:
    files = _Files([], [])
    for label, name in enumerate(classes):
        found = sorted(_images(split / name))
        files.paths.extend(found)
        files.labels.extend([label] * len(found))
    return files


def _images(place: Path) -> Iterator[Path]:
    for path in place.rglob("*"):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            yield path


def _test(root: Path, classes: list[str], wanted: str | None) -> _Files:
    """The first split besides train that has labels: Tiny-ImageNet's own test split has none."""
    for name in (wanted,) if wanted else TEST_SPLITS:
        split = root / name
        if (split / _ANNOTATIONS).is_file():
            return _annotated(split, classes)
        found = _classes(split)
        strange = [c for c in found if c not in classes]
        if set(found) & set(classes):
            if strange:
                raise DataError(
                    f"'{split}' has the classes {', '.join(strange)}, which train/ lacks. "
                    "Move them away or add training images of them."
                )
            files = _by_class(split, classes)
            if files.paths:
                return files
    if wanted is not None:
        raise missing("The image folder", root, [f"{wanted}/<class>/"], _LAYOUT)
    return _Files([], [])


def _annotated(split: Path, classes: list[str]) -> _Files:
    """Tiny-ImageNet's validation split: file name and class, separated by tabs, on each line."""
    labels = {name: label for label, name in enumerate(classes)}
    files = _Files([], [])
    lines = _lines(split / _ANNOTATIONS)
    for number, line in enumerate(lines, start=1):
        name, _, rest = line.partition("\t")
        label = labels.get(rest.partition("\t")[0].strip())
        if label is None or not (split / "images" / name).is_file():
            raise DataError(
                f"'{split / _ANNOTATIONS}', line {number}: {line[:80]!r}; expected the name of a "
                "file in images/, a tab, and a class of train/."
            )
        files.paths.append(split / "images" / name)
        files.labels.append(label)
    return files


def _class_names(root: Path, classes: list[str]) -> tuple[str, ...]:
    """Names from ``words.txt``; the folder's name is added where two classes share one."""
    names = dict(zip(classes, classes, strict=True))
    words = root / "words.txt"
    if words.is_file():
        for line in _lines(words):
            key, _, text = line.partition("\t")
            if key in names and text:
                names[key] = text.partition(",")[0].strip()
    counts = Counter(names.values())
    return tuple(name if counts[name] == 1 else f"{name} ({key})" for key, name in names.items())


def _split(root: Path, files: _Files, channels: int) -> Split:
    def read(index: Index) -> Iterator[Pixels]:
        for position in index.tolist():
            path = files.paths[position]
            yield decode(_content(path), channels, _name(path))

    return Split(
        images=FileImages(read, lambda position: _name(files.paths[position])),
        labels=np.array(files.labels, dtype=np.int64),
        ids=[path.relative_to(root).as_posix() for path in files.paths],
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{_name(path)} cannot be read: {error.strerror}. Expected an image file; mend it or "
            "move it away."
        ) from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{_name(path)} cannot be read as text in UTF-8: {error}.") from error


def _name(path: Path) -> str:
    return f"'{path}'"
