"""The section [distillation]: who teaches, and how; and variants of it under names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Final

from memanalysis.settings.keys import (
    CLOSED,
    FROM_ZERO,
    Faults,
    Int,
    Key,
    Number,
    Read,
    Text,
    one_of,
    validated,
)
from memanalysis.settings.sizes import Size
from memanalysis.settings.subsets import Subsets
from memanalysis.storage.schema import OBJECTIVES, variant_objective

SCOPES: Final = ("same_subset", "full_data")
TEMPERATURES: Final = (1e-2, 1e4)  # beyond them z / T or T^2 leaves what float32 can hold
TARGETS: Final = ("soft", "hard")
_NAME: Final = re.compile("[a-z0-9]+")


@dataclass(frozen=True)
class Distillation:
    """Settings of the students' learning from a teacher.

    With ``soft`` targets the loss is
    (1 - weight) CE(y, softmax(z)) + weight T^2 KL(softmax(z_teacher / T) || softmax(z / T));
    with ``hard`` ones (1 - weight) CE(y, softmax(z)) + weight CE(argmax z_teacher, softmax(z)),
    in which the temperature T plays no part.
    """

    __pydantic_config__: ClassVar = CLOSED

    teacher: Annotated[Text, Key("one of the sizes", default="the last size")]
    """Size of the teacher."""
    temperature: Annotated[
        Number,
        Key(
            f"a number from {TEMPERATURES[0]:g} to {TEMPERATURES[1]:g}",
            lambda value: TEMPERATURES[0] <= value <= TEMPERATURES[1],
            default="required; 1 with hard targets",
        ),
    ]
    """Temperature T of soft targets."""
    weight: Annotated[
        Number,
        Key("a number in [0, 1], the share of the teacher's term", lambda value: 0 <= value <= 1),
    ]
    """Share of the teacher's term in the loss. With 0, students learn from labels alone, with seeds
    of their own: a negative control, in which distillation changes nothing."""
    scope: Annotated[Text, one_of(SCOPES)] = "same_subset"
    """Training examples of the teacher: the student's subset, or all of them, so that labels held
    out from the student leak through it."""
    targets: Annotated[Text, one_of(TARGETS)] = "soft"
    """The teacher's probabilities (`soft`), or its class (`hard`)."""
    students: Annotated[
        tuple[str, ...] | None,
        Read(list[Annotated[Text, Key("the name of a size")]], tuple),
        Key("a list of names of sizes", parts=True),
    ] = None
    """Sizes of the students; all by default."""
    subsets: Annotated[Int | None, Key("a whole number")] = None
    """Number of subsets that students are trained on; all by default."""
    first_subset: Annotated[Int, FROM_ZERO] = 0
    """The first of them, which is the first of a group. A later one teaches on groups that are
    still to be trained, where a packed store no longer has the teachers of its own."""
    variants: Annotated[Mapping[str, Distillation], Read(dict[str, Any], dict), Key(parts=True)] = (
        field(default_factory=dict)
    )
    """Further settings by name; keys that they lack are those of `[distillation]`. Students of the
    variant `x` have the objective `distilled_x`."""

    @property
    def by_objective(self) -> dict[str, Distillation]:
        """The main setting and all variants, by the objective of their students."""
        named = {variant_objective(name): variant for name, variant in self.variants.items()}
        return {OBJECTIVES[1]: self, **dict(sorted(named.items()))}

    def teaches(self, size: str) -> bool:
        """True if models of ``size`` are students."""
        return self.students is None or size in self.students

    def completed(
        self, label: str, sizes: tuple[Size, ...], design: Subsets, faults: Faults
    ) -> Distillation:
        """With students in the order of sizes; what neither sizes nor subsets allow is noted."""
        names = [size.name for size in sizes]
        if self.teacher not in names:
            faults.unexpected(f"{label}.teacher", self.teacher, f"one of {', '.join(names)}")
        students = self.students
        if students is not None:
            distinct = {*students}
            if not distinct or len(distinct) < len(students) or not distinct <= {*names}:
                expected = f"a list of some of {', '.join(names)}, each once"
                faults.unexpected(f"{label}.students", list(students), expected)
            students = tuple(name for name in names if name in distinct)
        group, whole = design.group_size, design.groups * design.group_size
        if self.first_subset % group or self.first_subset >= whole:
            expected = f"the first subset of a group of {group}, below {whole}"
            faults.unexpected(f"{label}.first_subset", self.first_subset, expected)
        whole -= self.first_subset
        if self.subsets is not None and not (
            0 < self.subsets <= whole and self.subsets % group == 0
        ):
            expected = f"whole groups of {group} subsets, at most {whole}"
            faults.unexpected(f"{label}.subsets", self.subsets, expected)
        return replace(self, students=students)


def read(
    table: Mapping[str, Any], sizes: tuple[Size, ...], design: Subsets, faults: Faults
) -> Distillation | None:
    """The main setting with its variants, or None with the faults of [distillation] noted."""
    by_default: dict[str, Any] = {"teacher": sizes[-1].name}
    if table.get("targets") == "hard":
        by_default["temperature"] = 1.0
    label = "distillation"
    main = _setting(by_default, table, label, (sizes, design, faults))
    # Faults of the main setting are not repeated for each variant.
    first = Distillation(sizes[-1].name, 1.0, 1.0) if main is None else main
    inherited = {name: value for name, value in vars(first).items() if value is not None}
    del inherited["variants"]
    variants = table.get("variants", {})
    by_name: dict[str, Distillation] = {}
    for name, variant in variants.items() if isinstance(variants, dict) else ():
        place = f"{label}.variants.{name}"
        if not _NAME.fullmatch(name):
            faults.add(f"[{place}]: a variant's name has letters a-z and digits alone")
            continue
        if isinstance(variant, dict) and "variants" in variant:
            faults.add(f"unknown key {place}.variants.")
            continue
        setting = _setting(inherited, variant, place, (sizes, design, faults))
        others = {label: main, **{f"{label}.variants.{n}": s for n, s in by_name.items()}}
        twin = next((n for n, other in others.items() if setting and other == setting), None)
        if twin is not None:
            faults.add(f"[{place}] is the same setting as [{twin}]")
        if setting is not None:
            by_name[name] = setting
    return None if main is None else replace(main, variants=by_name)


def _setting(
    inherited: Mapping[str, Any],
    table: Any,
    label: str,
    context: tuple[tuple[Size, ...], Subsets, Faults],
) -> Distillation | None:
    """One setting without variants, None if it has faults."""
    sizes, design, faults = context
    before = len(faults.messages)
    setting = validated(Distillation, table, label, faults, inherited)
    if setting is not None:
        setting = replace(setting.completed(label, sizes, design, faults), variants={})
    return setting if len(faults.messages) == before else None
