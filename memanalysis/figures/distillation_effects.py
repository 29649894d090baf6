"""Effects of distillation: groups of examples, teachers and settings."""

from __future__ import annotations

from typing import Any, Final

import altair as alt
import polars as pl

from memanalysis import wording
from memanalysis.figures import marks, theme
from memanalysis.figures.distillation import NONE, OBJECTIVE, of_setting, parts_scale
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import range_start, range_title

_UNTAUGHT: Final = "weight 0"
_MEASURED: Final = "datum.estimator != 'naive'"
_NAIVE: Final = "datum.estimator == 'naive'"
_ON_ONE_HOT: Final = "chosen on one-hot"
_ON_DISTILLED: Final = "chosen on distilled"
_ALL: Final = "all examples"
_GROUPINGS: Final = {
    "shape": ("trajectory shape", "of each trajectory shape"),
    "score": ("score: memorised or not", "memorised or not, by their score"),
    "bin": ("tenth of the score", "in each tenth of the score"),
}
_CHANGE: Final = "memorised: change of score"
_QUANTITIES: Final = {
    "inhibition": "memorised: share lost",
    "change": "all: change of score",
    "change_in": "all: part when trained on",
    "change_out": "all: part when held out",
    "accuracy_gain": "gain of test accuracy",
}
SCORE_CHANGE: Final = _QUANTITIES["change"]
_SETTINGS_IN: Final = ("change", "change_in", "change_out", "inhibition", "accuracy_gain")
_SELECTED: Final = f"""case selected_on
        when 'one_hot' then '{_ON_ONE_HOT}'
        when 'all' then '{_ALL}'
        when $objective then '{_ON_DISTILLED}'
        else selected_on
    end as selected_on"""

# Folds hold fewer examples than all models together, so a group of fewer than 5 examples in any
# row has no measurement at all. A rise of p_out lowers the score, so its part counts downwards.
_GROUPS_QUERY: Final = f"""
with measured as (
    select * replace (-change_out as change_out), change as whole
    from distillation_effects
    where objective = $objective and "grouping" = $grouping
    qualify bool_and(n_examples >= 5) over (partition by size, category, selected_on)
        and count(*) over (partition by size, category, selected_on) > 1
)
select size, size_rank, {range_title("category")} as category, {_SELECTED}, estimator, part,
    round(value, 6) as value, round(change_low, 6) as change_low,
    round(change_high, 6) as change_high, n_examples, n_groups
from (
    select *, {range_start("category")} as start
    from measured
) unpivot include nulls (
    value for part in (
        whole as 'change',
        change_in as 'when trained on',
        change_out as 'when held out'
    )
)
where part = 'change' or estimator <> 'naive'
order by start, category, size_rank, part, selected_on, estimator"""


def _by_size(names: tuple[str, ...]) -> str:
    """Columns of ``distillation_by_size`` with their intervals, below each other."""
    listed = ",\n            ".join(
        f"({name}, {name}_low, {name}_high) as '{_QUANTITIES[name]}'" for name in names
    )
    return f"""(
        select * replace (
            -change_out as change_out,
            -change_out_high as change_out_low,
            -change_out_low as change_out_high
        )
        from distillation_by_size
    ) unpivot include nulls (
        (value, low, high) for quantity in (
            {listed}
        )
    )"""


# Memorised examples have a score of 0.5 or more; ``ratio`` is the teacher's parameters over the
# student's.
_GAP_QUERY: Final = f"""
with memorised as (
    select size, size_rank, gap, n_groups, estimator, {_SELECTED}, '{_CHANGE}' as quantity,
        change as value, change_low as low, change_high as high, change_in, change_out
    from distillation_effects
    where objective = $objective and "grouping" = 'score' and starts_with(category, 'mem >=')
        and n_examples >= 5
),
everyone as (
    select size, size_rank, gap, n_groups, 'jackknife' as estimator, '{_ALL}' as selected_on,
        quantity, value, low, high
    from {_by_size(("inhibition", "change", "change_in", "change_out"))}
    where objective = $objective
)
select size, size_rank, quantity, selected_on, estimator, exp(gap) as ratio, value, low, high,
    change_in, change_out, gap, n_groups
from (
    from memorised
    union all by name
    from everyone
)
where gap is not null and value is not null
order by quantity, selected_on, estimator, size_rank"""

