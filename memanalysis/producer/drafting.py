"""A study file for somebody's images, fit for so many minutes on this machine.

The study that it describes asks which labels are wrong: one size that fits its images, and as many
groups of models as time allows, so that every image is held out by several models.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from memanalysis import settings
from memanalysis.errors import DataError
from memanalysis.producer import calibration
from memanalysis.producer.calibration import Shape
from memanalysis.producer.data import dataset, folder
from memanalysis.producer.data.source import Source, require_labels
from memanalysis.settings import Data, Study

# Width of a ResNet-8 and steps of a training, the best first; a study takes the first for which
# there is time for ``_ENOUGH`` groups. Batches, learning rate and decay are those of the shipped
# studies, in which they fit wrong labels too.
_RECIPES: Final = ((16, 1500), (8, 1500), (8, 800), (4, 800), (4, 400))
_ENOUGH: Final = 5
_FEWEST: Final = 3
_MOST: Final = 20
_EPOCHS: Final = (10, 100)
_SIDE: Final = 32  # images of longer sides are brought to it
_SHORTEST: Final = 12  # and not below this to save time
_LOOKED_AT: Final = 64  # images whose sizes and colours are read beforehand
# Of the time, what trainings get; the rest goes to starting, evaluation and tables.
_TRAINING: Final = 0.7
_MODELS: Final = 10  # of a group


@dataclass(frozen=True)
class Draft:
    """A study file's text, and what it comes to: models, seconds on this machine, workers."""

    text: str
    n_models: int
    n_images: int
    seconds: float
    workers: int

    @property
    def minutes(self) -> float:
        """Estimated time of the whole study."""
        return self.seconds / 60


def draft(
    place: Path,
    minutes: float,
    beside: Path,
    *,
    family: str | None = None,
    workers: int | None = None,
) -> Draft:
    """Look at the images at ``place`` and describe a study of about ``minutes``.

    Parameters
    ----------
    place
        A folder of class folders, with or without ``train/`` and ``test/``, or of Parquet files, or
        an .npz file.
    beside
        Folder of the study file, which places in it are relative to.
    family
        ``package.module:function`` of a network of the user's; else residual networks are taken.
    workers
        Processes that will train; by default one per processor.

    Raises
    ------
    DataError
        If there are no such images, or too few to learn from.
    """
    data = _data(place)
    source = dataset.read(data, 0)
    require_labels(source)
    data = _brought_to_one(data, source)
    n = len(source.train.labels)
    if n < 50:
        raise DataError(
            f"'{place}' has {n} training images; expected at least 50, better some hundred of each "
            "class, for models to learn from the others what one of them shows."
        )
    has_gpu = torch.cuda.is_available()
    workers = workers or (1 if has_gpu else os.cpu_count() or 1)
    plan = _Plan(data, source, place, beside, "cuda" if has_gpu else "cpu", family)
    budget = minutes * 60 * workers * _TRAINING
    text, groups, seconds = plan.best(budget)
    return Draft(text, groups * _MODELS, n, groups * seconds / workers / _TRAINING, workers)


def _data(place: Path) -> Data:
    if place.is_file() and place.suffix == ".npz":
        return Data("npz", file=str(place))
    if not place.is_dir():
        raise DataError(
            f"There is no folder '{place}'. Give a folder with a folder of images for each class, "
            "a folder of Parquet files, or an .npz file."
        )
    images = (p for p in place.rglob("*") if p.suffix.lower() in folder.SUFFIXES)
    if next(images, None) is None and next(place.rglob("*.parquet"), None) is not None:
        return Data("parquet", folder=str(place))
    return Data("folder", folder=str(place))


def _brought_to_one(data: Data, source: Source) -> Data:
    """Image size and channels, where what some images have does not do for all."""
    n = len(source.train.labels)
    index = np.unique(np.linspace(0, n - 1, min(n, _LOOKED_AT)).astype(np.int64))
    try:
        shapes = {batch.shape[1:] for batch in source.train.images.batches(index)}
    except DataError:
        if data.channels is not None or data.source == "npz":
            raise
        # A coloured one among grey ones.
        data = replace(data, channels=3)
        return _brought_to_one(data, dataset.read(data, 0))
    sides = [max(shape[:2]) for shape in shapes]
    if len(shapes) == 1 and max(sides) <= _SIDE:
        return data
    return replace(data, image_size=min(_SIDE, int(np.median(sides))))


