"""Cheap proxies against the score they stand in for."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis import wording
from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Facts, Figure
from memanalysis.figures.fragments import proxy_title, strongest, titled
from memanalysis.literals import literal
from memanalysis.proxies import label

_NONE: Final = "No proxies were recorded in this study."
_METHODS: Final = {"spearman": "Spearman", "pearson": "Pearson", "kendall": "Kendall"}
_VERDICTS: Final = {"misses": "outside", "follows": "one-hot", "undetermined": "undetermined"}
_CHANGE: Final = "largest − smallest"
_TITLES: Final = {
    "level": "Correlation of proxies with the score",
    "change": "Correlation of a proxy's change with the score's change",
}
_AGAINST: Final = " (−)"
_STANDARDISED: Final = 3  # version of the rules from which trends are of standardised values


def _turned(rows: str) -> str:
    """``rows`` of correlations, their signs turned for proxies that are low where scores are high.

    The sign is that of the median over sizes and methods of the correlation of levels.
    """
    return f"""with strongest as {strongest()},
shown as (
    from proxy_correlations
    where objective = $objective and {rows}
),
signs as (
    select proxy, case when median(estimate) < 0 then -1 else 1 end as sign
    from shown
    where quantity = 'level'
    group by proxy
),
turned as (
    select shown.* replace (
            {titled("method", _METHODS)} as method,
            coalesce(size, '{_CHANGE}') as size,
            coalesce(sign, 1) * estimate as estimate,
            case when sign < 0 then -ci_high else ci_low end as ci_low,
            case when sign < 0 then -ci_low else ci_high end as ci_high,
            coalesce(sign, 1) * corrected_estimate as corrected_estimate
        ),
        {proxy_title("shown.proxy")} || case when sign < 0 then '{_AGAINST}' else '' end as title,
        strength
    from shown
    left join signs on shown.proxy = signs.proxy
    left join strongest on shown.proxy = strongest.proxy
    where estimate is not null
)"""


_CORRELATIONS_QUERY: Final = f"""
{_turned("stratum = 'all'")}
select size, size_rank, title as proxy, method, estimate, ci_low, ci_high, reliability,
    corrected_estimate, n_examples, n_groups
from turned
where quantity = $quantity
order by strength desc nulls last, turned.proxy, size_rank, method"""

_STRATA_QUERY: Final = f"""
{_turned("true")}
select size, size_rank, title as proxy, substr(stratum, length($stratum) + 3) as stratum, estimate,
    ci_low, ci_high, n_examples, n_groups
from turned
where quantity = 'level' and method = 'Spearman' and starts_with(turned.stratum, $stratum || ': ')
order by strength desc nulls last, turned.proxy, stratum, size_rank"""

# Where the finding on trends leaves every proxy open, as where scores change too little, so does
# the figure.
_TRENDS_QUERY: Final = f"""
with strongest as {strongest()}
select {proxy_title("t.proxy")} as proxy, auc, auc_low, auc_high, level, level_low,
    level_high, printf('ranks %.2f', level) as ranks, share_rising, n_increasing, n_groups,
    case
        when (
            select bool_and(verdict = 'undetermined')
            from findings
            where starts_with("row", 'proxy: ')
        ) then 'undetermined'
        else verdict
    end as verdict
