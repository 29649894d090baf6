"""Distributions of scores at each size: as estimated, and with their noise removed."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis import numbers, wording
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

# ``above`` is the share of the size's scores above 0.9.
_HISTOGRAM_QUERY: Final = f"""
with {_BINS},
tops as (
    select objective, size, avg((memorization > 0.9)::int) as above
    from memorization
    where split = 'train' and memorization is not null
    group by objective, size
),
told as (
    select bins.*, above
    from bins
    left join tops using (objective, size)
)
select objective, size, size_rank, round(bin_low, 6) as bin_low, round(bin_high, 6) as bin_high,
    n_examples, round(share, 6) as share, round(height, 6) as height, round(above, 6) as above
from {compared("told")}
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
    """Distribution of the memorisation score at each size: one row per size, darker is more.

    Bins follow the scores that are possible; colours are shares of examples in a bin on a
    square-root scale. The number at the right is the share of scores above 0.9.
    """
    titles, order = theme.values(frame, "objective"), theme.in_order(frame)
    apart = theme.told_apart_by(order)
    labels = apart.label(asked.stars()) if apart else asked.stars()
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "size:N",
            sort=order[::-1],
            title=f"model {apart.axis}" if apart else None,
            axis=alt.Axis(labelExpr=labels, ticks=False, domain=False),
        )
    )
    cells = base.mark_rect(color=theme.colour("one-hot")).encode(
        x=_score(alt.Scale(domain=domain(frame), nice=False)),
        x2="bin_high:Q",
        opacity=alt.Opacity(
            "height:Q",
            title="share of examples in the bin",
            scale=alt.Scale(type="sqrt", range=[0, 1]),
            legend=alt.Legend(values=[0.01, 0.1, 0.5], format="%", symbolType="square"),
        ),
        tooltip=theme.tooltip(
            *("objective", "size", "bin_low:.3f", "bin_high:.3f", "n_examples:,.0f", "share:.2%")
        ),
    )
    above = (
        base.transform_aggregate(above="max(above)", groupby=["size", "objective"])
        .mark_text(align="left", dx=6, color=theme.colour("ink"))
        .encode(x=alt.value("width"), text=alt.Text("above:Q", format=".1%"))
    )
    layers = alt.layer(cells, above).properties(width=320, height=alt.Step(24))
    chart = theme.panels(layers, "objective", titles, columns=2)
    return theme.finish(chart, panel=330, count=len(titles))


def _histogram_result(frame: pl.DataFrame, _: Asked) -> str:
    """Number of scores at the upper end, at the first and the last size."""
    mine = frame.filter(pl.col("objective") == frame["objective"][0]).drop_nulls("above")
    ordered = theme.in_order(mine)
    if not ordered:
        return ""
    names = theme.spoken(ordered)
    above = dict(mine.select("size", "above").unique().iter_rows())
    last = f"{numbers.percent(above[ordered[-1]])} of the examples score above 0.9"
    if len(ordered) == 1:
        return f"At {names[ordered[-1]]}, {last}"
    first = numbers.percent(above[ordered[0]]) if above[ordered[0]] else "none"
    return f"At {names[ordered[-1]]}, {last}; at {names[ordered[0]]}, {first}"


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
    width = wording.number(float((frame["bin_high"] - frame["bin_low"]).to_numpy().max()), 2)
    return (
        "Each row is a model size, each cell the share of training examples whose score lies there "
        "(square-root scale, so that small shares stay visible); the number at the right is the "
        "share of scores above 0.9. Near 0, seeing an example makes no difference; near 1, it "
        f"makes all. Bins are {width} wide and follow the scores that are possible."
        f"{facts.stars()}"
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
    result=_histogram_result,
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
