"""How scores are distributed at each size: histograms and measures of bi-modality."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.charts import theme

_MEASURES: Final = {
    "polarisation": "polarisation",
    "low_mass": "share of scores ≤ .1",
    "high_mass": "share of scores ≥ .9",
    "upper_mode_ratio": "upper-mode ratio",
}
_NOISE_REMOVED: Final = "noise removed"
_PLAIN: Final = "plain"


def memorization_histogram(study: theme.Tables) -> theme.AnyChart:
    """Histogram of the memorisation score at each size, on a square-root axis.

    Bars are models trained on labels, the stepped line is distilled models.
    """
    table = theme.in_tenths(study.table("memorization_histogram"), "bin")
    if table.is_empty():
        return theme.nothing("No example was both trained on and held out.")
    sizes = theme.in_order(table)
    low = float(table.filter(pl.col("n_examples") > 0)["bin_low"].to_numpy().min(initial=0))
    frame = theme.with_objective_titles(table.filter(pl.col("bin_low") >= low))
    titles = frame["objective"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "share:Q",
            title="share of examples (square-root axis)",
            scale=alt.Scale(type="sqrt"),
            axis=alt.Axis(
                format="%", values=[0, 0.01, 0.05, 0.15, 0.3, 0.5, 0.75], labelOverlap=False
            ),
        ),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles)),
        tooltip=theme.tooltip(
            "objective", "size", "bin_low:.2f", "bin_high:.2f", "n_examples", "share:.2%"
        ),
    )
    x = alt.X(
        "bin_low:Q",
        bin="binned",
        title="memorisation score",
        scale=alt.Scale(domain=[low, 1], nice=False),
        axis=alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format=".1f"),
    )
    bars = (
        base.mark_bar(binSpacing=1, opacity=0.88)
        .encode(x=x, x2="bin_high:Q")
        .transform_filter(alt.datum.objective == titles[0])
    )
    steps = (
        base.transform_filter(alt.datum.objective != titles[0])
        .transform_calculate(middle="(datum.bin_low + datum.bin_high) / 2")
        .mark_line(interpolate="step", strokeWidth=1.6)
        .encode(x=alt.X("middle:Q", scale=alt.Scale(domain=[low, 1], nice=False)))
    )
    layers = alt.layer(bars, steps).properties(width=200, height=170)
    chart = theme.panels(layers, "size", sizes, columns=min(len(sizes), 3))
    return theme.finish(chart, "Memorisation scores by model size", panel=170, count=len(sizes))


def bimodality(study: theme.Tables) -> theme.AnyChart:
    """Measures of bi-modality by size, noise removed (solid) and plain (dashed)."""
    table = study.table("bimodality")
    if table.is_empty():
        return theme.nothing("No measure of bi-modality: too few examples or groups of models.")
    sizes = theme.in_order(table)
    frame = theme.with_objective_titles(_long(table))
    scale = theme.objective_scale(frame["objective"].unique(maintain_order=True).to_list())
    base = alt.Chart(frame).encode(
        x=theme.size_axis(sizes), color=alt.Color("objective:N", scale=scale)
    )
    y = alt.Y("value:Q", title="measure", scale=alt.Scale(zero=True, nice=False, padding=8))
    lines = base.mark_line(strokeWidth=1.8).encode(
        y=y,
        strokeDash=alt.StrokeDash(
            "estimator:N", scale=alt.Scale(domain=[_NOISE_REMOVED, _PLAIN], range=[[1, 0], [4, 3]])
        ),
    )
    tooltip = theme.tooltip(
        "objective", "size", "measure", "estimator", "value:.3f", "low:.3f", "high:.3f", "n_groups"
    )
    points = theme.dots(
        base.encode(y=y, tooltip=tooltip),
        f"datum.estimator == '{_NOISE_REMOVED}'",
        "objective:N",
        scale,
    )
    rules = base.mark_rule().encode(y=alt.Y("low:Q", title="measure"), y2="high:Q")
    layers = alt.layer(lines, rules, points).properties(width=300, height=180)
    chart = theme.panels(layers, "measure", list(_MEASURES.values()), columns=2)
    return theme.finish(
        chart.resolve_scale(y="independent"),
        "Bi-modality of the scores by model size",
        panel=190,
        count=len(_MEASURES),
    )


def _long(table: pl.DataFrame) -> pl.DataFrame:
    kept = ("objective", "size", "size_rank", "n_groups")
    plain = {f"{name}_plain": title for name, title in _MEASURES.items()}
    return pl.concat(
        table.select(
            *kept,
            pl.lit(title).alias("measure"),
            pl.lit(estimator).alias("estimator"),
            pl.col(name).alias("value"),
            pl.col(f"{name}_low").alias("low"),
            pl.col(f"{name}_high").alias("high"),
        )
        for columns, estimator in ((_MEASURES, _NOISE_REMOVED), (plain, _PLAIN))
        for name, title in columns.items()
        if name in table.columns
    ).sort("objective", "size_rank", maintain_order=True)
