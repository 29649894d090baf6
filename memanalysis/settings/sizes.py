"""The section [sizes]: the family of the networks and the points of the size axis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, make_dataclass
from functools import cache
from typing import Annotated, Any, Final

from memanalysis.settings import keys
from memanalysis.settings.keys import (
    CLOSED,
    Entry,
    Faults,
    Float,
    Int,
    Key,
    Read,
    Text,
    listed,
    shown,
    validated,
)

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


# Beyond any network that fits a machine; a slip of the keyboard is told before it takes memory.
_DEEPEST: Final = 10_000
_WIDEST: Final = 100_000


@dataclass(frozen=True)
class _Axis:
    """A key whose values make sizes: the type of one value, and what it means."""

    kind: Any
    key: Key
    meaning: str


def _count(most: int, meaning: str) -> _Axis:
    key = Key(f"a whole number from 1 to {most}", lambda value: 1 <= value <= most)
    return _Axis(Int, key, meaning)


_MULTIPLIER: Final = _Axis(
    Int | Float,
    Key("a positive number", lambda value: 0 < value <= 100),
    "Multiplier of the numbers of channels.",
)
FAMILIES: Final[Mapping[str, Mapping[str, _Axis]]] = {
    "resnet": {
        "depth": _Axis(
            Int,
            Key(
                f"6n + 2, from 8 to {_DEEPEST}",
                lambda value: 8 <= value <= _DEEPEST and (value - 2) % 6 == 0,
            ),
            "Layers with weights.",
        ),
        "width": _count(_WIDEST, "Channels of the first layer."),
    },
    "mobilenet": {"width": _MULTIPLIER},
    "lenet": {"width": _MULTIPLIER},
    "mlp": {
        "depth": _count(_DEEPEST, "Hidden layers."),
        "width": _count(_WIDEST, "Units of a hidden layer."),
    },
}
OWN_AXES: Final[Mapping[str, _Axis]] = {
    "size": _Axis(Int | Float | Text, Key("a number or a text"), "Argument of your function.")
}
_FAMILY: Final = f"one of {', '.join(FAMILIES)}, or package.module:function for your own"
_ENSEMBLE: Final = "a divisor of the group size"
_Ensemble = Annotated[Int, Key(_ENSEMBLE)]
_VARIANT: Final = Key(
    "letters, digits, dots, hyphens and underscores, at most 64",
    lambda name: _NAME.fullmatch(name) is not None,
)
# How many models are trained together up to a width, if the study does not say: measured for
# residual networks (see `default_ensemble`), by their likeness to them for the others.
_TOGETHER: Final[Mapping[str, tuple[tuple[float, int], ...]]] = {
    "resnet": ((4, 10), (8, 5), (16, 2)),
    "mobilenet": ((0.5, 5),),
    "lenet": ((2, 5),),
    "mlp": ((256, 5),),
}


def default_ensemble(width: float | None, group_size: int, family: str = "resnet") -> int:
    """Number of models to train as one network, if the study does not say.

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


@cache
def _line_of(family: str) -> Any:
    """The section of a family whose sizes lie along the one key that has a list."""
    keys: list[Any] = [("family", Any, "resnet")]
    for name, axis in FAMILIES.get(family, OWN_AXES).items():
        values = Read(list[Annotated[axis.kind, axis.key]], tuple, listed)  # type: ignore[name-defined]
        keys.append(
            (name, Annotated[tuple[Value, ...], values, Key(axis.key.expected, parts=True)])
        )
    ensembles = Annotated[Mapping[str, int], Read(dict[str, _Ensemble], dict), Key(parts=True)]
    return _section("Sizes", [*keys, ("ensemble", ensembles, field(default_factory=dict))])


@cache
def _variant_of(family: str) -> Any:
    """A size as a table of its own, of a family."""
    axes = FAMILIES.get(family, OWN_AXES).items()
    keys = [(key, Annotated[axis.kind, axis.key]) for key, axis in axes]
    together = ("ensemble", _Ensemble | None, None)
    return _section("Variant", [("name", Annotated[Text, _VARIANT]), *keys, together])


def _section(name: str, keys: list[Any]) -> Any:
    namespace = {"__pydantic_config__": CLOSED}
    return make_dataclass(name, keys, frozen=True, kw_only=True, namespace=namespace)


