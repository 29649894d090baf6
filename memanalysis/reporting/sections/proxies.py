"""Cheap proxies against the score they stand in for."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from memanalysis import figures, proxies, wording
from memanalysis.findings.reasons import UNDECIDED
from memanalysis.findings.rows import read
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.proxy_tables import changes

_SUMMARY_SQL = """with level as (
    select proxy, min(abs(estimate)) as weakest, max(abs(estimate)) as strongest,
        arg_max(size, abs(estimate)) as at_size
    from proxy_correlations
    where objective = '{objective}' and quantity = 'level' and stratum = 'all'
        and method = 'spearman'
    group by proxy
),
found as (
    select proxy, precision, lift, score_precision
    from proxy_retrieval
    where objective = '{objective}' and target = '{target}' and selection = 'as many'
    qualify size_rank = max(size_rank) over ()
)
select proxy, weakest, strongest, at_size, precision, lift, score_precision, t.auc, t.verdict
from level
left join found using (proxy)
left join (from proxy_trends where objective = '{objective}') as t using (proxy)
order by strongest desc nulls last, proxy"""

_TARGET = "top 10 %"
_OPEN = "undetermined"
_VERDICTS = {"misses": "misses it", "follows": "follows it", _OPEN: "undetermined"}
_HARD = {"high": "high", "low": "low", "none": "neither"}


def section(reading: Reading) -> blocks.Section:
    """Return the section on proxies."""
    names = _recorded(reading)
    title = "Can a cheap number stand in for the score?"
    if not names:
        return blocks.Section("proxies", title, asks="proxies, recorded while models train")
    trends = _trends(reading)
    more = [
        *_correlations(reading),
        *_retrieval(reading),
        *_curves(reading),
        *changes(reading),
        _definitions(reading, names),
    ]
    first = trends or more[:1]
    rest = [block for block in more if block not in first]
    fold = blocks.Fold(_result(reading), rest)
    return blocks.Section("proxies", title, [_explanation(), *first], fold)


def _result(reading: Reading) -> str:
    """The proxy that ranks best, in words."""
    rows = reading.table("proxy_correlations").filter(
        pl.col("objective") == reading.primary,
        pl.col("quantity") == "level",
        pl.col("stratum") == "all",
        pl.col("method") == "spearman",
        pl.col("estimate").is_not_null(),
    )
    if rows.is_empty():
        return "What each proxy is"
    best = rows.sort(pl.col("estimate").abs(), descending=True).row(0, named=True)
    return (
        f"Checks: {proxies.label(best['proxy'])} ranks best, with a rank correlation of "
        f"{wording.number(abs(best['estimate']), 2)} at "
        f"{reading.spoken.get(best['size'], best['size'])}; what each finds, and what each is"
    )


def _recorded(reading: Reading) -> list[str]:
    found = reading.sql("select distinct proxy from proxies order by proxy")["proxy"].to_list()
    return proxies.in_order(found)


def _explanation() -> blocks.Text:
    return blocks.Text(
        "A proxy comes from watching one training, where the score needs many. Does it rank "
        "examples as the score does, and does it see which are memorised more as models grow? "
        "Proxy and score are taken from opposite halves of the models, since errors of the same "
        "models go together."
    )


def _correlations(reading: Reading) -> list[blocks.Block]:
    table = reading.table("proxy_correlations").filter(pl.col("objective") == reading.primary)
    if table.is_empty():
        return []
    return [
        _summary(reading),
        reading.figure(
            figures.proxy_correlations, "proxy-correlations-level", objective=reading.primary
        ),
    ]


def _summary(reading: Reading) -> blocks.Table:
    """Cheap numbers to use instead, and for what."""
    sql = _SUMMARY_SQL.format(objective=reading.primary, target=_TARGET)
    undecided = _undecided(reading)
    rows = [
        (
            proxies.label(row["proxy"]),
            wording.percent(row["precision"], 0),
            _VERDICTS.get(_OPEN if undecided and row["verdict"] else row["verdict"], wording.NONE),
            wording.interval(row["weakest"], row["strongest"], 2),
            row["at_size"] or wording.NONE,
            wording.percent(row["score_precision"], 0),
        )
        for row in reading.sql(sql).iter_rows(named=True)
    ]
    return blocks.Table(
        title="Which cheap number can be used instead?",
        columns=(
            *("proxy", "finds of the top 10 %", "trend", "correlation, over sizes"),
            *("strongest at", "the score finds"),
        ),
        rows=rows,
        caption="Finds: of the tenth of examples with the highest scores at the largest size, the "
        "share among as many that the proxy names; in the last column what the score of the same "
        "models finds on other ones; 10 % is chance. Trend: whether the proxy sees which examples "
        "are memorised more by larger models. Correlation: Spearman’s with the score, without its "
        "sign, weakest to strongest size; the strongest come first. A dash: neither high nor low "
        f"values of the proxy say “hard”.{undecided}",
        numeric=(1, 3, 5),
        sql=sql,
    )


def _retrieval(reading: Reading) -> list[blocks.Block]:
    retrieval = reading.figure(figures.proxy_retrieval, objective=reading.primary, target=_TARGET)
    return [] if retrieval.frame.is_empty() else [retrieval]


def _curves(reading: Reading) -> list[blocks.Block]:
    if len(reading.sizes) < 2 or reading.table("proxy_curves").is_empty():
        return []
    return [reading.figure(figures.proxy_trajectories, objective=reading.primary)]


def _trends(reading: Reading) -> list[blocks.Block]:
    trends = reading.figure(figures.proxy_trends, objective=reading.primary)
    if trends.frame.is_empty():
        return []
    return [replace(trends, caption=f"{trends.caption}{_undecided(reading)}")]


def _undecided(reading: Reading) -> str:
    """Why nothing can be said of trends in this study, if so."""
    rows = reading.table("findings").filter(
        pl.col("finding") == "proxies_miss_trends", pl.col("row") == "headline"
    )
    facts = reading.table("finding_facts").to_dicts()
    findings = read(rows.to_dicts(), facts)
    if not findings or findings[0].outcome.reason not in UNDECIDED:
        return ""
    return f" In this study trends are not decided: {findings[0].outcome.why()}."


def _definitions(reading: Reading, names: list[str]) -> blocks.Table:
    rows = []
    for name in names:
        proxy = proxies.find(name)
        rows.append(
            (proxies.label(name), proxies.summary(name), proxy.formula, _HARD[proxy.hard_is],
             proxy.evaluation_pass, proxy.source)
            if proxy
            else _imported(name, reading.manifest.proxies.get(name, {}))
        )  # fmt: skip
    return blocks.Table(
        title="What each proxy is",
        columns=(
            "proxy",
            "in words",
            "formula for one model",
            "hard is",
            "computed from",
            "source",
        ),
        rows=rows,
        folded=f"Show the definitions ({len(rows)})",
        caption="T epochs; p_t softmax output, z_t logits at epoch t; y the label. Averaged over "
        "models, separately for those that trained on the example and those that did not.",
    )


def _imported(name: str, about: dict[str, str]) -> tuple[str, ...]:
    """A row for a proxy without a definition of ours: what its import said of it."""
    formula, source = about.get("formula"), about.get("source")
    hard = _HARD.get(about.get("hard_is", ""), "unknown")
    return (
        *(proxies.label(name), proxies.summary(name), formula or wording.NONE, hard, "unknown"),
        source or "imported",
    )
