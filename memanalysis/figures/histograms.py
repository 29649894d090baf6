"""How scores are distributed at each size: as estimated, and with their noise removed."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis import wording
from memanalysis.figures import theme
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import OBJECTIVES_IN_ORDER, compared, within_one

_TICKS: Final = (0, 0.01, 0.05, 0.15, 0.3, 0.5, 0.75)

# From the lowest score up. A height is a density times the width of the widest bin, which is that
# of all but the ones at the ends: the share in the bin, but for the narrower ones at the ends,
# which are as high as the same density.
_BINS: Final = """bins as (
    select
        * exclude (lowest, widest), density * widest as height
    from (
        select
            *,
            least(min(bin_low) filter (where n_examples > 0) over (), 0) as lowest,
            max(bin_high - bin_low) over () as widest
        from memorization_histogram
    )
    where bin_low >= lowest
)"""

_HISTOGRAM_QUERY: Final = f"""
with {_BINS}
select objective, size, size_rank, round(bin_low, 6) as bin_low, round(bin_high, 6) as bin_high,
    n_examples, round(share, 6) as share, round(height, 6) as height
from {compared("bins")}
order by {OBJECTIVES_IN_ORDER}, size_rank, bin_low"""

# Shares below 0 are intervals of bins with next to nothing in them.
_CURVE: Final = ",\n        ".join(
    f"{within_one(share)} / (bin_high - bin_low) * widest as {height}"
    for share, height in (("share", "curve"), ("share_low", "low"), ("share_high", "high"))
)
_DENSITY_QUERY: Final = f"""
with {_BINS},
fitted as (
    from memorization_density
    where objective = $objective
),
bars as (
    select size, size_rank, bin_low, bin_high, height, share
    from bins
    where objective = $objective and size in (select size from fitted)
),
span as (
    select least(min(bin_low), 0) as lowest, max(bin_high - bin_low) as widest
    from bars
),
curve as (
    select size, size_rank, n_examples, n_groups, (bin_low + bin_high) / 2 as score,
        {_CURVE}
    from fitted, span
    where bin_high > lowest
)
select size, size_rank, round(bin_low, 6) as bin_low, round(bin_high, 6) as bin_high,
    round(share, 6) as share, round(height, 6) as height, round(score, 6) as score,
    round(curve, 6) as curve, round(low, 6) as low, round(high, 6) as high, n_examples, n_groups
from (
    from bars
    union all by name
    from curve
)
order by size_rank, score nulls first, bin_low"""


def share_axis(field: str = "height") -> alt.Y:
    """Shares of examples on a square-root axis, which keeps small ones visible beside a peak."""
    return alt.Y(
        f"{field}:Q",
        title="share of examples in the bin",
        scale=alt.Scale(type="sqrt"),
        # With fewer wanted than given, Vega leaves some out.
        axis=alt.Axis(
            format="%", values=list(_TICKS), tickCount=len(_TICKS) + 1, labelOverlap=False
        ),
    )


def domain(bins: pl.DataFrame) -> list[float]:
    """From the lowest edge of ``bins`` to the highest."""
    return [float(bins["bin_low"].to_numpy().min()), float(bins["bin_high"].to_numpy().max())]


def _draw_histogram(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Histogram of the memorisation score at each size, on a square-root axis.

    Bars are models trained on labels, stepped lines are distilled models. Bins follow the scores
    that are possible; heights are shares of examples in a bin.
    """
    order = theme.in_order(frame)
    titles = theme.values(frame, "objective")
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
    chart = theme.panels(layers, "size", order, min(len(order), 3), asked.stars())
    return theme.finish(chart, panel=150, count=len(order))


def _draw_density(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Scores as estimated (bars), and their distribution with the noise removed (line, band)."""
    order = theme.in_order(frame)
    scale = alt.Scale(domain=domain(frame.drop_nulls("bin_low")), nice=False)
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
    labels = asked.stars(asked["objective"])
    chart = theme.panels(layers, "size", order, min(len(order), 3), labels)
    return theme.finish(chart, panel=130, count=len(order))


def _score(scale: alt.Scale) -> alt.X:
    axis = alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format=".1f")
    return alt.X("bin_low:Q", bin="binned", title="memorisation score", scale=scale, axis=axis)


def _histogram_caption(frame: pl.DataFrame, _: Asked, facts: Facts) -> str:
    objectives = theme.values(frame, "objective")
    step = " Stepped lines are distilled training." if objectives[1:] else ""
    width = wording.number(float((frame["bin_high"] - frame["bin_low"]).to_numpy().max()), 3)
    return (
        "How many training examples have which memorisation score, one panel per size. A score is "
        "a difference of two shares of models, so only some values are possible; bins hold equal "
        f"numbers of them and are {width} wide, less at the ends, where a bar is as high as it is "
        "dense, and the one at 0 is that of examples which being seen does not help. The "
        f"square-root axis keeps small shares visible beside that peak.{step}{_ends(facts)}"
        f"{facts.stars()}"
    )


def _ends(facts: Facts) -> str:
    """How many examples lie at either end at the largest size, in words."""
    rows = facts.sql(
        "select * from bimodality "
        "where low_mass_plain is not null and high_mass_plain is not null "
        "order by objective <> 'one_hot', objective, size_rank desc limit 1"
    )
    if rows.is_empty():
        return ""
    last = rows.row(0, named=True)
    return (
        f" At {last['size']}, with {wording.objective(last['objective'])}, "
        f"{wording.percent(last['low_mass_plain'])} of the examples have a score of at most 0.1 "
        f"and {wording.percent(last['high_mass_plain'])} one of at least 0.9."
    )


def _density_caption(_: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    return (
        "A score from a finite number of models is the true one plus noise, which spreads every "
        "peak to both sides. Bars: scores as estimated, as above. Line: the distribution of true "
        "scores that explains the counts best, noise removed; the band is its 95 % interval over "
        "groups of models. The fit is kept smooth on purpose, so features narrower than about 0.1 "
        f"are not to be read.{facts.stars(asked['objective'])}"
    )


memorization_histogram = Figure(
    name="memorization_histogram",
    title="Memorisation scores by model size",
    query=_HISTOGRAM_QUERY,
    draw=_draw_histogram,
    caption=_histogram_caption,
    nothing="No example was both trained on and held out.",
)
memorization_density = Figure(
    name="memorization_density",
    title="The same with the noise removed",
    query=_DENSITY_QUERY,
    draw=_draw_density,
    caption=_density_caption,
    nothing="The noise of the scores cannot be removed: no counts of models.",
    parameters={"objective": "one_hot"},
)
