"""A study file for somebody's folder: valid, commented, made for the time there is."""

from __future__ import annotations

import layouts
import numpy as np
import pytest

from memanalysis import settings
from memanalysis.errors import DataError
from memanalysis.producer import calibration, data, drafting
from memanalysis.settings import Data

CLASSES = ("ant", "bee", "cat")


def write_folder(root, *, n=24, sides=(20,), within=""):
    """``n`` grey images of each class, of the given sides in turn."""
    rng = np.random.default_rng(0)
    for name in CLASSES:
        place = root / within / name
        place.mkdir(parents=True)
        for i in range(n):
            side = sides[i % len(sides)]
            pixels = rng.integers(0, 256, (side, side, 1), np.uint8)
            (place / f"{i:03}.png").write_bytes(layouts.encoded(pixels))
    return root


@pytest.fixture(autouse=True)
def _seconds(monkeypatch):
    """A machine on which a step takes a time in proportion to its arithmetic."""

    def measured(study, shape, _device="cpu"):
        return {
            name: found.training / 1e10
            for name, found in calibration.arithmetic(study, shape).items()
        }

    monkeypatch.setattr(calibration, "seconds_per_model", measured)
    monkeypatch.setattr(drafting.os, "cpu_count", lambda: 1)


def test_a_plain_folder_of_classes_is_a_data_set_without_test(tmp_path):
    """All images train; labels are the folders in order, names the paths."""
    write_folder(tmp_path)
    loaded = data.load(Data("folder", folder=str(tmp_path)), 0)
    assert loaded.class_names == CLASSES
    assert loaded.train_images.shape == (72, 20, 20, 1)
    assert loaded.test_images.shape == (0, 20, 20, 1)
    assert loaded.test_kept == 0
    assert loaded.source_ids[0] == "ant/000.png"


@pytest.mark.parametrize("within", ["", "train"])
def test_the_file_describes_a_study(tmp_path, within):
    """It is valid, finds the images from where it lies, and has a comment for every choice."""
    write_folder(tmp_path / "photos", within=within)
    made = drafting.draft(tmp_path / "photos", 5, tmp_path)
    study = settings.parse(made.text, folder=str(tmp_path))
    assert study.n_models == made.n_models
    assert made.n_images == 72
    assert made.minutes < 6
    assert data.load(study.data, study.seed).train_images.shape == (72, 20, 20, 1)
    assert "# Groups of ten models" in made.text
    assert str(tmp_path) not in made.text


def test_more_time_buys_better_models(tmp_path):
    """Cost never falls with the minutes, and stays within them where the smallest study does."""
    write_folder(tmp_path / "photos")
    cost = []
    for minutes in (1, 5, 30, 300):
        made = drafting.draft(tmp_path / "photos", minutes, tmp_path)
        cost.append(made.seconds)
        assert made.minutes <= max(minutes, cost[0] / 60) * 1.01
    assert cost == sorted(cost)
    assert cost[-1] > cost[0]


def test_images_of_several_sizes_are_brought_to_one(tmp_path):
    """The file says to which; large ones are reduced."""
    write_folder(tmp_path / "photos", sides=(18, 40, 90))
    made = drafting.draft(tmp_path / "photos", 300, tmp_path)
    study = settings.parse(made.text, folder=str(tmp_path))
    assert study.data.image_size == 32
    data.load(study.data, study.seed)


def test_one_in_colour_makes_all_colour(tmp_path):
    """The file asks for three channels where the first image is grey and another is not."""
    write_folder(tmp_path / "photos")
    coloured = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
    (tmp_path / "photos/ant/001.png").write_bytes(layouts.encoded(coloured))
    made = drafting.draft(tmp_path / "photos", 5, tmp_path)
    study = settings.parse(made.text, folder=str(tmp_path))
    assert study.data.channels == 3
    assert data.load(study.data, study.seed).train_images.shape[-1] == 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: root / "nowhere", "There is no folder"),
        (lambda root: root, "<class>/ or train/<class>/ missing"),
        (lambda root: write_folder(root / "few", n=3), "has 9 training images"),
    ],
)
def test_what_cannot_be_studied_is_one_message(tmp_path, make, words):
    """A missing folder, one without classes, too few images."""
    with pytest.raises(DataError, match=words):
        drafting.draft(make(tmp_path), 5, tmp_path)
