"""A study file: TOML in, a validated description of what to train out.

A study file is validated whole: every fault is listed at once, and an unknown key is named with
the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from memanalysis.errors import SettingsError
from memanalysis.settings import distillation as _distillation
from memanalysis.settings import keys as _keys
from memanalysis.settings import observe as _observe
from memanalysis.settings import sizes as _sizes
from memanalysis.settings.data import AUGMENTATIONS, MAX_TEST_KEPT, SOURCES, WHITENINGS, Data, Noise
from memanalysis.settings.distillation import Distillation
from memanalysis.settings.keys import (
    CLOSED,
    FROM_ZERO,
    TABLE,
    Entry,
    Faults,
    Int,
    Key,
    Text,
    validated,
)
from memanalysis.settings.observe import Observe
from memanalysis.settings.ray import Ray
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
    "Entry",
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
    "reference",
]


@dataclass(frozen=True)
class _File:
    """Top level of a study file; sections are validated each by itself."""

    __pydantic_config__: ClassVar = CLOSED

    name: Annotated[Text, Key("a short name")]
    """A short name, that of the store's folder."""
    data: Annotated[Any, TABLE]
    """The images, and label noise planted among them."""
    subsets: Annotated[Any, TABLE]
    """The draw of training subsets."""
    sizes: Annotated[Any, TABLE]
    """The networks."""
    training: Annotated[Any, TABLE]
    """One recipe for all sizes."""
    title: Annotated[Text | None, Key("a text")] = None
    """The heading of reports; the name by default."""
    seed: Annotated[Int, FROM_ZERO] = 0
    """The seed of every random draw."""
    distillation: Annotated[Any, TABLE] = None
    """Teachers and students; without it, every model learns from labels alone."""
    observe: Annotated[Any, TABLE] = None
    """Records of the trainings beside outcomes."""
    ray: Annotated[Any, TABLE] = None
    """The cluster of `--engine ray`."""


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
        """JSON form of the study, which ``from_message`` reads in another process."""
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
        """Number of subsets that models of an objective are trained on."""
        return len(self.range_of(objective))

    def range_of(self, objective: str) -> range:
        """The subsets that models are trained on by an objective."""
        setting = self.distillation_of(objective)
        if setting is None:
            return range(self.n_subsets)
        first, number = setting.first_subset, setting.subsets
        return range(first, self.n_subsets if number is None else first + number)

    @property
    def n_models(self) -> int:
        """Trainings in all."""
        return sum(self.subsets_of(objective) for objective, _ in self.conditions)


def reference() -> Iterator[Entry]:
    """The reference of study files: every key, section by section."""
    yield from _keys.reference(_File, "")
    sections = {
        "data": Data,
        "data.noise": Noise,
        "subsets": Subsets,
        "sizes": None,
        "training": Training,
        "distillation": Distillation,
        "observe": Observe,
        "ray": Ray,
    }
    for label, kind in sections.items():
        yield from _keys.reference(kind, label) if kind else _sizes.reference()


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
    content = _toml(text, where)
    for name, values in (changes or {}).items():
        content[name] = {**content.get(name, {}), **values}
    faults = Faults()
    parts = _parts(content, folder, faults)
    if faults.messages:
        listed = "\n".join(f"  - {fault}" for fault in faults.messages)
        raise SettingsError(f"'{where}' does not describe a study:\n{listed}")
    return Study(**parts, text=text, folder=folder, changes=changes or {})


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        message = f"'{where}' is not a study: its TOML is nested too deeply."
        raise SettingsError(message) from error
    except ValueError as error:  # also of integers of thousands of digits
        reason = str(error).partition(";")[0]
        raise SettingsError(f"'{where}' is not valid TOML: {reason}.") from error


def _parts(content: dict[str, Any], folder: str | None, faults: Faults) -> dict[str, Any]:
    """The fields of a study, whole only if no faults were noted."""
    head = validated(_File, content, "", faults)

    def section(name: str, kind: Any, default: Any = None) -> Any:
        table = content.get(name, default)
        return None if table is None else validated(kind, table, name, faults)

    data = section("data", Data)
    data = data and data.completed(folder, faults)
    subsets = section("subsets", Subsets)
    subsets = subsets and subsets.completed(faults)
    networks = section("sizes", dict[str, Any])
    family: str | None = None
    sizes: tuple[Size, ...] = ()
    if networks is not None:
        family, sizes = _sizes.read(networks, subsets and subsets.group_size, faults)
    training = section("training", Training)
    if training:
        training.check(family, faults)
    table = section("distillation", dict[str, Any])
    distillation = None
    if table is not None and sizes and subsets:
        distillation = _distillation.read(table, sizes, subsets, faults)
    objectives = (OBJECTIVES[0], *(distillation.by_objective if distillation else ()))
    whole = distillation is not None or table is None
    asked = content.get("observe", {})
    if isinstance(asked, dict):
        asked = {"proxies": [_observe.DEFAULT], **asked}
    observe = validated(Observe, asked, "observe", faults)
    if observe and training:
        observe = observe.completed(training.epochs, objectives if whole else None, faults)
    return {
        "name": head and head.name,
        "title": head and (head.title or head.name),
        "seed": head and head.seed,
        "family": family,
        "data": data,
        "subsets": subsets,
        "sizes": sizes,
        "objectives": objectives,
        "training": training,
        "distillation": distillation,
        "observe": observe,
        "ray": section("ray", Ray, {}),
    }
