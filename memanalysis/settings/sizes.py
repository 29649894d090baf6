"""The section [sizes]: the points of the size axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memanalysis.settings.section import Section


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


def default_ensemble(width: int, group_size: int) -> int:
    """How many models to train as one network, if the study does not say.

    Narrow nets are bound by the overhead of each operation and gain from company; wide ones are
    bound by arithmetic and do not. Five at a time were as fast as ten at width 2 and faster from
    width 3 up (one core, 14×14 images, batch 64), and they leave smaller pieces to redo.
    """
    wanted = 5 if width <= 8 else 1
    return max(d for d in range(1, wanted + 1) if group_size % d == 0)


def read(section: Section, group_size: int) -> tuple[str, tuple[Size, ...]]:
    """Validate [sizes]: the family and its sizes in order."""
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
    section: Section, key: str, valid: Callable[[int], bool], expected: str
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


def _size(family: str, depth: int, width: int, ensembles: Section, group_size: int) -> Size:
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
