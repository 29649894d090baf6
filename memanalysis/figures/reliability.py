"""How much of what is measured would be seen again with new models."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, theme

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


def reliability(study: theme.Tables, objective: str | None = None) -> theme.AnyChart:
    """Reliability with all models, by quantity, signal and size; the line marks 0.8.

    ``objective`` is ``one_hot`` unless the study has none; changes by distillation are those of
    every distilled objective.
    """
    frame = _latest(_of(study.table("reliability"), objective))
    if frame.is_empty():
        return theme.nothing(_NONE)
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
    return _paneled(layers, frame, "How much of the spread is signal")


def reliability_growth(study: theme.Tables, objective: str | None = None) -> theme.AnyChart:
    """Reliability of right or wrong against the number of models, by quantity and size."""
    frame = _of(study.table("reliability"), objective).filter(
        pl.col("signal") == SIGNALS["correctness"]
    )
    if frame.is_empty():
        return theme.nothing(_NONE)
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
    return _paneled(layers, frame, "What more models bring")


def _of(table: pl.DataFrame, objective: str | None) -> pl.DataFrame:
    """Rows of one objective, and of the distilled ones for what distillation changes."""
    objectives = theme.known_order(table["objective"].to_list(), theme.OBJECTIVES)
    chosen = objective or (objectives[0] if objectives else "")
    kept = table.filter(
        (pl.col("quantity") == "distillation") & (pl.col("objective") != "one_hot")
        | (pl.col("quantity") != "distillation") & (pl.col("objective") == chosen),
        pl.col("reliability").is_not_null(),
    )
    # Variants of distillation would lie on each other: the main one stands for them.
    distilled = kept.filter(pl.col("quantity") == "distillation")["objective"].to_list()
    main = theme.known_order(distilled, theme.OBJECTIVES)[:1]
    return kept.filter(
        (pl.col("quantity") != "distillation") | pl.col("objective").is_in(main)
    ).with_columns(
        pl.col("quantity").replace(QUANTITIES),
        pl.col("signal").replace(SIGNALS),
        pl.col("size").fill_null(_ALL_SIZES),
    )


def _latest(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with all groups of models."""
    keys = ["objective", "size", "quantity", "signal"]
    return frame.filter(pl.col("n_groups") == pl.col("n_groups").max().over(keys))


def _sizes(frame: pl.DataFrame) -> list[str]:
    changes = [_ALL_SIZES] if (frame["size"] == _ALL_SIZES).any() else []
    return [*theme.in_order(frame), *changes]


def _scale(sizes: list[str]) -> alt.Scale:
    named = [size for size in sizes if size != _ALL_SIZES]
    colours = theme.size_colours(len(named)) + [theme.colour("inside")] * (len(sizes) - len(named))
    return alt.Scale(domain=sizes, range=colours)


def _paneled(layers: theme.AnyChart, frame: pl.DataFrame, title: str) -> theme.AnyChart:
    quantities = theme.known_order(frame["quantity"].to_list(), list(QUANTITIES.values()))
    chart = theme.panels(layers, "quantity", quantities, columns=3)
    return theme.finish(chart, title, panel=260, count=len(quantities))


def _tooltip() -> list[alt.Tooltip]:
    return theme.tooltip(
        *("quantity", "signal", "size", "objective", "reliability:.3f", "correlation:.3f"),
        *("std_error:.3f", "n_models", "n_groups", "n_examples"),
    )
