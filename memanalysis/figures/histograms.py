"""How scores are distributed at each size: as estimated, and with their noise removed."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import score_ranges, sizes, theme

_TICKS: Final = (0, 0.01, 0.05, 0.15, 0.3, 0.5, 0.75)
_NONE: Final = "No example was both trained on and held out."


def share_axis(field: str = "height") -> alt.Y:
    """Shares of examples on a square-root axis, which keeps small ones visible beside a peak.

    ``field`` is a density times ``widest(bins)``: the share in the bin, but for the narrower ones
    at the ends, which are as high as the same density.
    """
    return alt.Y(
        f"{field}:Q",
        title="share of examples in the bin",
        scale=alt.Scale(type="sqrt"),
        # With fewer wanted than given, Vega leaves some out.
        axis=alt.Axis(
            format="%", values=list(_TICKS), tickCount=len(_TICKS) + 1, labelOverlap=False
        ),
    )


def _bins(study: theme.Tables) -> pl.DataFrame:
    """The histogram from the lowest score up, with ``height`` as ``share_axis`` has it."""
    table = study.table("memorization_histogram")
    low = float(table.filter(pl.col("n_examples") > 0)["bin_low"].to_numpy().min(initial=0))
    return score_ranges.compact(
        table.filter(pl.col("bin_low") >= low)
        .with_columns((pl.col("density") * widest(table)).alias("height"))
        .drop("density", "bin")
    )


def memorization_histogram(study: theme.Tables) -> theme.AnyChart:
    """Histogram of the memorisation score at each size, on a square-root axis.

    Bars are models trained on labels, stepped lines are distilled models. Bins follow the scores
    that are possible; heights are shares of examples in a bin.
    """
    table = _bins(study)
    if table.is_empty():
        return theme.nothing(_NONE)
    order = theme.in_order(table)
    frame = theme.compared_objectives(table)
    titles = frame["objective"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame).encode(
        y=share_axis(),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles)),
        tooltip=theme.tooltip(
            *("objective", "size", "bin_low:.3f", "bin_high:.3f", "n_examples:,.0f", "share:.2%")
        ),
    )
    scale = alt.Scale(domain=domain(frame), nice=False)
    bars = (
        base.mark_bar(binSpacing=1, opacity=0.88)
        .encode(x=_score(scale), x2="bin_high:Q")
        .transform_filter(alt.datum.objective == titles[0])
    )
    steps = (
        base.transform_filter(alt.datum.objective != titles[0])
        .transform_calculate(middle="(datum.bin_low + datum.bin_high) / 2")
        .mark_line(interpolate="step", strokeWidth=1.6)
        .encode(x=alt.X("middle:Q", scale=scale))
    )
    layers = alt.layer(bars, steps).properties(width=200, height=170)
    chart = theme.panels(layers, "size", order, min(len(order), 3), sizes.labels(study))
    return theme.finish(chart, "Memorisation scores by model size", panel=150, count=len(order))


def memorization_density(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Scores as estimated (bars), and their distribution with the noise removed (line, band)."""
    table = study.table("memorization_density").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing("The noise of the scores cannot be removed: no counts of models.")
    bins = _bins(study).filter(
        pl.col("objective") == objective, pl.col("size").is_in(table["size"].unique().to_list())
    )
    low = float(bins["bin_low"].to_numpy().min(initial=0))
    curve = _curve(table.filter(pl.col("bin_high") > low), widest(bins))
    plain = bins.select("size", "size_rank", "bin_low", "bin_high", "height", "share")
    frame = score_ranges.compact(pl.concat([plain, curve], how="diagonal"))
    order = theme.in_order(frame)
    scale = alt.Scale(domain=domain(bins), nice=False)
    base = alt.Chart(frame)
    score = alt.X("score:Q", scale=scale)
    ink = theme.colour("ink")
    tooltip = theme.tooltip("size", "score:.2f", "curve:.2%", "low:.2%", "high:.2%", "n_groups")
    layers = alt.layer(
        base.transform_filter("isValid(datum.bin_low)")
        .mark_bar(binSpacing=1, color=theme.colour("outside"), opacity=0.55)
        .encode(
            x=_score(scale),
            x2="bin_high:Q",
            y=share_axis(),
            tooltip=theme.tooltip("size", "bin_low:.3f", "bin_high:.3f", "share:.2%"),
        ),
        base.transform_filter("isValid(datum.score)")
        .mark_area(color=ink, opacity=0.18, interpolate="step")
        .encode(x=score, y=alt.Y("low:Q"), y2="high:Q"),
        base.transform_filter("isValid(datum.score)")
        .mark_line(color=ink, strokeWidth=1.6, interpolate="step")
        .encode(x=score, y=alt.Y("curve:Q"), tooltip=tooltip),
    ).properties(width=200, height=170)
    labels = sizes.labels(study, objective)
    chart = theme.panels(layers, "size", order, min(len(order), 3), labels)
    return theme.finish(chart, "The same with the noise removed", panel=130, count=len(order))


def _curve(table: pl.DataFrame, per: float) -> pl.DataFrame:
    """The distribution without noise as heights with their limits, at the middle of each bin.

    Heights are shares per ``per`` of the score: the width of the bars' bins.
    """
    width = pl.col("bin_high") - pl.col("bin_low")
    heights = {"share": "curve", "share_low": "low", "share_high": "high"}
    return table.select(
        *("size", "size_rank", "n_examples", "n_groups"),
        ((pl.col("bin_low") + pl.col("bin_high")) / 2).alias("score"),
        # Shares below 0 are intervals of bins with next to nothing in them.
        *((pl.col(n).clip(0, 1) / width * per).alias(height) for n, height in heights.items()),
    )


def widest(bins: pl.DataFrame) -> float:
    """The width of the widest of the bins, which is that of all but the ones at the ends."""
    return float((bins["bin_high"] - bins["bin_low"]).to_numpy().max(initial=0))


def domain(bins: pl.DataFrame) -> list[float]:
    """From the lowest edge of ``bins`` to the highest."""
    return [float(bins["bin_low"].to_numpy().min()), float(bins["bin_high"].to_numpy().max())]


def _score(scale: alt.Scale) -> alt.X:
    axis = alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format=".1f")
    return alt.X("bin_low:Q", bin="binned", title="memorisation score", scale=scale, axis=axis)
