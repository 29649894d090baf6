"""Cheap proxies against the score they stand in for."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, theme
from memanalysis.proxies import PROXIES

_NONE: Final = "No proxies were recorded in this study."
_METHODS: Final = {"spearman": "Spearman", "pearson": "Pearson", "kendall": "Kendall"}
_VERDICTS: Final = {"misses": "increasing", "follows": "decreasing", "undetermined": "muted"}
_CHANGE: Final = "largest − smallest"
_TITLES: Final = {
    "level": "Correlation of proxies with the score",
    "change": "Correlation of a proxy's change with the score's change",
}


def proxy_correlations(
    study: theme.Tables, objective: str = "one_hot", quantity: str = "level"
) -> theme.AnyChart:
    """Correlation of each proxy with the score, by size; diamonds are corrected for noise.

    ``quantity`` is ``level`` for the scores of each size or ``change`` for their change from the
    smallest size to the largest. A proxy marked (−) is low where the score is high: its sign is
    turned, so that right means stronger for all.
    """
    table = study.table("proxy_correlations").filter(
        pl.col("objective") == objective, pl.col("stratum") == "all"
    )
    frame = _turned(table).filter(pl.col("quantity") == quantity, pl.col("estimate").is_not_null())
    if frame.is_empty():
        return theme.nothing(_NONE)
    by_size = quantity == "level"
    sizes = theme.in_order(frame) if by_size else [_CHANGE]
    base = alt.Chart(frame.drop("name")).encode(
        y=alt.Y("proxy:N", sort=in_order(frame, study, objective), title=None),
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
    return theme.finish(chart, _TITLES[quantity], panel=230, count=frame["method"].n_unique())


def proxy_correlations_by(
    study: theme.Tables, objective: str = "one_hot", stratum: str = "direction"
) -> theme.AnyChart:
    """Spearman correlation of proxies with the score among examples of each direction or class.

    ``stratum`` is ``direction`` or ``class``. Signs are turned as in ``proxy_correlations``.
    """
    table = _turned(
        study.table("proxy_correlations").filter(pl.col("objective") == objective)
    ).filter(
        pl.col("quantity") == "level",
        pl.col("method") == _METHODS["spearman"],
        pl.col("stratum").str.starts_with(f"{stratum}: "),
        pl.col("estimate").is_not_null(),
    )
    if table.is_empty():
        return theme.nothing(f"No correlations of proxies by {stratum}.")
    frame = table.with_columns(pl.col("stratum").str.strip_prefix(f"{stratum}: "))
    strata = theme.known_order(frame["stratum"].to_list(), theme.SHAPES)
    sizes = theme.in_order(frame)
    base = alt.Chart(frame.drop("name")).encode(
        y=alt.Y("proxy:N", sort=in_order(frame, study, objective), title=None),
        color=alt.Color("size:N", scale=theme.size_scale(sizes)),
        tooltip=theme.tooltip(
            "proxy", "size", "stratum", "estimate:.3f", "ci_low:.3f", "ci_high:.3f", "n_examples"
        ),
    )
    points = base.mark_point(size=34).encode(x=_correlation("Spearman correlation"))
    sized = points.properties(width=180, height=alt.Step(20))
    chart = theme.panels(sized, "stratum", strata, columns=min(len(strata), 3))
    title = f"Correlation of proxies with the score, by {stratum}"
    return theme.finish(chart, title, panel=165, count=len(strata))


def _correlation(title: str) -> alt.X:
    axis = alt.Axis(grid=True, tickCount=5, format=".1f")
    return alt.X("estimate:Q", title=title, axis=axis)


def _turned(table: pl.DataFrame) -> pl.DataFrame:
    """``table`` with titles, and correlations of proxies that are low where scores are high turned.

    Column ``name`` keeps the stored names. The sign is that of the median over sizes and methods of
    the correlation of levels.
    """
    signs = (
        table.filter(pl.col("quantity") == "level")
        .group_by("proxy")
        .agg(pl.col("estimate").median().sign().alias("sign"))
    )
    sign = pl.col("sign")
    low, high = pl.col("ci_low"), pl.col("ci_high")
    return (
        titled(table.join(signs, on="proxy", how="left"))
        .with_columns(pl.when(sign < 0).then(-1.0).otherwise(1.0).alias("sign"))
        .with_columns(
            (sign * pl.col("estimate")).alias("estimate"),
            (sign * pl.col("corrected_estimate")).alias("corrected_estimate"),
            pl.when(sign < 0).then(-high).otherwise(low).alias("ci_low"),
            pl.when(sign < 0).then(-low).otherwise(high).alias("ci_high"),
            pl.col("proxy") + pl.when(sign < 0).then(pl.lit(" (−)")).otherwise(pl.lit("")),
            pl.col("method").replace(_METHODS),
            pl.col("size").fill_null(_CHANGE),
        )
        .sort("size_rank", "proxy", "method")
    )


def proxy_trends(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """How well each proxy's standardised change tells increasing examples from others (AUC).

    Undetermined where the finding on trends decides nothing.
    """
    table = study.table("proxy_trends").filter(
        pl.col("objective") == objective, pl.col("auc").is_not_null()
    )
    if table.is_empty():
        return theme.nothing("No trends of proxies: they need proxies and at least two sizes.")
    frame = titled(table)
    if _left_open(study):
        frame = frame.with_columns(pl.lit("undetermined").alias("verdict"))
    verdicts = theme.known_order(frame["verdict"].to_list(), list(_VERDICTS))
    colours = [theme.colour(_VERDICTS.get(verdict, "muted")) for verdict in verdicts]
    base = alt.Chart(frame.drop("name")).encode(
        y=alt.Y("proxy:N", sort=in_order(frame, study, objective), title=None),
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
    ).properties(width=520, height=alt.Step(28))
    return theme.finish(
        layers, "Do proxies see which examples are memorised more by larger models?"
    )


def _left_open(study: theme.Tables) -> bool:
    """Whether the finding on trends leaves every proxy open, as where scores change too little."""
    rows = study.table("findings").filter(pl.col("row").str.starts_with("proxy: "))
    return rows.height > 0 and bool((rows["verdict"] == "undetermined").all())


def strongest_first(study: theme.Tables, objective: str) -> list[str]:
    """The proxies by their strongest rank correlation with the score, of any size and sign.

    The order of every figure and table that compares proxies; without correlations there is none.
    """
    table = study.table("proxy_correlations").filter(
        pl.col("objective") == objective,
        pl.col("quantity") == "level",
        pl.col("method") == "spearman",
        pl.col("stratum") == "all",
    )
    strongest = table.group_by("proxy").agg(pl.col("estimate").abs().max())
    ordered = strongest.drop_nulls().sort(["estimate", "proxy"], descending=[True, False])
    return ordered["proxy"].to_list()


def in_order(frame: pl.DataFrame, study: theme.Tables, objective: str) -> list[str]:
    """The titles in a ``titled`` frame, strongest first."""
    titles = dict(frame.select("name", "proxy").iter_rows())
    return [
        titles[name] for name in theme.known_order(list(titles), strongest_first(study, objective))
    ]


def titled(table: pl.DataFrame) -> pl.DataFrame:
    """``table`` with proxies by their titles; the column ``name`` keeps the stored names."""
    return table.with_columns(pl.col("proxy").alias("name"), proxy_title(pl.col("proxy")))


def proxy_title(proxy: pl.Expr) -> pl.Expr:
    """A proxy's name for readers: ``cumulative_accuracy`` becomes ``cumulative accuracy``.

    Names ending in ``_clean`` are the same formula over clean evaluations: ``AUM (clean)``.
    """
    base = proxy.str.strip_suffix("_clean")
    labels = {name: proxy.label for name, proxy in PROXIES.items()}
    named = base.replace(labels).str.replace_all("_", " ")
    return pl.when(base == proxy).then(named).otherwise(pl.concat_str(named, pl.lit(" (clean)")))
