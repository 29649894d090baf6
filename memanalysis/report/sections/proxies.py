"""Cheap proxies against the score they stand in for."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from memanalysis import charts, proxies
from memanalysis.charts import theme
from memanalysis.report import blocks, glosses, wording
from memanalysis.report.reading import Reading, quoted

_CORRELATIONS_SQL = """select size, proxy, method, estimate, ci_low, ci_high, reliability,
    corrected_estimate, n_examples, n_groups
from proxy_correlations
where objective = '{objective}' and quantity = 'level' and stratum = 'all'
order by method, proxy, size_rank"""

_WITHIN_SQL = """select stratum, size, proxy, estimate, ci_low, ci_high, n_examples, n_groups
from proxy_correlations
where objective = '{objective}' and quantity = 'level' and method = 'spearman'
    and starts_with(stratum, 'direction: ') and size = '{size}' and estimate is not null
order by stratum, abs(estimate) desc"""

_CHANGE_SQL = """select proxy, method, estimate, ci_low, ci_high, reliability, corrected_estimate,
    n_examples, n_groups
from proxy_correlations
where objective = '{objective}' and quantity = 'change' and stratum = 'all' and method = 'spearman'
    and estimate is not null
order by abs(estimate) desc"""

_RETRIEVAL_SQL = """select size, proxy, precision, precision_low, precision_high, lift,
    score_precision, n_target, n_examples, n_groups
from proxy_retrieval
where objective = '{objective}' and target = '{target}' and selection = 'as many'
    and precision is not null
order by size_rank, precision desc"""

_CURVES_SQL = """select 'score' as quantity, shape, size, size_rank, n_examples,
    memorization as value
from trajectory_curves
where objective = '{objective}' and shape <> 'undetermined'
union all
select proxy, shape, size, size_rank, n_examples, value
from proxy_curves
where objective = '{objective}' and shape <> 'undetermined'
order by quantity, shape, size_rank"""

_POLARISATION_SQL = """select 'the score itself' as proxy, size, size_rank, polarisation,
    polarisation_low, polarisation_high
