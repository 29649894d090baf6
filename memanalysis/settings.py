"""A study file: TOML in, a validated description of what to train out.

A study file is validated whole: every fault is listed at once, and an unknown key is named with
the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis import subsets as subset_designs
from memanalysis.errors import SettingsError, did_you_mean
from memanalysis.schema import OBJECTIVES

SOURCES: Final = ("fashion-mnist", "digits")
# Bits, images and influence are kept for at most this many test examples; accuracy uses all.
MAX_TEST_KEPT: Final = 2000


@dataclass(frozen=True)
class Data:
    """Which images. ``train_examples`` None takes all; ``image_size`` in pixels, None as they are.

    ``folder`` is where the files of the data set lie, None for the usual places.
    """

    source: str
    folder: str | None = None
    train_examples: int | None = None
    test_kept: int = MAX_TEST_KEPT
    image_size: int | None = None


@dataclass(frozen=True)
class Subsets:
    """How training subsets are drawn: ``groups`` groups of ``group_size`` subsets of ``ratio``."""

    ratio: float
    groups: int
    group_size: int
    design: str = "balanced"

    def masks(self, n_examples: int, group: int, seed: int) -> NDArray[np.bool_]:
        """Inclusion masks of one group: bool [group_size, n_examples]."""
        if self.design == "independent":
            return subset_designs.independent_group(
                n_examples, group, self.group_size, self.ratio, seed
            )
        return subset_designs.balanced_group(n_examples, group, self.ratio, seed)


@dataclass(frozen=True)
class Size:
    """One point of the size axis: a ResNet's depth and width.

    ``ensemble`` models of one group are trained together as one network. It is fixed by the study,
    never by what is left to do, since rounding differs between ensemble sizes.
    """

    name: str
    depth: int
    width: int
    ensemble: int


@dataclass(frozen=True)
class Training:
    """One recipe for all sizes: SGD with Nesterov momentum and a cosine schedule."""

    epochs: int
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: float = 0.0


@dataclass(frozen=True)
class Distillation:
    """(1 - weight) CE(y, softmax(z)) + weight T^2 KL(softmax(z_teacher / T) || softmax(z / T))."""

    teacher: str
    temperature: float
    weight: float
    scope: str = "same_subset"


@dataclass(frozen=True)
class Observe:
    """What is recorded on the way; ``eval_at`` are epochs (from 1) with an extra clean pass."""

    dynamics: str = "train_pass"
    eval_at: tuple[int, ...] = ()


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
    text: str

    @property
    def n_subsets(self) -> int:
        """Distinct training subsets."""
        return self.subsets.groups * self.subsets.group_size

    @property
    def n_models(self) -> int:
        """Trainings in all."""
        return self.n_subsets * len(self.sizes) * len(self.objectives)


def default_ensemble(width: int, group_size: int) -> int:
    """How many models to train as one network, if the study does not say.

    Narrow nets are bound by the overhead of each operation and gain from company; wide ones are
    bound by arithmetic and do not. Five at a time were as fast as ten at width 2 and faster from
    width 3 up (one core, 14×14 images, batch 64), and they leave smaller pieces to redo.
    """
    wanted = 5 if width <= 8 else 1
    return max(d for d in range(1, wanted + 1) if group_size % d == 0)


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
    study = _study(_Section("", content, faults), text)
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise SettingsError(f"'{where}' does not describe a study:\n{listed}")
    return study


class _Section:
    """A TOML table that collects faults instead of stopping at the first one."""

    def __init__(self, name: str, content: dict[str, Any], faults: list[str]) -> None:
        self.name, self.content, self.faults = name, content, faults
        self.known: list[str] = []

    def fault(self, text: str) -> None:
        self.faults.append(text)

    def label(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def section(self, key: str, *, required: bool = False) -> _Section:
        self.known.append(key)
        content = self.content.get(key, {})
        if not isinstance(content, dict):
            self.fault(f"[{self.label(key)}] must be a table, not {content!r}")
            content = {}
        elif required and key not in self.content:
            self.fault(f"[{self.label(key)}] is missing")
        return _Section(self.label(key), content, self.faults)

    def get(
        self,
        key: str,
        kind: type | tuple[type, ...],
        default: Any = None,
        *,
        required: bool = False,
        valid: Callable[[Any], bool] = lambda _value: True,
        expected: str = "",
    ) -> Any:
        self.known.append(key)
        if key not in self.content:
            if required:
                hint = f": expected {expected}" if expected else ""
                self.fault(f"{self.label(key)} is missing{hint}")
            return default
        value = self.content[key]
        # bool is an int to Python and never one to the writer of a study file.
        if not isinstance(value, kind) or isinstance(value, bool) or not valid(value):
            self.fault(f"{self.label(key)} = {value!r}: expected {expected or _names(kind)}")
            return default
        return value

    def finish(self) -> None:
        for key in self.content:
            if key not in self.known:
                hint = did_you_mean(key, self.known) or f" Known: {', '.join(self.known)}."
                self.fault(f"unknown key {self.label(key)}.{hint}")


def _names(kind: type | tuple[type, ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(k.__name__ for k in kinds)


def _study(root: _Section, text: str) -> Study:
    name = root.get("name", str, "", required=True, expected="a short name")
    title = root.get("title", str, name)
    seed = root.get("seed", int, 0, valid=lambda v: v >= 0, expected="a whole number from 0")
    data = _data(root.section("data", required=True))
    subsets = _subsets(root.section("subsets", required=True))
    family, sizes = _sizes(root.section("sizes", required=True), subsets.group_size)
    training = _training(root.section("training", required=True))
    observe = _observe(root.section("observe"), training.epochs)
    distillation = None
    if "distillation" in root.content:
        distillation = _distillation(root.section("distillation"), sizes)
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
        text=text,
    )


def _data(section: _Section) -> Data:
    data = Data(
        source=section.get(
            "source",
            str,
            SOURCES[0],
            required=True,
            valid=lambda v: v in SOURCES,
            expected=f"one of {', '.join(SOURCES)}",
        ),
        folder=section.get("folder", str),
        train_examples=section.get(
            "train_examples", int, valid=lambda v: v >= 10, expected="a whole number from 10"
        ),
        test_kept=section.get(
            "test_kept",
            int,
            MAX_TEST_KEPT,
            valid=lambda v: 0 <= v <= MAX_TEST_KEPT,
            expected=f"a whole number from 0 to {MAX_TEST_KEPT}",
        ),
        image_size=section.get(
            "image_size", int, valid=lambda v: 4 <= v <= 512, expected="pixels, 4 to 512"
        ),
    )
    section.finish()
    return data


def _subsets(section: _Section) -> Subsets:
    ratio = section.get(
        "ratio", float, 0.7, valid=lambda v: 0 < v < 1, expected="a number between 0 and 1"
    )
    groups = section.get(
        "groups", int, 1, required=True, valid=lambda v: v >= 1, expected="a whole number from 1"
    )
    designs = ("balanced", "independent")
    design = section.get(
        "design", str, "balanced", valid=lambda v: v in designs, expected=" or ".join(designs)
    )
    size = section.get("group_size", int, valid=lambda v: v >= 2, expected="a whole number from 2")
    balanced = subset_designs.design(ratio)
    if design == "balanced":
        if balanced is None:
            known = ", ".join(subset_designs.ratios())
            section.fault(
                f"{section.label('ratio')} = {ratio}: balanced designs exist for {known}; "
                'use one of them or design = "independent"'
            )
        elif size is not None and size != balanced[0]:
            section.fault(
                f"{section.label('group_size')} = {size}: "
                f"the balanced design of ratio {ratio} has groups of {balanced[0]}"
            )
        size = balanced[0] if balanced else 10
    section.finish()
    return Subsets(ratio=ratio, groups=groups, group_size=size or 10, design=design)


def _sizes(section: _Section, group_size: int) -> tuple[str, tuple[Size, ...]]:
    families = ("resnet",)
    family = section.get(
        "family", str, "resnet", valid=lambda v: v in families, expected=f"one of {families}"
    )
    depths = _axis(section, "depth", lambda v: v >= 8 and (v - 2) % 6 == 0, "6n + 2, from 8")
    widths = _axis(section, "width", lambda v: v >= 1, "a whole number from 1")
    if len(depths) > 1 and len(widths) > 1:
        section.fault("sizes: only one of depth and width can be a list; the axis must be a line")
    ensembles = section.section("ensemble")
    sizes = tuple(
        _size(family, depth, width, ensembles, group_size) for depth in depths for width in widths
    )
    ensembles.finish()
    section.finish()
    return family, sizes


def _axis(
    section: _Section, key: str, valid: Callable[[int], bool], expected: str
) -> tuple[int, ...]:
    value = section.get(key, (int, list), None, required=True, expected=expected)
    values = value if isinstance(value, list) else [] if value is None else [value]
    for entry in values:
        if not isinstance(entry, int) or isinstance(entry, bool) or not valid(entry):
            section.fault(f"{section.label(key)} has {entry!r}: expected {expected}")
            return ()
    if values != sorted(set(values)):
        section.fault(f"{section.label(key)} = {values}: expected distinct values, smallest first")
        return ()
    return tuple(values)


def _size(family: str, depth: int, width: int, ensembles: _Section, group_size: int) -> Size:
    name = f"{family}{depth}w{width}"
    divisors = [d for d in range(1, group_size + 1) if group_size % d == 0]
    ensemble = ensembles.get(
        name,
        int,
        default_ensemble(width, group_size),
        valid=lambda v: v in divisors,
        expected=f"a divisor of the group size: {', '.join(map(str, divisors))}",
    )
    return Size(name=name, depth=depth, width=width, ensemble=ensemble)


def _training(section: _Section) -> Training:
    positive: dict[str, Any] = {"valid": lambda v: v > 0, "expected": "a positive number"}
    unit: dict[str, Any] = {"valid": lambda v: 0 <= v < 1, "expected": "a number in [0, 1)"}
    training = Training(
        epochs=section.get("epochs", int, 1, required=True, **positive),
        batch_size=section.get("batch_size", int, Training.batch_size, **positive),
        learning_rate=section.get(
            "learning_rate", (float, int), Training.learning_rate, **positive
        ),
        momentum=section.get("momentum", (float, int), Training.momentum, **unit),
        weight_decay=section.get("weight_decay", (float, int), Training.weight_decay, **unit),
        warmup_epochs=section.get(
            "warmup_epochs",
            (float, int),
            Training.warmup_epochs,
            valid=lambda v: v >= 0,
            expected="a number of epochs from 0",
        ),
    )
    section.finish()
    if training.warmup_epochs >= training.epochs:
        section.fault(
            f"{section.label('warmup_epochs')} = {training.warmup_epochs}: "
            f"expected fewer than the {training.epochs} epochs"
        )
    return training


def _distillation(section: _Section, sizes: tuple[Size, ...]) -> Distillation:
    names = [size.name for size in sizes]
    teacher = section.get(
        "teacher",
        str,
        names[-1] if names else "",
        valid=lambda v: v in names,
        expected=f"one of {', '.join(names)}",
    )
    scope = section.get(
        "scope", str, "same_subset", valid=lambda v: v == "same_subset", expected="same_subset"
    )
    distillation = Distillation(
        teacher=teacher,
        scope=scope,
        temperature=section.get(
            "temperature",
            (float, int),
            1.0,
            required=True,
            valid=lambda v: v > 0,
            expected="a positive number",
        ),
        weight=section.get(
            "weight",
            (float, int),
            1.0,
            required=True,
            valid=lambda v: 0 < v <= 1,
            expected="a number in (0, 1], the share of the teacher's term",
        ),
    )
    section.finish()
    return distillation


def _observe(section: _Section, epochs: int) -> Observe:
    dynamics = section.get(
        "dynamics",
        str,
        "train_pass",
        valid=lambda v: v in ("train_pass", "none"),
        expected="train_pass or none",
    )
    eval_at = section.get("eval_at", list, [], expected="a list of epochs")
    for epoch in eval_at:
        if not isinstance(epoch, int) or isinstance(epoch, bool) or not 1 <= epoch <= epochs:
            section.fault(f"{section.label('eval_at')} has {epoch!r}: expected 1 to {epochs}")
            eval_at = []
            break
    section.finish()
    return Observe(dynamics=dynamics, eval_at=tuple(eval_at))
