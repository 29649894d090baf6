"""Kinds of example, planted or judged: their scores, trajectories, and what finds them."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, theme
from memanalysis.figures.proxies import proxy_title, strongest_first

_NONE: Final = "No kinds of example are known in this study: nothing was planted or judged."
_ORDINARY: Final = ("clean", "easy")
_SCORE: Final = "memorization"
_SCORE_TITLE: Final = "the score itself"


def kind_scores(study: theme.Tables) -> theme.AnyChart:
    """Mean memorisation of each kind of example by size, with intervals, per objective."""
    table = study.table("kind_effects").filter(pl.col("quantity") == "memorization")
    if table.is_empty():
        return theme.nothing(_NONE)
    frame = theme.compared_objectives(table)
    objectives = frame["objective"].unique(maintain_order=True).to_list()
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(table)),
        color=alt.Color("objective:N", scale=theme.objective_scale(objectives)),
    )
    y = alt.Y("estimate:Q", title="mean memorisation of the kind")
    tooltip = _tooltip("kind", "objective", "size")
    layers = alt.layer(
        *marks.estimates(base, y, tooltip, ("ci_low", "ci_high"), size=34)
    ).properties(width=170, height=170)
    kinds = _in_order(frame)
    chart = theme.panels(layers, "kind", kinds, columns=4)
    return theme.finish(
        chart, "How much each kind of example is memorised", panel=170, count=len(kinds)
    )


def kind_shapes(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Share of each trajectory shape among the examples of each kind, with intervals."""
    table = study.table("kind_effects").filter(
        pl.col("objective") == objective, pl.col("quantity") == "share"
    )
    if table.is_empty():
        return theme.nothing(f"{_NONE[:-1]}, or it has one size.")
    shapes = theme.known_order(table["shape"].to_list(), theme.SHAPES)
    # Limits by Student's t can leave what a share can be.
    limits = pl.col("ci_low", "ci_high").clip(0, 1)
    base = alt.Chart(table.drop("size", "size_rank").with_columns(limits)).encode(
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
    kinds = _in_order(table)
    chart = theme.panels(layers, "kind", kinds, columns=4)
    return theme.finish(
        chart, "Which trajectory each kind of example takes", panel=230, count=len(kinds)
    )


def kind_distillation(study: theme.Tables, objective: str = "distilled") -> theme.AnyChart:
    """Change of the mean score by distillation for each kind and size; left is less memorised."""
    table = study.table("kind_effects").filter(
        pl.col("objective") == objective, pl.col("quantity") == "distillation"
    )
    if table.is_empty():
        return theme.nothing(f"{_NONE[:-1]}, or it has no distilled models.")
    sizes = theme.in_order(table)
    base = alt.Chart(table).encode(
        y=alt.Y(
            "kind:N",
            sort=_in_order(table),
            title=None,
            axis=alt.Axis(labelFontSize=12),
            scale=alt.Scale(paddingInner=0.4),
        ),
        yOffset=alt.YOffset("size:N", sort=sizes),
        color=alt.Color("size:N", scale=theme.size_scale(sizes)),
        tooltip=_tooltip("kind", "size"),
    )
    layers = alt.layer(
        marks.zero(table, "x"),
        base.mark_rule().encode(x=alt.X("ci_low:Q"), x2="ci_high:Q"),
        base.mark_point(size=44).encode(
            x=alt.X(
                "estimate:Q",
                title="mean score, distilled − one-hot",
                axis=alt.Axis(grid=True, tickCount=6),
            )
        ),
    ).properties(width=520, height=alt.Step(13))
    return theme.finish(layers, "What distillation changes for each kind of example")


def kind_retrieval(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """How well the score and each proxy tell every kind from ordinary examples, by size (AUC)."""
    table = study.table("kind_retrieval").filter(
        pl.col("objective") == objective, pl.col("auc").is_not_null()
    )
    if table.is_empty():
        return theme.nothing(_NONE)
    order = [_SCORE, *strongest_first(study, objective)]
    named = pl.when(pl.col("proxy") == _SCORE).then(pl.lit(_SCORE_TITLE))
    frame = table.with_columns(named.otherwise(proxy_title(pl.col("proxy"))).alias("finder"))
    titles = dict(frame.select("proxy", "finder").iter_rows())
    finders = [titles[name] for name in theme.known_order(list(titles), order)]
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
    chart = theme.panels(layers, "kind", kinds, columns=3)
    return theme.finish(
        chart, "Which number finds which kind of example", panel=290, count=len(kinds)
    )


def _in_order(frame: pl.DataFrame) -> list[str]:
    """The kinds, the ordinary one first, the others by name."""
    return theme.known_order(frame["kind"].to_list(), _ORDINARY)


def _tooltip(*keys: str) -> list[alt.Tooltip]:
    return theme.tooltip(
        *keys, "estimate:.3f", "ci_low:.3f", "ci_high:.3f", "n_examples", "n_groups"
    )
