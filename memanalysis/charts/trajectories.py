"""How the scores of single examples change with size: shares of shapes and their curves."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.charts import theme

_CURVES: Final = {
    "memorization": "memorisation, p_in − p_out",
    "accuracy_in": "in the subset, p_in",
    "accuracy_out": "held out, p_out",
}


def trajectory_shares(study: theme.Tables, rule: str = "shape") -> theme.AnyChart:
    """Share of examples with each trajectory shape, with the share that noise alone produces.

    ``rule`` is ``shape``, ``direction`` or ``threshold`` as in the relation.
    """
    table = study.table("trajectory_shares")
    frame = theme.with_objective_titles(table.filter(pl.col("rule") == rule))
    if frame.is_empty():
        return theme.nothing("No trajectories: they need at least two sizes.")
    categories = theme.known_order(frame["category"].to_list(), theme.SHAPES)
    objectives = frame["objective"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame).encode(
        y=alt.Y("category:N", sort=categories, title=None, axis=alt.Axis(labelFontSize=12)),
        tooltip=theme.tooltip(
            "objective",
            "category",
            "share:.2%",
            "share_low:.2%",
            "share_high:.2%",
            "noise_share:.2%",
            "alpha",
            "n_examples",
            "n_groups",
        ),
    )
    x = alt.X(
        "share:Q",
        title="share of training examples",
        scale=alt.Scale(domainMin=0),
        axis=alt.Axis(format="%", grid=True, tickCount=5),
    )
    layers = alt.layer(
        base.mark_bar(height=15, cornerRadiusEnd=2).encode(
            x=x,
            color=alt.Color("category:N", scale=theme.category_scale(categories), legend=None),
        ),
        base.mark_rule(color=theme.colour("ink"), strokeWidth=1.4).encode(
            x=alt.X("share_low:Q"), x2="share_high:Q"
        ),
        base.mark_tick(color=theme.colour("ink"), thickness=2.5, height=24).encode(
            x=alt.X("noise_share:Q")
        ),
    ).properties(width=330, height=alt.Step(30))
    chart = theme.panels(layers, "objective", objectives, columns=2)
    title = "What becomes of a score as models grow"
    return theme.finish(chart, title, panel=270, count=len(objectives))


def trajectories(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Mean memorisation, p_in and p_out by size for each trajectory shape."""
    table = study.table("trajectory_curves").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing("No trajectories: they need at least two sizes.")
    frame = pl.concat(
        table.select(
            "shape",
            "size",
            "size_rank",
            "n_examples",
            pl.lit(title).alias("quantity"),
            pl.col(name).alias("value"),
        )
        for name, title in _CURVES.items()
    )
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(table)),
        y=alt.Y("value:Q", title="mean over examples of the shape"),
        color=alt.Color("shape:N", scale=theme.category_scale(shapes)),
        tooltip=theme.tooltip("shape", "size", "quantity", "value:.3f", "n_examples"),
    )
    layers = alt.layer(base.mark_line(), base.mark_point(size=36)).properties(width=280, height=230)
    chart = theme.panels(layers, "quantity", list(_CURVES.values()), columns=3)
    title = "Mean curves of each trajectory shape"
    return theme.finish(chart, title, panel=220, count=len(_CURVES))


def example_curves(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Scores by size of the strongest examples of each shape, one thin line per example."""
    table = study.table("strongest_examples").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing("No example has a shape other than fixed or undetermined.")
    shapes = theme.known_order(table["shape"].to_list(), theme.SHAPES)
    frame = theme.with_class_names(table, study).select(
        "shape", "rank", "example_id", "class_name", "size", "size_rank", "memorization"
    )
    lines = (
        alt.Chart(frame)
        .mark_line(strokeWidth=1.3, opacity=0.65, point=alt.OverlayMarkDef(size=16))
        .encode(
            x=theme.size_axis(theme.in_order(frame)),
            y=alt.Y("memorization:Q", title="memorisation score"),
            color=alt.Color("shape:N", scale=theme.category_scale(shapes), legend=None),
            detail="example_id:N",
            tooltip=theme.tooltip("example_id", "class_name", "size", "memorization:.3f"),
        )
        .properties(width=220, height=190)
    )
    chart = theme.panels(lines, "shape", shapes, columns=min(len(shapes), 4))
    return theme.finish(chart, "The strongest examples of each shape", panel=180, count=len(shapes))
