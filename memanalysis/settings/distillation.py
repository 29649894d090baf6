"""The section [distillation]: who teaches, and how; and variants of it under names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from memanalysis.settings.section import Section
from memanalysis.settings.sizes import Size
from memanalysis.settings.subsets import Subsets
from memanalysis.storage.schema import OBJECTIVES, variant_objective

SCOPES: Final = ("same_subset", "full_data")
TEMPERATURES: Final = (1e-2, 1e4)  # beyond them z / T or T^2 leaves what float32 can hold
TARGETS: Final = ("soft", "hard")
_NAME: Final = re.compile("[a-z0-9]+")


@dataclass(frozen=True)
class Distillation:
    """How students learn from a teacher.

    With ``soft`` targets the loss is
    (1 - weight) CE(y, softmax(z)) + weight T^2 KL(softmax(z_teacher / T) || softmax(z / T));
    with ``hard`` ones (1 - weight) CE(y, softmax(z)) + weight CE(argmax z_teacher, softmax(z)),
    in which the temperature plays no part.

    Attributes
    ----------
    teacher
        The teacher's size.
    temperature
        T, in ``TEMPERATURES``.
    weight
        The share of the teacher's term, in [0, 1]. With 0 the student learns from labels alone,
        with seeds of its own: a negative control, in which distillation changes nothing.
    scope
        ``same_subset``: the teacher was trained on the student's subset. ``full_data``: on all
        training examples, so the labels held out from the student leak through it.
    targets
        ``soft`` or ``hard``.
    students
        The sizes that are taught; None for all.
    subsets
        How many subsets, from the first, students are trained on; None for all.
    variants
        Further settings by name; students of the variant ``x`` have the objective
        ``distilled_x``.
    """

    teacher: str
    temperature: float
    weight: float
    scope: str = "same_subset"
    targets: str = "soft"
    students: tuple[str, ...] | None = None
    subsets: int | None = None
    variants: Mapping[str, Distillation] = field(default_factory=dict)

    @property
    def by_objective(self) -> dict[str, Distillation]:
        """The main setting and all variants, by the objective of their students."""
        named = {variant_objective(name): variant for name, variant in self.variants.items()}
        return {OBJECTIVES[1]: self, **dict(sorted(named.items()))}

    def teaches(self, size: str) -> bool:
        """Whether models of ``size`` are students."""
        return self.students is None or size in self.students


def read(section: Section, sizes: tuple[Size, ...], design: Subsets) -> Distillation:
    """Validate [distillation]; its teacher is one of ``sizes``, its subsets are of ``design``."""
    names = [size.name for size in sizes]
    main = _setting(section, names, design, None)
    variants = section.section("variants")
    found: dict[str, Distillation] = {}
    for name in variants.content:
        known = len(section.faults)
        variant = variants.section(name)
        setting = _setting(variant, names, design, main)
        variant.finish()
        if not _NAME.fullmatch(name):
            variants.fault(f"[{variant.name}]: a variant's name has letters a-z and digits alone")
        elif len(section.faults) == known:
            _require_new(variant, setting, {section.name: main, **_named(variants, found)})
        found[name] = setting
    section.finish()
    return Distillation(**_fields(main), variants=found)


def _named(variants: Section, found: Mapping[str, Distillation]) -> dict[str, Distillation]:
    return {variants.label(name): setting for name, setting in found.items()}


def _require_new(
    variant: Section, setting: Distillation, others: Mapping[str, Distillation]
) -> None:
    twin = next((name for name, other in others.items() if other == setting), None)
    if twin is not None:
        variant.fault(f"[{variant.name}] is the same setting as [{twin}]")


def _setting(
    section: Section, sizes: list[str], design: Subsets, main: Distillation | None
) -> Distillation:
    """One setting; what a variant does not say is as in the main one."""
    first = main or Distillation(sizes[-1] if sizes else "", 1.0, 1.0)
    targets = section.get(
        "targets", str, first.targets, valid=lambda v: v in TARGETS, expected=" or ".join(TARGETS)
    )
    low, high = TEMPERATURES
    within: dict[str, Any] = {
        "valid": lambda v: low <= v <= high,
        "expected": f"a number from {low:g} to {high:g}",
    }
    return Distillation(
        teacher=section.get(
            "teacher",
            str,
            first.teacher,
            valid=lambda v: v in sizes,
            expected=f"one of {', '.join(sizes)}",
        ),
        scope=section.get(
            "scope", str, first.scope, valid=lambda v: v in SCOPES, expected=" or ".join(SCOPES)
        ),
        targets=targets,
        temperature=section.get(
            "temperature",
            (float, int),
            first.temperature,
            required=main is None and targets == "soft",
            **within,
        ),
        weight=section.get(
            "weight",
            (float, int),
            first.weight,
            required=main is None,
            valid=lambda v: 0 <= v <= 1,
            expected="a number in [0, 1], the share of the teacher's term",
        ),
        students=_students(section, sizes, first.students),
        subsets=_subsets(section, design, first.subsets),
    )


def _students(
    section: Section, sizes: list[str], default: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    chosen = section.get(
        "students",
        list,
        None,
        valid=lambda v: bool(v) and all(v.count(name) == 1 and name in sizes for name in v),
        expected=f"a list of some of {', '.join(sizes)}, each once",
    )
    return default if chosen is None else tuple(name for name in sizes if name in chosen)


def _subsets(section: Section, design: Subsets, default: int | None) -> int | None:
    group, whole = design.group_size, design.groups * design.group_size
    subsets: int | None = section.get(
        "subsets",
        int,
        default,
        valid=lambda v: 0 < v <= whole and v % group == 0,
        expected=f"whole groups of {group} subsets, at most {whole}",
    )
    return subsets


def _fields(setting: Distillation) -> dict[str, Any]:
    return {name: value for name, value in vars(setting).items() if name != "variants"}
