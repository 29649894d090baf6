"""Small pictures made here: thumbnails as data URIs, curves and intervals as inline SVG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

_WIDTH: Final = 72
_HEIGHT: Final = 26
_PAD: Final = 3


def data_uri(image: bytes | None) -> str | None:
    """A PNG as a data URI, or None where there is no image."""
    if not image:
        return None
    return "data:image/png;base64," + base64.b64encode(image).decode()


def curve(values: Sequence[float | None], colour: str) -> str:
    """A score over sizes as a small SVG; the axis runs from −0.1 to 1, the faint line is 0.

    ``colour`` is the name of one of the page's custom properties.
    """
    step = (_WIDTH - 2 * _PAD) / max(len(values) - 1, 1)
    points = [
        (_PAD + i * step, _level(value)) for i, value in enumerate(values) if value is not None
    ]
    if not points:
        return ""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.9"/>' for x, y in points)
    zero = _level(0)
    return (
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" style="color:var(--{colour})" '
        f'aria-hidden="true"><line class="zero" x1="0" x2="{_WIDTH}" y1="{zero:.1f}" '
        f'y2="{zero:.1f}"/><polyline points="{line}"/>{dots}</svg>'
    )


def whisker(estimate: float | None, low: float | None, high: float | None) -> str:
    """An estimate with its interval against zero as a small SVG; empty where one is missing."""
    if estimate is None or low is None or high is None:
        return ""
    start, end = min(low, 0.0), max(high, 0.0)
    room = (end - start) * 0.08 or 1.0
    scale = 240 / (end - start + 2 * room)

    def place(value: float) -> str:
        return f"{(value - start + room) * scale:.1f}"

    zero = place(0)
    return (
        '<svg class="whisker" viewBox="0 0 240 34" aria-hidden="true">'
        '<line class="axis" x1="0" x2="240" y1="12" y2="12"/>'
        f'<line class="zero" x1="{zero}" x2="{zero}" y1="3" y2="20"/>'
        f'<line class="reach" x1="{place(low)}" x2="{place(high)}" y1="12" y2="12"/>'
        f'<circle cx="{place(estimate)}" cy="12" r="5"/>'
        f'<text x="{zero}" y="32">0</text></svg>'
    )


def _level(value: float) -> float:
    share = (min(max(value, -0.1), 1.0) + 0.1) / 1.1
    return _HEIGHT - _PAD - share * (_HEIGHT - 2 * _PAD)
