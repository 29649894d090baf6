"""Shapes of JSON values that strangers wrote: what one has to be, with every fault at once.

A shape yields the faults of a value. It is declared from smaller ones, ``list_of(whole(0, 9))``,
and costs no library: a manifest is read before anything else is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_MISSING: Final = object()


class Fault(NamedTuple):
    """A fault at a place, given by the keys and positions that lead there."""

    place: tuple[str | int, ...]
    value: object
    expected: str

    @property
    def is_missing(self) -> bool:
        """True if a key that has to be there is not."""
        return self.value is _MISSING


Shape = Callable[[object], Iterator[Fault]]


def anything(_value: object) -> Iterator[Fault]:
    """Any value."""
    yield from ()


def text_that(expected: str, holds: Callable[[str], bool]) -> Shape:
    """A text of which something holds, said in words."""

    def faults(value: object) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault((), value, "a text")
        elif not _is_unicode(value):
            yield Fault((), value, "a text of whole characters")
        elif not holds(value):
            yield Fault((), value, expected)

    return faults


def _is_unicode(value: str) -> bool:
    """True if a text can be written: JSON can name halves of characters, which no file takes."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


text: Final = text_that("", lambda _: True)


def flag(value: object) -> Iterator[Fault]:
    """True or false."""
    if not isinstance(value, bool):
        yield Fault((), value, "true or false")


def whole(low: int, high: int) -> Shape:
    """A whole number from ``low`` to ``high``."""

    def faults(value: object) -> Iterator[Fault]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Fault((), value, "a whole number")
        else:
            yield from _out_of_bounds(value, low, high)

    return faults


def number(low: float = -math.inf, high: float = math.inf) -> Shape:
    """A finite number from ``low`` to ``high``."""

    def faults(value: object) -> Iterator[Fault]:
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield Fault((), value, "a number")
        elif not math.isfinite(value):
            yield Fault((), value, "a finite number")
        else:
            yield from _out_of_bounds(value, low, high)

    return faults


def _out_of_bounds(value: float, low: float, high: float) -> Iterator[Fault]:
    if value < low:
        yield Fault((), value, f"greater than or equal to {low}")
    elif value > high:
        yield Fault((), value, f"less than or equal to {high}")


def either(*shapes: Shape) -> Shape:
    """Any of some shapes; if none fits, what is wrong by each of them."""

    def faults(value: object) -> Iterator[Fault]:
        by_shape = [list(shape(value)) for shape in shapes]
        if all(by_shape):
            for found in by_shape:
                yield from found

    return faults


def optional(shape: Shape) -> Shape:
    """A shape, or null."""
    return lambda value: iter(()) if value is None else shape(value)


def list_of(shape: Shape) -> Shape:
    """A list whose items have a shape."""

    def faults(value: object) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault((), value, "a list")
            return
        for position, item in enumerate(value):
            yield from _below(position, shape(item))

    return faults


def table_of(key: Shape, shape: Shape) -> Shape:
    """A table with any keys of one shape and values of another."""

    def faults(value: object) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault((), value, "a table of keys and values")
            return
        for name, item in value.items():
            yield from _below(name, key(name))
            yield from _below(name, shape(item))

    return faults


def table(**keys: Shape) -> Shape:
    """A table whose values have these shapes where their keys are there; others may be there."""
    return _table(keys, complete=False)


def record(**keys: Shape) -> Shape:
    """The same, and every one of the keys has to be there."""
    return _table(keys, complete=True)


def _table(keys: dict[str, Shape], *, complete: bool) -> Shape:
    def faults(value: object) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault((), value, "a table of keys and values")
            return
        for name, shape in keys.items():
            if name in value:
                yield from _below(name, shape(value[name]))
            elif complete:
                yield Fault((name,), _MISSING, "a value")

    return faults


def _below(step: str | int, faults: Iterator[Fault]) -> Iterator[Fault]:
    return (fault._replace(place=(step, *fault.place)) for fault in faults)
