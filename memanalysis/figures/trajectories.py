"""How the scores of single examples change with size: shares of shapes and their curves."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, sizes, theme

_SHARE_TOOLTIP: Final = theme.tooltip(
    *("objective", "category", "share:.2%", "share_low:.2%", "share_high:.2%"),
    *("noise_share:.2%", "alpha", "n_examples", "n_groups"),
)
_CURVES: Final = {
    "memorization": "memorisation",
    "accuracy_in": "trained on it, p_in",
    "accuracy_out": "held out, p_out",
}


def trajectory_shares(
    study: theme.Tables, rule: str = "shape", alpha: float | None = None
) -> theme.AnyChart:
    """Share of examples with each trajectory shape, with the share that noise alone produces.

    ``rule`` is ``shape``, ``direction`` or ``threshold`` as in the relation, ``alpha`` the smallest
    change that counts, by default the study's.
    """
    table = study.table("trajectory_shares").filter(pl.col("rule") == rule)
    chosen = _alpha(study) if alpha is None else alpha
    frame = theme.compared_objectives(table.filter(pl.col("alpha").eq_missing(chosen)))
    if frame.is_empty():
        return theme.nothing("No trajectories: they need at least two sizes and enough models.")
    categories = theme.known_order(frame["category"].to_list(), theme.SHAPES)
    objectives = frame["objective"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame).encode(
        y=alt.Y("category:N", sort=categories, title=None, axis=alt.Axis(labelFontSize=12)),
        tooltip=_SHARE_TOOLTIP,
    )
    x = alt.X(
        "share:Q",
        title="share of training examples",
        scale=alt.Scale(domainMin=0),
        axis=alt.Axis(format="%", grid=True, tickCount=5),
    )
    ink = theme.colour("ink")
    layers = alt.layer(
        base.mark_bar(height=15, cornerRadiusEnd=2).encode(
            x=x,
            color=alt.Color("category:N", scale=theme.category_scale(categories), legend=None),
        ),
        *marks.across_bars(base, "share_low", "share_high"),
        base.mark_tick(color=ink, thickness=2.5, height=24, opacity=1).encode(x="noise_share:Q"),
    ).properties(width=300, height=alt.Step(30))
    chart = theme.panels(layers, "objective", objectives, columns=2)
    title = "What becomes of a score as models grow"
    return theme.finish(chart, title, panel=270, count=len(objectives))


def trajectory_sweep(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Share of each shape for every α, filled with intervals, hollow by the plain threshold rule.

    Dashed (dotted) lines are the shares that noise alone produces.
    """
    table = study.table("trajectory_shares").filter(
        pl.col("objective") == objective, pl.col("rule").is_in(["shape", "threshold"])
    )
    if table.is_empty():
        return theme.nothing("No trajectories: they need at least two sizes and enough models.")
    shapes = theme.known_order(table["category"].to_list(), theme.SHAPES)
    scale = theme.category_scale(shapes)
    base = alt.Chart(table).encode(
        x=alt.X(
            "alpha:Q",
            title="smallest change α",
            scale=alt.Scale(domainMin=0),
            axis=alt.Axis(tickCount=4),
        ),
        color=alt.Color("category:N", scale=scale, legend=None),
        detail="rule:N",
    )
    y = alt.Y("share:Q", title="share of examples", axis=alt.Axis(format="%"))
    noise = alt.condition("datum.rule == 'shape'", alt.value([4, 3]), alt.value([1, 3]))
    layers = alt.layer(
        base.mark_line(strokeWidth=1.2).encode(y=alt.Y("noise_share:Q"), strokeDash=noise),
        base.mark_line(strokeWidth=1.6).encode(y=y),
        base.mark_rule().encode(y=alt.Y("share_low:Q"), y2="share_high:Q"),
        marks.dots(
            base.encode(y=y, tooltip=[*theme.tooltip("rule"), *_SHARE_TOOLTIP]),
            "datum.rule == 'shape'",
            alt.Fill("category:N", scale=scale),
            size=38,
        ),
    ).properties(width=170, height=150)
    chart = theme.own_scales(theme.panels(layers, "category", shapes, columns=min(len(shapes), 4)))
    return theme.finish(chart, "The same shares for other α", panel=120, count=len(shapes))


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
        x=theme.size_axis(theme.in_order(table), labels=sizes.labels(study, objective)),
        y=alt.Y("value:Q", title="mean over examples of the shape"),
        color=alt.Color("shape:N", scale=theme.category_scale(shapes)),
        tooltip=theme.tooltip("shape", "size", "quantity", "value:.3f", "n_examples"),
    )
    layers = alt.layer(base.mark_line(), base.mark_point(size=36)).properties(width=230, height=230)
    chart = theme.panels(layers, "quantity", list(_CURVES.values()), columns=3)
    title = "Mean curves of each trajectory shape"
    return theme.finish(chart, title, panel=220, count=len(_CURVES))


def example_curves(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Scores by size of the strongest examples of each shape, one thin line per example."""
    table = study.table("strongest_examples").filter(
        pl.col("objective") == objective, pl.col("shape") != "undetermined"
    )
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
            x=theme.size_axis(theme.in_order(frame), labels=sizes.labels(study, objective)),
            y=alt.Y("memorization:Q", title="memorisation score"),
            color=alt.Color("shape:N", scale=theme.category_scale(shapes), legend=None),
            detail="example_id:N",
            tooltip=theme.tooltip("example_id", "class_name", "size", "memorization:.3f"),
        )
        .properties(width=220, height=190)
    )
    chart = theme.panels(lines, "shape", shapes, columns=min(len(shapes), 3))
    return theme.finish(chart, "The strongest examples of each shape", panel=165, count=len(shapes))


def example_curves_by_class(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Scores by size of the strongest examples of each class, one line per example.

    At most three of each shape that moves; of more than 12 classes those where most examples move.
    """
    table = study.table("strongest_examples_by_class").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing("No example has a shape other than fixed or undetermined.")
    shapes = theme.known_order(table["shape"].to_list(), theme.SHAPES)
    frame = table.sort("label").select(
        "class_name", "shape", "rank", "example_id", "size", "size_rank", "memorization"
    )
    classes = frame["class_name"].unique(maintain_order=True).to_list()
    lines = (
        alt.Chart(frame)
        .mark_line(strokeWidth=1.4, opacity=0.75, strokeJoin="round")
        .encode(
            x=theme.size_axis(theme.in_order(frame), labels=sizes.labels(study, objective)),
            y=alt.Y("memorization:Q", title="memorisation score"),
            color=alt.Color("shape:N", scale=theme.category_scale(shapes)),
            detail="example_id:N",
            tooltip=theme.tooltip("example_id", "class_name", "shape", "size", "memorization:.3f"),
        )
        .properties(width=130, height=130)
    )
    chart = theme.panels(lines, "class_name", classes, columns=min(len(classes), 4))
    return theme.finish(
        chart, "The strongest examples of each class", panel=165, count=len(classes)
    )


def _alpha(study: theme.Tables) -> float | None:
    """The α of the study's trajectories: the one that their directions are computed at."""
    table = study.table("trajectory_shares").filter(pl.col("rule") == "direction")
    return None if table.is_empty() else table["alpha"][0]
