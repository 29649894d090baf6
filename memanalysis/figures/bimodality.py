"""Do scores part into two ends? Measures by size, their trend, and one cluster against two."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, score_ranges, sizes, theme
from memanalysis.figures.histograms import domain, share_axis, widest

_MEASURES: Final = {
    "polarisation": "polarisation",
    "low_mass": "share of scores ≤ 0.1",
    "high_mass": "share of scores ≥ 0.9",
    "upper_mode_ratio": "upper-mode ratio",
    "dip": "Hartigan’s dip",
    "bimodality_coefficient": "Sarle’s coefficient",
}
# These are of the scores as they are; no version without noise exists.
_ALWAYS_PLAIN: Final = ("bimodality_coefficient",)
_TRENDS: Final = tuple(name for name in _MEASURES if name not in _ALWAYS_PLAIN)
_NOISE_REMOVED: Final = "noise removed"
_PLAIN: Final = "plain"
_SIZES: Final = {"all": "all sizes", "saturated": "saturated sizes"}
_FITS: Final = {"expected_one": "one continuum", "expected_two": "two clusters"}
_NONE: Final = "No measure of bi-modality: too few examples or groups of models."


def bimodality(study: theme.Tables) -> theme.AnyChart:
    """Measures of bi-modality by size, noise removed (solid) and plain (dashed)."""
    table = study.table("bimodality")
    if table.is_empty():
        return theme.nothing(_NONE)
    frame = theme.compared_objectives(_long(table))
    scale = theme.objective_scale(frame["objective"].unique(maintain_order=True).to_list())
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(table), labels=sizes.labels(study)),
        color=alt.Color("objective:N", scale=scale),
    )
    y = alt.Y(
        "value:Q", title="value of the measure", scale=alt.Scale(zero=True, nice=False, padding=8)
    )
    tooltip = theme.tooltip(
        "objective", "size", "measure", "estimator", "value:.3f", "low:.3f", "high:.3f", "n_groups"
    )
    fill = alt.Fill("objective:N", scale=scale)
    twice = marks.Twice("estimator", _NOISE_REMOVED, _PLAIN, fill)
    layers = alt.layer(*marks.estimates(base, y, tooltip, twice=twice)).properties(
        width=300, height=180
    )
    chart = theme.panels(layers, "measure", list(_MEASURES.values()), columns=2)
    return theme.finish(
        theme.own_scales(chart),
        "Bi-modality of the scores by model size",
        panel=190,
        count=len(_MEASURES),
    )


def bimodality_trends(study: theme.Tables) -> theme.AnyChart:
    """Change of each measure from the smallest to the largest size, of all and of saturated ones.

    Noise is removed; lines are 95 % intervals.
    """
    table = study.table("bimodality_trends").filter(
        pl.col("statistic").is_in(_TRENDS), pl.col("change").is_not_null()
    )
    if table.is_empty():
        return theme.nothing("No trend of bi-modality: it needs at least two sizes.")
    frame = theme.compared_objectives(table).with_columns(
        pl.col("statistic").replace(_MEASURES), pl.col("sizes").replace(_SIZES)
    )
    titles = frame["objective"].unique(maintain_order=True).to_list()
    measures = theme.known_order(frame["statistic"].to_list(), list(_MEASURES.values()))
    rows = theme.known_order(frame["sizes"].to_list(), list(_SIZES.values()))
    base = alt.Chart(frame).encode(
        y=alt.Y("sizes:N", sort=rows, title=None, axis=alt.Axis(labelFontSize=12)),
        yOffset=alt.YOffset("objective:N", sort=titles),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles)),
    )
    axis = alt.Axis(grid=True, tickCount=4)
    tooltip = theme.tooltip(
        *("objective", "statistic", "sizes", "n_sizes", "first:.3f", "last:.3f"),
        *("change:+.3f", "change_low:+.3f", "change_high:+.3f", "slope:+.4f", "n_groups"),
    )
    layers = alt.layer(
        base.mark_rule(strokeWidth=1.8).encode(
            x=alt.X("change_low:Q", title="last size minus first", axis=axis), x2="change_high:Q"
        ),
        marks.zero(frame, "x"),
        base.mark_point(size=50).encode(x=alt.X("change:Q"), tooltip=tooltip),
    ).properties(width=220, height=84)
    chart = theme.panels(layers, "statistic", measures, columns=2).resolve_scale(x="independent")
    title = "Does bi-modality grow with size?"
    return theme.finish(chart, title, panel=230, count=len(measures))


def held_out_errors(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Held-out error rates of examples (bars) with one fitted Beta distribution and with two."""
    table = study.table("held_out_errors").filter(
        pl.col("objective") == objective, pl.col("expected_one").is_not_null()
    )
    if table.is_empty():
        return theme.nothing("No distribution of held-out errors was fitted in this study.")
    frame = _heights(table)
    order = theme.in_order(frame)
    scale = alt.Scale(domain=domain(frame), nice=False)
    axis = alt.Axis(values=[0, 0.5, 1], format=".1f")
    base = alt.Chart(frame)
    dashes = alt.Scale(domain=list(_FITS.values()), range=[[1, 0], [4, 3]])
    layers = alt.layer(
        base.mark_bar(binSpacing=1, color=theme.colour("outside"), opacity=0.55).encode(
            x=alt.X("bin_low:Q", bin="binned", title="held-out error rate", scale=scale, axis=axis),
            x2="bin_high:Q",
            y=share_axis(),
            tooltip=theme.tooltip("size", "bin_low:.3f", "bin_high:.3f", "n_examples", "share:.2%"),
        ),
        base.transform_fold(list(_FITS.values()), ["fit", "expected"])
        .mark_line(color=theme.colour("ink"), strokeWidth=1.6)
        .encode(
            x=alt.X("rate:Q", scale=scale),
            y=alt.Y("expected:Q"),
            strokeDash=alt.StrokeDash("fit:N", scale=dashes),
            tooltip=theme.tooltip("size", "rate:.2f", "expected:.2%"),
        ),
    ).properties(width=200, height=170)
    labels = sizes.labels(study, objective)
    chart = theme.panels(layers, "size", order, min(len(order), 3), labels)
    return theme.finish(chart, "One continuum or two clusters?", panel=130, count=len(order))


