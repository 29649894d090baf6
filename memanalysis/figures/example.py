"""The scores of one training example at every size."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Figure
from memanalysis.figures.fragments import OBJECTIVES_IN_ORDER, objective_title

# The least that the axis shows, so that charts of two examples compare.
_USUAL: Final = (-0.2, 1.0)

_QUERY: Final = f"""
with scores as (
    select {objective_title()} as objective, size, size_rank, memorization, ci_low, ci_high
    from memorization
    where example_id = $example_id and memorization is not null
)
from scores
order by {OBJECTIVES_IN_ORDER}, size_rank"""


def _draw(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """The score of one training example with its 95 % interval, by size and objective."""
    titles = theme.values(frame, "objective")
    return theme.finish(score_chart(frame, theme.in_order(frame), titles), panel=180)


def score_chart(rows: pl.DataFrame, sizes: list[str], titles: list[str]) -> theme.AnyChart:
    """Points with intervals over sizes, objectives (by their ``titles``) side by side.

    ``rows``: objective (as its title), size, memorization, ci_low, ci_high.
    """
    base = alt.Chart(rows).encode(
        x=theme.size_axis(sizes).scale(domain=sizes),
        xOffset=alt.XOffset("objective:N", scale=alt.Scale(domain=titles)),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles), sort=titles),
        tooltip=theme.tooltip("objective", "size", "memorization:.3f", "ci_low:.3f", "ci_high:.3f"),
    )
    y = "memorisation score"
    line = marks.once(rows).mark_rule(color=theme.colour("axis"), strokeDash=[3, 3], strokeWidth=1)
    unseen = marks.once(rows).mark_rule(opacity=0)
    return alt.layer(
        *(unseen.encode(y=alt.datum(end, title=y)) for end in _USUAL),
        line.encode(y=alt.datum(0)),
        base.mark_rule(strokeWidth=1.6).encode(y=alt.Y("ci_low:Q", title=y), y2="ci_high:Q"),
        base.mark_point(size=42, filled=True, opacity=1).encode(y="memorization:Q"),
    ).properties(width=240, height=190)


example_scores = Figure(
    name="example_scores",
    title=lambda _, asked: f"Example {asked['example_id']}: score by model size",
    query=_QUERY,
    draw=_draw,
    caption="The score of one training example with its 95 % interval, by model size.",
    nothing="This example has no score.",
    parameters={"example_id": 0},
)
