"""Kinds of example, planted or judged: their scores, trajectories, and what finds them."""

from __future__ import annotations

import json
from typing import Final

import altair as alt
import polars as pl

from memanalysis import wording
from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Figure
from memanalysis.figures.fragments import (
    OBJECTIVES_IN_ORDER,
    compared,
    proxy_title,
    strongest,
    within_one,
)

_NONE: Final = "No kinds of example are known in this study: nothing was planted or judged."
_ORDINARY: Final = ("clean", "easy")
# Kinds as readers know them, as a Vega expression.
_KINDS: Final = f"{json.dumps(wording.KINDS)}[datum.label] || datum.label"

_SCORES_QUERY: Final = f"""
with scores as (
    from kind_effects
    where quantity = 'memorization'
)
select objective, size, size_rank, kind, estimate, ci_low, ci_high, n_examples, n_groups
from {compared("scores")}
order by {OBJECTIVES_IN_ORDER}, kind, size_rank"""

# Limits by Student's t can leave what a share can be.
_SHAPES_QUERY: Final = f"""
select kind, shape, estimate, {within_one("ci_low")} as ci_low, {within_one("ci_high")} as ci_high,
    n_examples, n_groups
from kind_effects
where objective = $objective and quantity = 'share'
order by kind, estimate desc"""

_CHANGES_QUERY: Final = """
select size, size_rank, kind, estimate, ci_low, ci_high, n_examples, n_groups
from kind_effects
where objective = $objective and quantity = 'distillation'
order by kind, size_rank"""

_RETRIEVAL_QUERY: Final = f"""
with strongest as {strongest()}
select size, size_rank, kind,
    case when proxy = 'memorization' then 'the score itself' else {proxy_title()} end as finder,
    auc, auc_low, auc_high, precision, share, n_examples, n_groups
from kind_retrieval
left join strongest using (proxy)
where objective = $objective and auc is not null
order by proxy <> 'memorization', strength desc nulls last, proxy, kind, size_rank"""


