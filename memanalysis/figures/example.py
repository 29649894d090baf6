"""The scores of one training example at every size."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import theme

# The least that the axis shows, so that charts of two examples compare.
_USUAL: Final = (-0.2, 0.0, 1.0)


def example_scores(study: theme.Tables, example_id: int = 0) -> theme.AnyChart:
    """The score of one training example with its 95 % interval, by size and objective."""
    rows = study.table("memorization").filter(
        pl.col("example_id") == example_id, pl.col("memorization").is_not_null()
    )
    if rows.is_empty():
        return theme.nothing(f"Example {example_id} has no score.")
    sizes = theme.in_order(rows)
    objectives = theme.known_order(rows["objective"].to_list(), theme.OBJECTIVES)
    kept = rows.select("objective", "size", "memorization", "ci_low", "ci_high")
    chart = score_chart(theme.with_objective_titles(kept), sizes, objectives)
    return theme.finish(chart, f"Example {example_id}: score by model size", panel=180)


def score_chart(rows: pl.DataFrame, sizes: list[str], objectives: list[str]) -> theme.AnyChart:
    """Points with intervals over sizes, objectives side by side.

    ``rows``: objective (as its title), size, memorization, ci_low, ci_high.
    """
    names = theme.with_objective_titles(pl.DataFrame({"objective": objectives}))["objective"]
    titles = names.to_list()
    base = alt.Chart(rows).encode(
        x=theme.size_axis(sizes).scale(domain=sizes),
        xOffset=alt.XOffset("objective:N", scale=alt.Scale(domain=titles)),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles), sort=titles),
        tooltip=theme.tooltip("objective", "size", "memorization:.3f", "ci_low:.3f", "ci_high:.3f"),
    )
    y = "memorisation score"
    frame = alt.Chart(pl.DataFrame({"y": _USUAL})).encode(y=alt.Y("y:Q", title=y))
    zero = alt.condition("datum.y == 0", alt.value(theme.colour("axis")), alt.value("transparent"))
    return alt.layer(
        frame.mark_rule(strokeDash=[3, 3], strokeWidth=1).encode(color=zero),
        base.mark_rule(strokeWidth=1.6).encode(y=alt.Y("ci_low:Q", title=y), y2="ci_high:Q"),
        base.mark_point(size=42, filled=True, opacity=1).encode(y="memorization:Q"),
    ).properties(width=240, height=190)
