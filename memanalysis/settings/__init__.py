"""A study file: TOML in, a validated description of what to train out.

A study file is validated whole: every fault is listed at once, and an unknown key is named with
the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memanalysis.errors import SettingsError
from memanalysis.settings import data as _data
from memanalysis.settings import distillation as _distillation
from memanalysis.settings import observe as _observe
from memanalysis.settings import ray as _ray
from memanalysis.settings import sizes as _sizes
from memanalysis.settings import subsets as _subsets
from memanalysis.settings import training as _training
from memanalysis.settings.data import AUGMENTATIONS, MAX_TEST_KEPT, SOURCES, WHITENINGS, Data, Noise
from memanalysis.settings.distillation import Distillation
from memanalysis.settings.observe import Observe
from memanalysis.settings.ray import Ray
from memanalysis.settings.section import Section
from memanalysis.settings.sizes import FAMILIES, Size, default_ensemble
from memanalysis.settings.subsets import Subsets
from memanalysis.settings.training import Training
from memanalysis.storage.schema import OBJECTIVES

__all__ = [
    "AUGMENTATIONS",
    "FAMILIES",
    "MAX_TEST_KEPT",
    "SOURCES",
    "WHITENINGS",
    "Data",
    "Distillation",
    "Noise",
    "Observe",
    "Ray",
    "Size",
    "Study",
    "Subsets",
    "Training",
    "default_ensemble",
    "from_message",
    "load",
    "parse",
]


@dataclass(frozen=True)
class Study:
    """A whole study; ``text`` is the file it was read from.

    ``folder`` is where that file lies, None where there is none: places in the file are relative to
    it, and networks of the user's own are looked for there. ``changes`` are what replaces settings
    of the text, by section: with text and folder they make the same study in another process.
    """

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
    folder: str | None = None
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_message(self) -> dict[str, Any]:
        """What ``from_message`` makes the same study of in another process; fit for JSON."""
        return {"text": self.text, "folder": self.folder, "changes": self.changes}

    @property
    def n_subsets(self) -> int:
        """Distinct training subsets."""
        return self.subsets.groups * self.subsets.group_size

    def distillation_of(self, objective: str) -> Distillation | None:
        """The setting by which the students of ``objective`` are taught; None for labels alone."""
        return self.distillation.by_objective.get(objective) if self.distillation else None

    @property
    def conditions(self) -> list[tuple[str, Size]]:
        """Every objective with each of the sizes that are trained by it, in their order."""
        return [(name, size) for name in self.objectives for size in self.sizes_of(name)]

    def sizes_of(self, objective: str) -> list[Size]:
        """The sizes that are trained by an objective: all, or the students of its teacher."""
        setting = self.distillation_of(objective)
        return [size for size in self.sizes if setting is None or setting.teaches(size.name)]

    def subsets_of(self, objective: str) -> int:
        """How many subsets, from the first, models are trained on by an objective."""
        setting = self.distillation_of(objective)
        return self.n_subsets if setting is None or setting.subsets is None else setting.subsets

    @property
    def n_models(self) -> int:
        """Trainings in all."""
        return sum(self.subsets_of(objective) for objective, _ in self.conditions)


def load(path: str | Path, *, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Study:
    """Read and validate a study file; ``changes`` as in ``Study``.

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
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"The study file '{file}' cannot be read: {error.reason} at byte {error.start}; "
            "expected TOML, which is text in UTF-8."
        ) from error
    return parse(text, where=str(file), folder=str(file.resolve().parent), changes=changes)


def from_message(message: Mapping[str, Any]) -> Study:
    """The inverse of ``Study.to_message``."""
    return parse(message["text"], folder=message["folder"], changes=message["changes"])


def parse(
    text: str,
    where: str = "study.toml",
    *,
    folder: str | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Study:
    """Validate the text of a study file; ``where`` names it in messages.

    ``folder`` and ``changes`` as in ``Study``.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"'{where}' is not valid TOML: {error}.") from error
    for name, values in (changes or {}).items():
        content[name] = {**content.get(name, {}), **values}
    faults: list[str] = []
    study = _study(Section("", content, faults), text, folder, changes or {})
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise SettingsError(f"'{where}' does not describe a study:\n{listed}")
    return study


def _study(
    root: Section, text: str, folder: str | None, changes: Mapping[str, Mapping[str, Any]]
) -> Study:
    name = root.get("name", str, "", required=True, expected="a short name")
    title = root.get("title", str, name)
    seed = root.get("seed", int, 0, valid=lambda v: v >= 0, expected="a whole number from 0")
    data = _data.read(root.section("data", required=True), folder)
    subsets = _subsets.read(root.section("subsets", required=True))
    family, sizes = _sizes.read(root.section("sizes", required=True), subsets.group_size)
    training = _training.read(root.section("training", required=True))
    if training.kernels == "numba" and family != "resnet":
        root.fault(
            f"training.kernels = 'numba': sizes.family = '{family}' has no such kernels, "
            "expected 'resnet'; take kernels = 'torch'"
        )
    ray = _ray.read(root.section("ray"))
    distillation = None
    if "distillation" in root.content:
        distillation = _distillation.read(root.section("distillation"), sizes, subsets)
    objectives = (OBJECTIVES[0], *(distillation.by_objective if distillation else ()))
    observe = _observe.read(root.section("observe"), training.epochs, objectives)
    root.finish()
    return Study(
        name=name,
        title=title,
        seed=seed,
        family=family,
        data=data,
        subsets=subsets,
        sizes=sizes,
        objectives=objectives,
        training=training,
        distillation=distillation,
        observe=observe,
        ray=ray,
        text=text,
        folder=folder,
        changes=changes,
    )
