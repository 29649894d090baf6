"""Accuracy and memorisation against model size: means, and how they spread over examples."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, sizes, theme

_QUANTITIES: Final = {
    "memorization": "memorisation",
    "accuracy_in": "trained on it, p_in",
    "accuracy_out": "held out, p_out",
    "accuracy_test": "test images",
}
_NONE: Final = "No models in this study."


def accuracy(study: theme.Tables) -> theme.AnyChart:
    """Mean p_in, p_out, their difference and test accuracy by size, one panel each.

    Sizes with a star are saturated: mean p_in is at least 0.99 there.
    """
    table = study.table("accuracy")
    if table.is_empty():
        return theme.nothing(_NONE)
    frame = theme.compared_objectives(_means(table))
    scale = theme.objective_scale(frame["objective"].unique(maintain_order=True).to_list())
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(table), labels=sizes.labels(study)),
        color=alt.Color("objective:N", scale=scale),
    )
    y = alt.Y(
        "value:Q", title="mean over examples", scale=alt.Scale(zero=False, nice=False, padding=8)
    )
    tooltip = theme.tooltip(
        *("objective", "size", "quantity", "value:.4f", "low:.4f", "high:.4f"),
        *("parameters", "n_models", "saturated"),
    )
    layers = alt.layer(*marks.estimates(base, y, tooltip)).properties(width=300, height=190)
    chart = theme.panels(layers, "quantity", list(_QUANTITIES.values()), columns=2)
    return theme.finish(
        theme.own_scales(chart),
        "Accuracy and mean memorisation by model size",
        panel=190,
        count=len(_QUANTITIES),
    )


def accuracy_spread(study: theme.Tables) -> theme.AnyChart:
    """How p_in, p_out, memorisation and test accuracy spread over examples at each size.

    Dots are means; broad bars hold the middle half of the examples, thin lines the middle eight of
    ten, upright ticks are medians.
    """
    table = study.table("accuracy_spread")
    if table.is_empty():
        return theme.nothing(_NONE)
    order = theme.in_order(table)
    means = _means(study.table("accuracy")).select("objective", "size", "quantity", "low", "high")
    frame = theme.compared_objectives(
        table.with_columns(pl.col("quantity").replace(_QUANTITIES)).join(
            means, on=["objective", "size", "quantity"], how="left", maintain_order="left"
        )
    )
    titles = frame["objective"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame).encode(
        x=theme.size_axis(order, labels=sizes.labels(study)),
        xOffset=alt.XOffset("objective:N", sort=titles),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles)),
        tooltip=theme.tooltip(
            *("objective", "size", "quantity", "mean:.3f", "low:.3f", "high:.3f", "sd:.3f"),
            *("q10:.2f", "q25:.2f", "q50:.2f", "q75:.2f", "q90:.2f", "n_examples"),
        ),
    )
    y = alt.Y("q10:Q", title="single examples")
    layers = alt.layer(
        base.mark_rule(strokeWidth=1.2).encode(y=y, y2="q90:Q"),
        base.mark_rule(strokeWidth=8, opacity=0.3).encode(y=alt.Y("q25:Q"), y2="q75:Q"),
        base.mark_tick(thickness=2, width=10).encode(y=alt.Y("q50:Q")),
        base.mark_point(size=34).encode(y=alt.Y("mean:Q")),
    ).properties(width=300, height=190)
    chart = theme.panels(layers, "quantity", list(_QUANTITIES.values()), columns=2)
    title = "The same quantities over single examples"
    return theme.finish(chart, title, panel=220, count=len(_QUANTITIES))


def _means(table: pl.DataFrame) -> pl.DataFrame:
    """One row per objective, size and quantity: its mean with its interval."""
    kept = ("objective", "size", "size_rank", "parameters", "n_models", "saturated")
    return pl.concat(
        table.select(
            *kept,
            pl.lit(title).alias("quantity"),
            pl.col(name).alias("value"),
            pl.col(f"{name}_low").alias("low"),
            pl.col(f"{name}_high").alias("high"),
        )
        for name, title in _QUANTITIES.items()
    ).sort("objective", "size_rank", maintain_order=True)
