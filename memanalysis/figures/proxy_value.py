"""The use of a proxy: does it follow the trend, and does it find the memorised examples?"""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import theme
from memanalysis.figures.figure import Asked, Figure
from memanalysis.figures.fragments import proxy_title, strongest
from memanalysis.proxies import label

_SHAPES: Final = [shape for shape in theme.SHAPES if shape != "undetermined"]

_TRAJECTORIES_QUERY: Final = f"""
with strongest as {strongest()},
curves as (
    select '' as proxy, 'score' as panel, shape, size, size_rank, n_examples, memorization as value
    from trajectory_curves
    where objective = $objective
    union all
    select proxy, {proxy_title()} as panel, shape, size, size_rank, n_examples, value
    from proxy_curves
    where objective = $objective
),
shown as (
    from curves
    where shape in ({", ".join(f"'{shape}'" for shape in _SHAPES)})
)
select panel, shape, size, size_rank, n_examples, value
from shown
left join strongest using (proxy)
where (select count(distinct panel) > 1 and count(distinct size) > 1 from shown)
order by proxy <> '', strength desc nulls last, proxy, shape, size_rank"""

_RETRIEVAL_QUERY: Final = f"""
with strongest as {strongest()}
select size, size_rank, {proxy_title("r.proxy")} as proxy, precision, precision_low, precision_high,
    lift, score_precision, n_target / n_examples as chance, n_target, n_examples, n_groups
from proxy_retrieval as r
left join strongest as s on r.proxy = s.proxy
where objective = $objective and target = $target and selection = 'as many'
    and precision is not null
order by strength desc nulls last, r.proxy, size_rank"""


