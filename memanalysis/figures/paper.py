"""The look of charts in a paper: white, a column wide, how many models below the title."""

from __future__ import annotations

import textwrap
from typing import Any, Final, Literal, cast, get_args

import altair as alt
import polars as pl

from memanalysis.figures import theme

Look = Literal["screen", "paper"]
# Of a two-column paper: 3.33 inches at 96 pixels each, of which axis labels take some.
_COLUMN: Final = 320
_PAPER_PANEL: Final = 146  # with its axis labels
_GAP: Final = 26
_PAPER_TEXT: Final = 10
_COUNTED: Final = {"n_models": "models", "n_examples": "examples"}
_look: Look = "screen"


def use(look: Look) -> None:
    """Draw charts for the ``"screen"``, as they are at first, or for a ``"paper"``.

    On paper they are white, as wide as one of two columns, and say below their title of how many
    models or examples each estimate is; error bars are as on the screen. The report is not changed.

    Raises
    ------
    ValueError
        If there is no such look.
    """
    global _look
    if look not in get_args(Look):
        raise ValueError(f"There is no look {look!r}; there are: {', '.join(get_args(Look))}.")
    _look = look


def is_asked() -> bool:
    """True if charts are drawn for a paper."""
    return _look == "paper"


def drawn(chart: theme.AnyChart, frame: pl.DataFrame) -> theme.AnyChart:
    """``chart`` of ``frame`` as ``use("paper")`` says. Changes ``chart`` itself."""
    panels, inner = 1, chart
    if isinstance(chart, alt.FacetChart):
        inner = cast("theme.AnyChart", chart.spec)
        fitting = (_COLUMN + _GAP) // (_PAPER_PANEL + _GAP)
        panels = chart.columns = min(int(chart.columns or 1), fitting)
    width = round((_COLUMN + _GAP) / panels - _GAP - theme.LABEL_WIDTH)
    before, height = getattr(inner, "width", None), getattr(inner, "height", None)
    if isinstance(before, int) and isinstance(height, int):
        inner.height = round(height * width / before)
    inner.width = width
    chart.config = alt.Config(**_config())
    counts = [_counts(frame[name], noun) for name, noun in _COUNTED.items() if name in frame]
    title = chart.title if isinstance(chart.title, alt.Title) else alt.Title(chart.title)
    title.subtitle = textwrap.wrap("; ".join(filter(None, counts)), theme.TITLE_LENGTH * 3 // 4)
    title.text = textwrap.wrap(" ".join(_lines_of(title.text)), theme.TITLE_LENGTH * 2 // 3)
    chart.title = title
    return chart


def _lines_of(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text


def _counts(values: pl.Series, noun: str) -> str:
    there = values.drop_nulls().cast(pl.Int64).to_list()
    if not there:
        return ""
    low, high = min(there), max(there)
    return f"n = {low:,} {noun}" if low == high else f"n = {low:,} to {high:,} {noun}"


def _config() -> dict[str, Any]:
    whole = theme.config()
    sizes = {"labelFontSize": _PAPER_TEXT, "titleFontSize": _PAPER_TEXT}
    black = {"labelColor": "#000000", "titleColor": "#000000"}
    return {
        **whole,
        "background": "#ffffff",
        "axis": {**whole["axis"], **sizes, **black},
        "legend": {**whole["legend"], **sizes, **black, "columns": 3},
        "title": {
            **whole["title"], "fontSize": _PAPER_TEXT + 1, "subtitleFontSize": _PAPER_TEXT,
            "color": "#000000", "subtitleColor": "#000000",
        },
    }  # fmt: skip