from proxy_trends as t
left join strongest as s on t.proxy = s.proxy
where objective = $objective and auc is not null
order by strength desc nulls last, t.proxy"""


def _draw_correlations(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Correlation of each proxy with the score, by size; diamonds are corrected for noise.

    ``quantity`` is ``level`` for the scores of each size or ``change`` for their change from the
    smallest size to the largest. A proxy marked (−) is low where the score is high: its sign is
    turned, so that right means stronger for all.
    """
    by_size = asked["quantity"] == "level"
    sizes = theme.in_order(frame) if by_size else [_CHANGE]
    base = alt.Chart(frame).encode(
        y=alt.Y("proxy:N", sort=theme.values(frame, "proxy"), title=None),
        yOffset=alt.YOffset("size:N", sort=sizes),
        color=alt.Color(
            "size:N", scale=theme.size_scale(sizes), legend=alt.Legend() if by_size else None
        ),
        tooltip=theme.tooltip(
            *("proxy", "size", "method", "estimate:.3f", "ci_low:.3f", "ci_high:.3f"),
            *("reliability:.3f", "corrected_estimate:.3f", "n_examples", "n_groups"),
        ),
    )
    layers = alt.layer(
        base.mark_rule().encode(x=alt.X("ci_low:Q"), x2="ci_high:Q"),
        base.mark_point(size=34).encode(x=_correlation("correlation with the score")),
        base.mark_point(size=30, filled=False, strokeWidth=1.3, shape="diamond").encode(
            x=alt.X("corrected_estimate:Q")
        ),
    ).properties(width=220, height=alt.Step(9 if by_size else 26))
    chart = theme.panels(layers, "method", list(_METHODS.values()), columns=3)
    return theme.finish(chart, panel=230, count=frame["method"].n_unique())


