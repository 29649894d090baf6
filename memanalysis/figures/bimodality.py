"""Do scores part into two ends? Measures by size, their trend, and one cluster against two."""

from __future__ import annotations

from typing import Any, Final

import altair as alt
import polars as pl

from memanalysis import wording
from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import OBJECTIVES_IN_ORDER, compared, titled
from memanalysis.figures.histograms import domain, share_axis

_MEASURES: Final = {
    "polarisation": "polarisation",
    "low_mass": "share of scores ≤ 0.1",
    "high_mass": "share of scores ≥ 0.9",
    "upper_mode_ratio": "upper-mode ratio",
    "dip": "Hartigan’s dip",
    "bimodality_coefficient": "Sarle’s coefficient",
}
# Of the scores as they are; the coefficient has no version without noise.
_PLAIN_COLUMNS: Final = {
    "low_mass": "low_mass_plain",
    "high_mass": "high_mass_plain",
    "dip": "dip_plain",
    "bimodality_coefficient": "bimodality_coefficient",
}
_NOISE_REMOVED: Final = "noise removed"
_PLAIN: Final = "plain"
_SIZES: Final = {"all": "all sizes", "saturated": "saturated sizes"}
_FITS: Final = ("one continuum", "two clusters")


def _long(estimator: str, columns: dict[str, str]) -> str:
    """One row per objective, size and measure by one estimator."""
    listed = ",\n        ".join(
        f"({name}, {name}_low, {name}_high) as '{_MEASURES[measure]}'"
        for measure, name in columns.items()
    )
    return f"""select objective, size, size_rank, measure, '{estimator}' as estimator, value, low,
    high, n_groups
from compared unpivot include nulls (
    (value, low, high) for measure in (
        {listed}
    )
)"""


_TRENDS: Final = {name: name for name in _MEASURES if name != "bimodality_coefficient"}
_MEASURES_QUERY: Final = f"""
with compared as (
    from {compared("bimodality")}
)
{_long(_NOISE_REMOVED, _TRENDS)}
union all
{_long(_PLAIN, _PLAIN_COLUMNS)}
order by {OBJECTIVES_IN_ORDER}, size_rank, estimator, measure"""

_TRENDS_QUERY: Final = f"""
with trends as (
    from bimodality_trends
    where change is not null and statistic in ({", ".join(f"'{name}'" for name in _TRENDS)})
)
select objective, {titled("statistic", _MEASURES)} as statistic, {titled("sizes", _SIZES)} as sizes,
    n_sizes, first, last, change, change_low, change_high, slope, slope_low, slope_high, n_groups
from {compared("trends")}
order by {OBJECTIVES_IN_ORDER}, statistic, sizes"""

# Heights are shares per width of the widest bin, as in the histogram of the scores.
_ERRORS_QUERY: Final = """
with bins as (
    select *, max(bin_high - bin_low) over () / (bin_high - bin_low) as scale
    from held_out_errors
    where objective = $objective and expected_one is not null
)
select size, size_rank, round(bin_low, 6) as bin_low, round(bin_high, 6) as bin_high,
    round((bin_low + bin_high) / 2, 6) as rate, n_examples, round(share, 6) as share,
    round(share * scale, 6) as height, round(expected_one * scale, 6) as "one continuum",
    round(expected_two * scale, 6) as "two clusters"
from bins
order by size_rank, bin_low"""


