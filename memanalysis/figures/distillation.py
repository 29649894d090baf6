"""One-hot against distilled training: both scores of the same example, and their mean change."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, score_ranges, sizes, theme

NONE: Final = "No distilled models beside models trained on labels."
PARTS: Final = {"from p_in": "inside", "from p_out": "outside"}
# Columns of fewer examples show single examples, not a distribution.
_FEWEST: Final = 5
_COMPARED: Final = {"distilled": "distilled", "one_hot": "one-hot again"}


def parts_scale() -> alt.Scale:
    """The colours of the two rates that a change is made of."""
    return alt.Scale(domain=list(PARTS), range=[theme.colour(name) for name in PARTS.values()])


def titled(title: str, objective: str) -> str:
    """``title``, with the variant's name where ``objective`` is not the main one."""
    name = objective.removeprefix("distilled").removeprefix("_")
    return f"{title} ({name})" if name else title


def distillation_density(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """Joint histogram of one-hot and distilled scores at each size; the line is equality."""
    table = study.table("distillation_density").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing(NONE)
    table = score_ranges.compact(table.drop("objective"))
    order = theme.in_order(table)
    edges = table.select("one_hot_low", "distilled_low", "one_hot_high", "distilled_high")
    domain = [float(edges.to_numpy().min()), float(edges.to_numpy().max())]
    cells = _cells(alt.Chart(table), "distilled", "score, distilled", domain).encode(
        opacity=alt.Opacity(
            "n_examples:Q",
            title="examples in the cell",
            scale=alt.Scale(type="log", range=[0.18, 1]),
            legend=alt.Legend(values=[1, 10, 100, 1000], symbolType="square"),
        ),
        tooltip=_tooltip("distilled", "n_examples"),
    )
    layers = alt.layer(cells, _equality(table, domain))
    title = titled("The same example under both objectives", objective)
    return _squares(layers, title, order, sizes.labels(study, "one_hot", objective))


def distillation_halves(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """How distilled scores spread where the one-hot score is what it is; columns sum to 1.

    Both scores are from opposite halves of the groups of models. The solid line is the mean
    distilled score of a column, the dashed one the mean one-hot score of the other half: what
    noise alone does. Columns of fewer than 5 examples are left out.
    """
    table = study.table("distillation_halves").filter(
        pl.col("objective") == objective, pl.col("n_one_hot") >= _FEWEST
    )
    if table.is_empty():
        return theme.nothing("No example has a score from both halves of the groups of models.")
    column = ["size", "compared", "one_hot_low"]
    spread = table.filter(pl.col("compared") == "distilled")
    noise = table.filter(pl.col("compared") == "one_hot").unique(column, maintain_order=True)
    frame = score_ranges.compact(
        pl.concat([spread, noise])
        .drop("objective", "n_examples")
        .with_columns(pl.col("compared").replace(_COMPARED))
    )
    order = theme.in_order(frame)
    edges = spread.select("one_hot_low", "score_low", "one_hot_high", "score_high").to_numpy()
    domain = [float(edges.min(initial=0)), float(edges.max(initial=1))]
    distilled = alt.Chart(frame).transform_filter(alt.datum.compared == _COMPARED["distilled"])
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
    title = titled("Distilled scores, given the one-hot score", objective)
    return _squares(layers, title, order, sizes.labels(study, "one_hot", objective))


def _column_means(frame: pl.DataFrame, domain: list[float]) -> alt.Chart:
    """The mean compared score of each column, distilled and one-hot again."""
    names = list(_COMPARED.values())
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


def distillation_change(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """Mean change of the score under distillation by size, split into its two rates."""
    table = study.table("distillation_effects").filter(
        pl.col("objective") == objective, pl.col("grouping") == "all"
    )
    if table.is_empty():
        return theme.nothing(NONE)
    frame = split(table).select(
        "size", "size_rank", "part", "value", "change_low", "change_high", "n_groups"
    )
    labels = sizes.labels(study, "one_hot", objective)
    base = alt.Chart(frame).encode(x=theme.size_axis(theme.in_order(table), labels=labels))
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
    ).properties(width=460, height=250)
    return theme.finish(layers, titled("Mean change of the score under distillation", objective))


def split(table: pl.DataFrame) -> pl.DataFrame:
    """Rows of changes, once for the whole (``part`` is ``change``) and once for each rate.

    ``value`` is what the part adds to the change of the score: a rise of p_out lowers it.
    """
    parts = {"change": pl.col("change")}
    parts |= dict(zip(PARTS, (pl.col("change_in"), -pl.col("change_out")), strict=True))
    return pl.concat(
        table.with_columns(pl.lit(part).alias("part"), value.alias("value"))
        for part, value in parts.items()
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


def _squares(layers: theme.AnyChart, title: str, order: list[str], labels: str) -> theme.AnyChart:
    """The joint histograms of all sizes, as high as wide."""
    drawn = layers.properties(width=200, height=200)
    chart = theme.panels(drawn, "size", order, min(len(order), 3), labels)
    return theme.finish(chart, title, panel=130, count=len(order), square=True)


def _equality(frame: pl.DataFrame, domain: list[float]) -> alt.Chart:
    low, high = domain
    return marks.reference(frame, x=low, x2=high, y=low, y2=high)