def _draw_strata(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Spearman correlation of proxies with the score among examples of each direction or class.

    ``stratum`` is ``direction`` or ``class``. Signs are turned as in ``proxy_correlations``.
    """
    strata = theme.known_order(frame["stratum"].to_list(), theme.SHAPES)
    base = alt.Chart(frame).encode(
        y=alt.Y("proxy:N", sort=theme.values(frame, "proxy"), title=None),
        color=alt.Color("size:N", scale=theme.size_scale(theme.in_order(frame))),
        tooltip=theme.tooltip(
            "proxy", "size", "stratum", "estimate:.3f", "ci_low:.3f", "ci_high:.3f", "n_examples"
        ),
    )
    points = base.mark_point(size=34).encode(x=_correlation("Spearman correlation"))
    sized = points.properties(width=180, height=alt.Step(20))
    chart = theme.panels(sized, "stratum", strata, columns=min(len(strata), 3))
    return theme.finish(chart, panel=165, count=len(strata))


def _correlation(title: str) -> alt.X:
    axis = alt.Axis(grid=True, tickCount=5, format=".1f")
    return alt.X("estimate:Q", title=title, axis=axis)


def _draw_trends(frame: pl.DataFrame, _: Asked) -> theme.AnyChart:
    """Draw how well each proxy's standardised change tells increasing examples (AUC).

    Undetermined where the finding on trends decides nothing.
    """
    verdicts = theme.known_order(frame["verdict"].to_list(), list(_VERDICTS))
    colours = [theme.colour(_VERDICTS.get(verdict, "muted")) for verdict in verdicts]
    base = alt.Chart(frame).encode(
        y=alt.Y("proxy:N", sort=theme.values(frame, "proxy"), title=None),
        color=alt.Color("verdict:N", scale=alt.Scale(domain=verdicts, range=colours)),
    )
    layers = alt.layer(
        marks.reference(frame, x=0.5),
        marks.reference(frame, x=0.75),
        base.mark_rule(clip=True).encode(x=alt.X("auc_low:Q"), x2="auc_high:Q"),
        base.mark_point(size=60).encode(
            x=marks.auc_axis(),
            shape=alt.Shape("verdict:N", scale=alt.Scale(domain=verdicts)),
            tooltip=theme.tooltip(
                *("proxy", "auc:.3f", "auc_low:.3f", "auc_high:.3f", "level:.3f"),
                *("share_rising:.3f", "n_increasing", "n_groups", "verdict"),
            ),
        ),
        base.mark_text(align="right", color=theme.colour("muted")).encode(
            x=alt.value("width"),
            text="ranks:N",
        ),
    ).properties(width=520, height=alt.Step(24))
    return theme.finish(layers)


def _correlations_caption(frame: pl.DataFrame, _: Asked, __: Facts) -> str:
    against = (
        " Those marked (−) are low all the same where scores are high: their sign is turned."
        if frame["proxy"].str.ends_with(_AGAINST).any()
        else ""
    )
    return (
        "Correlation over training examples at each size, with 95 % intervals over groups of "
        "models. Diamonds are corrected for the noise of both (absent where a reliability is below "
        "0.3; approximate for ranks). Proxies are turned so that high means hard, if they have "
        f"such a direction.{against}"
    )


def _trends_caption(_: pl.DataFrame, __: Asked, facts: Facts) -> str:
    return (
        "Take an example whose score increases and one whose score is fixed or decreases: the "
        f"AUC is the chance that the proxy{_standardised(facts)} rises more for the first. A "
        "proxy follows the trend if the interval lies above 0.75 (right dashed line), misses "
        "it if below; 0.5 is chance. At the right, how well the proxy ranks examples: its rank "
        "correlation with the score, mean over sizes. Examples are sorted by other models than "
        f"those that measure them.{_registered(facts)}"
    )


def _standardised(facts: Facts) -> str:
    """Measure of a proxy's change, which version 3 of the rules made anew."""
    versions = facts.table("findings")["version"].drop_nulls()
    by_rank = len(versions) > 0 and bool((versions < _STANDARDISED).any())
    return "’s rank" if by_rank else ", standardised within each size,"


def _registered(facts: Facts) -> str:
    """Name the proxies that the finding is about, where others are drawn too."""
    rows = facts.table("findings").filter(pl.col("row").str.starts_with("proxy: "))
    names = [label(row.removeprefix("proxy: ")) for row in rows["row"].to_list()]
    return f" The rule of the finding names {wording.listed(names)}." if names else ""


def _trends_result(frame: pl.DataFrame, _: Asked) -> str:
    """Count the proxies that rank examples as the score does, and those that follow its trend."""
    verdicts = frame["verdict"].to_list()
    if all(verdict == "undetermined" for verdict in verdicts):
        return ""
    following, missing = verdicts.count("follows"), verdicts.count("misses")
    of = wording.plural(len(verdicts), "proxy", "proxies")
    sees = "see" if following > 1 else "sees"
    return (
        f"{following or 'None'} of {of} {sees} whose score rises with size; {missing or 'none'} "
        f"{'misses' if missing == 1 else 'miss'} it"
    )


def strongest_first(study: theme.Tables, objective: str) -> list[str]:
    """The proxies by their strongest rank correlation with the score, of any size and sign.

    The order of every figure and table that compares proxies; without correlations there is none.
    """
    text = strongest().replace("$objective", literal(objective))
    rows = study.sql(
        f"select proxy from {text} where strength is not null order by strength desc, proxy"
    )
    return rows["proxy"].to_list()


proxy_correlations = Figure(
    name="proxy_correlations",
    title=lambda _, asked: _TITLES[asked["quantity"]],
    query=_CORRELATIONS_QUERY,
    draw=_draw_correlations,
    caption=_correlations_caption,
    nothing=_NONE,
    parameters={"objective": "one_hot", "quantity": "level"},
)
proxy_correlations_by = Figure(
    name="proxy_correlations_by",
    title=lambda _, asked: f"Correlation of proxies with the score, by {asked['stratum']}",
    query=_STRATA_QUERY,
    draw=_draw_strata,
    caption=(
        "Spearman’s correlation of each proxy with the score among the examples of a group, one "
        "panel per group. Signs are turned as over all examples."
    ),
    nothing="No correlations of proxies within these groups.",
    parameters={"objective": "one_hot", "stratum": "direction"},
)
proxy_trends = Figure(
    name="proxy_trends",
    title="Do proxies see which examples are memorised more by larger models?",
    query=_TRENDS_QUERY,
    draw=_draw_trends,
    caption=_trends_caption,
    nothing="No trends of proxies: they need proxies and at least two sizes.",
    parameters={"objective": "one_hot"},
    result=_trends_result,
)
