"""Costs that plan names: arithmetic by hand, time of the right order."""

from __future__ import annotations

import time

import pytest

from memanalysis.producer import calibration
from memanalysis.settings import parse

STUDY = """
name = "tiny"
[data]
source = "digits"
train_examples = 100
[subsets]
ratio = 0.5
groups = 1
group_size = 2
[sizes]
depth = 8
width = [2, 16]
[training]
epochs = 4
batch_size = 10
"""
SHAPE = calibration.Shape(100, 20, 10, 1, (8, 8))


def test_arithmetic_is_counted_by_hand():
    """ResNet-8 of width w on one channel of 8x8: multiply-adds of each layer, twice.

    Stem 64 * 9 w; stage 1 2 * 64 * 9 w^2; stage 2 16 * (18 w^2 + 36 w^2 + 2 w^2); stage 3
    4 * (72 w^2 + 144 w^2 + 8 w^2); last layer 40 w. Backward twice that, but for the images, which
    need no gradient. A training sees half of 100 examples in 4 epochs.
    """
    found = calibration.arithmetic(parse(STUDY), SHAPE)
    for name, w in (("resnet8w2", 2), ("resnet8w16", 16)):
        stem = 2 * 64 * 9 * w
        rest = 2 * (2 * 64 * 9 * w**2 + 16 * 56 * w**2 + 4 * 224 * w**2 + 40 * w)
        assert found[name].forward == stem + rest
        assert found[name].training == (2 * stem + 3 * rest) * 200


def test_seconds_are_of_the_right_order():
    """A calibrated training lasts at most as long as its calibration, times what it left out.

    Twenty steps of one model are planned from the 2 + 10 + 2 + 10 steps that were timed, of two
    models at a time: whatever the machine does, a step cannot cost more than all of them took.
    """
    study = parse(STUDY)
    begin = time.perf_counter()
    seconds = calibration.seconds_per_model(study, SHAPE)
    spent = time.perf_counter() - begin
    assert set(seconds) == {"resnet8w2", "resnet8w16"}
    assert all(0 < value < 20 * spent for value in seconds.values())


def test_the_shape_is_that_of_the_data():
    """The digits: 8x8 pixels, one channel, ten classes; a fifth of the rest is for testing."""
    shape = calibration.shape_of(parse(STUDY))
    assert (shape.n_train, shape.classes, shape.channels, shape.image_size) == (100, 10, 1, (8, 8))
    assert shape.n_test == pytest.approx(360, abs=10)
