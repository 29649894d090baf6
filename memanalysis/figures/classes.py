"""The same quantities class by class."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import theme
from memanalysis.figures.figure import Asked, Figure

# More rows or panels than these help nobody; the relations hold every class.
_ROWS: Final = 40
_PANELS: Final = 20

_MEANS_QUERY: Final = f"""
with classes_by_size as (
    select * replace (coalesce(class_name, 'no label') as class_name)
    from memorization_by_class
    where objective = $objective
),
places as (
    select label, row_number() over (order by memorization desc nulls last, label) as place
    from classes_by_size
    where size_rank = (select max(size_rank) from classes_by_size)
)
select size, size_rank, class_name, c.n_examples, memorization, accuracy_in, accuracy_out,
    (select count(*) from places) as n_classes
from classes_by_size as c
left join places as p on c.label is not distinct from p.label
where place <= {_ROWS} or n_classes <= {_ROWS}
order by place nulls last, c.label, size_rank"""

_CURVES_QUERY: Final = f"""
with curves as (
    select c.*, coalesce(k.class_name, c.label::varchar, 'no label') as class_name
    from trajectory_curves_by_class as c
    left join classes as k on c.label = k.label
    where objective = $objective
),
means as (
    select label, sum(memorization * n_examples) / sum(n_examples) as mean,
        any_value(class_name) as class_name
    from curves
    group by label
),
places as (
    select label, row_number() over (order by mean desc nulls last, class_name) as place
    from means
)
select c.label, class_name, shape, size, size_rank, n_examples, memorization,
    (select count(*) from places) as n_classes
from curves as c
inner join places as p on c.label is not distinct from p.label
where place <= {_PANELS} and (select count(distinct size) from curves) > 1
order by c.label, shape, size_rank"""


def _draw_means(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Mean memorisation of each class, one point per size.

    Of more than 40 classes, the 40 with the highest means at the largest size.
    """
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "class_name:N",
            sort=theme.values(frame, "class_name"),
            title=None,
            axis=alt.Axis(labelFontSize=12),
        ),
    )
    mean = "mean memorisation of the class"
    layers = alt.layer(
        base.mark_rule(color=theme.colour("axis"), strokeWidth=1).encode(
            x=alt.X("min(memorization):Q", title=mean), x2="max(memorization):Q"
        ),
        base.mark_point(size=62).encode(
            x=alt.X("memorization:Q", title=mean, axis=alt.Axis(grid=True, tickCount=6)),
            color=alt.Color("size:N", scale=theme.size_scale(theme.in_order(frame))),
            tooltip=theme.tooltip(
                *("class_name", "size", "memorization:.3f", "accuracy_in:.3f"),
                *("accuracy_out:.3f", "n_examples"),
            ),
        ),
    ).properties(width=520, height=alt.Step(24))
    return theme.finish(layers)


def _draw_curves(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Mean curves of the trajectory shapes in each class; line width is the number of examples.

    Of more than 20 classes, the 20 with the highest mean scores.
    """
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    classes = theme.values(frame, "class_name")
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
    return theme.finish(chart, panel=165, count=len(classes))


def _means_title(frame: pl.DataFrame, _: Asked) -> str:
    if frame["n_classes"][0] <= _ROWS:
        return "Mean memorisation of each class"
    return f"Mean memorisation of the {_ROWS} classes with the highest"


def _curves_title(frame: pl.DataFrame, _: Asked) -> str:
    if frame["n_classes"][0] <= _PANELS:
        return "Mean curves of each shape, class by class"
    return f"Mean curves of each shape, the {_PANELS} classes with the highest scores"


memorization_by_class = Figure(
    name="memorization_by_class",
    title=_means_title,
    query=_MEANS_QUERY,
    draw=_draw_means,
    caption="Mean memorisation of each class, one point per size; the line joins its extremes.",
    nothing="No example was both trained on and held out.",
    parameters={"objective": "one_hot"},
)
trajectories_by_class = Figure(
    name="trajectories_by_class",
    title=_curves_title,
    query=_CURVES_QUERY,
    draw=_draw_curves,
    caption=(
        "The same curves of the score, class by class; the wider the line, the more examples."
    ),
    nothing="No trajectories: they need at least two sizes.",
    parameters={"objective": "one_hot"},
)
