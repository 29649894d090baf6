"""Rows of text as lines of a bounded width, of which nothing is left out.

What fits is a grid. What does not gets its intervals folded into their estimates, then one record
per row where texts are long or there is one row, else several grids below each other.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from memanalysis import numbers

NULL: Final = "NULL"
_GAP: Final = "  "
_NUMBER: Final = "#"  # the column that joins the rows of grids below each other
# Longer texts are read better in a record than in a column.
_LONG: Final = 40
_LEAST: Final = 20  # characters that a value of a record gets on any screen


@dataclass(frozen=True)
class Column:
    """A column's name and its cells as text; numbers stand at the right of it."""

    name: str
    cells: tuple[str, ...]
    numeric: bool

    @property
    def width(self) -> int:
        """Places on a screen of the widest text."""
        return max(map(places, (self.name, *self.cells)))


def lines(columns: Sequence[Column], width: int) -> list[str]:
    """Every cell of ``columns``, equally long, in lines of at most ``width`` places."""
    if _total(columns) <= width:
        return _grid(columns)
    folded = fold(columns)
    if _total(folded) <= width:
        return _grid(folded)
    height = len(columns[0].cells)
    if height == 1 or any(column.width > min(_LONG, width // 2) for column in folded):
        return _records(folded, width)
    return _grids(folded, width)


def places(text: str) -> int:
    """Places of a text on a screen: two for a wide character, none for a mark on another."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def fold(columns: Sequence[Column]) -> list[Column]:
    """``x [low, high]`` in the place of ``x``, ``x_low`` and ``x_high``."""
    by_name = {column.name: column for column in columns}
    limits = numbers.limits(list(by_name))
    folded = {limit for pair in limits.values() for limit in pair}
    return [
        _with_interval(column, *(by_name[limit] for limit in limits[column.name]))
        if column.name in limits
        else column
        for column in columns
        if column.name not in folded
    ]


def _with_interval(column: Column, low: Column, high: Column) -> Column:
    cells = zip(column.cells, low.cells, high.cells, strict=True)
    shown = [limit.name.removeprefix(f"{column.name}_") for limit in (low, high)]
    return Column(
        f"{column.name} [{', '.join(shown)}]",
        tuple(
            value if value == least == most == NULL else f"{value} [{least}, {most}]"
            for value, least, most in cells
        ),
        column.numeric,
    )


def _total(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)


def _grid(columns: Sequence[Column]) -> list[str]:
    """Names, a rule, and a line for each row."""
    padded = [
        [_padded(cell, column) for cell in (column.name, "-" * column.width, *column.cells)]
        for column in columns
    ]
    return [_GAP.join(row).rstrip() for row in zip(*padded, strict=True)]


def _padded(text: str, column: Column) -> str:
    space = " " * (column.width - places(text))
    return space + text if column.numeric else text + space


def _grids(columns: Sequence[Column], width: int) -> list[str]:
    """As many columns at a time as fit, each time behind the number of the row."""
    height = len(columns[0].cells)
    number = Column(_NUMBER, tuple(str(row + 1) for row in range(height)), numeric=True)
    blocks: list[list[Column]] = [[number]]
    for column in columns:
        if len(blocks[-1]) > 1 and _total([*blocks[-1], column]) > width:
            blocks.append([number])
        blocks[-1].append(column)
    return [line for block in blocks for line in ("", *_grid(block))][1:]


def _records(columns: Sequence[Column], width: int) -> list[str]:
    """A paragraph for each row, with a line or more for each column."""
    indent = min(max(places(column.name) for column in columns) + len(_GAP), width // 2)
    height = len(columns[0].cells)
    paragraphs = []
    for row in range(height):
        head = f"-- {row + 1} " if height > 1 else ""
        paragraphs.append([head + "-" * (width - len(head))] if head else [])
        for column in columns:
            paragraphs[-1] += _field(column.name, column.cells[row], indent, width)
    return [line for paragraph in paragraphs for line in paragraph]


def _field(name: str, value: str, indent: int, width: int) -> Iterator[str]:
    room = max(width - indent, _LEAST)
    # Lines of a text, a query for instance, stay lines; a narrow place breaks words, too.
    values = [part for line in value.splitlines() for part in textwrap.wrap(line, room)] or [""]
    if places(name) + len(_GAP) > indent:
        yield name
        name = ""
    for part in values:
        yield f"{name}{' ' * (indent - places(name))}{part}".rstrip()
        name = ""
