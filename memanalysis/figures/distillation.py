"""One-hot against distilled training: both scores of the same example, and their mean change."""

from __future__ import annotations

from typing import Final

import altair as alt
import numpy as np
import polars as pl

from memanalysis import wording
from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import titled

NONE: Final = "No distilled models beside models trained on labels."
OBJECTIVE: Final = {"objective": "distilled"}
PARTS: Final = {"when trained on": "inside", "when held out": "outside"}
_AGAIN: Final = "one-hot again"
_HIGH: Final = 0.45  # where the caption compares both lines: scores of memorised examples
_EDGES: Final = ("one_hot_low", "one_hot_high")

_DENSITY_QUERY: Final = """
select size, size_rank, round(one_hot_low, 6) as one_hot_low,
    round(one_hot_high, 6) as one_hot_high,
    round(distilled_low, 6) as distilled_low, round(distilled_high, 6) as distilled_high, n_examples
from distillation_density
where objective = $objective
order by size_rank, one_hot_low, distilled_low"""

# Columns of fewer than 5 examples show single examples, not a distribution. Of the one-hot scores
# of the other half, whose spread is not drawn, one row has the mean of the column.
_HALVES_QUERY: Final = f"""
select size, size_rank, {titled("compared", {"one_hot": _AGAIN})} as compared,
    round(one_hot_low, 6) as one_hot_low, round(one_hot_high, 6) as one_hot_high,
    round(score_low, 6) as score_low, round(score_high, 6) as score_high,
    round(share_of_one_hot, 6) as share_of_one_hot, n_one_hot, round(mean_score, 6) as mean_score
from (
    from distillation_halves
    where objective = $objective and n_one_hot >= 5
    qualify compared = 'distilled'
        or row_number() over (partition by size, compared, one_hot_low order by score_low) = 1
)
order by compared, size_rank, one_hot_low, score_low"""

# A rise of p_out lowers the score, so its part counts downwards.
_CHANGE_QUERY: Final = """
with effects as (
    select * replace (-change_out as change_out)
    from distillation_effects
    where objective = $objective and "grouping" = 'all'
)
select size, size_rank, part, value, change_low, change_high, n_groups
from (
    select *, change as whole
    from effects
) unpivot include nulls (
    value for part in (
        whole as 'change',
        change_in as 'when trained on',
        change_out as 'when held out'
    )
)
order by part, size_rank"""


def parts_scale() -> alt.Scale:
    """The colours of the two rates that a change is made of."""
    return alt.Scale(domain=list(PARTS), range=[theme.colour(name) for name in PARTS.values()])


def of_setting(title: str, objective: str) -> str:
    """``title``, with the setting's name where ``objective`` is not the main one."""
    name = objective.removeprefix("distilled").removeprefix("_")
    return f"{title} ({name})" if name else title


