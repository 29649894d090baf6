"""Accuracy and memorisation against model size: means, and how they spread over examples."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis import wording
from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import OBJECTIVES_IN_ORDER, compared, titled

_QUANTITIES: Final = {
    "memorization": "memorisation",
    "accuracy_in": "when trained on",
    "accuracy_out": "when held out",
    "accuracy_test": "test images",
}
_NONE: Final = "No models in this study."
# Each mean with its interval, by the stored name of its quantity.
_MEANS: Final = f"""{compared("accuracy")} unpivot include nulls (
    (value, low, high) for quantity in (
        (memorization, memorization_low, memorization_high) as 'memorization',
        (accuracy_in, accuracy_in_low, accuracy_in_high) as 'accuracy_in',
        (accuracy_out, accuracy_out_low, accuracy_out_high) as 'accuracy_out',
        (accuracy_test, accuracy_test_low, accuracy_test_high) as 'accuracy_test'
    )
)"""

_MEANS_QUERY: Final = f"""
select objective, size, size_rank, {titled("quantity", _QUANTITIES)} as quantity,
    value, low, high, parameters, n_models, saturated
from {_MEANS}
order by {OBJECTIVES_IN_ORDER}, size_rank, quantity"""

_SPREAD_QUERY: Final = f"""
with spread as (
    from {compared("accuracy_spread")}
),
means as (
    select objective, size, quantity, low, high
    from {_MEANS}
)
select objective, size, size_rank, {titled("quantity", _QUANTITIES)} as quantity,
    mean, low, high, sd, q10, q25, q50, q75, q90, n_examples
from spread
left join means using (objective, size, quantity)
order by {OBJECTIVES_IN_ORDER}, size_rank, quantity"""


def _draw_means(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Mean p_in, p_out, their difference and test accuracy by size, one panel each.

    Sizes with a star are saturated: mean p_in is at least 0.99 there.
    """
    scale = theme.objective_scale(theme.values(frame, "objective"))
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame), labels=asked.stars()),
        color=alt.Color("objective:N", scale=scale),
    )
    y = alt.Y(
        "value:Q", title="mean over examples", scale=alt.Scale(zero=False, nice=False, padding=8)
    )
    tooltip = theme.tooltip(
        *("objective", "size", "quantity", "value:.4f", "low:.4f", "high:.4f"),
        *("parameters", "n_models", "saturated"),
    )
    layers = alt.layer(*marks.estimates(base, y, tooltip)).properties(width=300, height=190)
    chart = theme.panels(layers, "quantity", list(_QUANTITIES.values()), columns=2)
    return theme.finish(theme.own_scales(chart), panel=190, count=len(_QUANTITIES))


def _draw_spread(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Draw the spread of p_in, p_out, memorisation and test accuracy over examples by size.

    Dots are means; broad bars hold the middle half of the examples, thin lines the middle eight of
    ten, upright ticks are medians.
    """
    titles = theme.values(frame, "objective")
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame), labels=asked.stars()),
        xOffset=alt.XOffset("objective:N", sort=titles),
        color=alt.Color("objective:N", scale=theme.objective_scale(titles)),
        tooltip=theme.tooltip(
            *("objective", "size", "quantity", "mean:.3f", "low:.3f", "high:.3f", "sd:.3f"),
            *("q10:.2f", "q25:.2f", "q50:.2f", "q75:.2f", "q90:.2f", "n_examples"),
        ),
    )
    y = alt.Y("q10:Q", title="single examples")
    layers = alt.layer(
        base.mark_rule(strokeWidth=1.2).encode(y=y, y2="q90:Q"),
        base.mark_rule(strokeWidth=8, opacity=0.3).encode(y=alt.Y("q25:Q"), y2="q75:Q"),
        base.mark_tick(thickness=2, width=10).encode(y=alt.Y("q50:Q")),
        base.mark_point(size=34).encode(y=alt.Y("mean:Q")),
    ).properties(width=300, height=190)
    chart = theme.panels(layers, "quantity", list(_QUANTITIES.values()), columns=2)
    return theme.finish(chart, panel=220, count=len(_QUANTITIES))


def _means_caption(_: pl.DataFrame, __: Asked, facts: Facts) -> str:
    return (
        "Means over examples by model size; upright lines are 95 % intervals from leaving out one "
        f"group of models at a time. Each panel has a scale of its own.{facts.stars()}"
    )


def _means_result(frame: pl.DataFrame, _: Asked) -> str:
    """Say where the mean score goes as models grow, and where it turns."""
    scores = frame.filter(
        pl.col("objective") == frame["objective"][0],
        pl.col("quantity") == _QUANTITIES["memorization"],
        pl.col("value").is_not_null(),
    ).sort("size_rank")
    if scores.is_empty():
        return ""
    names = theme.spoken(scores["size"].to_list())
    shown = [(names[size], value) for size, value in scores.select("size", "value").iter_rows()]
    (first, start), (last, end) = shown[0], shown[-1]
    if len(shown) == 1:
        return f"The mean score at {first} is {wording.number(end)}"
    highest, lowest = max(shown, key=lambda s: s[1]), min(shown, key=lambda s: s[1])
    if highest not in (shown[0], shown[-1]):
        return (
            f"The mean score peaks at {highest[0]}, {wording.number(highest[1])}, and falls to "
            f"{wording.number(end)} at {last}"
        )
    if lowest not in (shown[0], shown[-1]):
        return (
            f"The mean score is lowest at {lowest[0]}, {wording.number(lowest[1])}, and rises to "
            f"{wording.number(end)} at {last}"
        )
    goes = "rises" if end > start else "falls"
    return (
        f"The mean score {goes} from {wording.number(start)} at {first} to {wording.number(end)} "
        f"at {last}"
    )


def _spread_caption(_: pl.DataFrame, __: Asked, facts: Facts) -> str:
    return (
        "The same quantities over single examples. Dots are the means of the figure above; broad "
        "bars hold the middle half of the examples, thin lines the middle eight of ten, and the "
        "bar across is the median. Where bar and line are missing, nearly all examples have the "
        "same value. These spreads include the noise of a finite number of models; the column sd "
        "of the numbers below has it removed. Test images are those that the store keeps, so "
        f"their mean is another one than above, which is over all.{facts.stars()}"
    )


accuracy = Figure(
    name="accuracy",
    title="Accuracy and mean memorisation by model size",
    query=_MEANS_QUERY,
    draw=_draw_means,
    caption=_means_caption,
    nothing=_NONE,
    result=_means_result,
)
accuracy_spread = Figure(
    name="accuracy_spread",
    title="The same quantities over single examples",
    query=_SPREAD_QUERY,
    draw=_draw_spread,
    caption=_spread_caption,
    nothing=_NONE,
)