# Settings by how much they differ from training on labels: those without weight first.
_SETTINGS_QUERY: Final = f"""
with settings as (
    select objective, size, size_rank, quantity, value, low, high, n_groups, teacher_scope,
        temperature, distillation_weight, regexp_replace(objective, '^distilled_', '') as name,
        case when temperature is null then 'hard targets' else printf('T %g', temperature) end
            as targets
    from {_by_size(_SETTINGS_IN)}
)
select objective, size, size_rank,
    case
        when distillation_weight is null then name
        else name || ': ' || targets || printf(', weight %g', distillation_weight)
            || case when teacher_scope = 'full_data' then ', full data' else '' end
    end as way,
    quantity, value, low, high, n_groups
from settings
where value is not null and quantity = coalesce($quantity, quantity)
order by distillation_weight <> 0 nulls first, teacher_scope <> 'same_subset' nulls first,
    temperature nulls first, distillation_weight nulls first, objective, size_rank, quantity"""


def _draw_groups(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Mean change of groups of examples, measured on models that did not choose them.

    ``grouping`` is ``shape`` (of the trajectory), ``score`` (memorised or not) or ``bin`` (tenths
    of the score). Bars split the change into its two rates. Filled points leave one group of models
    out; hollow points, the naive estimate, carry the choice's own noise. Examples are chosen once
    on one-hot models (circles) and once on distilled ones (diamonds). Groups of fewer than 5
    examples are left out: their intervals would be all there is to see.
    """
    if asked["grouping"] == "score":
        return _bands(frame, asked)
    ordered = theme.in_order(frame)
    names = theme.values(frame, "category")
    ranges = [name for name in names if name not in theme.SHAPES]
    shapes = [name for name in theme.SHAPES if name in names]
    base = alt.Chart(frame).encode(
        y=alt.Y("category:N", sort=[*ranges, *shapes], title=None),
        yOffset=alt.YOffset("selected_on:N", sort=[_ON_ONE_HOT, _ALL, _ON_DISTILLED]),
    )
    layers = alt.layer(_bars(base), marks.zero(frame, "x"), *_changes(base))
    chart = theme.panels(
        layers.properties(width=240, height=alt.Step(15, **{"for": "offset"})),
        "size",
        ordered,
        min(len(ordered), 3),
        asked.stars("one_hot", asked["objective"]),
    )
    return theme.finish(chart, panel=190, count=len(ordered))


def _bands(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """The change of each band of scores against size, a line for each band and choice."""
    names = theme.values(frame, "category")
    chosen = [name for name in (_ON_ONE_HOT, _ON_DISTILLED) if name in set(frame["selected_on"])]
    base = (
        alt.Chart(frame)
        .transform_filter(f"{_MEASURED} && datum.part == 'change'")
        .encode(
            x=theme.size_axis(
                theme.in_order(frame), labels=asked.stars("one_hot", asked["objective"])
            ),
            color=alt.Color(
                "category:N",
                sort=names,
                title="one score",
                scale=alt.Scale(domain=names, range=theme.size_colours(len(names))),
            ),
            tooltip=theme.tooltip(
                *("size", "category", "selected_on", "value:+.4f"),
                *("change_low:+.4f", "change_high:+.4f", "n_examples:,.0f", "n_groups"),
            ),
        )
    )
    y = alt.Y("value:Q", title="mean change of the score")
    layers = alt.layer(
        marks.zero(frame, "y"),
        base.mark_line(strokeWidth=1.6).encode(y=y),
        base.mark_rule(strokeWidth=1.2).encode(y=alt.Y("change_low:Q"), y2="change_high:Q"),
        base.mark_point(size=40).encode(y=alt.Y("value:Q")),
    ).properties(width=300, height=190)
    chart = theme.panels(layers, "selected_on", chosen, columns=2)
    return theme.finish(chart, panel=300, count=len(chosen))


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


def _draw_gap(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Draw the effect of distillation against the gap in size of teacher and student.

    Memorised examples have a score of 0.5 or more; hollow points are the naive estimate.
    """
    quantities = theme.known_order(
        frame["quantity"].to_list(), [_QUANTITIES["inhibition"], _CHANGE, *_QUANTITIES.values()]
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
    return theme.finish(chart, panel=200, count=len(quantities))


def _draw_settings(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Every way of teaching side by side: change of the score, its parts, and test accuracy.

    ``quantity`` names one of these alone, as its panel does.
    """
    quantities = theme.known_order(
        frame["quantity"].to_list(), [_QUANTITIES[name] for name in _SETTINGS_IN]
    )
    names = theme.in_order(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "way:N",
            sort=theme.values(frame, "way"),
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
    return theme.finish(chart, panel=330, count=len(quantities))


def _points(base: alt.Chart) -> alt.Chart:
    """Filled where measured on other models than those that chose, hollow where naive."""
    ink, paper = theme.colour("ink"), theme.colour("paper")
    shapes: dict[str, Any] = {
        "scale": alt.Scale(
            domain=[_ON_ONE_HOT, _ALL, _ON_DISTILLED], range=["circle", "square", "diamond"]
        ),
        "legend": alt.Legend(values=[_ON_ONE_HOT, _ON_DISTILLED]),
    }
    points: alt.Chart = base.mark_point(size=34, filled=False, strokeWidth=1.3, color=ink).encode(
        # Legends take what holds without a condition: they show filled points.
        fill=alt.condition(_NAIVE, alt.value(paper), alt.value(ink)),
        shape=alt.Shape("selected_on:N", **shapes),
    )
    return points


def _groups_title(_: pl.DataFrame, asked: Asked) -> str:
    grouping = asked["grouping"]
    by = _GROUPINGS[grouping][0] if grouping in _GROUPINGS else grouping
    return of_setting(f"Change under distillation by {by}", asked["objective"])


def _groups_caption(frame: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    grouping = asked["grouping"]
    examples = f"for examples {_GROUPINGS[grouping][1]}, one panel per size."
    text = f"The same {examples} Bars, lines and points are as in the figure before."
    if grouping == "score":
        return (
            "Mean change of the score for examples of three bands, against model size. Choosing "
            "examples by a noisy score and measuring them on the same models would find a fall "
            "where there is none, so bands are chosen on all groups of models but one and measured "
            "on that one; a claim needs both choices to agree. Upright lines are 95 % intervals "
            f"over groups of models.{_bias(frame)}{facts.stars('one_hot', asked['objective'])}"
        )
    if grouping == "bin":  # which comes first: the next refers to it
        text = (
            f"Mean change of the score {examples} Bars split the change into what accuracy on "
            "images trained on and on images held out adds to it. Circles choose the examples "
            "on one-hot scores, diamonds on distilled scores; a claim needs both to agree. Lines "
            "are 95 % intervals over groups of models; hollow points are naive. Groups of fewer "
            "than 5 examples are left out."
        )
    return f"{text}{_bias(frame)}{facts.stars('one_hot', asked['objective'])}"


def _bias(frame: pl.DataFrame) -> str:
    """Average bias of the naive estimates, in words."""
    keys = ["size", "category", "selected_on"]
    changes = frame.filter(pl.col("part") == "change").select(*keys, "estimator", "value")
    naive = changes.filter(pl.col("estimator") == "naive")
    measured = changes.filter(pl.col("estimator") == "leave_one_group_out")
    off = naive.join(measured, on=keys).select((pl.col("value") - pl.col("value_right")).abs())
    if off.is_empty():
        return ""
    mean = float(off.to_series().to_numpy().mean())
    return f" The naive estimates are {wording.number(mean)} off on average."


def _groups_result(frame: pl.DataFrame, asked: Asked) -> str:
    """Change of the highest band of scores at the largest size, beside the lowest."""
    if asked["grouping"] != "score":
        return ""
    measured = frame.filter(
        pl.col("part") == "change", pl.col("estimator") != "naive", pl.col("value").is_not_null()
    )
    names = theme.values(measured, "category")
    largest = theme.in_order(measured.filter(pl.col("category") == names[-1])) if names else []
    if len(names) < 2 or not largest:
        return ""
    there = measured.filter(pl.col("size") == largest[-1])
    told = []
    for name in (names[-1], names[0]):
        values = there.filter(pl.col("category") == name)["value"].to_list()
        if not values:
            return ""
        ends = [wording.number(end, signed=True) for end in sorted({min(values), max(values)})]
        told.append(f"scores of {name} change by {' to '.join(dict.fromkeys(ends))}")
    size = theme.spoken(theme.in_order(frame))[largest[-1]]
    return f"At {size}, {told[0]}, {told[1].removeprefix('scores of ')}"


def _gap_caption(frame: pl.DataFrame, _: Asked, __: Facts) -> str:
    return (
        "Does a teacher that is much larger than its student change more? The teacher is the same, "
        "students differ: to the right it has more parameters than they; at 1 it has as many. "
        "Memorised examples have a score of 0.5 or more, chosen without the models that measure "
        "them (on one-hot scores: circles, on distilled ones: diamonds; hollow: naive); the share "
        "of their score that they lose is the mean of both choices. All examples together are "
        "squares, split into the parts when trained on and when held out. Lines are 95 % intervals "
        f"over groups of models.{_losses(frame)}"
    )


def _losses(frame: pl.DataFrame) -> str:
    """Losses of memorised examples at each size, nearest to the teacher first, in words."""
    rows = frame.filter(pl.col("quantity") == _QUANTITIES["inhibition"]).sort("gap")
    if rows.height < 2:
        return ""
    losses = [
        f"{wording.percent(row['value'])} ({wording.percent(row['low'])} to "
        f"{wording.percent(row['high'])}) of their score in {row['size']}"
        for row in rows.iter_rows(named=True)
    ]
    return f" Memorised examples lose {wording.listed(losses)}."


def _settings_caption(frame: pl.DataFrame, _: Asked, facts: Facts) -> str:
    ordered = theme.in_order(frame)
    at = f" ({ordered[0]})" if len(ordered) == 1 else ""
    return (
        f"Every way of teaching beside the others{at}: mean change of the score and the parts "
        "that its two rates have in it, the share of their score that memorised examples "
        "(score of at least 0.5) lose, and the gain of test accuracy, each against models "
        "trained on labels. Lines are 95 % intervals over groups of models. One setting is not "
        f"a result: what holds should hold for all of them.{_leaks(facts)}"
    )


def _settings_result(frame: pl.DataFrame, _: Asked) -> str:
    """Name the settings that lower the mean score most and least at the largest size."""
    changes = frame.filter(
        pl.col("quantity") == SCORE_CHANGE, ~pl.col("way").str.ends_with(_UNTAUGHT)
    ).drop_nulls("value")
    if changes["way"].n_unique() < 2:
        return ""
    ordered = theme.in_order(changes)
    there = changes.filter(pl.col("size") == ordered[-1]).sort("value")
    at = f" at {theme.spoken(theme.in_order(frame))[ordered[-1]]}" if ordered[1:] else ""
    ends = [
        f"{wording.number(row['value'], signed=True)} ({_in_words(row['way'])})"
        for row in (there.row(0, named=True), there.row(-1, named=True))
    ]
    ways = wording.plural(there["way"].n_unique(), "way")
    return f"{ways} of teaching change the mean score{at} by {ends[0]} to {ends[1]}"


def _in_words(way: str) -> str:
    """A way of teaching without its name: 'temperature 10, weight 1'."""
    return way.partition(": ")[2].replace("T ", "temperature ") or way


def _leaks(facts: Facts) -> str:
    """Name the teachers that saw the examples which their students hold out."""
    rows = facts.sql(
        "select distinct objective from models where teacher_scope = 'full_data' order by objective"
    )
    if rows.is_empty():
        return ""
    names = [wording.objective(name) for name in rows["objective"].to_list()]
    return (
        f" Teachers of {wording.listed(names)} saw all examples, so that held-out labels leak to "
        "their students."
    )


distillation_groups = Figure(
    name="distillation_groups",
    title=_groups_title,
    query=_GROUPS_QUERY,
    draw=_draw_groups,
    caption=_groups_caption,
    nothing=NONE,
    parameters={"grouping": "shape", **OBJECTIVE},
    result=_groups_result,
)
distillation_gap = Figure(
    name="distillation_gap",
    title=lambda _, asked: of_setting("Change against the size of the teacher", asked["objective"]),
    query=_GAP_QUERY,
    draw=_draw_gap,
    caption=_gap_caption,
    nothing="No gap between teacher and student is known in this study.",
    parameters=OBJECTIVE,
)
distillation_settings = Figure(
    name="distillation_settings",
    title="Ways of teaching side by side",
    query=_SETTINGS_QUERY,
    draw=_draw_settings,
    caption=_settings_caption,
    nothing=NONE,
    parameters={"quantity": None},
    result=_settings_result,
)
