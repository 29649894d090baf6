"""Which examples distillation changes: groups of them, where they go, teachers and settings."""

from __future__ import annotations

from typing import Any, Final

import altair as alt
import polars as pl

from memanalysis.charts import categories, sizes, theme
from memanalysis.charts.distillation import NONE, parts_scale, split, titled

_FEWEST: Final = 5
_FEWEST_IN_ROW: Final = 10
_MEASURED: Final = "datum.estimator != 'naive'"
_CHOSEN: Final = {"one_hot": "chosen on one-hot", "all": "all examples"}
_CHOSEN_DISTILLED: Final = "chosen on distilled"
_GROUPINGS: Final = {
    "shape": "trajectory shape",
    "score": "score: memorised or not",
    "bin": "tenth of the score",
}
_MEMORISED: Final = "memorised: change of score"
_GAP: Final = {
    "inhibition": "memorised: share lost",
    "change": "all: change of score",
    "change_in": "all: part from p_in",
    "change_out": "all: part from p_out",
    "accuracy_gain": "gain of test accuracy",
}
_DIFFERENCE: Final = {"more than by noise": "distilled", "less than by noise": "inside"}
_EXPERIMENTS: Final = ("change", "change_in", "change_out", "inhibition", "accuracy_gain")


def distillation_groups(
    study: theme.Tables, grouping: str = "shape", objective: str = "distilled"
) -> theme.AnyChart:
    """Mean change of groups of examples, measured on models that did not choose them.

    ``grouping`` is ``shape`` (of the trajectory), ``score`` (memorised or not) or ``bin`` (tenths
    of the score). Bars split the change into its two rates. Filled points leave one group of models
    out; hollow points, the naive estimate, carry the choice's own noise. Examples are chosen once
    on one-hot models (circles) and once on distilled ones (diamonds). Groups of fewer than 5
    examples are left out: their intervals would be all there is to see.
    """
    table = study.table("distillation_effects").filter(
        pl.col("objective") == objective, pl.col("grouping") == grouping
    )
    # Folds hold fewer examples than all models together: such a group has no measurement at all.
    enough = (pl.col("n_examples") >= _FEWEST).all().over("size", "category", "selected_on")
    table = table.filter(enough & (pl.len().over("size", "category", "selected_on") > 1))
    if table.is_empty():
        return theme.nothing(NONE)
    order = categories.ordered(table["category"].to_list())
    frame = (
        categories.shortened(split(table), "category")
        .filter((pl.col("part") == "change") | (pl.col("estimator") != "naive"))
        .select(
            *("size", "size_rank", "category", _selected(objective), "estimator", "part", "value"),
            *("change_low", "change_high", "n_examples", "n_groups"),
        )
    )
    frame = categories.compact(frame)
    ordered = theme.in_order(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y("category:N", sort=[categories.short(name) for name in order], title=None),
        yOffset=alt.YOffset("selected_on:N", sort=[*_CHOSEN.values(), _CHOSEN_DISTILLED]),
    )
    layers = alt.layer(
        base.transform_filter(alt.datum.part != "change")
        .mark_bar(opacity=0.75, height=7)
        .encode(
            x=alt.X("value:Q", stack="zero", title="mean change of the score"),
            color=alt.Color("part:N", scale=parts_scale()),
            tooltip=theme.tooltip("size", "category", "selected_on", "part", "value:+.4f"),
        ),
        theme.once(frame)
        .mark_rule(color=theme.colour("axis"), strokeWidth=1)
        .encode(x=alt.datum(0)),
        base.transform_filter(f"{_MEASURED} && datum.part == 'change'")
        .mark_rule(color=theme.colour("ink"), strokeWidth=1.2)
        .encode(x=alt.X("change_low:Q"), x2="change_high:Q"),
        _points(
            base.transform_filter(alt.datum.part == "change").encode(
                x=alt.X("value:Q", axis=alt.Axis(grid=True, tickCount=5, labelOverlap=True)),
                tooltip=theme.tooltip(
                    *("size", "category", "selected_on", "estimator", "value:+.4f"),
                    *("change_low:+.4f", "change_high:+.4f", "n_examples:,.0f", "n_groups"),
                ),
            )
        ),
    ).properties(width=240, height=alt.Step(12, **{"for": "offset"}))
    labels = sizes.labels(study, "one_hot", objective)
    chart = theme.panels(layers, "size", ordered, min(len(ordered), 3), labels)
    title = titled(f"Change under distillation by {_GROUPINGS.get(grouping, grouping)}", objective)
    return theme.finish(chart, title, panel=210, count=len(ordered))


