"""Blocks as the data that the PDF's template sets, with their charts and images as files."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import vl_convert

from memanalysis import wording
from memanalysis.figures import theme
from memanalysis.reporting import blocks
from memanalysis.reporting.xml_safe import drawable, xml_text

# Drawn by the font that comes with vl-convert, so that a chart looks the same on every machine.
_FONT: Final = "Liberation Sans"
_UNBROKEN: Final = re.compile(r"\S{25,}")
_PIECE: Final = 12
_BREAK: Final = "\u200b"  # a line may break here
_ROWS_SHOWN: Final = 200
# In characters: a column that needs fewer takes what it needs, if all such columns together leave
# room for the others, which share it by their longest cells.
_NARROW: Final = 26
_ROOM: Final = 90
_WIDEST: Final = 48
_PNG: Final = "data:image/png;base64,"


class Contents:
    """Makes blocks into data; charts and images become files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = 0

    def block(self, block: Any) -> dict[str, Any]:
        """A block as data; one that only a page can show becomes a note."""
        write = self._writers.get(block.kind)
        # Code is copied from a page; from a PDF it comes with broken lines.
        code = isinstance(block, blocks.Snippet) and block.language != "text"
        if write is None or code:
            title = getattr(block, "title", "") or "A further part"
            return {"kind": "note", "text": f"{title}: in the report as HTML."}
        return {"kind": block.kind, **write(self, block)}

    def picture(self, picture: blocks.Picture) -> dict[str, Any]:
        """The picture of the first page: its chart, and its rows of images."""
        return {
            **self._figure(picture.figure),
            "rows": [self._row(row) for row in picture.rows],
        }

    def _text(self, block: blocks.Text | blocks.Note) -> dict[str, Any]:
        return {"text": breakable(block.text)}

    def _figure(self, block: blocks.Figure) -> dict[str, Any]:
        config = theme.config() | {"font": _FONT, "background": "white"}
        chart = vl_convert.vegalite_to_pdf({**drawable(block.spec), "config": config})
        return {
            **_caption(block),
            "chart": self._file(chart, "pdf"),
            "alt": block.title,
            "subtitle": breakable(block.subtitle),
        }

    def _table(self, block: blocks.Table) -> dict[str, Any]:
        return {
            "title": breakable(block.title),
            "caption": breakable(block.caption),
            **_cells(block.columns, block.rows, block.numeric),
        }

    def _gallery(self, block: blocks.Gallery) -> dict[str, Any]:
        return {**_caption(block), "rows": [self._row(row) for row in block.rows]}

    def _row(self, row: blocks.Row) -> dict[str, Any]:
        tiles = [
            {
                "image": self._image(tile.image),
                "alt": tile.alt,
                "label": breakable(shortened(tile.label)),
                "figures": tile.figures,
                "example": breakable(shortened(tile.example)),
            }
            for tile in row.tiles
        ]
        return {
            "title": breakable(shortened(row.title, 120)),
            "detail": breakable(row.detail),
            "colour": theme.LIGHT.get(row.colour, theme.LIGHT["ink"]),
            "tiles": tiles,
        }

    def _findings(self, block: blocks.Findings) -> dict[str, Any]:
        return {"items": [_finding(item) for item in block.items]}

    def _snippet(self, block: blocks.Snippet) -> dict[str, Any]:
        title, caption = breakable(block.title), breakable(block.caption)
        return {"title": title, "caption": caption, "text": breakable(block.text)}

    _writers: Final[dict[str, Callable[[Any, Any], dict[str, Any]]]] = {
        "text": _text,
        "note": _text,
        "figure": _figure,
        "table": _table,
        "gallery": _gallery,
        "findings": _findings,
        "snippet": _snippet,
    }

    def _image(self, uri: str | None) -> str | None:
        if uri is None or not uri.startswith(_PNG):
            return None
        return self._file(base64.b64decode(uri.removeprefix(_PNG)), "png")

    def _file(self, content: bytes, kind: str) -> str:
        self._files += 1
        name = f"{self._files}.{kind}"
        (self._folder / name).write_bytes(content)
        return name


def breakable(text: str) -> str:
    """``text`` on one line, in which runs without a space may break, so that none leaves a page."""
    line = " ".join(xml_text(text).split())
    return _UNBROKEN.sub(_broken, line)


def shortened(text: str, most: int = 60) -> str:
    """At most ``most`` characters, the last of them an ellipsis if some are missing."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _broken(match: re.Match[str]) -> str:
    run = match[0]
    return _BREAK.join(run[i : i + _PIECE] for i in range(0, len(run), _PIECE))


def _caption(block: blocks.Figure | blocks.Gallery) -> dict[str, Any]:
    return {
        "title": breakable(block.title),
        "caption": breakable(block.caption),
        "conditions": breakable(block.conditions),
    }


def _cells(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int]
) -> dict[str, Any]:
    """A table with the relative width of each column; 0 for one that takes what it needs."""
    shown = [list(row) for row in rows[:_ROWS_SHOWN]]
    lengths = [
        max(len(cell) for cell in [column, *(row[i] for row in shown)])
        for i, column in enumerate(columns)
    ]
    return {
        "columns": [breakable(column) for column in columns],
        "body": [[breakable(cell) for cell in row] for row in shown],
        "numeric": list(numeric),
        "widths": _widths(lengths, numeric),
        "cut": f"The first {_ROWS_SHOWN} of {wording.count(len(rows))} rows."
        if len(rows) > _ROWS_SHOWN
        else "",
    }


def _widths(lengths: Sequence[int], numeric: Sequence[int]) -> list[int]:
    fits = sum(length for length in lengths if length <= _NARROW) <= _ROOM
    return [
        0 if i in numeric or (fits and length <= _NARROW) else min(length, _WIDEST)
        for i, length in enumerate(lengths)
    ]


def _finding(item: blocks.Finding) -> dict[str, Any]:
    return {
        "headline": breakable(wording.prose(item.headline)),
        "claim": breakable(wording.prose(item.claim)),
        "verdict": item.verdict,
        "provisional": item.provisional,
        "estimate": item.estimate,
        "interval": item.interval,
        "meaning": breakable(wording.prose(item.meaning)),
        "settling": breakable(item.settling),
        "evidence": item.evidence,
        "evidence_title": item.evidence_title,
    }