def _draw_measures(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Measures of bi-modality by size, noise removed (solid) and plain (dashed)."""
    scale = theme.objective_scale(theme.values(frame, "objective"))
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame), labels=asked.stars()),
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
    return theme.finish(theme.own_scales(chart), panel=190, count=len(_MEASURES))


def _draw_trends(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Change of each measure from the smallest to the largest size, of all and of saturated ones.

    Noise is removed; lines are 95 % intervals.
    """
    titles = theme.values(frame, "objective")
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
    return theme.finish(chart, panel=230, count=len(measures))


def _draw_errors(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Held-out error rates of examples (bars) with one fitted Beta distribution and with two."""
    order = theme.in_order(frame)
    scale = alt.Scale(domain=domain(frame), nice=False)
    axis = alt.Axis(values=[0, 0.5, 1], format=".1f")
    base = alt.Chart(frame)
    dashes = alt.Scale(domain=list(_FITS), range=[[1, 0], [4, 3]])
    layers = alt.layer(
        base.mark_bar(binSpacing=1, color=theme.colour("outside"), opacity=0.55).encode(
            x=alt.X("bin_low:Q", bin="binned", title="held-out error rate", scale=scale, axis=axis),
            x2="bin_high:Q",
            y=share_axis(),
            tooltip=theme.tooltip("size", "bin_low:.3f", "bin_high:.3f", "n_examples", "share:.2%"),
        ),
        base.transform_fold(list(_FITS), ["fit", "expected"])
        .mark_line(color=theme.colour("ink"), strokeWidth=1.6)
        .encode(
            x=alt.X("rate:Q", scale=scale),
            y=alt.Y("expected:Q"),
            strokeDash=alt.StrokeDash("fit:N", scale=dashes),
            tooltip=theme.tooltip("size", "rate:.2f", "expected:.2%"),
        ),
    ).properties(width=200, height=170)
    labels = asked.stars(asked["objective"])
    chart = theme.panels(layers, "size", order, min(len(order), 3), labels)
    return theme.finish(chart, panel=130, count=len(order))


def _measures_caption(_: pl.DataFrame, __: Asked, facts: Facts) -> str:
    return (
        "Polarisation; the shares of examples at either end; the upper-mode ratio, "
        "share(0.9, 1] over share(0.7, 0.8], above 1 where the upper end is a peak of its own, "
        "absent where next to no score lies there; "
        "Hartigan’s dip, the distance to the nearest distribution with one peak; Sarle’s "
        "coefficient, which skewness alone lifts and which is here to compare with other work. "
        "Filled points and solid lines have the noise of a finite number of models removed; hollow "
        "points and dashed lines are plain. Upright lines are 95 % intervals over groups of models."
        f"{facts.stars()}"
    )


def _trends_caption(frame: pl.DataFrame, _: Asked, __: Facts) -> str:
    without = (
        ""
        if (frame["sizes"] == _SIZES["saturated"]).any()
        else " Fewer than two sizes are saturated here, so that comparison is not possible."
    )
    return (
        "Each measure at the largest size minus the smallest, noise removed, with 95 % intervals "
        "over groups of models: right of the upright line it grows with size. A small model that "
        "cannot fit an example cannot memorise it either, so growth over all sizes may only say "
        "that larger models fit more; among saturated sizes (right on at least 99 % of what they "
        "were trained on) that "
        f"explanation is gone.{without} A measure that is absent at an end has no row."
        f"{_rise(frame)}"
    )


def _rise(frame: pl.DataFrame) -> str:
    """The rise of polarisation over all sizes and among saturated ones, in words."""
    objective = frame["objective"][0]
    rows = frame.filter(
        pl.col("statistic") == _MEASURES["polarisation"], pl.col("objective") == objective
    )
    by_sizes = {row["sizes"]: row for row in rows.iter_rows(named=True)}
    if _SIZES["all"] not in by_sizes:
        return ""
    text = f" Polarisation with {objective} changes by "
    text += _change(by_sizes[_SIZES["all"]]) + " over all sizes"
    if _SIZES["saturated"] in by_sizes:
        text += f" and by {_change(by_sizes[_SIZES['saturated']])} among the saturated ones"
    return text + "."


def _change(row: dict[str, Any]) -> str:
    interval = wording.interval(row["change_low"], row["change_high"], 2)
    return f"{wording.number(row['change'], 2, signed=True)} ({interval})"


def _errors_caption(_: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    return (
        "Share of training examples by the share of models that get them wrong when held out "
        "(bars), with what one Beta distribution of true error rates expects (solid) and what two "
        "expect (dashed), binomial noise included. Where models fit all they are shown, the "
        f"held-out error rate is the memorisation score.{facts.stars(asked['objective'])}"
    )


bimodality = Figure(
    name="bimodality",
    title="Bi-modality of the scores by model size",
    query=_MEASURES_QUERY,
    draw=_draw_measures,
    caption=_measures_caption,
    nothing="No measure of bi-modality: too few examples or groups of models.",
)
bimodality_trends = Figure(
    name="bimodality_trends",
    title="Does bi-modality grow with size?",
    query=_TRENDS_QUERY,
    draw=_draw_trends,
    caption=_trends_caption,
    nothing="No trend of bi-modality: it needs at least two sizes.",
)
held_out_errors = Figure(
    name="held_out_errors",
    title="One continuum or two clusters?",
    query=_ERRORS_QUERY,
    draw=_draw_errors,
    caption=_errors_caption,
    nothing="No distribution of held-out errors was fitted in this study.",
    parameters={"objective": "one_hot"},
)
