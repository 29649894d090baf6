"""Accuracy and mean memorisation against model size."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.charts import theme

_QUANTITIES: Final = {
    "memorization": "memorisation",
    "accuracy_in": "trained on it, p_in",
    "accuracy_out": "held out, p_out",
    "accuracy_test": "test images",
}


def accuracy(study: theme.Tables) -> theme.AnyChart:
    """Mean p_in, p_out, their difference and test accuracy by size, one panel each.

    Hollow points are sizes that are not saturated: mean p_in is below .99 there.
    """
    table = study.table("accuracy")
    if table.is_empty():
        return theme.nothing("No models in this study.")
    sizes = theme.in_order(table)
    frame = theme.with_objective_titles(_long(table))
    scale = theme.objective_scale(frame["objective"].unique(maintain_order=True).to_list())
    base = alt.Chart(frame).encode(
        x=theme.size_axis(sizes), color=alt.Color("objective:N", scale=scale)
    )
    y = alt.Y(
        "value:Q", title="mean over examples", scale=alt.Scale(zero=False, nice=False, padding=8)
    )
    tooltip = theme.tooltip(
        "objective",
        "size",
        "quantity",
        "value:.4f",
        "low:.4f",
        "high:.4f",
        "parameters",
        "n_models",
        "saturated",
    )
    layers = alt.layer(
        base.mark_line(strokeWidth=1.8).encode(y=y),
        base.mark_rule().encode(y=alt.Y("low:Q", title="mean over examples"), y2="high:Q"),
        theme.dots(base.encode(y=y, tooltip=tooltip), "datum.saturated", "objective:N", scale),
    ).properties(width=300, height=190)
    chart = theme.panels(layers, "quantity", list(_QUANTITIES.values()), columns=2)
    return theme.finish(
        chart.resolve_scale(y="independent"),
        "Accuracy and mean memorisation by model size",
        panel=190,
        count=len(_QUANTITIES),
    )


def _long(table: pl.DataFrame) -> pl.DataFrame:
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
