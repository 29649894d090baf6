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

from memanalysis import numbers
from memanalysis.cli import layout
from memanalysis.cli.terminal import visible, visible_json

_WIDTH: Final = 80  # where standard output is no terminal
_MAX_ROWS: Final = 50
# What spreadsheets take for the beginning of a formula (OWASP, CSV injection).
_FORMULA: Final = r"^\s*[=+\-@\t\r]"


def print_table(frame: pl.DataFrame, rows: int = _MAX_ROWS) -> list[str]:
    """Print the first ``rows``, all columns of them; return a note on their number."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    sys.stdout.write(table(frame, width, rows))
    return [note(frame)]


def table(frame: pl.DataFrame, width: int = _WIDTH, rows: int = _MAX_ROWS) -> str:
    """The first ``rows``, every column of them, in lines of at most ``width`` characters."""
    shown = frame.head(rows)
    columns = [
        layout.Column(cell(name), tuple(map(cell, shown[name].to_list())), kind.is_numeric())
        for name, kind in frame.schema.items()
    ]
    return "".join(f"{line}\n" for line in layout.lines(columns, width))


def note(frame: pl.DataFrame) -> str:
    """Number of rows, and of the first ones that ``table`` shows."""
    rows = f"{frame.height:,} row{'s' * (frame.height != 1)}"
    return f"first {_MAX_ROWS} of {rows}" if frame.height > _MAX_ROWS else rows


def cell(value: Any) -> str:
    """One value for people: four significant digits, NULL by name, bytes by their number."""
    if value is None:
        return layout.NULL
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
    return table(frame).encode()


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
