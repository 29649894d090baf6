"""Which examples distillation changes: groups of them, teachers and settings."""

from __future__ import annotations

from typing import Any, Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, score_ranges, sizes, theme
from memanalysis.figures.distillation import NONE, parts_scale, split, titled

_FEWEST: Final = 5
_MEASURED: Final = "datum.estimator != 'naive'"
_NAIVE: Final = "datum.estimator == 'naive'"
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
    table = _measured(study.table("distillation_effects"), grouping, objective)
    if table.is_empty():
        return theme.nothing(NONE)
    frame = _in_parts(table, objective)
    ordered = theme.in_order(frame)
    names = score_ranges.ordered(table["category"].to_list())
    base = alt.Chart(frame).encode(
        y=alt.Y("category:N", sort=[score_ranges.short(name) for name in names], title=None),
        yOffset=alt.YOffset("selected_on:N", sort=[*_CHOSEN.values(), _CHOSEN_DISTILLED]),
    )
    layers = alt.layer(_bars(base), marks.zero(frame, "x"), *_changes(base))
    labels = sizes.labels(study, "one_hot", objective)
    chart = theme.panels(
        layers.properties(width=240, height=alt.Step(15, **{"for": "offset"})),
        "size",
        ordered,
        min(len(ordered), 3),
        labels,
    )
    title = titled(f"Change under distillation by {_GROUPINGS.get(grouping, grouping)}", objective)
    return theme.finish(chart, title, panel=190, count=len(ordered))


def _measured(effects: pl.DataFrame, grouping: str, objective: str) -> pl.DataFrame:
    """The effects on groups that are large enough to have a measurement."""
    table = effects.filter(pl.col("objective") == objective, pl.col("grouping") == grouping)
    # Folds hold fewer examples than all models together: such a group has no measurement at all.
    group = ("size", "category", "selected_on")
    enough = (pl.col("n_examples") >= _FEWEST).all().over(group)
    return table.filter(enough & (pl.len().over(group) > 1))


def _in_parts(table: pl.DataFrame, objective: str) -> pl.DataFrame:
    """Each change as a whole, and each that is measured in its two parts."""
    return score_ranges.compact(
        score_ranges.shortened(split(table), "category")
        .filter((pl.col("part") == "change") | (pl.col("estimator") != "naive"))
        .select(
            *("size", "size_rank", "category", _selected(objective), "estimator", "part", "value"),
            *("change_low", "change_high", "n_examples", "n_groups"),
        )
    )


def _bars(base: alt.Chart) -> alt.Chart:
    """The two parts of each change, stacked."""
    bars: alt.Chart = (
        base.transform_filter(alt.datum.part != "change")
        .mark_bar(opacity=0.75, height=7)
        .encode(
            x=alt.X("value:Q", stack="zero", title="change of score"),
            color=alt.Color("part:N", scale=parts_scale()),
            tooltip=theme.tooltip("size", "category", "selected_on", "part", "value:+.4f"),
        )
    )
    return bars


def _changes(base: alt.Chart) -> list[alt.Chart]:
    """Each change with its interval."""
    points = base.transform_filter(alt.datum.part == "change").encode(
        x=alt.X("value:Q", axis=alt.Axis(grid=True, tickCount=3, labelOverlap=True)),
        tooltip=theme.tooltip(
            *("size", "category", "selected_on", "estimator", "value:+.4f"),
            *("change_low:+.4f", "change_high:+.4f", "n_examples:,.0f", "n_groups"),
        ),
    )
    intervals = (
        base.transform_filter(f"{_MEASURED} && datum.part == 'change'")
        .mark_rule(color=theme.colour("ink"), strokeWidth=1.2)
        .encode(x=alt.X("change_low:Q"), x2="change_high:Q")
    )
    return [intervals, _points(points)]