def _draw_scores(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Mean memorisation of each kind of example by size, with intervals, per objective."""
    objectives = theme.values(frame, "objective")
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame)),
        color=alt.Color("objective:N", scale=theme.objective_scale(objectives)),
    )
    y = alt.Y("estimate:Q", title="mean memorisation of the kind")
    tooltip = _tooltip("kind", "objective", "size")
    layers = alt.layer(
        *marks.estimates(base, y, tooltip, ("ci_low", "ci_high"), size=34)
    ).properties(width=170, height=170)
    kinds = _in_order(frame)
    chart = theme.panels(layers, "kind", kinds, 4, _KINDS)
    return theme.finish(chart, panel=170, count=len(kinds))


def _draw_shapes(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Share of each trajectory shape among the examples of each kind, with intervals."""
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    base = alt.Chart(frame).encode(
        y=alt.Y("shape:N", sort=shapes, title=None),
        tooltip=_tooltip("kind", "shape"),
    )
    x = alt.X(
        "estimate:Q",
        title="share of the kind",
        scale=alt.Scale(domainMin=0),
        axis=alt.Axis(format="%", grid=True, tickCount=3),
    )
    layers = alt.layer(
        base.mark_bar(height=12, cornerRadiusEnd=2).encode(
            x=x, color=alt.Color("shape:N", scale=theme.category_scale(shapes), legend=None)
        ),
        *marks.across_bars(base, "ci_low", "ci_high"),
    ).properties(width=150, height=alt.Step(21))
    kinds = _in_order(frame)
    chart = theme.panels(layers, "kind", kinds, 4, _KINDS)
    return theme.finish(chart, panel=230, count=len(kinds))


def _draw_changes(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Change of the mean score by distillation for each kind and size; left is less memorised."""
    sizes = theme.in_order(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "kind:N",
            sort=_in_order(frame),
            title=None,
            axis=alt.Axis(labelFontSize=12, labelExpr=_KINDS),
            scale=alt.Scale(paddingInner=0.4),
        ),
        yOffset=alt.YOffset("size:N", sort=sizes),
        color=alt.Color("size:N", scale=theme.size_scale(sizes)),
        tooltip=_tooltip("kind", "size"),
    )
    layers = alt.layer(
        marks.zero(frame, "x"),
        base.mark_rule().encode(x=alt.X("ci_low:Q"), x2="ci_high:Q"),
        base.mark_point(size=44).encode(
            x=alt.X(
                "estimate:Q",
                title="mean score, distilled − one-hot",
                axis=alt.Axis(grid=True, tickCount=6),
            )
        ),
    ).properties(width=520, height=alt.Step(13))
    return theme.finish(layers)


def _draw_retrieval(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Draw how well the score and each proxy tell kinds from ordinary examples, by size (AUC)."""
    finders = theme.values(frame, "finder")
    sizes = theme.in_order(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y("finder:N", sort=finders, title=None),
        yOffset=alt.YOffset("size:N", sort=sizes),
        color=alt.Color("size:N", scale=theme.size_scale(sizes)),
        tooltip=theme.tooltip(
            *("kind", "finder", "size", "auc:.3f", "auc_low:.3f", "auc_high:.3f"),
            *("precision:.1%", "share:.1%", "n_examples", "n_groups"),
        ),
    )
    layers = alt.layer(
        marks.reference(frame, x=0.5),
        base.mark_rule(strokeWidth=1.2, clip=True).encode(x=alt.X("auc_low:Q"), x2="auc_high:Q"),
        base.mark_point(size=38).encode(x=marks.auc_axis()),
    ).properties(width=190, height=alt.Step(7))
    kinds = _in_order(frame)
    chart = theme.panels(layers, "kind", kinds, 3, _KINDS)
    return theme.finish(chart, panel=290, count=len(kinds))


def _in_order(frame: pl.DataFrame) -> list[str]:
    """The kinds, the ordinary one first, the others by name."""
    return theme.known_order(frame["kind"].to_list(), _ORDINARY)


def _tooltip(*keys: str) -> list[alt.Tooltip]:
    return theme.tooltip(
        *keys, "estimate:.3f", "ci_low:.3f", "ci_high:.3f", "n_examples", "n_groups"
    )


def _scores_result(frame: pl.DataFrame, _: Asked) -> str:
    """The kind with the highest mean score at the largest size, beside an ordinary one."""
    there = frame.filter(pl.col("objective") == frame["objective"][0]).drop_nulls("estimate")
    if there["kind"].n_unique() < 2:
        return ""
    names = theme.spoken(theme.in_order(frame))
    size = theme.in_order(there)[-1]
    scores = dict(there.filter(pl.col("size") == size).select("kind", "estimate").iter_rows())
    most = max(scores, key=lambda kind: scores[kind])
    lowest = min(scores, key=lambda kind: scores[kind])
    least = next((kind for kind in _ORDINARY if kind in scores), lowest)
    shown = [
        f"{wording.number(scores[kind], 2)} for {wording.kind(kind)}" for kind in (most, least)
    ]
    return f"At {names[size]}, the mean score is {shown[0]} and {shown[1]}"


kind_scores = Figure(
    name="kind_scores",
    title="How much each kind of example is memorised",
    query=_SCORES_QUERY,
    draw=_draw_scores,
    caption=(
        "Mean memorisation score of the examples of each kind by model size, with 95 % intervals "
        "over groups of models. A wrong label can hardly be got right but by memorising it; the "
        "label of a clean example can also be learned from others."
    ),
    nothing=_NONE,
    result=_scores_result,
)
kind_shapes = Figure(
    name="kind_shapes",
    title="Which trajectory each kind of example takes",
    query=_SHAPES_QUERY,
    draw=_draw_shapes,
    caption=(
        "Share of each kind’s examples whose score takes each trajectory shape as models grow. "
        "Lines are 95 % intervals over groups of models. “Undetermined” says that there are too "
        "few models to tell."
    ),
    nothing=f"{_NONE[:-1]}, or it has one size.",
    parameters={"objective": "one_hot"},
)
kind_distillation = Figure(
    name="kind_distillation",
    title="What distillation changes for each kind of example",
    query=_CHANGES_QUERY,
    draw=_draw_changes,
    caption=(
        "Mean score of each kind after distillation less the mean score after training on labels, "
        "same subsets. Left of the line at 0, distillation inhibits memorisation. 95 % intervals "
        "over groups of models."
    ),
    nothing=f"{_NONE[:-1]}, or it has no distilled models.",
    parameters={"objective": "distilled"},
)
kind_retrieval = Figure(
    name="kind_retrieval",
    title="Which number finds which kind of example",
    query=_RETRIEVAL_QUERY,
    draw=_draw_retrieval,
    caption=(
        "Take one example of a kind and one clean example: the AUC is the chance that the number "
        "(turned so that high means hard) is higher for the first. At 1 it tells all of them "
        "apart, at 0.5 (dashed) it guesses, below it ranks the kind as easier than clean ones. "
        "Lines are 95 % intervals over groups of models, absent in stores that no longer keep a "
        "proxy’s values per group."
    ),
    nothing=_NONE,
    parameters={"objective": "one_hot"},
)
