"""What a proxy is good for: does it follow the trend, and does it find the memorised examples?"""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import theme
from memanalysis.figures.proxies import in_order, titled

_SCORE: Final = "score"
_SHAPES: Final = [shape for shape in theme.SHAPES if shape != "undetermined"]


def proxy_trajectories(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Mean score by size of each trajectory shape, and beside it the mean of every proxy.

    Each panel has its own scale: what is compared is where the curves of a panel go.
    """
    scores = study.table("trajectory_curves").select(
        "objective", "shape", "size", "size_rank", "n_examples",
        pl.col("memorization").alias("value"), pl.lit(_SCORE).alias("panel"),
    )  # fmt: skip
    proxies = titled(study.table("proxy_curves")).with_columns(pl.col("proxy").alias("panel"))
    order = in_order(proxies, study, objective)
    frame = pl.concat([scores, proxies.select(scores.columns)], how="vertical_relaxed").filter(
        pl.col("objective") == objective, pl.col("shape").is_in(_SHAPES)
    )
    if frame["panel"].n_unique() < 2 or frame["size"].n_unique() < 2:
        return theme.nothing("No proxies beside trajectories: they need proxies and two sizes.")
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    base = alt.Chart(frame.drop("objective")).encode(
        x=theme.size_axis(theme.in_order(frame)),
        y=alt.Y("value:Q", title="mean of the shape", scale=alt.Scale(zero=False)),
        color=alt.Color("shape:N", scale=theme.category_scale(shapes)),
        tooltip=theme.tooltip("panel", "shape", "size", "value:.3f", "n_examples"),
    )
    layers = alt.layer(base.mark_line(strokeWidth=1.8), base.mark_point(size=26)).properties(
        width=165, height=130
    )
    panels = theme.known_order(frame["panel"].to_list(), [_SCORE, *order])
    chart = theme.own_scales(theme.panels(layers, "panel", panels, columns=4))
    return theme.finish(
        chart, "The score’s trajectories, and the proxies’", panel=200, count=len(panels)
    )


def proxy_retrieval(
    study: theme.Tables, objective: str = "one_hot", target: str = "top 10 %"
) -> theme.AnyChart:
    """Share of the most memorised examples that each proxy finds when it names as many.

    The line is what the score itself finds from the models that the proxies come from, on average
    over proxies: the most that can be expected. ``target`` is one of the relation's.
    """
    table = study.table("proxy_retrieval").filter(
        pl.col("objective") == objective,
        pl.col("target") == target,
        pl.col("selection") == "as many",
        pl.col("precision").is_not_null(),
    )
    if table.is_empty():
        return theme.nothing("No proxy can be judged here: that needs two groups of models.")
    frame = titled(table).with_columns(
        (pl.col("n_target") / pl.col("n_examples")).alias("chance"),
    )
    sizes = theme.in_order(frame)
    order = in_order(frame, study, objective)
    frame = frame.drop("name")
    base = alt.Chart(frame).encode(
        y=alt.Y("proxy:N", sort=order, title=None),
        tooltip=theme.tooltip(
            *("proxy", "size", "precision:.1%", "precision_low:.1%", "precision_high:.1%"),
            *("lift:.1f", "score_precision:.1%", "chance:.1%", "n_target:.0f", "n_groups"),
        ),
    )
    means = alt.Chart(frame).transform_aggregate(
        chance="mean(chance)", score="mean(score_precision)", groupby=["size"]
    )
    chance = means.mark_rule(color=theme.colour("muted"), strokeDash=[2, 3], strokeWidth=1.2)
    score = means.mark_rule(color=theme.colour("ink"), strokeWidth=1.6)
    layers = alt.layer(
        chance.encode(x=alt.X("chance:Q")), score.encode(x=alt.X("score:Q")), *_found(base, sizes)
    ).properties(width=165, height=alt.Step(19))
    chart = theme.panels(layers, "size", sizes, columns=3)
    return theme.finish(
        chart, "Which proxies find the most memorised examples", panel=270, count=len(sizes)
    )


def _found(base: alt.Chart, sizes: list[str]) -> list[alt.Chart]:
    """What the proxy finds, with its interval."""
    x = alt.X(
        "precision:Q",
        title="share found",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", grid=True, values=[0, 0.25, 0.5, 0.75, 1]),
    )
    of_size = alt.Color("size:N", scale=theme.size_scale(sizes), legend=None)
    proxy = base.encode(color=of_size)
    return [
        proxy.mark_rule(strokeWidth=1.3, clip=True).encode(
            x=alt.X("precision_low:Q"), x2="precision_high:Q"
        ),
        proxy.mark_point(size=46).encode(x=x),
    ]
