"""A study file: TOML in, a validated description of what to train out.

A study file is validated whole: every fault is listed at once, and an unknown key is named with
the nearest known one.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from memanalysis.errors import SettingsError
from memanalysis.schema import OBJECTIVES
from memanalysis.settings import data as _data
from memanalysis.settings import distillation as _distillation
from memanalysis.settings import observe as _observe
from memanalysis.settings import ray as _ray
from memanalysis.settings import sizes as _sizes
from memanalysis.settings import subsets as _subsets
from memanalysis.settings import training as _training
from memanalysis.settings.data import MAX_TEST_KEPT, SOURCES, Data
from memanalysis.settings.distillation import Distillation
from memanalysis.settings.observe import Observe
from memanalysis.settings.ray import Ray
from memanalysis.settings.section import Section
from memanalysis.settings.sizes import Size, default_ensemble
from memanalysis.settings.subsets import Subsets
from memanalysis.settings.training import Training

__all__ = [
    "MAX_TEST_KEPT",
    "SOURCES",
    "Data",
    "Distillation",
    "Observe",
    "Ray",
    "Size",
    "Study",
    "Subsets",
    "Training",
    "default_ensemble",
    "load",
    "parse",
]


@dataclass(frozen=True)
class Study:
    """A whole study; ``text`` is the file it was read from."""

    name: str
    title: str
    seed: int
    family: str
    data: Data
    subsets: Subsets
    sizes: tuple[Size, ...]
    objectives: tuple[str, ...]
    training: Training
    distillation: Distillation | None
    observe: Observe
    ray: Ray
    text: str

    @property
    def n_subsets(self) -> int:
        """Distinct training subsets."""
        return self.subsets.groups * self.subsets.group_size

    @property
    def n_models(self) -> int:
        """Trainings in all."""
        return self.n_subsets * len(self.sizes) * len(self.objectives)


def load(path: str | Path) -> Study:
    """Read and validate a study file.

    Raises
    ------
    SettingsError
        If it is missing, not TOML, or wrong anywhere; the message lists every fault.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"The study file '{file}' cannot be read: {error.strerror}.") from error
    return parse(text, where=str(file))


def parse(text: str, where: str = "study.toml") -> Study:
    """Validate the text of a study file; ``where`` names it in messages."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"'{where}' is not valid TOML: {error}.") from error
    faults: list[str] = []
    study = _study(Section("", content, faults), text)
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise SettingsError(f"'{where}' does not describe a study:\n{listed}")
    return study


def _study(root: Section, text: str) -> Study:
    name = root.get("name", str, "", required=True, expected="a short name")
    title = root.get("title", str, name)
    seed = root.get("seed", int, 0, valid=lambda v: v >= 0, expected="a whole number from 0")
    data = _data.read(root.section("data", required=True))
    subsets = _subsets.read(root.section("subsets", required=True))
    family, sizes = _sizes.read(root.section("sizes", required=True), subsets.group_size)
    training = _training.read(root.section("training", required=True))
    observe = _observe.read(root.section("observe"), training.epochs)
    ray = _ray.read(root.section("ray"))
    distillation = None
    if "distillation" in root.content:
        distillation = _distillation.read(root.section("distillation"), sizes)
    root.finish()
    return Study(
        name=name,
        title=title,
        seed=seed,
        family=family,
        data=data,
        subsets=subsets,
        sizes=sizes,
        objectives=OBJECTIVES if distillation else OBJECTIVES[:1],
        training=training,
        distillation=distillation,
        observe=observe,
        ray=ray,
        text=text,
    )
