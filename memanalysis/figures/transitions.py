"""Transitions under distillation: from one range of scores, or shape, to another."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis import wording
from memanalysis.figures import theme
from memanalysis.figures.distillation import NONE, OBJECTIVE, of_setting
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import range_start, range_title

_SCORE: Final = "score"
_DIFFERENCE: Final = {"more than by noise": "distilled", "less than by noise": "inside"}
_MORE, _LESS = _DIFFERENCE

# Rows of fewer than 10 examples are left out. Where a range of scores begins orders the ranges.
_QUERY: Final = f"""
with moves as (
    select *, share - share_unchanged as excess, {range_start("category_one_hot")} as one_hot_from,
        {range_start("category_distilled")} as distilled_from
    from distillation_transitions
    where objective = $objective and "grouping" = $grouping
    qualify sum(n_examples) over (partition by size, category_one_hot) >= 10
)
select size, size_rank, {range_title("category_one_hot")} as category_one_hot,
    {range_title("category_distilled")} as category_distilled, n_examples, round(share, 6) as share,
    round(share_low, 6) as share_low, round(share_high, 6) as share_high,
    round(share_unchanged, 6) as share_unchanged, n_groups,
    case when excess >= 0 then '{_MORE}' else '{_LESS}' end as difference,
    round(coalesce(abs(excess), share), 6) as strength, one_hot_from, distilled_from
from moves
order by size_rank, one_hot_from, distilled_from, category_one_hot, category_distilled"""


def _draw(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """From which range of the one-hot score (or shape) examples go to which of the distilled one.

    Each row sums to 100 %. For scores, small numbers are the shares that move so from one-hot
    models to one-hot models, by noise alone, and colours are the difference; rows of fewer than 10
    examples are left out.
    """
    moved = asked["grouping"] == _SCORE
    layers = alt.layer(*_heat(frame, _order(frame), moved)).properties(width=250, height=230)
    if not moved:
        return theme.finish(layers.properties(width=420, height=300), panel=300)
    ordered = theme.in_order(frame)
    labels = asked.stars("one_hot", asked["objective"])
    chart = theme.panels(layers, "size", ordered, min(len(ordered), 2), labels)
    return theme.finish(chart, panel=250, count=len(ordered))


def _order(frame: pl.DataFrame) -> list[str]:
    """All ranges from the lowest up, or all shapes in their order."""
    ends = ("one_hot", "distilled")
    names = pl.concat(
        frame.select(pl.col(f"category_{end}").alias("name"), pl.col(f"{end}_from").alias("start"))
        for end in ends
    )
    ranges = theme.values(names.drop_nulls("start").sort("start"), "name")
    shapes = names.filter(pl.col("start").is_null())["name"].to_list()
    return ranges + theme.known_order(shapes, theme.SHAPES)


def _heat(frame: pl.DataFrame, order: list[str], moved: bool) -> list[alt.Chart]:
    """Cells of a heat map with their numbers; with ``moved`` beside what noise alone moves."""
    base = alt.Chart(frame).encode(
        x=alt.X(
            "category_distilled:N",
            sort=order,
            title="distilled",
            axis=alt.Axis(labelAngle=-38, ticks=False, domain=False),
        ),
        y=alt.Y("category_one_hot:N", sort=order, title="one-hot", axis=alt.Axis(ticks=False)),
        tooltip=theme.tooltip(
            *("size", "category_one_hot", "category_distilled", "n_examples:,.0f", "share:.1%"),
            *("share_low:.1%", "share_high:.1%", "share_unchanged:.1%", "n_groups"),
        ),
    )
    scaled = alt.Legend(
        title="difference from noise" if moved else "share of the row",
        values=[0.05, 0.1, 0.2] if moved else [0.1, 0.5, 1],
        format=".0%",
        symbolType="square",
        symbolFillColor=theme.colour("distilled"),
    )
    strength = alt.Opacity(
        "strength:Q",
        legend=scaled,
        scale=alt.Scale(domain=[0, 0.2 if moved else 1], range=[0.03, 0.5], clamp=True),
    )
    colours = alt.Scale(
        domain=list(_DIFFERENCE), range=[theme.colour(name) for name in _DIFFERENCE.values()]
    )
    cells = base.mark_rect().encode(opacity=strength)
    cells = (
        cells.encode(color=alt.Color("difference:N", scale=colours))
        if moved
        else cells.mark_rect(color=theme.colour("distilled"))
    )
    number = alt.Text("share:Q", format=".0%")
    ink, muted = theme.colour("ink"), theme.colour("muted")
    numbers = base.mark_text(fontSize=11, color=ink, dy=-4 if moved else 0).encode(text=number)
    if not moved:
        return [cells, numbers]
    noise = base.mark_text(fontSize=9, color=muted, dy=8).encode(
        text=alt.Text("share_unchanged:Q", format=".0%")
    )
    return [cells, numbers, noise]


def _title(_: pl.DataFrame, asked: Asked) -> str:
    what = "score" if asked["grouping"] == _SCORE else "shape"
    return of_setting(f"From the one-hot {what} to the distilled one", asked["objective"])


def _caption(frame: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    if asked["grouping"] != _SCORE:
        return (
            "Of the examples with a trajectory shape under one-hot training (rows), how many have "
            "which shape under distillation (columns)? Rows sum to 100 %. The subsets are the "
            "same, but no second run says what noise alone would move here. Rows of fewer than 10 "
            "examples are left out."
        )
    return (
        "Of the examples in a range of one-hot score (rows), how many have which distilled score "
        "(columns)? Rows sum to 100 %. The small numbers are what noise alone would give: the "
        "shares that move so from one half of the one-hot models to the other half. Colours show "
        "the difference: teal where distillation puts more examples than noise would, amber where "
        f"fewer.{_stay(frame)} Rows of fewer than 10 examples are left out."
        f"{facts.stars('one_hot', asked['objective'])}"
    )


def _stay(frame: pl.DataFrame) -> str:
    """Share of the most memorised examples that stay so, beside noise, in words."""
    highest = frame["one_hot_from"].max()
    rows = frame.filter(
        pl.col("one_hot_from") == highest, pl.col("distilled_from") == highest
    ).drop_nulls(["share", "share_unchanged"])
    if rows.is_empty() or not rows["n_examples"].sum():
        return ""
    row = rows.sort("n_examples").row(-1, named=True)
    return (
        f" At {row['size']}, {wording.percent(row['share'], 0)} of the examples with a one-hot "
        f"score of {row['category_one_hot']} have such a score under distillation, too; noise "
        f"alone would leave {wording.percent(row['share_unchanged'], 0)}."
    )


distillation_transitions = Figure(
    name="distillation_transitions",
    title=_title,
    query=_QUERY,
    draw=_draw,
    caption=_caption,
    nothing=NONE,
    parameters={"grouping": _SCORE, **OBJECTIVE},
)