def distillation_gap(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """What distillation changes against how much larger the teacher is than the student.

    Memorised examples have a score of .5 or more; hollow points are the naive estimate.
    """
    means = study.table("distillation_by_size").filter(pl.col("objective") == objective)
    chosen = study.table("distillation_effects").filter(
        pl.col("objective") == objective,
        pl.col("grouping") == "score",
        pl.col("category").str.starts_with("mem >="),
        pl.col("n_examples") >= _FEWEST,
    )
    memorised = chosen.select(
        *("size", "size_rank", "gap", "n_groups", "estimator", _selected(objective)),
        pl.lit(_MEMORISED).alias("quantity"),
        pl.col("change").alias("value"),
        pl.col("change_low").alias("low"),
        pl.col("change_high").alias("high"),
        *("change_in", "change_out"),
    )
    wanted = [name for name in _GAP if name != "accuracy_gain"]
    frame = pl.concat([memorised, _by_size(means, wanted)], how="diagonal").filter(
        pl.col("gap").is_not_null(), pl.col("value").is_not_null()
    )
    if frame.is_empty():
        return theme.nothing("No gap between teacher and student is known in this study.")
    frame = frame.with_columns(pl.col("gap").exp().alias("ratio"))
    quantities = theme.known_order(
        frame["quantity"].to_list(), [_GAP["inhibition"], _MEMORISED, *_GAP.values()]
    )
    base = alt.Chart(frame).encode(
        x=alt.X(
            "ratio:Q",
            title="parameters of the teacher / of the student",
            scale=alt.Scale(type="log", nice=False, padding=14),
            axis=alt.Axis(tickCount=4, format="~g"),
        )
    )
    y = alt.Y("value:Q", title="effect", scale=alt.Scale(zero=True))
    tooltip = theme.tooltip(
        *("size", "quantity", "selected_on", "estimator", "value:+.4f", "low:+.4f", "high:+.4f"),
        *("change_in:+.4f", "change_out:+.4f", "ratio:.2f", "n_groups"),
    )
    layers = alt.layer(
        theme.once(frame)
        .mark_rule(color=theme.colour("axis"), strokeWidth=1)
        .encode(y=alt.datum(0)),
        base.transform_filter(_MEASURED)
        .mark_line(color=theme.colour("distilled"), strokeWidth=1.4)
        .encode(y=y, detail="selected_on:N"),
        base.transform_filter(_MEASURED)
        .mark_rule(color=theme.colour("ink"), strokeWidth=1.2)
        .encode(y=alt.Y("low:Q", title="effect"), y2="high:Q"),
        _points(base.encode(y=y, tooltip=tooltip)),
    ).properties(width=300, height=180)
    chart = theme.panels(layers, "quantity", quantities, columns=2).resolve_scale(y="independent")
    title = titled("Change against the size of the teacher", objective)
    return theme.finish(chart, title, panel=200, count=len(quantities))


def distillation_settings(study: theme.Tables) -> theme.AnyChart:
    """Every way of teaching side by side: change of the score, its parts, and test accuracy."""
    table = study.table("distillation_by_size")
    if table.is_empty():
        return theme.nothing(NONE)
    frame = theme.with_objective_titles(_by_size(table, _EXPERIMENTS)).drop_nulls("value")
    titles = frame["objective"].unique(maintain_order=True).to_list()
    quantities = theme.known_order(
        frame["quantity"].to_list(), [_GAP[name] for name in _EXPERIMENTS]
    )
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame), labels=sizes.labels(study, "one_hot")),
        xOffset=alt.XOffset("objective:N", sort=titles),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles)),
    )
    tooltip = theme.tooltip(
        "objective", "size", "quantity", "value:+.4f", "low:+.4f", "high:+.4f", "n_groups"
    )
    layers = alt.layer(
        base.mark_rule(strokeWidth=1.4).encode(y=alt.Y("low:Q", title="effect"), y2="high:Q"),
        theme.once(frame)
        .mark_rule(color=theme.colour("axis"), strokeWidth=1)
        .encode(y=alt.datum(0)),
        base.mark_point(size=44).encode(y=alt.Y("value:Q"), tooltip=tooltip),
    ).properties(width=300, height=170)
    chart = theme.panels(layers, "quantity", quantities, columns=2).resolve_scale(y="independent")
    title = "Ways of teaching side by side"
    return theme.finish(chart, title, panel=210, count=len(quantities))


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
    order = [categories.short(name) for name in categories.ordered(names)]
    more, less = _DIFFERENCE
    excess = pl.col("share") - pl.col("share_unchanged")
    frame = categories.shortened(table, "category_one_hot", "category_distilled").select(
        *("size", "size_rank", "category_one_hot", "category_distilled", "n_examples", "share"),
        *("share_low", "share_high", "share_unchanged", "n_groups"),
        pl.when(excess >= 0).then(pl.lit(more)).otherwise(pl.lit(less)).alias("difference"),
        pl.coalesce(excess.abs(), pl.col("share")).alias("strength"),
    )
    frame = categories.compact(frame)
    moved = grouping == "score"
    layers = alt.layer(*_heat(frame, order, moved)).properties(width=250, height=230)
    title = f"From which {'score' if moved else 'shape'} to which"
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
    strength = alt.Opacity(
        "strength:Q",
        legend=None,
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


def _points(base: alt.Chart) -> alt.Chart:
    """Filled where measured on other models than those that chose, hollow where naive."""
    ink, paper = theme.colour("ink"), theme.colour("paper")
    domain = [*_CHOSEN.values(), _CHOSEN_DISTILLED]
    shapes: dict[str, Any] = {
        "scale": alt.Scale(domain=domain, range=["circle", "square", "diamond"]),
        "legend": alt.Legend(values=[_CHOSEN["one_hot"], _CHOSEN_DISTILLED]),
    }
    points: alt.Chart = base.mark_point(size=34, filled=False, strokeWidth=1.3, color=ink).encode(
        fill=alt.condition(_MEASURED, alt.value(ink), alt.value(paper)),
        shape=alt.Shape("selected_on:N", **shapes),
    )
    return points


def _selected(objective: str) -> pl.Expr:
    return pl.col("selected_on").replace({**_CHOSEN, objective: _CHOSEN_DISTILLED})


def _by_size(table: pl.DataFrame, names: Any) -> pl.DataFrame:
    """Columns of ``distillation_by_size`` with their intervals, below each other.

    A rise of p_out lowers the score, so its part is turned.
    """
    kept = ("objective", "size", "size_rank", "gap", "n_groups")
    parts = []
    for name in names:
        turned = name == "change_out"
        low, high = ("high", "low") if turned else ("low", "high")
        sign = -1 if turned else 1
        parts.append(
            table.select(
                *kept,
                pl.lit("all").replace(_CHOSEN).alias("selected_on"),
                pl.lit("jackknife").alias("estimator"),
                pl.lit(_GAP[name]).alias("quantity"),
                (sign * pl.col(name)).alias("value"),
                (sign * pl.col(f"{name}_{low}")).alias("low"),
                (sign * pl.col(f"{name}_{high}")).alias("high"),
            )
        )
    return pl.concat(parts)