def _draw_trajectories(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Mean score by size of each trajectory shape, and beside it the mean of every proxy.

    Each panel has its own scale: what is compared is where the curves of a panel go.
    """
    shapes = theme.known_order(frame["shape"].to_list(), theme.SHAPES)
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame)),
        y=alt.Y("value:Q", title="mean of the shape", scale=alt.Scale(zero=False)),
        color=alt.Color("shape:N", scale=theme.category_scale(shapes)),
        tooltip=theme.tooltip("panel", "shape", "size", "value:.3f", "n_examples"),
    )
    layers = alt.layer(base.mark_line(strokeWidth=1.8), base.mark_point(size=26)).properties(
        width=165, height=130
    )
    panels = theme.values(frame, "panel")
    chart = theme.own_scales(theme.panels(layers, "panel", panels, columns=4))
    return theme.finish(chart, panel=200, count=len(panels))


def _draw_retrieval(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Share of the most memorised examples that each proxy finds when it names as many.

    The line is what the score itself finds from the models that the proxies come from, on average
    over proxies: the most that can be expected. ``target`` is one of the relation's.
    """
    sizes = theme.in_order(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y("proxy:N", sort=theme.values(frame, "proxy"), title=None),
        tooltip=theme.tooltip(
            *("proxy", "size", "precision:.1%", "precision_low:.1%", "precision_high:.1%"),
            *("lift:.1f", "score_precision:.1%", "chance:.1%", "n_target:.0f", "n_groups"),
        ),
    )
    means = alt.Chart(frame).transform_aggregate(
        chance="mean(chance)", score="mean(score_precision)", groupby=["size"]
    )
    chance = means.mark_rule(color=theme.colour("muted"), strokeDash=[2, 3], strokeWidth=1.2)
    score = means.mark_rule(color=theme.colour("ink"), strokeWidth=1.6)
    layers = alt.layer(
        chance.encode(x=alt.X("chance:Q")),
        score.encode(x=alt.X("score:Q")),
        *_precisions(base, sizes),
    ).properties(width=165, height=alt.Step(19))
    chart = theme.panels(layers, "size", sizes, columns=3)
    return theme.finish(chart, panel=270, count=len(sizes))


def _precisions(base: alt.Chart, sizes: list[str]) -> list[alt.Chart]:
    """Draw the proxy's precision with its interval."""
    x = alt.X(
        "precision:Q",
        title="share found",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", grid=True, values=[0, 0.25, 0.5, 0.75, 1]),
    )
    of_size = alt.Color("size:N", scale=theme.size_scale(sizes), legend=None)
    proxy = base.encode(color=of_size)
    return [
        proxy.mark_rule(strokeWidth=1.3, clip=True).encode(
            x=alt.X("precision_low:Q"), x2="precision_high:Q"
        ),
        proxy.mark_point(size=46).encode(x=x),
    ]


_VALUES_QUERY: Final = """
with known as (
    select proxy, coalesce(value_in, value_out)::double as value
    from proxies
    where proxy = coalesce($proxy, (select min(proxy) from proxies))
        and coalesce(value_in, value_out) is not null
),
span as (
    select proxy, min(value) as lowest, nullif(max(value) - min(value), 0) / 40 as width
    from known
    group by proxy
)
select proxy, round(lowest + bin * width, 9) as value_low, round(lowest + (bin + 1) * width, 9)
    as value_high, count(*) as n_examples
from (
    select proxy, lowest, width, least(floor((value - lowest) / width), 39) as bin
    from known
    inner join span using (proxy)
    where width is not null
)
group by proxy, lowest, width, bin
order by bin"""


def _draw_values(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Draw the distribution of one proxy over the examples, in 40 bins.

    Without ``proxy``, those of the first by name.
    """
    bars = (
        alt.Chart(frame)
        .mark_bar(binSpacing=1, color=theme.colour("one-hot"))
        .encode(
            x=alt.X(
                "value_low:Q",
                bin="binned",
                title=label(frame["proxy"][0]),
                scale=alt.Scale(zero=False, nice=False),
            ),
            x2="value_high:Q",
            y=alt.Y("n_examples:Q", title="examples"),
            tooltip=theme.tooltip("value_low:.3f", "value_high:.3f", "n_examples:,.0f"),
        )
        .properties(width=460, height=260)
    )
    return theme.finish(bars)


proxy_values = Figure(
    name="proxy_values",
    title=lambda frame, _: f"Distribution of {label(frame['proxy'][0])}",
    query=_VALUES_QUERY,
    draw=_draw_values,
    caption="How many examples have which value, in 40 bins of equal width.",
    nothing="No proxy of that name, or all of its values are alike.",
    parameters={"proxy": None},
)
proxy_trajectories = Figure(
    name="proxy_trajectories",
    title="The score’s trajectories, and the proxies’",
    query=_TRAJECTORIES_QUERY,
    draw=_draw_trajectories,
    caption=(
        "First panel: mean score by size of the examples of each trajectory shape. The others: "
        "mean proxy of the same examples, each on its own scale. A proxy that follows the score "
        "parts the rising curve from the falling one; one that misses the trend moves all of them "
        "alike. Proxies that are low where examples are hard run upside down. Sorted and averaged "
        "on the same models."
    ),
    nothing="No proxies beside trajectories: they need proxies and two sizes.",
    parameters={"objective": "one_hot"},
)
proxy_retrieval = Figure(
    name="proxy_retrieval",
    title="Which proxies find the most memorised examples",
    query=_RETRIEVAL_QUERY,
    draw=_draw_retrieval,
    caption=(
        "Of the tenth of training examples with the highest scores, the share that a proxy finds "
        "if it names as many; one panel per size. The solid line is what the score itself finds, "
        "if it comes from the same models as the proxies and is judged by the others: a proxy that "
        "reaches it is as good as training those models. The dotted line is chance. 95 % intervals "
        "over groups of models, absent in stores that no longer keep a proxy’s values per group."
    ),
    nothing="No proxy can be judged here: that needs two groups of models.",
    parameters={"objective": "one_hot", "target": "top 10 %"},
)
