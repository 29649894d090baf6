"""The section [distillation]: who teaches, and how."""

from __future__ import annotations

from dataclasses import dataclass

from memanalysis.settings.section import Section
from memanalysis.settings.sizes import Size


@dataclass(frozen=True)
class Distillation:
    """(1 - weight) CE(y, softmax(z)) + weight T^2 KL(softmax(z_teacher / T) || softmax(z / T))."""

    teacher: str
    temperature: float
    weight: float
    scope: str = "same_subset"


def read(section: Section, sizes: tuple[Size, ...]) -> Distillation:
    """Validate [distillation]; its teacher is one of ``sizes``."""
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
