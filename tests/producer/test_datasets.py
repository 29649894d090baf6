"""torch datasets as arrays: what is taken, and what is refused with one message."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from memanalysis.errors import DataError
from memanalysis.producer.data import datasets

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), np.uint8)


class Pairs:
    """A map-style dataset of images and the labels 0, 1, 0, 1."""

    def __init__(self, images: Any, classes: Any = ("ant", "bee")) -> None:
        self.images, self.classes = images, classes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, at: int) -> tuple[Any, Any]:
        return self.images[at], torch.tensor(at % 2)


@pytest.mark.parametrize(
    "images",
    [
        PIXELS,
        [Image.fromarray(image) for image in PIXELS],
        torch.from_numpy(PIXELS).permute(0, 3, 1, 2),
        torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255,
        PIXELS / 255,
    ],
    ids=["arrays", "PIL", "tensors", "floats", "doubles"],
)
def test_images_come_out_as_they_are(images: Any) -> None:
    """Whatever holds them: the same bytes, height, width, colours."""
    found = datasets.read(Pairs(images))
    np.testing.assert_array_equal(found["train_images"], PIXELS)
    assert found["train_labels"].tolist() == [0, 1, 0, 1]
    assert found["class_names"].tolist() == ["ant", "bee"]


def test_grey_images_and_palettes() -> None:
    """One channel stays one; a palette becomes colours; classes without names have none."""
    assert datasets.read(Pairs(PIXELS[..., 0], None)).keys() == {"train_images", "train_labels"}
    assert datasets.read(Pairs(PIXELS[..., :1]))["train_images"].shape == (4, 5, 6, 1)
    palette = [Image.fromarray(image).convert("P") for image in PIXELS]
    assert datasets.read(Pairs(palette))["train_images"].shape == (4, 5, 6, 3)


class Changing(Pairs):
    """Augments at random."""

    def __getitem__(self, at: int) -> tuple[Any, Any]:
        return np.random.default_rng().integers(0, 256, (5, 6), np.uint8), 0


class Odd(Pairs):
    """Gives what it was given."""

    def __getitem__(self, at: int) -> Any:
        return self.images[at]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (iter([]), "has no length"),
        (Pairs([]), "is empty"),
        (Changing(PIXELS), "another image 0 each time"),
        (Odd([PIXELS[0]]), "expected a pair"),
        (Odd([(PIXELS[0], 0.5)]), "Label 0 of the dataset is 0.5"),
        (Odd([(PIXELS[0], -1)]), "whole number from 0"),
        (Pairs([PIXELS[0], PIXELS[1, :4]]), r"Image 1 of the dataset has the shape \(4, 6, 3\)"),
        (Pairs(PIXELS / 128 - 1), "before they are normalised"),
        (Pairs(np.full((4, 5, 6), np.nan)), "expected 0 to 1"),
        (Pairs(PIXELS.astype(np.int32)), "is int32"),
        (Pairs(np.zeros((4, 5, 6, 2))), "1 or 3 colours"),
    ],
)
def test_what_is_no_such_dataset_is_refused(dataset: Any, message: str) -> None:
    """One message that says what was given and what to give."""
    with pytest.raises(DataError, match=message):
        datasets.read(dataset)