def _heights(table: pl.DataFrame) -> pl.DataFrame:
    """Observed and fitted shares as heights, at the middle of each bin."""
    width = pl.col("bin_high") - pl.col("bin_low")
    heights = (("share", "height"), *_FITS.items())
    return score_ranges.compact(
        table.with_columns(
            *((pl.col(name) / width * widest(table)).alias(height) for name, height in heights),
            ((pl.col("bin_low") + pl.col("bin_high")) / 2).alias("rate"),
        ).drop("objective", "expected_one", "expected_two", "bin")
    )


def _long(table: pl.DataFrame) -> pl.DataFrame:
    """One row per objective, size, measure and estimator."""
    kept = ("objective", "size", "size_rank", "n_groups")
    removed = {name: title for name, title in _MEASURES.items() if name not in _ALWAYS_PLAIN}
    plain = {
        name if name in _ALWAYS_PLAIN else f"{name}_plain": title
        for name, title in _MEASURES.items()
    }
    return pl.concat(
        table.select(
            *kept,
            pl.lit(title).alias("measure"),
            pl.lit(estimator).alias("estimator"),
            pl.col(name).alias("value"),
            pl.col(f"{name}_low").alias("low"),
            pl.col(f"{name}_high").alias("high"),
        )
        for columns, estimator in ((removed, _NOISE_REMOVED), (plain, _PLAIN))
        for name, title in columns.items()
        if name in table.columns
    ).sort("objective", "size_rank", maintain_order=True)
