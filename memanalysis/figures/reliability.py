"""Reliability: the part of what is measured that new models would show again."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Figure
from memanalysis.figures.fragments import titled

_NONE: Final = "Reliability needs at least two groups of models."
# For readers; the section on reliability says the same.
QUANTITIES: Final = {
    "level": "score at one size",
    "change": "change with size",
    "distillation": "change by distillation",
}
SIGNALS: Final = {
    "correctness": "right or wrong",
    "probability": "label probability",
    "margin": "margin of logits",
    "loss": "loss",
}
_ALL_SIZES: Final = "first to last size"
_PARAMETERS: Final = {"objective": None}

# Of one objective, by default one_hot or else the study's first, and changes by distillation of
# the main distilled one: its variants would lie on each other.
_ROWS: Final = """with known as (
    from reliability
    where reliability is not null
),
shown as (
    from known
    where case
        when quantity = 'distillation' then objective = (
            select objective
            from known
            where quantity = 'distillation' and objective <> 'one_hot'
            order by objective <> 'distilled', objective
            limit 1
        )
        else objective = coalesce($objective, (
            select objective
            from reliability
            order by objective <> 'one_hot', objective <> 'distilled', objective
            limit 1
        ))
    end
)"""
_COLUMNS: Final = f"""objective, {titled("quantity", QUANTITIES)} as quantity,
    {titled("signal", SIGNALS)} as signal, coalesce(size, '{_ALL_SIZES}') as size, size_rank,
    reliability, correlation, std_error, n_models, n_groups, n_examples"""

_LATEST_QUERY: Final = f"""
{_ROWS},
latest as (
    from shown
    qualify n_groups = max(n_groups) over (partition by objective, size, quantity, signal)
)
select {_COLUMNS}
from latest
order by quantity, signal, size_rank"""

_GROWTH_QUERY: Final = f"""
{_ROWS}
select {_COLUMNS}
from shown
where shown.signal = 'correctness'
order by quantity, size_rank, n_models"""


def _draw_latest(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Reliability with all models, by quantity, signal and size; the line marks 0.8.

    ``objective`` is ``one_hot`` unless the study has none; changes by distillation are those of
    the main distilled objective.
    """
    sizes = _sizes(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "signal:N",
            sort=list(SIGNALS.values()),
            title=None,
            scale=alt.Scale(paddingInner=0.4),
        ),
        yOffset=alt.YOffset("size:N", sort=sizes),
        color=alt.Color("size:N", scale=_scale(sizes)),
        tooltip=_tooltip(),
    )
    x = alt.X(
        "reliability:Q",
        title="reliability",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(grid=True, values=[0, 0.2, 0.4, 0.6, 0.8, 1], format="%"),
    )
    layers = alt.layer(
        marks.reference(frame, x=0.8),
        base.mark_point(size=46).encode(x=x),
    ).properties(width=230, height=alt.Step(9))
    return _paneled(layers, frame)


def _draw_growth(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Reliability of right or wrong against the number of models, by quantity and size."""
    sizes = _sizes(frame)
    base = alt.Chart(frame).encode(
        x=alt.X("n_models:Q", title="models of a size", axis=alt.Axis(tickCount=5, tickMinStep=1)),
        color=alt.Color("size:N", scale=_scale(sizes)),
        tooltip=_tooltip(),
    )
    y = alt.Y(
        "reliability:Q",
        title="reliability",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%"),
    )
    layers = alt.layer(
        marks.reference(frame, y=0.8),
        base.mark_line(strokeWidth=1.6).encode(y=y),
        base.mark_point(size=36).encode(y=y),
    ).properties(width=230, height=190)
    return _paneled(layers, frame)


def _sizes(frame: pl.DataFrame) -> list[str]:
    changes = [_ALL_SIZES] if (frame["size"] == _ALL_SIZES).any() else []
    return [*theme.in_order(frame), *changes]


def _scale(sizes: list[str]) -> alt.Scale:
    named = [size for size in sizes if size != _ALL_SIZES]
    colours = theme.size_colours(len(named)) + [theme.colour("inside")] * (len(sizes) - len(named))
    return alt.Scale(domain=sizes, range=colours)


def _paneled(layers: theme.AnyChart, frame: pl.DataFrame) -> theme.AnyChart:
    quantities = theme.known_order(frame["quantity"].to_list(), list(QUANTITIES.values()))
    chart = theme.panels(layers, "quantity", quantities, columns=3)
    return theme.finish(chart, panel=260, count=len(quantities))


def _tooltip() -> list[alt.Tooltip]:
    return theme.tooltip(
        *("quantity", "signal", "size", "objective", "reliability:.3f", "correlation:.3f"),
        *("std_error:.3f", "n_models", "n_groups", "n_examples"),
    )


reliability = Figure(
    name="reliability",
    title="How much of the spread is signal",
    query=_LATEST_QUERY,
    draw=_draw_latest,
    caption=(
        "Share of the spread between examples that would be seen again with as many new models: of "
        "the score at one size, of its change from the smallest size to the largest, and of its "
        "change by distillation (by right or wrong alone). Right or wrong is the score of this "
        "report; the other rows compute it from a number that knows more than right or wrong. "
        "Below the dashed line at 80 %, single examples are hard to tell apart."
    ),
    nothing=_NONE,
    parameters=_PARAMETERS,
)
reliability_growth = Figure(
    name="reliability_growth",
    title="What more models bring",
    query=_GROWTH_QUERY,
    draw=_draw_growth,
    caption=(
        "The same reliability (right or wrong) if the study had fewer models: how it grows, and "
        "whether it has levelled off. Points with fewer than all models are means over random "
        "choices of groups."
    ),
    nothing=_NONE,
    parameters=_PARAMETERS,
)
