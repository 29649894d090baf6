"""Costs of trainings: arithmetic counted, time taken from a few steps on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from memanalysis.producer import data, families, training
from memanalysis.producer.retraining import one_thread
from memanalysis.settings import Observe, Size, Study

# Steps that are timed after those that warm up; a step of a small network takes milliseconds.
STEPS, WARM_UP = 8, 2


@dataclass(frozen=True)
class Shape:
    """Properties of a data set that decide the cost; ``n_test`` counts test examples kept.

    ``name`` and ``official`` say which it is, as ``Source`` does.
    """

    n_train: int
    n_test: int
    classes: int
    channels: int
    image_size: tuple[int, int]
    name: str = ""
    official: bool | None = None


@dataclass(frozen=True)
class Arithmetic:
    """Floating point operations: one image forward, and one whole training of one model."""

    forward: float
    training: float


def shape_of(study: Study) -> Shape:
    """Read the study's data and say what shape they have.

    Raises
    ------
    DataError
        If the files are not there or not what they should be.
    """
    dataset = data.load(study.data, study.seed)
    height, width, channels = dataset.train_images.shape[1:]
    return Shape(
        n_train=len(dataset.train_labels),
        n_test=dataset.test_kept,
        classes=len(dataset.class_names),
        channels=channels,
        image_size=(height, width),
        name=dataset.name,
        official=dataset.official,
    )


def arithmetic(study: Study, shape: Shape) -> dict[str, Arithmetic]:
    """Floating point operations by size, counted by torch over convolutions and matrix products.

    A multiplication and an addition are two. Element-wise work, such as batch normalisation, is not
    counted, nor are evaluations and proxies.
    """
    families.require(study)
    images = study.subsets.ratio * shape.n_train * study.training.epochs
    found = {}
    for size in study.sizes:
        forward, both = _passes(size, shape)
        found[size.name] = Arithmetic(forward, both * images)
    return found


def operations(study: Study, shape: Shape) -> float:
    """Floating point operations of the steps that ``seconds_per_model`` takes."""
    families.require(study)
    timed = 2 * (2 * WARM_UP + STEPS)  # each length of training twice
    return sum(
        _passes(size, shape)[1] * study.training.batch_size * size.ensemble * timed
        for size in study.sizes
    )


def seconds_per_model(study: Study, shape: Shape, device: str = "cpu") -> dict[str, float]:
    """Seconds by size that one training of one model takes here, from a few steps on random images.

    As a worker trains: ensembles as in the study, one thread. Loading data, evaluations and proxies
    are not in it.
    """
    families.require(study)
    steps = -(-round(study.subsets.ratio * shape.n_train) // study.training.batch_size)
    with one_thread():
        return {
            size.name: _step(study, size, shape, device) * steps * study.training.epochs
            for size in study.sizes
        }


def _passes(size: Size, shape: Shape) -> tuple[float, float]:
    """Operations for one image: forward, and forward with backward."""
    height, width = shape.image_size
    network = families.build(
        size,
        [0],
        channels=shape.channels,
        classes=shape.classes,
        image_size=shape.image_size,
    )
    images = torch.zeros(2, shape.channels, height, width)  # batch normalisation needs two
    counter = FlopCounterMode(display=False)
    with counter:
        output = network(images)
        forward = counter.get_total_flops()
        output.sum().backward()
    return forward / 2, counter.get_total_flops() / 2


def _step(study: Study, size: Size, shape: Shape, device: str) -> float:
    """Seconds of one step of one model in its ensemble."""
    recipe = replace(study.training, epochs=1, warmup_epochs=0.0)
    lesson = training.Lesson(recipe, Observe(dynamics="none"))
    spent = []
    for steps in (WARM_UP, WARM_UP + STEPS):
        examples = steps * recipe.batch_size
        pixels = torch.zeros(examples, *shape.image_size, shape.channels, device=device)
        labels = torch.arange(examples, device=device) % shape.classes
        everything = np.ones(examples, dtype=np.bool_)
        members = [
            training.Member(str(m), m, np.random.default_rng(m), everything)
            for m in range(size.ensemble)
        ]
        images = training.Images(pixels.normal_(), labels)
        # The first run compiles and allocates; only the second one's steps are representative.
        for _ in range(2):
            begin = time.perf_counter()
            training.train(images, members, size, lesson, shape.classes)
            elapsed = time.perf_counter() - begin
        spent.append(elapsed)
    # The difference leaves out what a training costs once.
    return max(spent[1] - spent[0], spent[1] / 10) / STEPS / size.ensemble