def distillation_gap(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """What distillation changes against how much larger the teacher is than the student.

    Memorised examples have a score of 0.5 or more; hollow points are the naive estimate.
    """
    frame = _over_gaps(study, objective)
    if frame.is_empty():
        return theme.nothing("No gap between teacher and student is known in this study.")
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
    y = alt.Y("value:Q", title="effect (fraction)", scale=alt.Scale(zero=True))
    tooltip = theme.tooltip(
        *("size", "quantity", "selected_on", "estimator", "value:+.4f", "low:+.4f", "high:+.4f"),
        *("change_in:+.4f", "change_out:+.4f", "ratio:.2f", "n_groups"),
    )
    layers = alt.layer(
        marks.zero(frame, "y"),
        base.transform_filter(_MEASURED)
        .mark_line(color=theme.colour("distilled"), strokeWidth=1.4)
        .encode(y=y, detail="selected_on:N"),
        base.transform_filter(_MEASURED)
        .mark_rule(color=theme.colour("ink"), strokeWidth=1.2)
        .encode(y=alt.Y("low:Q", title="effect (fraction)"), y2="high:Q"),
        _points(base.encode(y=y, tooltip=tooltip)),
    ).properties(width=300, height=180)
    chart = theme.own_scales(theme.panels(layers, "quantity", quantities, columns=2))
    title = titled("Change against the size of the teacher", objective)
    return theme.finish(chart, title, panel=200, count=len(quantities))


def _over_gaps(study: theme.Tables, objective: str) -> pl.DataFrame:
    """Effects on memorised examples and on all; ``ratio`` is parameters of teacher to student."""
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
    return (
        pl.concat([memorised, _by_size(means, wanted)], how="diagonal")
        .filter(pl.col("gap").is_not_null(), pl.col("value").is_not_null())
        .with_columns(pl.col("gap").exp().alias("ratio"))
    )


def distillation_settings(study: theme.Tables) -> theme.AnyChart:
    """Every way of teaching side by side: change of the score, its parts, and test accuracy."""
    table = study.table("distillation_by_size")
    if table.is_empty():
        return theme.nothing(NONE)
    ways = _ways(table)
    frame = _by_size(table, _EXPERIMENTS).drop_nulls("value").join(ways, on=["objective", "size"])
    quantities = theme.known_order(
        frame["quantity"].to_list(), [_GAP[name] for name in _EXPERIMENTS]
    )
    names = theme.in_order(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "way:N",
            sort=ways["way"].unique(maintain_order=True).to_list(),
            title=None,
            axis=alt.Axis(labelLimit=230),
            scale=alt.Scale(paddingInner=0.35),
        ),
        yOffset=alt.YOffset("size:N", sort=names),
        color=alt.Color(
            "size:N", scale=theme.size_scale(names), legend=alt.Legend() if names[1:] else None
        ),
        tooltip=theme.tooltip(
            *("objective", "way", "size", "quantity", "value:+.4f", "low:+.4f", "high:+.4f"),
            "n_groups",
        ),
    )
    layers = alt.layer(
        marks.zero(frame, "x"),
        base.mark_rule(strokeWidth=1.4).encode(
            x=alt.X("low:Q", title="effect (fraction)"), x2="high:Q"
        ),
        base.mark_point(size=40).encode(x=alt.X("value:Q", axis=alt.Axis(grid=True, tickCount=4))),
    ).properties(width=150, height=alt.Step(14))
    chart = theme.panels(layers, "quantity", quantities, columns=3).resolve_scale(x="independent")
    title = "Ways of teaching side by side"
    return theme.finish(chart, title, panel=330, count=len(quantities))


def _ways(table: pl.DataFrame) -> pl.DataFrame:
    """Each objective and size with its settings in words: no weight first, then by temperature."""
    settings = ("objective", "teacher_scope", "temperature", "distillation_weight")
    ways = table.sort(
        pl.col("distillation_weight") != 0,
        pl.col("teacher_scope") != "same_subset",
        "temperature",
        "distillation_weight",
        "objective",
    )  # fmt: skip
    words = pl.struct(settings).map_elements(_way, pl.String)
    return ways.select("objective", "size", words.alias("way"))


def _way(row: dict[str, Any]) -> str:
    name = str(row["objective"]).removeprefix("distilled_")
    if row["distillation_weight"] is None:
        return name
    heat = "hard targets" if row["temperature"] is None else f"T {row['temperature']:g}"
    scope = ", full data" if row["teacher_scope"] == "full_data" else ""
    return f"{name}: {heat}, weight {row['distillation_weight']:g}{scope}"


def _points(base: alt.Chart) -> alt.Chart:
    """Filled where measured on other models than those that chose, hollow where naive."""
    ink, paper = theme.colour("ink"), theme.colour("paper")
    domain = [*_CHOSEN.values(), _CHOSEN_DISTILLED]
    shapes: dict[str, Any] = {
        "scale": alt.Scale(domain=domain, range=["circle", "square", "diamond"]),
        "legend": alt.Legend(values=[_CHOSEN["one_hot"], _CHOSEN_DISTILLED]),
    }
    points: alt.Chart = base.mark_point(size=34, filled=False, strokeWidth=1.3, color=ink).encode(
        # Legends take what holds without a condition: they show filled points.
        fill=alt.condition(_NAIVE, alt.value(paper), alt.value(ink)),
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
