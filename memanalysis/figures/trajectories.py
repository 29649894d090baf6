"""Trajectories of single examples: shares of shapes, and curves of scores over sizes."""

from __future__ import annotations

import json
from typing import Final

import altair as alt
import polars as pl

from memanalysis import numbers, wording
from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import OBJECTIVES_IN_ORDER, compared

_NONE: Final = "No trajectories: they need at least two sizes and enough models."
_NO_SHAPE: Final = "No example has a shape other than fixed or undetermined."
_OBJECTIVE: Final = {"objective": "one_hot"}
_SHARE_TOOLTIP: Final = theme.tooltip(
    *("objective", "category", "share:.2%", "share_low:.2%", "share_high:.2%"),
    *("noise_share:.2%", "alpha", "n_examples", "n_groups"),
)
_APART: Final = 0.055  # least distance of two labels, of a score
# As labels at the ends of curves say it.
IN_WORDS: Final = {
    "increasing": "rise",
    "decreasing": "fall",
    "cap": "peak",
    "u": "dip",
    "mixed": "turn twice",
    "fixed": "stay",
    "undetermined": "cannot be told",
}
_CURVES: Final = ("memorisation", "when trained on", "when held out")

# Directions are computed at the α of the study.
_SHARES_QUERY: Final = f"""
with shown as (
    from trajectory_shares
    where rule = $rule and alpha is not distinct from coalesce(
        $alpha, (select any_value(alpha) from trajectory_shares where rule = 'direction')
    )
)
select objective, category, share, share_low, share_high, noise_share, alpha, n_examples, n_groups
from {compared("shown")}
order by {OBJECTIVES_IN_ORDER}, share desc, category"""

_SWEEP_QUERY: Final = """
select objective, rule, alpha, category, share, share_low, share_high, noise_share, n_examples,
    n_groups
from trajectory_shares
where objective = $objective and rule in ('shape', 'threshold')
order by rule, category, alpha"""

_CURVES_QUERY: Final = """
select shape, size, size_rank, quantity, value, n_examples,
    n_examples / sum(n_examples) over (partition by quantity, size) as share
from trajectory_curves unpivot include nulls (
    value for quantity in (
        memorization as 'memorisation',
        accuracy_in as 'when trained on',
        accuracy_out as 'when held out'
    )
)
where objective = $objective and quantity = coalesce($quantity, quantity)
order by quantity, shape, size_rank"""

_EXAMPLES_QUERY: Final = """
select shape, rank, example_id, coalesce(class_name, e.label::varchar, 'no label') as class_name,
    size, size_rank, memorization
from strongest_examples as e
left join classes as c on e.label = c.label
where objective = $objective and shape <> 'undetermined'
order by shape, rank, size_rank"""

_BY_CLASS_QUERY: Final = """
select label, class_name, shape, rank, example_id, size, size_rank, memorization
from strongest_examples_by_class
where objective = $objective
order by label, shape, rank, size_rank"""