from bimodality
where objective = '{objective}'
union all
select proxy, size, size_rank, polarisation, polarisation_low, polarisation_high
from proxy_polarisation
where objective = '{objective}'
order by proxy, size_rank"""

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

_AGREEMENT_SQL = """select proxy, other_proxy, size, spearman, pearson, n_examples
from proxy_agreement
where objective = '{objective}' and spearman is not null
qualify coalesce(size_rank, -1) = max(coalesce(size_rank, -1)) over ()
order by proxy, other_proxy"""

_TARGET = "top 10 %"
_VERDICTS = {"misses": "misses it", "follows": "follows it", "undetermined": "undetermined"}
_HARD = {"high": "high", "low": "low", "none": "neither"}

_TRENDS_SQL = """from proxy_trends
where objective = '{objective}'
order by proxy"""


def section(reading: Reading) -> blocks.Section:
    """Return the section on proxies."""
    names = _recorded(reading)
    content: list[blocks.Block]
    if not names:
        content = [blocks.Note("No proxies were recorded in this study.")]
    else:
        content = [
            _explanation(),
            *_correlations(reading),
            *_retrieval(reading),
            *_curves(reading),
            *_trends(reading),
            *_further(reading),
            _definitions(reading, names),
        ]
    return blocks.Section("proxies", "Proxies against the score", content)


def _recorded(reading: Reading) -> list[str]:
    found = reading.sql("select distinct proxy from proxies order by proxy")["proxy"].to_list()
    return glosses.in_order(found)


def _explanation() -> blocks.Text:
    return blocks.Text(
        "A proxy comes from watching one training, where the score needs many. Three questions: "
        "does it rank examples as the score does at one size, does it find the most memorised "
        "ones, and does it see which examples are memorised more as models grow? Proxy and score "
        "are taken from opposite halves of the models, since errors of the same models go together."
    )


def _correlations(reading: Reading) -> list[blocks.Block]:
    table = reading.table("proxy_correlations").filter(pl.col("objective") == reading.primary)
    if table.is_empty():
        return [
            blocks.Note(
                "This store holds no correlations of proxies with the score: they need models with "
                "masks in at least two groups."
            )
        ]
    return [_summary(reading), _levels(reading)]


def _summary(reading: Reading) -> blocks.Table:
    """Which cheap number to use instead, and for what."""
    sql = _SUMMARY_SQL.format(objective=reading.primary, target=_TARGET)
    rows = [
        (
            glosses.spelt(row["proxy"]),
            wording.interval(row["weakest"], row["strongest"], 2),
            row["at_size"] or wording.NONE,
            wording.percent(row["precision"], 0),
            wording.percent(row["score_precision"], 0),
            _VERDICTS.get(row["verdict"] or "", wording.NONE),
        )
        for row in reading.sql(sql).iter_rows(named=True)
    ]
    return blocks.Table(
        title="Which cheap number can be used instead?",
        columns=(
            *("proxy", "correlation, over sizes", "strongest at", "finds of the top 10 %"),
            *("the score finds", "trend"),
        ),
        rows=rows,
        caption="Correlation: Spearman’s with the score, without its sign, weakest to strongest "
        "size. Finds: of the tenth of examples with the highest scores at the largest size, the "
        "share among as many that the proxy names; beside it what the score of the same models "
        "finds on other ones; 10 % is chance. Trend: whether the proxy sees which "
        "examples are memorised more by larger models.",
        numeric=(1, 3, 4),
        sql=sql,
    )


def _retrieval(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    sql = _RETRIEVAL_SQL.format(objective=objective, target=_TARGET)
    if reading.sql(sql).is_empty():
        return []
    return [
        reading.figure(
            "proxy-retrieval",
            charts.proxy_retrieval(reading, objective, _TARGET),
            sql,
            "Of the tenth of training examples with the highest scores, the share that a proxy "
            "finds if it names as many; one panel per size. The upright tick is what the score "
            "itself finds, if it comes from the same models as the proxy and is judged by the "
            "others: a proxy that reaches it is as good as training those models. The dashed line "
            "is chance. 95 % intervals over groups of models, absent "
            "in stores that no longer keep a proxy’s values per group.",
            (objective,),
        )
    ]


def _curves(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    if len(reading.sizes) < 2 or reading.table("proxy_curves").is_empty():
        return []
    return [
        reading.figure(
            "proxy-trajectories",
            charts.proxy_trajectories(reading, objective),
            _CURVES_SQL.format(objective=objective),
            "First panel: mean score by size of the examples of each trajectory shape. The others: "
            "mean proxy of the same examples, each on its own scale. A proxy that follows the "
            "score parts the rising curve from the falling one; one that misses the trend moves "
            "all of them alike. Proxies that are low where examples are hard run upside down. "
            "Sorted and averaged on the same models.",
            (objective,),
        )
    ]


def _further(reading: Reading) -> list[blocks.Block]:
    """What answers the same questions in other ways, as tables."""
    return [*_changes(reading), *_within(reading), *_polarisation(reading), *_agreement(reading)]


def _changes(reading: Reading) -> list[blocks.Block]:
    sql = _CHANGE_SQL.format(objective=reading.primary)
    rows = [
        (
            glosses.spelt(row["proxy"]),
            wording.number(row["estimate"], 2),
            wording.interval(row["ci_low"], row["ci_high"], 2),
            wording.number(row["corrected_estimate"], 2),
            wording.number(row["reliability"], 2),
        )
        for row in reading.sql(sql).iter_rows(named=True)
    ]
    return _table(
        "Does a proxy’s change go with the score’s?",
        ("proxy", "rank correlation of changes", "95 % interval", "without noise", "reliability"),
        rows,
        "Spearman’s correlation over training examples between the change of the proxy and the "
        "change of the score, from the smallest size to the largest. The sign is the proxy’s own: "
        "one that is low where examples are hard correlates negatively.",
        (1, 2, 3, 4),
        sql,
    )


def _within(reading: Reading) -> list[blocks.Block]:
    size = reading.sizes[-1] if reading.sizes else ""
    sql = _WITHIN_SQL.format(objective=reading.primary, size=quoted(size))
    table = reading.sql(sql).with_columns(pl.col("stratum").str.strip_prefix("direction: "))
    directions = theme.known_order(table["stratum"].to_list(), theme.SHAPES)
    known = {
        (row["proxy"], row["stratum"]): wording.number(row["estimate"], 2)
        for row in table.iter_rows(named=True)
    }
    numbers = dict(table.select("stratum", "n_examples").iter_rows())
    rows = [
        (
            glosses.spelt(name),
            *(known.get((name, direction), wording.NONE) for direction in directions),
        )
        for name in glosses.in_order(table["proxy"].unique().to_list())
    ]
    return _table(
        f"The rank correlation among examples that change alike ({size})",
        ("proxy", *(f"{name} ({wording.count(numbers[name])})" for name in directions)),
        rows,
        "Spearman’s correlation of the proxy with the score among examples whose score goes in the "
        "same direction as models grow (their number in brackets). Within a group scores differ "
        "less, so correlations are weaker. The sign is the proxy’s own.",
        tuple(range(1, len(directions) + 1)),
        sql,
    )


def _polarisation(reading: Reading) -> list[blocks.Block]:
    sql = _POLARISATION_SQL.format(objective=reading.primary)
    table = reading.sql(sql).filter(pl.col("polarisation").is_not_null())
    if table["proxy"].n_unique() < 2:
        return []
    sizes = theme.in_order(table)
    known = {
        (row["proxy"], row["size"]): wording.number(row["polarisation"], 2)
        for row in table.iter_rows(named=True)
    }
    names = table["proxy"].unique(maintain_order=True).to_list()
    rows = [
        (
            name if name == "the score itself" else glosses.spelt(name),
            *(known.get((name, size), wording.NONE) for size in sizes),
        )
        for name in sorted(names, key=lambda name: (name != "the score itself", name))
    ]
    return _table(
        "Do proxies part into two ends as the score does?",
        ("quantity", *sizes),
        rows,
        "Polarisation of the score and of each proxy that lies between 0 and 1: 0 where all "
        "examples have the same value, 1 where every value is 0 or 1. The noise of a finite number "
        "of models is removed.",
        tuple(range(1, len(sizes) + 1)),
        sql,
    )


def _table(
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    caption: str,
    numeric: tuple[int, ...],
    sql: str,
) -> list[blocks.Block]:
    """The table, or nothing where it would have no row."""
    return [blocks.Table(title, columns, rows, caption, numeric, sql)] if rows else []


def _agreement(reading: Reading) -> list[blocks.Block]:
    """How alike the proxies order the examples: Spearman at the largest size that has pairs."""
    sql = _AGREEMENT_SQL.format(objective=reading.primary)
    table = reading.sql(sql)
    if table.is_empty():
        return []
    both = {}
    for name, other, spearman in table.select("proxy", "other_proxy", "spearman").iter_rows():
        both[name, other] = both[other, name] = wording.number(spearman, 2)
    names = glosses.in_order(list({name for pair in both for name in pair}))
    rows = [
        (glosses.spelt(name), *(both.get((name, other), "") for other in names[:-1]))
        for name in names[1:]
    ]
    lower = [
        (row[0], *(cell if at < turn else "" for at, cell in enumerate(row[1:])))
        for turn, row in enumerate(rows, start=1)
    ]
    return _table(
        f"How alike the proxies order the examples ({table['size'][0]})",
        ("proxy", *(glosses.spelt(name) for name in names[:-1])),
        lower,
        "Spearman’s correlation over the training examples that have both. Near 1 or −1, one of "
        "the two is enough.",
        tuple(range(1, len(names))),
        sql,
    )


def _levels(reading: Reading) -> blocks.Figure:
    objective = reading.primary
    return reading.figure(
        "proxy-correlations-level",
        charts.proxy_correlations(reading, objective),
        _CORRELATIONS_SQL.format(objective=objective),
        "Correlation over training examples at each size, with 95 % intervals over groups of "
        "models. Diamonds are corrected for the noise of both (absent where a reliability is below "
        ".3; approximate for ranks). Proxies marked (−) are low where scores are high: their sign "
        "is turned, here but not in the data below.",
        (objective,),
    )


def _trends(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    table = reading.table("proxy_trends").filter(
        pl.col("objective") == objective, pl.col("auc").is_not_null()
    )
    if table.is_empty():
        return [
            blocks.Note(
                "Trends of proxies cannot be told here: they take at least two sizes, increasing "
                "examples, and values per group of models, which a packed store has only if they "
                "were derived before packing."
            )
        ]
    return [
        reading.figure(
            "proxy-trends",
            charts.proxy_trends(reading, objective),
            _TRENDS_SQL.format(objective=objective),
            "Take an example whose score increases and one whose score is fixed or decreases: the "
            "AUC is the chance that the proxy’s rank rises more for the first. A proxy follows "
            "the trend if the interval lies above .75 (right dashed line), misses it if below; .5 "
            "is chance. Shapes come from groups of models other than those measured.",
            (objective,),
        )
    ]


def _definitions(reading: Reading, names: list[str]) -> blocks.Table:
    rows = []
    for name in names:
        proxy = proxies.find(name)
        rows.append(
            (glosses.spelt(name), glosses.gloss(name), proxy.formula, _HARD[proxy.hard_is],
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
        caption="T epochs; p_t softmax output, z_t logits at epoch t; y the label. Averaged over "
        "models, separately for those that trained on the example and those that did not.",
    )


def _imported(name: str, about: dict[str, str]) -> tuple[str, ...]:
    """A row for a proxy without a definition of ours: what its import said of it."""
    formula, source = about.get("formula"), about.get("source")
    hard = _HARD.get(about.get("hard_is", ""), "unknown")
    return (
        *(glosses.spelt(name), glosses.gloss(name), formula or wording.NONE, hard, "unknown"),
        source or "imported",
    )