def read(
    table: Mapping[str, Any], group_size: int | None, faults: Faults
) -> tuple[str | None, tuple[Size, ...]]:
    """The family and its sizes in order; None or no sizes where faults keep them from being known.

    ``group_size`` is None where the subsets have faults themselves.
    """
    family = table.get("family", "resnet")
    if not isinstance(family, str) or not (family in FAMILIES or _IMPORT_PATH.fullmatch(family)):
        faults.unexpected("sizes.family", family, _FAMILY)
        return None, ()
    points = _variants if "variant" in table else _line
    sizes = []
    for name, point, label, asked in points(table, family, faults):
        width = point.get("width")
        ensemble = default_ensemble(width, group_size or 1, family) if asked is None else asked
        divisors = [d for d in range(1, (group_size or 0) + 1) if (group_size or 0) % d == 0]
        if group_size is not None and ensemble not in divisors:
            expected = f"{_ENSEMBLE}: {', '.join(map(str, divisors))}"
            faults.unexpected(label, ensemble, expected)
        sizes.append(Size(name, point.get("depth"), width, ensemble, family, point.get("size")))
    names = [size.name.lower() for size in sizes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        faults.add(f"sizes: {', '.join(twice)} would be the name of several sizes")
    variants = table.get("variant")
    whole = not isinstance(variants, list) or len(sizes) == len(variants)
    return family, tuple(sizes) if whole else ()


_Point = tuple[str, Mapping[str, Any], str, int | None]  # name, values, ensemble's key and value


def _line(table: Mapping[str, Any], family: str, faults: Faults) -> Iterator[_Point]:
    """Sizes along the one key that has a list."""
    section = validated(_line_of(family), table, "sizes", faults)
    if section is None:
        return
    axes = FAMILIES.get(family, OWN_AXES)
    values = {key: getattr(section, key) for key in axes}
    for key, entries in values.items():
        _require_order(f"sizes.{key}", entries, faults)
    if sum(len(entries) > 1 for entries in values.values()) > 1:
        names = " and ".join(values)
        faults.add(f"sizes: only one of {names} can be a list; the axis must be a line")
        return
    points: list[dict[str, Value]] = [{}]
    for key, entries in values.items():
        points = [{**point, key: entry} for point in points for entry in entries]
    named = {_name(family, point): point for point in points}
    for name, point in named.items():
        if not _NAME.fullmatch(name):
            faults.add(
                f"sizes: '{name}' cannot be the name of a folder; "
                "give the sizes names, as [[sizes.variant]]"
            )
        yield name, point, f"sizes.ensemble.{name}", section.ensemble.get(name)
    for key in section.ensemble:
        if key not in named:
            faults.unknown("sizes.ensemble", key, list(named))


def _variants(table: Mapping[str, Any], family: str, faults: Faults) -> Iterator[_Point]:
    """Sizes as tables of their own; a key beside them holds for all that do not have it."""
    axes = list(FAMILIES.get(family, OWN_AXES))
    known = ["family", *axes, "variant"]
    for key in table:
        if key not in known:
            faults.unknown("sizes", key, known)
    variants = table["variant"]
    if not isinstance(variants, list) or not variants:
        faults.add("sizes.variant: expected tables [[sizes.variant]]")
        return
    common = {key: table[key] for key in axes if key in table}
    for number, variant in enumerate(variants, start=1):
        if not isinstance(variant, dict):
            faults.add(f"sizes.variant has {shown(variant)}: expected a table")
            continue
        label = f"sizes.variant {number}"
        section = validated(_variant_of(family), {**common, **variant}, label, faults)
        if section is not None:
            yield section.name, vars(section), f"{label}.ensemble", section.ensemble


def _require_order(label: str, values: tuple[Value, ...], faults: Faults) -> None:
    """Note an empty list, and one that is not distinct or, of numbers, not ascending."""
    if not values:
        faults.unexpected(label, [], "at least one value")
    # Texts have no order but the file's.
    texts = any(isinstance(value, str) for value in values)
    if len(set(values)) < len(values) or not (texts or list(values) == sorted(values)):
        faults.unexpected(label, list(values), "distinct values, smallest first")


def _name(family: str, point: Mapping[str, Value]) -> str:
    """``resnet8w4``, ``mobilenetw0.5``; of a function its name and the value, ``convnet32``."""
    name = family.partition(":")[2] or family
    if "size" in point:
        value = point["size"]
        return f"{name}-{value}" if isinstance(value, str) else f"{name}{value:g}"
    width = point["width"]
    return f"{name}{point.get('depth', '')}w{width:g}"


def reference() -> Iterator[Entry]:
    """The reference of [sizes]; an axis has one entry for each family."""
    yield Entry("sizes.family", "string", _FAMILY, '"resnet"', "Family of the networks.")
    for family, axes in (*FAMILIES.items(), ("package.module:function", OWN_AXES)):
        types = {entry.key: entry.type for entry in keys.reference(_variant_of(family), "sizes")}
        for name, axis in axes.items():
            key = f"sizes.{name}"
            values = f"{axis.key.expected}, or a list"
            meaning = f"`{family}`: {axis.meaning[0].lower()}{axis.meaning[1:]}"
            yield Entry(key, f"{types[key]} or array", values, "required", meaning)
    together = "Models of a size that are trained together as one network."
    yield Entry("sizes.ensemble", "table", f"by size, {_ENSEMBLE}", "by family and width", together)
    name = "Name of a size that is a table of its own, `[[sizes.variant]]`, with its axes."
    yield Entry("sizes.variant.name", "string", _VARIANT.expected, "required", name)
    yield Entry("sizes.variant.ensemble", "integer", _ENSEMBLE, "by family and width", together)
