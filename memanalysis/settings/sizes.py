"""The section [sizes]: the family of the networks and the points of the size axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from memanalysis.settings.section import Section

Value = int | float | str

# `package.module:function`, a function that makes networks.
_IMPORT_PATH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# Sizes are names of folders, too.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Size:
    """One point of the size axis.

    Attributes
    ----------
    name
        What tables, folders and charts call it.
    depth, width
        What the family makes of them; None where it has no such thing.
    ensemble
        How many models of one group are trained together as one network. It is fixed by the study,
        never by what is left to do, since rounding differs between ensemble sizes.
    family
        The family, as in the study file.
    value
        What a function of the user's is given, None for the families that come with memanalysis.
    """

    name: str
    depth: int | None
    width: int | float | None
    ensemble: int
    family: str = "resnet"
    value: Value | None = None


@dataclass(frozen=True)
class _Axis:
    """A key whose values make sizes."""

    kinds: tuple[type, ...]
    valid: Callable[[Any], bool]
    expected: str


# Beyond any network that fits a machine; a slip of the keyboard is told before it takes memory.
_DEEPEST: Final = 10_000
_WIDEST: Final = 100_000
_DEPTH: Final = _Axis((int,), lambda v: 1 <= v <= _DEEPEST, f"a whole number from 1 to {_DEEPEST}")
_COUNT: Final = _Axis((int,), lambda v: 1 <= v <= _WIDEST, f"a whole number from 1 to {_WIDEST}")
_MULTIPLIER: Final = _Axis((int, float), lambda v: 0 < v <= 100, "a positive number")
_ANYTHING: Final = _Axis((int, float, str), lambda v: v != "", "a number or a text")

FAMILIES: Final[Mapping[str, Mapping[str, _Axis]]] = {
    "resnet": {
        "depth": _Axis(
            (int,),
            lambda v: 8 <= v <= _DEEPEST and (v - 2) % 6 == 0,
            f"6n + 2, from 8 to {_DEEPEST}",
        ),
        "width": _COUNT,
    },
    "mobilenet": {"width": _MULTIPLIER},
    "lenet": {"width": _MULTIPLIER},
    "mlp": {"depth": _DEPTH, "width": _COUNT},
}
# How many models are trained together up to a width, if the study does not say: measured for
# residual networks (see `default_ensemble`), by their likeness to them for the others.
_TOGETHER: Final[Mapping[str, tuple[tuple[float, int], ...]]] = {
    "resnet": ((4, 10), (8, 5), (16, 2)),
    "mobilenet": ((0.5, 5),),
    "lenet": ((2, 5),),
    "mlp": ((256, 5),),
}


def default_ensemble(width: float | None, group_size: int, family: str = "resnet") -> int:
    """How many models to train as one network, if the study does not say.

    Narrow nets are bound by the overhead of each operation and gain from company; wide ones are
    bound by arithmetic and gain little. Of 1, 2, 5 and 10 residual networks at a time ten were
    fastest up to width 4 (1.1 to 1.2 times as fast as five), five at widths 6 and 8, two at 12 and
    16 (1.15 times as fast as one); measured in turn on one core with AVX2, 14×14 images, batch 64.
    A function of the user's makes one model at a time, which gains nothing from company.
    """
    steps = _TOGETHER.get(family, ())
    fitting = (models for up_to, models in steps if width is not None and width <= up_to)
    wanted = next(fitting, 1)
    return max(d for d in range(1, wanted + 1) if group_size % d == 0)


def read(section: Section, group_size: int) -> tuple[str, tuple[Size, ...]]:
    """Validate [sizes]: the family and its sizes in order."""
    family = section.get(
        "family",
        str,
        "resnet",
        valid=lambda v: v in FAMILIES or _IMPORT_PATH.fullmatch(v) is not None,
        expected=f"one of {', '.join(FAMILIES)}, or package.module:function for your own",
    )
    axes = FAMILIES.get(family, {"size": _ANYTHING})
    if "variant" in section.content:
        sizes = _variants(section, family, axes, group_size)
    else:
        sizes = _line(section, family, axes, group_size)
    names = [size.name.lower() for size in sizes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        section.fault(f"{section.name}: {', '.join(twice)} would be the name of several sizes")
    section.finish()
    return family, sizes


def _line(
    section: Section, family: str, axes: Mapping[str, _Axis], group_size: int
) -> tuple[Size, ...]:
    """Sizes along the one key that has a list."""
    values = {key: _values(section, key, axis) for key, axis in axes.items()}
    if sum(len(entries) > 1 for entries in values.values()) > 1:
        names = " and ".join(values)
        section.fault(f"sizes: only one of {names} can be a list; the axis must be a line")
    points: list[dict[str, Value]] = [{}]
    for key, entries in values.items():
        points = [{**point, key: entry} for point in points for entry in entries]
    ensembles = section.section("ensemble")
    sizes = []
    for point in points:
        name = _name(family, point)
        if not _NAME.fullmatch(name):
            section.fault(
                f"{section.name}: '{name}' cannot be the name of a folder; "
                "give the sizes names, as [[sizes.variant]]"
            )
        ensemble = _ensemble(ensembles, name, point.get("width"), family, group_size)
        sizes.append(_size(name, family, point, ensemble))
    ensembles.finish()
    return tuple(sizes)


def _variants(
    section: Section, family: str, axes: Mapping[str, _Axis], group_size: int
) -> tuple[Size, ...]:
    """Sizes as tables of their own; a key beside them holds for all that do not have it."""
    section.known.extend([*axes, "variant"])
    tables = section.content["variant"]
    if not isinstance(tables, list) or not tables:
        section.fault(f"{section.label('variant')}: expected tables [[{section.label('variant')}]]")
        return ()
    sizes = []
    for number, table in enumerate(tables, start=1):
        if not isinstance(table, dict):
            section.fault(f"{section.label('variant')} has {table!r}: expected a table")
            continue
        common = {key: section.content[key] for key in axes if key in section.content}
        variant = Section(
            f"{section.label('variant')} {number}", {**common, **table}, section.faults
        )
        name = variant.get(
            "name",
            str,
            f"variant{number}",
            required=True,
            valid=lambda v: _NAME.fullmatch(v) is not None,
            expected="letters, digits, dots, hyphens and underscores, at most 64",
        )
        point = {
            key: variant.get(
                key, axis.kinds, required=True, valid=axis.valid, expected=axis.expected
            )
            for key, axis in axes.items()
        }
        ensemble = _ensemble(variant, "ensemble", point.get("width"), family, group_size)
        variant.finish()
        sizes.append(_size(name, family, point, ensemble))
    return tuple(sizes)


def _values(section: Section, key: str, axis: _Axis) -> tuple[Value, ...]:
    value = section.get(key, (*axis.kinds, list), None, required=True, expected=axis.expected)
    values = value if isinstance(value, list) else [] if value is None else [value]
    if value == []:
        section.fault(f"{section.label(key)} = []: expected at least one value")
    for entry in values:
        if not isinstance(entry, axis.kinds) or isinstance(entry, bool) or not axis.valid(entry):
            section.fault(f"{section.label(key)} has {entry!r}: expected {axis.expected}")
            return ()
    # Texts have no order but the file's.
    texts = any(isinstance(entry, str) for entry in values)
    if len(set(values)) < len(values) or not (texts or values == sorted(values)):
        section.fault(f"{section.label(key)} = {values}: expected distinct values, smallest first")
        return ()
    return tuple(values)


def _name(family: str, point: Mapping[str, Value]) -> str:
    """``resnet8w4``, ``mobilenetw0.5``; of a function its name and the value, ``convnet32``."""
    name = family.partition(":")[2] or family
    if "size" in point:
        value = point["size"]
        return f"{name}-{value}" if isinstance(value, str) else f"{name}{value:g}"
    width = point["width"]
    return f"{name}{point.get('depth', '')}w{width:g}"


def _ensemble(section: Section, key: str, width: Any, family: str, group_size: int) -> int:
    divisors = [d for d in range(1, group_size + 1) if group_size % d == 0]
    ensemble = section.get(
        key,
        int,
        default_ensemble(width, group_size, family),
        valid=lambda v: v in divisors,
        expected=f"a divisor of the group size: {', '.join(map(str, divisors))}",
    )
    return int(ensemble)


def _size(name: str, family: str, point: Mapping[str, Any], ensemble: int) -> Size:
    return Size(name, point.get("depth"), point.get("width"), ensemble, family, point.get("size"))
