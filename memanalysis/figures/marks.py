"""Marks that many charts draw alike: lines of reference, and estimates over sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import polars as pl

from memanalysis.figures import theme

_DASHED: Final = [4, 3]
_SOLID: Final = [1, 0]


@dataclass(frozen=True)
class Twice:
    """Estimates that a chart shows in two ways: one solid and filled, one dashed and hollow.

    ``fill`` is what colours the filled points: a channel, or ``alt.value``.
    """

    field: str
    solid: str
    hollow: str
    fill: Any

    def dashes(self) -> alt.StrokeDash:
        """The channel that tells the lines apart."""
        scale = alt.Scale(domain=[self.solid, self.hollow], range=[_SOLID, _DASHED])
        return alt.StrokeDash(f"{self.field}:N", scale=scale)


def estimates(
    base: alt.Chart,
    y: alt.Y,
    tooltip: list[alt.Tooltip],
    ends: tuple[str, str] = ("low", "high"),
    *,
    twice: Twice | None = None,
    size: int = 46,
) -> list[alt.Chart]:
    """Line, intervals and points of estimates over sizes, as layers from the back to the front.

    ``base`` says what x and colours are; ``ends`` are the columns of the intervals.
    """
    low, high = ends
    line = base.mark_line(strokeWidth=1.8).encode(y=y)
    interval = base.mark_rule().encode(
        y=alt.Y(f"{low}:Q", title=y["title"]), y2=f"{high}:Q", tooltip=tooltip
    )
    shown = base.encode(y=y, tooltip=tooltip)
    if twice is None:
        return [line, interval, shown.mark_point(size=size)]
    filled = f"datum.{twice.field} == '{twice.solid}'"
    return [
        line.encode(strokeDash=twice.dashes()),
        interval,
        dots(shown, filled, twice.fill, size),
    ]


def across_bars(base: alt.Chart, low: str, high: str) -> list[alt.Chart]:
    """Intervals over lying bars, seen on dark ones too: a line of ink within one of paper."""
    interval = base.encode(x=alt.X(f"{low}:Q"), x2=f"{high}:Q")
    return [
        interval.mark_rule(color=theme.colour("paper"), strokeWidth=4.6),
        interval.mark_rule(color=theme.colour("ink"), strokeWidth=1.6),
    ]


def dots(base: alt.Chart, filled: str, fill: Any, size: int = 46) -> alt.Chart:
    """The rows of ``base`` as points, filled where the Vega expression ``filled`` holds."""
    told = alt.condition(filled, fill, alt.value(theme.LIGHT["paper"]))
    points: alt.Chart = base.mark_point(size=size, filled=False, strokeWidth=1.6).encode(fill=told)
    return points


def zero(frame: pl.DataFrame, channel: str) -> alt.Chart:
    """A solid line where ``channel``, x or y, is 0, in every panel."""
    line = once(frame).mark_rule(color=theme.colour("axis"), strokeWidth=1)
    placed: alt.Chart = line.encode(**{channel: alt.datum(0)})
    return placed


def reference(frame: pl.DataFrame, **place: float) -> alt.Chart:
    """A dashed line in every panel, at a value of ``x`` or ``y``, or from (x, y) to (x2, y2)."""
    line = once(frame).mark_rule(color=theme.colour("muted"), strokeDash=[3, 3], strokeWidth=1)
    placed: alt.Chart = line.encode(**{name: alt.datum(value) for name, value in place.items()})
    return placed


def auc_axis() -> alt.X:
    """Areas under the ROC curve, of 0 to 1."""
    return alt.X(
        "auc:Q",
        title="AUC (0.5 is chance)",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(grid=True, values=[0, 0.25, 0.5, 0.75, 1], format=".2f"),
    )


def once(frame: pl.DataFrame) -> alt.Chart:
    """A chart of ``frame`` with one row per panel, for marks that do not depend on the data."""
    return alt.Chart(frame).transform_aggregate(n="count()")
