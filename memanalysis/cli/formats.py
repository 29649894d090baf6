"""A frame as text or bytes: a table that fits the screen, CSV, JSON or Parquet."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import sys
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from memanalysis import numbers
from memanalysis.cli.terminal import visible, visible_json

_WIDTH: Final = 80  # where standard output is no terminal
_MAX_ROWS: Final = 50
# Wider texts are wrapped within their column rather than pushing other columns out.
_MAX_CELL: Final = 40
_GAP: Final = 2
_CUT: Final = "…"
# What spreadsheets take for the beginning of a formula (OWASP, CSV injection).
_FORMULA: Final = r"^\s*[=+\-@\t\r]"


def print_table(frame: pl.DataFrame) -> list[str]:
    """Print as many columns and rows as fit; return notes on what was left out."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    Console(width=width, file=sys.stdout).print(table(frame, width))
    return notes(frame, width)


def table(frame: pl.DataFrame, width: int = _WIDTH) -> Table:
    """The first rows, and the first and last columns, in at most ``width`` characters."""
    left, right = _fitting(frame, width)
    names = [*frame.columns[:left], *frame.columns[frame.width - right :]]
    cut = left + right < frame.width
    # Between columns: one character of padding and the box's divider, a space.
    rendered = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(names):
        if cut and place == left:
            rendered.add_column(_CUT)
        numeric = frame.schema[name].is_numeric()
        rendered.add_column(
            Text(visible(name)), justify="right" if numeric else "left", overflow="fold"
        )
    for row in frame.select(names).head(_MAX_ROWS).iter_rows():
        cells = [Text(cell(value)) for value in row]
        rendered.add_row(*(cells[:left] + [Text(_CUT)] * cut + cells[left:]))
    return rendered


def notes(frame: pl.DataFrame, width: int = _WIDTH) -> list[str]:
    """What ``table`` leaves out, and how to get it."""
    left, right = _fitting(frame, width)
    rows = f"{frame.height:,} row{'s' * (frame.height != 1)}"
    if frame.height > _MAX_ROWS:
        rows = f"first {_MAX_ROWS} of {rows}"
    hidden = frame.columns[left : frame.width - right]
    if not hidden:
        return [rows]
    advice = "name the columns in the query, or use --format csv"
    return [rows, f"not shown: {', '.join(hidden)} ({advice})"]


def cell(value: Any) -> str:
    """One value for people: four significant digits, NULL by name, bytes by their number."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return numbers.significant(value, minus="-")
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return visible(str(value))


def encode(frame: pl.DataFrame, format_: str, *, guard_formulas: bool = False) -> bytes:
    """``frame`` whole, in one of the formats."""
    if format_ == "csv":
        flat = _flat(frame)
        return (_guarded(flat) if guard_formulas else flat).write_csv().encode()
    if format_ == "json":
        rows = [
            {name: _json(value) for name, value in row.items()}
            for row in frame.iter_rows(named=True)
        ]
        return (visible_json(json.dumps(rows, ensure_ascii=False, indent=1)) + "\n").encode()
    if format_ == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    console = Console(width=_WIDTH, file=io.StringIO(), record=True)
    console.print(table(frame))
    return console.export_text().encode()


def _fitting(frame: pl.DataFrame, width: int) -> tuple[int, int]:
    """How many of the first and of the last columns fit into ``width`` characters."""
    widths = [_column_width(frame[name]) + _GAP for name in frame.columns]
    if sum(widths) <= width + _GAP:
        return frame.width, 0
    free = width - len(_CUT)
    left = right = 0
    # From both ends in turn: keys stand first, and what was computed last.
    while left + right < frame.width:
        from_left = left <= right
        needed = widths[left] if from_left else widths[frame.width - right - 1]
        if needed > free:
            break
        free -= needed
        left, right = left + from_left, right + (not from_left)
    return max(left, 1), right


def _column_width(column: pl.Series) -> int:
    texts = [visible(column.name), *(cell(value)[:_MAX_CELL] for value in column.head(_MAX_ROWS))]
    return max(len(text) for text in texts)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """CSV knows neither bytes nor lists: hexadecimal digits and JSON stand in for them."""
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    texts = [
        pl.Series(
            name, [None if v is None else json.dumps(_json(v)) for v in frame[name].to_list()]
        )
        for name in nested
    ]
    return frame.with_columns(pl.col(binary).bin.encode("hex"), *texts)


def _guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """``'`` before every text, and name of a column, that spreadsheets take for a formula."""
    guarded = frame.with_columns(
        pl.when(pl.col(name).str.contains(_FORMULA))
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name, kind in frame.schema.items()
        if kind == pl.String
    )
    return guarded.rename(lambda name: f"'{name}" if re.match(_FORMULA, name) else name)


def _json(value: Any) -> Any:
    """``value`` as JSON knows it; what is no number there is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, list):
        return [_json(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _json(entry) for key, entry in value.items()}
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
