"""The report as JSON for other programs: findings, tables, figures with data and Vega-Lite.

``report.schema.json`` beside this module is its JSON Schema. What SQL calls NULL, and what is no
number, is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any, Final

import polars as pl

from memanalysis._version import __version__
from memanalysis.figures import theme
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.document import Document

LAYOUT: Final = "memanalysis-report"
LAYOUT_VERSION: Final = 1
# What the manifest says of the whole study; `files` are the store's, with their checksums.
_PROVENANCE: Final = (
    "study", "title", "contract", "seed", "ratio", "group_size", "n_subsets", "sizes", "families",
    "class_names", "dataset", "n_train", "n_test", "packed", "code", "packages", "machine",
    "created_at", "built_at", "outcomes_fingerprint", "imports", "proxies", "settings", "files",
)  # fmt: skip


def render(document: Document) -> str:
    """Return the report as JSON text."""
    reading, opening = document.reading, document.opening
    content = {
        "layout": LAYOUT,
        "layout_version": LAYOUT_VERSION,
        "made_by": {"name": "memanalysis", "version": __version__},
        "study": document.study,
        "title": opening.title,
        "lead": f"{opening.run} {opening.definition}",
        "answer": opening.answer,
        "facts": [{"name": name, "value": value} for name, value in opening.facts],
        "sizes": [dict(zip(document.size_columns, row, strict=True)) for row in opening.sizes],
        "findings": _frame(reading.table("findings"))["data"],
        "sections": [
            {
                "name": section.name,
                "title": section.title,
                "blocks": [_block(block, reading) for block in section.every],
            }
            for section in document.sections
        ],
        "provenance": {name: getattr(reading.manifest, name) for name in _PROVENANCE},
    }
    return json.dumps(_plain(content), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what ``render`` writes."""
    text = (files("memanalysis.reporting") / "report.schema.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def _block(block: Any, reading: Reading) -> dict[str, Any]:
    write = _BLOCKS.get(block.kind)
    if write is None:  # a part that only a page can show
        return {"kind": "other", "title": str(getattr(block, "title", "") or block.kind)}
    return {"kind": block.kind, **write(block, reading)}


def _text(block: blocks.Text | blocks.Note, _: Reading) -> dict[str, Any]:
    return {"text": block.text}


def _figure(block: blocks.Figure, _: Reading) -> dict[str, Any]:
    return {
        "name": block.name,
        "title": block.subtitle or block.title,
        "result": block.title if block.subtitle else None,
        "caption": block.caption,
        "conditions": block.conditions,
        "sql": block.sql,
        **_frame(block.frame),
        "vega_lite": {**block.spec, "config": theme.config()},
    }


def _table(block: blocks.Table, _: Reading) -> dict[str, Any]:
    return {
        "title": block.title,
        "caption": block.caption,
        "sql": block.sql or None,
        "columns": list(block.columns),
        "rows": [list(row) for row in block.rows],
    }


def _gallery(block: blocks.Gallery, reading: Reading) -> dict[str, Any]:
    return {
        "name": block.name,
        "title": block.title,
        "caption": block.caption,
        "conditions": block.conditions,
        "sql": block.sql,
        **_frame(reading.sql(block.sql)),
        "rows": [
            {
                "title": row.title,
                "detail": row.detail,
                "examples": [
                    {
                        "example": tile.example,
                        "label": tile.label,
                        "figures": tile.figures,
                        "image": tile.image,
                    }
                    for tile in row.tiles
                ],
            }
            for row in block.rows
        ],
    }


def _findings(block: blocks.Findings, _: Reading) -> dict[str, Any]:
    """The findings as they are shown; their numbers stand in ``findings`` at the top."""
    shown = (
        "name",
        "claim",
        "headline",
        "verdict",
        "provisional",
        "meaning",
        "sentence",
        "evidence",
        "query",
    )
    items = [asdict(item) for item in block.items]
    return {"items": [{name: item[name] for name in shown} for item in items]}


def _snippet(block: blocks.Snippet, _: Reading) -> dict[str, Any]:
    return {key: value for key, value in asdict(block).items() if key != "kind"}


_BLOCKS: Final[dict[str, Callable[[Any, Reading], dict[str, Any]]]] = {
    "text": _text,
    "note": _text,
    "figure": _figure,
    "table": _table,
    "gallery": _gallery,
    "findings": _findings,
    "snippet": _snippet,
}


def _frame(frame: pl.DataFrame) -> dict[str, Any]:
    """Columns with their kinds, and the rows as objects."""
    kinds = {name: _kind(dtype) for name, dtype in frame.schema.items()}
    return {
        "columns": [{"name": name, "type": kind} for name, kind in kinds.items()],
        "data": frame.to_dicts(),
    }


def _kind(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return "boolean"
    # DuckDB's sums of whole numbers are HUGEINT, which Polars has as a decimal without places.
    if dtype.is_integer() or (isinstance(dtype, pl.Decimal) and dtype.scale == 0):
        return "integer"
    if dtype.is_numeric():
        return "number"
    return "array" if isinstance(dtype, pl.List | pl.Array) else "string"


def _plain(value: Any) -> Any:
    """``value`` as JSON knows it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.hex() if isinstance(value, bytes) else str(value)