def _draw_density(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Joint histogram of one-hot and distilled scores at each size; the line is equality."""
    edges = frame.select(*_EDGES, "distilled_low", "distilled_high").to_numpy()
    domain = [float(edges.min()), float(edges.max())]
    cells = _cells(alt.Chart(frame), "distilled", "score, distilled", domain).encode(
        opacity=alt.Opacity(
            "n_examples:Q",
            title="examples in the cell",
            scale=alt.Scale(type="log", range=[0.18, 1]),
            legend=alt.Legend(values=[1, 10, 100, 1000], symbolType="square"),
        ),
        tooltip=_tooltip("distilled", "n_examples"),
    )
    return _squares(alt.layer(cells, _equality(frame, domain)), frame, asked)


def _draw_halves(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Draw the spread of distilled scores at each one-hot score; columns sum to 1.

    Both scores are from opposite halves of the groups of models. The solid line is the mean
    distilled score of a column, the dashed one the mean one-hot score of the other half: what
    noise alone does. Columns of fewer than 5 examples are left out.
    """
    spread = frame.filter(pl.col("compared") == "distilled")
    edges = spread.select(*_EDGES, "score_low", "score_high").to_numpy()
    domain = [float(edges.min(initial=0)), float(edges.max(initial=1))]
    distilled = alt.Chart(frame).transform_filter(alt.datum.compared == "distilled")
    cells = _cells(distilled, "score", "score, other half", domain).encode(
        opacity=alt.Opacity(
            "share_of_one_hot:Q",
            title="share of the column",
            scale=alt.Scale(type="sqrt", domain=[0, 1], range=[0, 0.9]),
            legend=alt.Legend(values=[0.02, 0.1, 0.3, 1], symbolType="square", format="%"),
        ),
        tooltip=_tooltip("score", "share_of_one_hot:.1%", "n_one_hot:,.0f"),
    )
    layers = alt.layer(cells, _equality(frame, domain), _column_means(frame, domain))
    return _squares(layers, frame, asked)


def _column_means(frame: pl.DataFrame, domain: list[float]) -> alt.Chart:
    """The mean compared score of each column, distilled and one-hot again."""
    names = ["distilled", _AGAIN]
    scale = alt.Scale(domain=domain, nice=False)
    ink = theme.colour("ink")
    lines: alt.Chart = (
        alt.Chart(frame)
        .transform_aggregate(
            mean="mean(mean_score)",
            n="max(n_one_hot)",
            groupby=["compared", "one_hot_low", "one_hot_high"],
        )
        .transform_calculate(middle="(datum.one_hot_low + datum.one_hot_high) / 2")
        .mark_line(color=ink, strokeWidth=1.7)
        .encode(
            x=alt.X("middle:Q", scale=scale),
            y=alt.Y("mean:Q", scale=scale),
            strokeDash=alt.StrokeDash(
                "compared:N", scale=alt.Scale(domain=names, range=[[1, 0], [3, 3]])
            ),
            tooltip=theme.tooltip("compared", "middle:.2f", "mean:.3f", "n:,.0f"),
        )
    )
    return lines


def _draw_change(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Mean change of the score under distillation by size, split into its two rates."""
    labels = asked.stars("one_hot", asked["objective"])
    base = alt.Chart(frame).encode(x=theme.size_axis(theme.in_order(frame), labels=labels))
    bars = base.mark_bar(opacity=0.85, width={"band": 0.55}).encode(
        y=alt.Y("value:Q", title="mean change of the score", stack="zero"),
        color=alt.Color("part:N", scale=parts_scale()),
        tooltip=theme.tooltip("size", "part", "value:+.4f"),
    )
    whole = base.transform_filter(alt.datum.part == "change")
    ink = theme.colour("ink")
    layers = alt.layer(
        bars.transform_filter(alt.datum.part != "change"),
        marks.zero(frame, "y"),
        whole.mark_rule(color=ink).encode(y=alt.Y("change_low:Q"), y2="change_high:Q"),
        whole.mark_point(color=ink, size=54).encode(
            y="value:Q",
            tooltip=theme.tooltip(
                "size", "value:+.4f", "change_low:+.4f", "change_high:+.4f", "n_groups"
            ),
        ),
    ).properties(width=460, height=190)
    return theme.finish(layers)


def _change_result(frame: pl.DataFrame, _: Asked) -> str:
    """By how much the mean score changes, over the sizes."""
    changes = frame.filter(pl.col("part") == "change").drop_nulls("value").sort("size_rank")
    if changes.is_empty():
        return ""
    values = changes["value"].to_list()
    signs = {value < 0 for value in values}
    names = theme.spoken(theme.in_order(frame))
    at = {value: names[size] for size, value in changes.select("size", "value").iter_rows()}
    most = max(values, key=abs)
    if len(values) == 1:
        return (
            f"Distillation changes the mean score by {wording.number(most, signed=True)} "
            f"at {at[most]}"
        )
    if len(signs) == 1:
        does = "lowers" if signs == {True} else "raises"
        return (
            f"Distillation {does} the mean score at every size, most at {at[most]} "
            f"({wording.number(most, signed=True)})"
        )
    least = min(values, key=lambda value: value * (1 if most > 0 else -1))
    return (
        f"Distillation changes the mean score by {wording.number(least, signed=True)} at "
        f"{at[least]} to {wording.number(most, signed=True)} at {at[most]}"
    )


def _cells(base: alt.Chart, name: str, title: str, domain: list[float]) -> alt.Chart:
    """Cells of a joint histogram: the one-hot score across, the score ``name`` upwards."""
    ticks = [tick for tick in (-1, -0.5, 0, 0.5, 1) if domain[0] <= tick <= domain[1]]
    scale = alt.Scale(domain=domain, nice=False)
    axis = alt.Axis(values=ticks, format=".1f", grid=False)
    cells: alt.Chart = base.mark_rect(color=theme.colour("size-5")).encode(
        x=alt.X("one_hot_low:Q", bin="binned", title="score, one-hot", scale=scale, axis=axis),
        x2="one_hot_high:Q",
        y=alt.Y(f"{name}_low:Q", bin="binned", title=title, scale=scale, axis=axis),
        y2=f"{name}_high:Q",
    )
    return cells


def _tooltip(name: str, *more: str) -> list[alt.Tooltip]:
    edges = ("one_hot_low:.2f", "one_hot_high:.2f", f"{name}_low:.2f", f"{name}_high:.2f")
    return theme.tooltip("size", *edges, *more)


def _squares(layers: theme.AnyChart, frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """The joint histograms of all sizes, as high as wide."""
    drawn, order = layers.properties(width=200, height=200), theme.in_order(frame)
    labels = asked.stars("one_hot", asked["objective"])
    chart = theme.panels(drawn, "size", order, min(len(order), 3), labels)
    return theme.finish(chart, panel=130, count=len(order), square=True)


def _equality(frame: pl.DataFrame, domain: list[float]) -> alt.Chart:
    low, high = domain
    return marks.reference(frame, x=low, x2=high, y=low, y2=high)


def _density_caption(_: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    return (
        "The score of each example under both objectives, one panel per size; the stronger the "
        "colour, the more examples (log scale), and each cell holds the same number of possible "
        "scores. Below the dashed line, distillation lowers the score. Noise in both scores "
        f"spreads the cloud.{facts.stars('one_hot', asked['objective'])}"
    )


def _halves_caption(frame: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    return (
        "Read column by column: among the examples with this one-hot score, how is the distilled "
        "score distributed? Each column sums to 1, so rare scores are as visible as common ones. "
        "Examples with a high one-hot score were partly lucky, and fall back in any other models. "
        "Therefore both scores come from different halves of the models, and the dashed line shows "
        "the mean score when the other half is trained on labels again. What distillation does is "
        "the distance between the solid line (distilled) and the dashed one, not that to the "
        f"diagonal.{_distance(frame)} Columns of fewer than 5 examples are left out."
        f"{facts.stars('one_hot', asked['objective'])}"
    )


def _distance(frame: pl.DataFrame) -> str:
    """Distance of both lines among memorised examples, over all sizes, in words."""
    columns = (
        frame.filter(pl.col("one_hot_low") >= _HIGH)
        .unique(["size", "compared", "one_hot_low"])
        .pivot("compared", index=["size", "one_hot_low", "n_one_hot"], values="mean_score")
    )
    if not {"distilled", _AGAIN} <= set(columns.columns):
        return ""
    both = columns.drop_nulls(["distilled", _AGAIN])
    if both.is_empty():
        return ""
    weight = both["n_one_hot"].to_numpy()
    apart = float(np.average((both["distilled"] - both[_AGAIN]).to_numpy(), weights=weight))
    side = "below" if apart < 0 else "above"
    return (
        f" For one-hot scores above {_HIGH:g} the solid line is {wording.number(abs(apart))} "
        f"{side} the dashed one on average."
    )


def _change_caption(_: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    return (
        "Mean over all training examples of distilled minus one-hot score (points, with 95 % "
        "intervals over groups of models), split into the part of images trained on and of images "
        "held out (bars; a rise of the latter lowers the score, so it counts downwards)."
        f"{facts.stars('one_hot', asked['objective'])}"
    )


distillation_density = Figure(
    name="distillation_density",
    title=lambda _, asked: of_setting("The same example under both objectives", asked["objective"]),
    query=_DENSITY_QUERY,
    draw=_draw_density,
    caption=_density_caption,
    nothing=NONE,
    parameters=OBJECTIVE,
)
distillation_halves = Figure(
    name="distillation_halves",
    title=lambda _, asked: of_setting(
        "Distilled scores, given the one-hot score", asked["objective"]
    ),
    query=_HALVES_QUERY,
    draw=_draw_halves,
    caption=_halves_caption,
    nothing="No example has a score from both halves of the groups of models.",
    parameters=OBJECTIVE,
)
distillation_change = Figure(
    name="distillation_change",
    title=lambda _, asked: of_setting(
        "Mean change of the score under distillation", asked["objective"]
    ),
    query=_CHANGE_QUERY,
    draw=_draw_change,
    caption=_change_caption,
    nothing=NONE,
    parameters=OBJECTIVE,
    result=_change_result,
)
