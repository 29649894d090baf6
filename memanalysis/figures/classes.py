"""The same quantities class by class."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import theme

# More rows or panels than these help nobody; the relations hold every class.
_ROWS: Final = 40
_PANELS: Final = 20


def memorization_by_class(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Mean memorisation of each class, one point per size.

    Of more than 40 classes, the 40 with the highest means at the largest size.
    """
    table = study.table("memorization_by_class").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing("No example was both trained on and held out.")
    sizes = theme.in_order(table)
    frame = theme.with_class_names(table, study).select(
        *("size", "size_rank", "class_name", "n_examples", "memorization"),
        *("accuracy_in", "accuracy_out"),
    )
    largest = frame.filter(pl.col("size_rank") == frame["size_rank"].max())
    order = largest.sort("memorization", descending=True, nulls_last=True)["class_name"].to_list()
    title = "Mean memorisation of each class"
    if len(order) > _ROWS:
        order = order[:_ROWS]
        title = f"Mean memorisation of the {_ROWS} classes with the highest"
        frame = frame.filter(pl.col("class_name").is_in(order))
    base = alt.Chart(frame).encode(
        y=alt.Y("class_name:N", sort=order, title=None, axis=alt.Axis(labelFontSize=12)),
    )
    mean = "mean memorisation of the class"
    layers = alt.layer(
        base.mark_rule(color=theme.colour("axis"), strokeWidth=1).encode(
            x=alt.X("min(memorization):Q", title=mean), x2="max(memorization):Q"
        ),
        base.mark_point(size=62).encode(
            x=alt.X("memorization:Q", title=mean, axis=alt.Axis(grid=True, tickCount=6)),
            color=alt.Color("size:N", scale=theme.size_scale(sizes)),
            tooltip=theme.tooltip(
                *("class_name", "size", "memorization:.3f", "accuracy_in:.3f"),
                *("accuracy_out:.3f", "n_examples"),
            ),
        ),
    ).properties(width=520, height=alt.Step(24))
    return theme.finish(layers, title)


def trajectories_by_class(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Mean curves of the trajectory shapes in each class; line width is the number of examples.

    Of more than 20 classes, the 20 with the highest mean scores.
    """
    table = study.table("trajectory_curves_by_class").filter(pl.col("objective") == objective)
    if table["size"].n_unique() < 2:
        return theme.nothing("No trajectories: they need at least two sizes.")
    frame = theme.with_class_names(table, study).select(
        *("label", "class_name", "shape", "size", "size_rank", "n_examples", "memorization"),
    )
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    title = "Mean curves of each shape, class by class"
    if frame["class_name"].n_unique() > _PANELS:
        frame = frame.filter(pl.col("class_name").is_in(_highest(frame)))
        title = f"Mean curves of each shape, the {_PANELS} classes with the highest scores"
    classes = frame.sort("label")["class_name"].unique(maintain_order=True).to_list()
    lines = (
        alt.Chart(frame)
        .mark_trail()
        .encode(
            x=theme.size_axis(theme.in_order(frame)),
            y=alt.Y("memorization:Q", title="mean score"),
            color=alt.Color("shape:N", scale=theme.category_scale(shapes)),
            # A line has one width for all its points: a trail has one at each.
            size=alt.Size(
                "n_examples:Q",
                title="examples",
                scale=alt.Scale(type="sqrt", domainMin=1, range=[0.8, 6]),
                legend=None,
            ),
            tooltip=theme.tooltip("class_name", "shape", "size", "memorization:.3f", "n_examples"),
        )
        .properties(width=130, height=130)
    )
    chart = theme.panels(lines, "class_name", classes, columns=5)
    return theme.finish(chart, title, panel=165, count=len(classes))


def _highest(frame: pl.DataFrame) -> list[str]:
    """The classes with the highest mean scores, as many as there are panels."""
    weight = pl.col("n_examples")
    means = frame.group_by("class_name").agg(
        mean=(pl.col("memorization") * weight).sum() / weight.sum()
    )
    chosen = means.sort("mean", "class_name", descending=[True, False]).head(_PANELS)
    return chosen["class_name"].to_list()
