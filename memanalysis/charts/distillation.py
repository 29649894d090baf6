"""One-hot against distilled training: scores side by side and what changes."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.charts import theme

_FEWEST: Final = 5
_NONE: Final = "No distilled models beside models trained on labels."
_PARTS: Final = {"from p_in": "inside", "from p_out": "outside"}
_SCORES: Final = {
    "mem < 0.25": "score < .25",
    "0.25 <= mem < 0.5": ".25 ≤ score < .5",
    "mem >= 0.5": "score ≥ .5",
}
_MEASURED: Final = "datum.estimator != 'naive'"
_SELECTED: Final = {
    "one_hot": "chosen on one-hot scores",
    "distilled": "chosen on distilled scores",
}


def distillation_density(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """Joint histogram of one-hot and distilled scores at each size; the line is equality."""
    table = study.table("distillation_density").filter(pl.col("objective") == objective)
    table = theme.in_tenths(table, "one_hot", "distilled")
    if table.is_empty():
        return theme.nothing(_NONE)
    sizes = theme.in_order(table)
    low = float(table.select("one_hot_low", "distilled_low").to_numpy().min())
    scale = alt.Scale(domain=[low, 1], nice=False)
    axis = alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format=".1f", grid=False)
    base = alt.Chart(table)
    cells = base.mark_rect(color=theme.colour("size-5")).encode(
        x=alt.X("one_hot_low:Q", bin="binned", title="score, one-hot", scale=scale, axis=axis),
        x2="one_hot_high:Q",
        y=alt.Y("distilled_low:Q", bin="binned", title="score, distilled", scale=scale, axis=axis),
        y2="distilled_high:Q",
        opacity=alt.Opacity(
            "n_examples:Q",
            title="examples in the cell",
            scale=alt.Scale(type="log", range=[0.18, 1]),
            legend=alt.Legend(values=[1, 10, 100, 1000], symbolType="square"),
        ),
        tooltip=theme.tooltip(
            "size",
            "one_hot_low:.2f",
            "one_hot_high:.2f",
            "distilled_low:.2f",
            "distilled_high:.2f",
            "n_examples",
        ),
    )
    diagonal = (
        theme.once(table)
        .mark_rule(color=theme.colour("muted"), strokeDash=[3, 3], strokeWidth=1)
        .encode(x=alt.datum(low), x2=alt.datum(1), y=alt.datum(low), y2=alt.datum(1))
    )
    layers = alt.layer(cells, diagonal).properties(width=200, height=200)
    chart = theme.panels(layers, "size", sizes, columns=min(len(sizes), 3))
    title = "The same example under both objectives"
    return theme.finish(chart, title, panel=170, count=len(sizes), square=True)


def distillation_change(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """Mean change of the score under distillation by size, split into its two rates."""
    table = study.table("distillation_effects").filter(
        pl.col("objective") == objective, pl.col("grouping") == "all"
    )
    if table.is_empty():
        return theme.nothing(_NONE)
    frame = pl.concat(
        table.with_columns(pl.lit(part).alias("part"), value.alias("value"))
        for part, value in (
            ("from p_in", pl.col("change_in")),
            ("from p_out", -pl.col("change_out")),
            ("change", pl.col("change")),
        )
    ).select("size", "size_rank", "part", "value", "change_low", "change_high", "n_groups")
    base = alt.Chart(frame).encode(x=theme.size_axis(theme.in_order(table)))
    parts = base.mark_bar(opacity=0.85, width={"band": 0.55}).encode(
        y=alt.Y("value:Q", title="mean change of the score", stack="zero"),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(
                domain=list(_PARTS), range=[theme.colour(name) for name in _PARTS.values()]
            ),
        ),
        tooltip=theme.tooltip("size", "part", "value:+.4f"),
    )
    whole = base.transform_filter(alt.datum.part == "change")
    ink = theme.colour("ink")
    layers = alt.layer(
        parts.transform_filter(alt.datum.part != "change"),
        theme.once(frame)
        .mark_rule(color=theme.colour("axis"), strokeWidth=1)
        .encode(y=alt.datum(0)),
        whole.mark_rule(color=ink).encode(y=alt.Y("change_low:Q"), y2="change_high:Q"),
        whole.mark_point(color=ink, size=54).encode(
            y="value:Q",
            tooltip=theme.tooltip(
                "size", "value:+.4f", "change_low:+.4f", "change_high:+.4f", "n_groups"
            ),
        ),
    ).properties(width=460, height=250)
    return theme.finish(layers, "Mean change of the score under distillation")


def distillation_groups(
    study: theme.Tables, grouping: str = "shape", objective: str = "distilled"
) -> theme.AnyChart:
    """Mean change of groups of examples, measured on models that did not choose them.

    Groups of fewer than 5 examples are left out: their intervals would be all there is to see.

    ``grouping`` is ``shape`` (of the trajectory) or ``score`` (memorised or not). Filled points
    leave one group of models out; hollow points, the naive estimate, carry the choice's own noise.
    """
    table = study.table("distillation_effects").filter(
        pl.col("objective") == objective,
        pl.col("grouping") == grouping,
        pl.col("n_examples") >= _FEWEST,
    )
    if table.is_empty():
        return theme.nothing(_NONE)
    frame = table.with_columns(
        pl.col("selected_on").replace(_SELECTED),
        pl.col("category").replace(_SCORES),
    )
    categories = theme.known_order(frame["category"].to_list(), [*theme.SHAPES, *_SCORES.values()])
    chosen = theme.known_order(frame["selected_on"].drop_nulls().to_list(), [*_SELECTED.values()])
    sizes = theme.in_order(frame)
    scale = theme.size_scale(sizes)
    base = alt.Chart(frame).encode(
        y=alt.Y("category:N", sort=categories, title=None),
        yOffset=alt.YOffset("size:N", sort=sizes),
        color=alt.Color("size:N", scale=scale),
    )
    x = alt.X("change:Q", title="mean change of the score", axis=alt.Axis(grid=True, tickCount=5))
    tooltip = theme.tooltip(
        "size",
        "category",
        "selected_on",
        "estimator",
        "change:+.4f",
        "change_low:+.4f",
        "change_high:+.4f",
        "change_in:+.4f",
        "change_out:+.4f",
        "n_examples:.0f",
        "n_groups",
    )
    layers = alt.layer(
        theme.once(frame)
        .mark_rule(color=theme.colour("axis"), strokeWidth=1)
        .encode(x=alt.datum(0)),
        base.transform_filter(_MEASURED)
        .mark_rule()
        .encode(x=alt.X("change_low:Q"), x2="change_high:Q"),
        theme.dots(
            base.encode(x=x, tooltip=tooltip),
            _MEASURED,
            "size:N",
            scale,
            size=40,
        ),
    ).properties(width=330, height=alt.Step(9))
    chart = theme.panels(layers, "selected_on", chosen, columns=2)
    title = f"Change under distillation by {'trajectory shape' if grouping == 'shape' else 'score'}"
    return theme.finish(chart, title, panel=260, count=max(len(chosen), 1))