@dataclass(frozen=True)
class _Plan:
    """Settings to choose from, for one data set on one device."""

    data: Data
    source: Source
    place: Path
    beside: Path
    device: str
    family: str | None = None

    def best(self, budget: float) -> tuple[str, int, float]:
        """Text, groups and seconds of a group, of the best recipe that fits into the budget.

        Time is measured for one recipe and carried over to the others by their arithmetic, then
        measured for the one that is taken.
        """
        candidates = list(self._candidates())
        reference = candidates[len(candidates) // 2]
        speed = self._measured(*reference) / self._arithmetic(*reference)
        expected = [speed * self._arithmetic(*candidate) for candidate in candidates]
        fitting = [i for i, seconds in enumerate(expected) if seconds * _ENOUGH <= budget]
        at = fitting[0] if fitting else int(np.argmin(expected))
        seconds = self._measured(*candidates[at])
        groups = int(np.clip(budget // seconds, _FEWEST, _MOST))
        return self._text(*candidates[at], groups), groups, seconds

    def _candidates(self) -> Iterator[tuple[Data, int, int]]:
        """Data, width and epochs: the best first."""
        n = len(self.source.train.labels)
        per_epoch = -(-round(0.7 * n) // self._batch)
        side, recipes = self._side, list(_RECIPES)
        sides = [side] if side // 2 < _SHORTEST else [side, side // 2]
        if self.family is not None:  # which has a width of its own, and may need images as they are
            sides, recipes = [side], [(1, steps) for _, steps in _RECIPES[1:]]
        for pixels in sides:
            data = self.data if pixels == side else replace(self.data, image_size=pixels)
            for width, steps in recipes:
                yield data, width, int(np.clip(-(-steps // per_epoch), *_EPOCHS))

    @property
    def _batch(self) -> int:
        return 32 if len(self.source.train.labels) < 2000 else 64

    @property
    def _side(self) -> int:
        if isinstance(self.data.image_size, int):
            return self.data.image_size
        first = next(iter(self.source.train.images.batches(np.zeros(1, dtype=np.int64))))
        return int(max(first.shape[1:3]))

    def _shape(self, data: Data) -> Shape:
        first = next(iter(self.source.train.images.batches(np.zeros(1, dtype=np.int64))))
        height, width, channels = first.shape[1:]
        if isinstance(data.image_size, int):
            height = width = data.image_size
        return Shape(
            n_train=len(self.source.train.labels),
            n_test=len(self.source.test.labels),
            classes=len(self.source.class_names),
            channels=data.channels or channels,
            image_size=(height, width),
        )

    def _study(self, data: Data, width: int, epochs: int) -> Study:
        return settings.parse(self._text(data, width, epochs, 1), folder=str(self.beside))

    def _measured(self, data: Data, width: int, epochs: int) -> float:
        """Seconds of a group of models here, as busy as this machine is."""
        study = self._study(data, width, epochs)
        seconds = calibration.seconds_per_model(study, self._shape(data), self.device)
        return _MODELS * next(iter(seconds.values()))

    def _arithmetic(self, data: Data, width: int, epochs: int) -> float:
        study = self._study(data, width, epochs)
        return next(iter(calibration.arithmetic(study, self._shape(data)).values())).training

    def _text(self, data: Data, width: int, epochs: int, groups: int) -> str:
        key = "file" if data.source == "npz" else "folder"
        lines = [f'source = "{data.source}"', f"{key} = {_quoted(self._relative())}"]
        if data.image_size is not None:
            lines.append(f"image_size = {data.image_size}   # pixels; all images are brought to it")
        if data.channels is not None:
            lines.append(f"channels = {data.channels}   # some images are in colour")
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.place.resolve().stem).strip("-.") or "images"
        n, classes = len(self.source.train.labels), len(self.source.class_names)
        return _TEMPLATE.format(
            name=name,
            title=_quoted(f"Which labels of {self.place.resolve().name} are wrong?"),
            images=f"{n:,} images of {classes} classes",
            data="\n".join(lines),
            groups=groups,
            models=groups * _MODELS,
            held_out=groups * 3,
            sizes=_RESNET.format(width=width) if self.family is None else _OWN.format(self.family),
            epochs=epochs,
            batch=self._batch,
        )

    def _relative(self) -> str:
        place, beside = self.place.resolve(), self.beside.resolve()
        return Path(os.path.relpath(place, beside)).as_posix()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_RESNET: Final = """\
# A residual network of 8 layers. Wider ones take longer and mistake fewer right labels.
family = "resnet"
depth = 8
width = {width}"""
_OWN: Final = """\
# Your function. It is given a size, the number of classes, channels and (height, width), or nothing
# if it takes none of these; more sizes compare networks.
family = "{}"
size = [1]"""
_TEMPLATE: Final = """\
# A study of {images}: which labels are wrong?
# Many models are trained, each without three tenths of the images; what models say of images that
# they never saw is compared with the labels.
name = "{name}"
title = {title}
seed = 1

[data]
{data}

[subsets]
ratio = 0.7
# Groups of ten models: {models} in all, of which {held_out} never saw a given image. More groups
# give narrower intervals; raise the number later and produce again: only new ones are trained.
groups = {groups}

[sizes]
{sizes}

[training]
# Long enough to fit the images, wrong labels included. If suspects says that no size fits: more.
epochs = {epochs}
batch_size = {batch}
learning_rate = 0.1
momentum = 0.9
weight_decay = 5e-4

[observe]
dynamics = "none"   # "train_pass" also records what each image's training looks like
"""
