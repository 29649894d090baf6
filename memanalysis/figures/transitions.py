"""Where examples go under distillation: from which range of scores, or shape, to which."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import score_ranges, sizes, theme
from memanalysis.figures.distillation import NONE, titled

_FEWEST_IN_ROW: Final = 10
_DIFFERENCE: Final = {"more than by noise": "distilled", "less than by noise": "inside"}


def distillation_transitions(
    study: theme.Tables, grouping: str = "score", objective: str = "distilled"
) -> theme.AnyChart:
    """From which range of the one-hot score (or shape) examples go to which of the distilled one.

    Each row sums to 100 %. For scores, small numbers are the shares that move so from one-hot
    models to one-hot models, by noise alone, and colours are the difference; rows of fewer than 10
    examples are left out.
    """
    table = study.table("distillation_transitions").filter(
        pl.col("objective") == objective, pl.col("grouping") == grouping
    )
    place = [pl.col("size"), pl.col("category_one_hot")]
    table = table.filter(pl.col("n_examples").sum().over(place) >= _FEWEST_IN_ROW)
    if table.is_empty():
        return theme.nothing(NONE)
    names = [*table["category_one_hot"], *table["category_distilled"]]
    order = [score_ranges.short(name) for name in score_ranges.ordered(names)]
    more, less = _DIFFERENCE
    excess = pl.col("share") - pl.col("share_unchanged")
    frame = score_ranges.shortened(table, "category_one_hot", "category_distilled").select(
        *("size", "size_rank", "category_one_hot", "category_distilled", "n_examples", "share"),
        *("share_low", "share_high", "share_unchanged", "n_groups"),
        pl.when(excess >= 0).then(pl.lit(more)).otherwise(pl.lit(less)).alias("difference"),
        pl.coalesce(excess.abs(), pl.col("share")).alias("strength"),
    )
    frame = score_ranges.compact(frame)
    moved = grouping == "score"
    layers = alt.layer(*_heat(frame, order, moved)).properties(width=250, height=230)
    title = f"From the one-hot {'score' if moved else 'shape'} to the distilled one"
    if not moved:
        return theme.finish(
            layers.properties(width=420, height=300), titled(title, objective), panel=300
        )
    ordered = theme.in_order(frame)
    labels = sizes.labels(study, "one_hot", objective)
    chart = theme.panels(layers, "size", ordered, min(len(ordered), 2), labels)
    return theme.finish(chart, titled(title, objective), panel=250, count=len(ordered))


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
