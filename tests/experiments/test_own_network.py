"""ma.study: a torch user's network and dataset become a study that finds wrong labels."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import memanalysis as ma
from memanalysis.errors import DataError

N, WRONG = 300, 12


class Bars:
    """Grey 8x8 images of a bright half, top or bottom, with noise; twelve labels are swapped."""

    classes = ("top", "bottom")

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.truth = rng.integers(0, 2, N)
        self.images = rng.integers(0, 60, (N, 8, 8), np.uint8)
        for image, half in zip(self.images, self.truth, strict=True):
            image[4 * half : 4 * half + 4] += 150
        self.wrong = rng.permutation(N)[:WRONG]
        self.labels = self.truth.copy()
        self.labels[self.wrong] = 1 - self.labels[self.wrong]

    def __len__(self) -> int:
        return N

    def __getitem__(self, at: int) -> tuple[Any, int]:
        return self.images[at], int(self.labels[at])


def network() -> nn.Module:
    """A small network that fits noise, made without arguments."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


def test_three_lines_find_the_wrong_labels(tmp_path: Path) -> None:
    """Nearly all that were swapped come first, and asked again nothing is trained."""
    data = Bars()
    study = ma.study(network, data, minutes=0.1, out=tmp_path / "bars", workers=1, device="cpu")
    first = study.suspects(WRONG)["example_id"].to_list()
    assert len({*first} & {*data.wrong.tolist()}) >= WRONG - 2
    assert study.table("classes")["class_name"].to_list() == ["top", "bottom"]
    written = tomllib.loads((tmp_path / "bars.toml").read_text())
    assert written["sizes"] == {"family": f"{__name__}:network", "size": [1]}
    models = sorted((tmp_path / "bars/models").rglob("*.safetensors"))
    times = [path.stat().st_mtime_ns for path in models]
    assert len(models) == study.manifest.n_subsets >= 30
    again = ma.study(network, data, out=tmp_path / "bars", workers=1, device="cpu")
    assert [path.stat().st_mtime_ns for path in models] == times
    assert again.suspects(WRONG)["example_id"].to_list() == first
    with pytest.raises(DataError, match="other images or labels"):
        ma.study(network, Bars(seed=1), out=tmp_path / "bars")
    assert np.load(tmp_path / "bars.npz")["train_labels"].tolist() == data.labels.tolist()


def test_a_function_typed_into_a_notebook_is_taken(tmp_path: Path) -> None:
    """A lambda has no name that workers could import; a warning says what that costs."""
    with pytest.warns(UserWarning, match="trained in this process"):
        study = ma.study(lambda: network(), Bars(), minutes=0.1, out=tmp_path / "s", device="cpu")
    assert study.table("accuracy").height == 1