def _draw_shares(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Share of examples with each trajectory shape, with the share that noise alone produces.

    ``rule`` is ``shape``, ``direction`` or ``threshold`` as in the relation, ``alpha`` the smallest
    change that counts, by default the study's.
    """
    categories = theme.known_order(frame["category"].to_list(), theme.SHAPES)
    objectives = theme.values(frame, "objective")
    base = alt.Chart(frame).encode(
        y=alt.Y("category:N", sort=categories, title=None, axis=alt.Axis(labelFontSize=12)),
        tooltip=_SHARE_TOOLTIP,
    )
    x = alt.X(
        "share:Q",
        title="share of training examples",
        scale=alt.Scale(domainMin=0),
        axis=alt.Axis(format="%", grid=True, tickCount=5),
    )
    ink = theme.colour("ink")
    layers = alt.layer(
        base.mark_bar(height=15, cornerRadiusEnd=2).encode(
            x=x,
            color=alt.Color("category:N", scale=theme.category_scale(categories), legend=None),
        ),
        *marks.across_bars(base, "share_low", "share_high"),
        base.mark_tick(color=ink, thickness=2.5, height=24, opacity=1).encode(x="noise_share:Q"),
    ).properties(width=300, height=alt.Step(30))
    chart = theme.panels(layers, "objective", objectives, columns=2)
    return theme.finish(chart, panel=270, count=len(objectives))


def _draw_sweep(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Share of each shape for every α, filled with intervals, hollow by the plain threshold rule.

    Dashed (dotted) lines are the shares that noise alone produces.
    """
    shapes = theme.known_order(frame["category"].to_list(), theme.SHAPES)
    scale = theme.category_scale(shapes)
    base = alt.Chart(frame).encode(
        x=alt.X(
            "alpha:Q",
            title="smallest change α",
            scale=alt.Scale(domainMin=0),
            axis=alt.Axis(tickCount=4),
        ),
        color=alt.Color("category:N", scale=scale, legend=None),
        detail="rule:N",
    )
    y = alt.Y("share:Q", title="share of examples", axis=alt.Axis(format="%"))
    noise = alt.condition("datum.rule == 'shape'", alt.value([4, 3]), alt.value([1, 3]))
    layers = alt.layer(
        base.mark_line(strokeWidth=1.2).encode(y=alt.Y("noise_share:Q"), strokeDash=noise),
        base.mark_line(strokeWidth=1.6).encode(y=y),
        base.mark_rule().encode(y=alt.Y("share_low:Q"), y2="share_high:Q"),
        marks.dots(
            base.encode(y=y, tooltip=[*theme.tooltip("rule"), *_SHARE_TOOLTIP]),
            "datum.rule == 'shape'",
            alt.Fill("category:N", scale=scale),
            size=38,
        ),
    ).properties(width=170, height=150)
    chart = theme.own_scales(theme.panels(layers, "category", shapes, columns=min(len(shapes), 4)))
    return theme.finish(chart, panel=120, count=len(shapes))


def _draw_curves(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Mean memorisation, p_in and p_out by size for each trajectory shape.

    ``quantity`` 'memorisation' draws that alone, its curves labelled with their shares.
    """
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    labels = asked.stars(asked["objective"])
    alone = asked["quantity"] is not None
    legend = None if alone else alt.Legend()
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame), labels=labels),
        y=alt.Y("value:Q", title="mean score" if alone else "mean over examples of the shape"),
        color=alt.Color("shape:N", scale=theme.category_scale(shapes), legend=legend),
        tooltip=theme.tooltip("shape", "size", "quantity", "value:.3f", "n_examples"),
    )
    layers = alt.layer(base.mark_line(), base.mark_point(size=36)).properties(width=230, height=230)
    if alone:
        return theme.finish(_labelled(layers, base, frame))
    chart = theme.panels(layers, "quantity", list(_CURVES), columns=3)
    return theme.finish(chart, panel=220, count=len(_CURVES))


def _labelled(layers: theme.AnyChart, base: alt.Chart, frame: pl.DataFrame) -> theme.AnyChart:
    """The curves with the share of each shape at their right ends, kept apart."""
    last = theme.in_order(frame)[-1]
    ends = frame.filter(pl.col("size") == last).drop_nulls("value").sort("value")
    places: list[float] = []
    for value in ends["value"].to_list():
        places.append(max(value, places[-1] + _APART) if places else value)
    words = [
        f"{IN_WORDS.get(shape, shape)} {wording.percent(share, 0)}"
        for shape, share in ends.select("shape", "share").iter_rows()
    ]
    match = " : ".join(
        f"datum.shape == {json.dumps(shape)} ? {json.dumps([place, text])}"
        for shape, place, text in zip(ends["shape"], places, words, strict=True)
    )
    labels = (
        base.transform_filter(f"datum.size == {json.dumps(last)}")
        .transform_calculate(told=f"{match} : [0, '']")
        .transform_calculate(place="datum.told[0]", label="datum.told[1]")
        .mark_text(align="left", dx=9, fontSize=12, fontWeight=600)
        .encode(y=alt.Y("place:Q"), text="label:N")
    )
    return alt.layer(*layers.layer, labels, data=frame).properties(width=460, height=330)


def _draw_examples(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Scores by size of the strongest examples of each shape, one thin line per example."""
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    labels = asked.stars(asked["objective"])
    lines = (
        alt.Chart(frame)
        .mark_line(strokeWidth=1.3, opacity=0.65, point=alt.OverlayMarkDef(size=16))
        .encode(
            x=theme.size_axis(theme.in_order(frame), labels=labels),
            y=alt.Y("memorization:Q", title="memorisation score"),
            color=alt.Color("shape:N", scale=theme.category_scale(shapes), legend=None),
            detail="example_id:N",
            tooltip=theme.tooltip("example_id", "class_name", "size", "memorization:.3f"),
        )
        .properties(width=220, height=190)
    )
    chart = theme.panels(lines, "shape", shapes, columns=min(len(shapes), 3))
    return theme.finish(chart, panel=165, count=len(shapes))


def _draw_by_class(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Scores by size of the strongest examples of each class, one line per example.

    At most three of each shape that moves; of more than 12 classes those where most examples move.
    """
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    classes = theme.values(frame, "class_name")
    labels = asked.stars(asked["objective"])
    lines = (
        alt.Chart(frame)
        .mark_line(strokeWidth=1.4, opacity=0.75, strokeJoin="round")
        .encode(
            x=theme.size_axis(theme.in_order(frame), labels=labels),
            y=alt.Y("memorization:Q", title="memorisation score"),
            color=alt.Color("shape:N", scale=theme.category_scale(shapes)),
            detail="example_id:N",
            tooltip=theme.tooltip("example_id", "class_name", "shape", "size", "memorization:.3f"),
        )
        .properties(width=130, height=130)
    )
    chart = theme.panels(lines, "class_name", classes, columns=min(len(classes), 4))
    return theme.finish(chart, panel=165, count=len(classes))


def _shares_caption(_: pl.DataFrame, __: Asked, facts: Facts) -> str:
    alphas = facts.alphas
    alpha = "directions only: too few models for an α"
    if len(set(alphas.values())) == 1:
        alpha = f"α = {next(iter(alphas.values())):g}"
    elif alphas:
        each = [f"{value:g} with {wording.objective(name)}" for name, value in alphas.items()]
        alpha = f"α = {wording.listed(each)}"
    return (
        "Share of training examples whose score takes each shape. Lines are 95 % intervals over "
        "groups of models, cautious ones; upright ticks mark what noise alone would produce if no "
        f"example changed ({alpha}). Findings subtract the false discoveries that the rule admits, "
        "so that their shares, except of fixed, are 0.95 of these."
    )


def _curves_caption(_: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    return (
        "Mean score of the examples of each shape, beside the two rates it is made of: a score "
        "rises because larger models fit the example, or because they miss it when it is held "
        "out. The examples were sorted and averaged on the same models, which "
        f"exaggerates every shape that asks for a change.{facts.stars(asked['objective'])}"
    )


def _examples_caption(_: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    return (
        "The examples of each shape whose score changes most, one line each. They were chosen on "
        "the models that are shown, so they look stronger here than on new models."
        f"{facts.stars(asked['objective'])}"
    )


def _by_class_caption(frame: pl.DataFrame, asked: Asked, facts: Facts) -> str:
    shown = frame["label"].n_unique()
    some = (
        f" Of {facts.n_classes} classes, those {shown} where most examples move."
        if shown < facts.n_classes
        else ""
    )
    return (
        "The same class by class: at most three examples of each shape that moves."
        f"{some}{facts.stars(asked['objective'])}"
    )


def shares_in_words(frame: pl.DataFrame, things: str = "examples") -> str:
    """The shares of the first objective: '12 % of the images are memorised more, 60 % alike'."""
    first = frame.filter(pl.col("objective") == frame["objective"][0])
    shares = dict(first.select("category", "share").iter_rows())
    if not any(shares.values()):
        return ""

    def share(*names: str) -> str:
        return numbers.percent(sum(shares.get(name) or 0.0 for name in names))

    return (
        f"{share('increasing')} of the {things} are memorised more and {share('fixed')} alike; "
        f"{share('decreasing', 'cap')} peak or fall, {share('u', 'mixed', 'undetermined')} cannot "
        "be told"
    )


def _shares_result(frame: pl.DataFrame, _: Asked) -> str:
    """Fate of the scores of single examples, in words."""
    return shares_in_words(frame)


def _curves_result(frame: pl.DataFrame, _: Asked) -> str:
    """From where to where the mean score of the examples goes that rise."""
    rising = frame.filter(
        pl.col("shape") == "increasing", pl.col("quantity") == _CURVES[0]
    ).drop_nulls("value").sort("size_rank")  # fmt: skip
    if rising.height < 2:
        return ""
    names = theme.spoken(theme.in_order(frame))
    first, last = rising.row(0, named=True), rising.row(-1, named=True)
    return (
        f"Examples that rise go from a mean score of {wording.number(first['value'], 2)} at "
        f"{names[first['size']]} to {wording.number(last['value'], 2)} at {names[last['size']]}"
    )


trajectory_shares = Figure(
    name="trajectory_shares",
    title="What becomes of a score as models grow",
    query=_SHARES_QUERY,
    draw=_draw_shares,
    caption=_shares_caption,
    nothing=_NONE,
    parameters={"rule": "shape", "alpha": None},
    result=_shares_result,
)
trajectory_sweep = Figure(
    name="trajectory_sweep",
    title="The same shares for other α",
    query=_SWEEP_QUERY,
    draw=_draw_sweep,
    caption=(
        "Share of examples with each shape for other values of α: filled points decide with "
        "intervals, as above; hollow points take the scores at face value (the plain threshold "
        "rule). Lines without points are what noise alone produces, dashed where intervals decide "
        "and dotted at face value. Each panel has a scale of its own."
    ),
    nothing=_NONE,
    parameters=_OBJECTIVE,
)
trajectories = Figure(
    name="trajectories",
    title="Mean curves of each trajectory shape",
    query=_CURVES_QUERY,
    draw=_draw_curves,
    caption=_curves_caption,
    nothing="No trajectories: they need at least two sizes.",
    parameters={**_OBJECTIVE, "quantity": None},
    result=_curves_result,
)
example_curves = Figure(
    name="example_curves",
    title="The strongest examples of each shape",
    query=_EXAMPLES_QUERY,
    draw=_draw_examples,
    caption=_examples_caption,
    nothing=_NO_SHAPE,
    parameters=_OBJECTIVE,
)
example_curves_by_class = Figure(
    name="example_curves_by_class",
    title="The strongest examples of each class",
    query=_BY_CLASS_QUERY,
    draw=_draw_by_class,
    caption=_by_class_caption,
    nothing=_NO_SHAPE,
    parameters=_OBJECTIVE,
)
