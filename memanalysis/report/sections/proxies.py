"""Cheap proxies against the score they stand in for."""

from __future__ import annotations

import polars as pl

from memanalysis import charts, proxies
from memanalysis.report import blocks, wording
from memanalysis.report.reading import Reading

_CORRELATIONS_SQL = """select size, proxy, method, estimate, ci_low, ci_high, reliability,
    corrected_estimate, n_examples, n_groups
from proxy_correlations
where objective = '{objective}' and quantity = '{quantity}' and stratum = 'all'
order by method, proxy, size_rank"""

_BY_SQL = """select stratum, size, proxy, estimate, ci_low, ci_high, n_examples, n_groups
from proxy_correlations
where objective = '{objective}' and quantity = 'level' and method = 'spearman'
    and starts_with(stratum, 'direction: ')
order by stratum, proxy, size_rank"""

_AGREEMENT_SQL = """select proxy, other_proxy, size, spearman, pearson, n_examples
from proxy_agreement
order by abs(spearman) desc
limit 40"""

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
            *_trends(reading),
            _definitions(reading, names),
        ]
    return blocks.Section("proxies", "Proxies against the score", content)


def _recorded(reading: Reading) -> list[str]:
    found = reading.sql("select distinct proxy from proxies order by proxy")["proxy"].to_list()
    order = list(proxies.PROXIES)
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def _explanation() -> blocks.Text:
    return blocks.Text(
        "A proxy comes from watching one training, where the score needs many. Two questions: does "
        "it rank examples as the score does at one size, and does it see which examples are "
        "memorised more as models grow? Proxy and score are taken from opposite halves of the "
        "models, since errors of the same models go together."
    )


def _correlations(reading: Reading) -> list[blocks.Block]:
    table = reading.table("proxy_correlations").filter(pl.col("objective") == reading.primary)
    if table.is_empty():
        return [
            blocks.Note(
                "This store holds no correlations of proxies with the score: they need models with "
                "masks in at least two groups."
            ),
            *_agreement(reading),
        ]
    found: list[blocks.Block] = [
        _correlation(
            reading,
            "level",
            "Correlation over training examples at each size, with 95 % intervals over groups of "
            "models.",
        )
    ]
    if table.filter(pl.col("quantity") == "level")["stratum"].str.contains("^direction: ").any():
        found.append(_by_direction(reading))
    if not table.filter(pl.col("quantity") == "change", pl.col("stratum") == "all").is_empty():
        found.append(
            _correlation(
                reading,
                "change",
                "Correlation over training examples between the proxy’s change and the score’s, "
                "from the smallest size to the largest.",
            )
        )
    return found


def _agreement(reading: Reading) -> list[blocks.Block]:
    """How proxies without a score to stand beside agree among themselves."""
    rows = reading.sql(_AGREEMENT_SQL).rows()
    if not rows:
        return []
    return [
        blocks.Table(
            title="How alike the proxies order the examples",
            columns=("proxy", "other proxy", "size", "Spearman", "Pearson", "examples"),
            rows=[[wording.cell(value) for value in row] for row in rows],
            caption="Correlations over the training examples that have both.",
            numeric=(3, 4, 5),
            sql=_AGREEMENT_SQL,
        )
    ]


def _correlation(reading: Reading, quantity: str, what: str) -> blocks.Figure:
    objective = reading.primary
    return reading.figure(
        f"proxy-correlations-{quantity}",
        charts.proxy_correlations(reading, objective, quantity),
        _CORRELATIONS_SQL.format(objective=objective, quantity=quantity),
        f"{what} Diamonds are corrected for the noise of both (absent where a reliability is below "
        ".3; approximate for ranks). Proxies marked (−) are low where scores are high: their sign "
        "is turned, here but not in the data below.",
        (objective,),
    )


def _by_direction(reading: Reading) -> blocks.Figure:
    objective = reading.primary
    return reading.figure(
        "proxy-correlations-by-direction",
        charts.proxy_correlations_by(reading, objective),
        _BY_SQL.format(objective=objective),
        "The rank correlation again, among examples whose score goes in the same direction as "
        "models grow. Within a group scores differ less, so correlations are lower.",
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
            (name, proxy.formula, _HARD[proxy.hard_is],
             proxy.evaluation_pass, proxy.source)
            if proxy
            else _imported(name, reading.manifest.proxies.get(name, {}))
        )  # fmt: skip
    return blocks.Table(
        title="What each proxy is",
        columns=("proxy", "formula for one model", "hard is", "computed from", "source"),
        rows=rows,
        caption="T epochs; p_t softmax output, z_t logits at epoch t; y the label. Averaged over "
        "models, separately for those that trained on the example and those that did not.",
    )


def _imported(name: str, about: dict[str, str]) -> tuple[str, ...]:
    """A row for a proxy without a definition of ours: what its import said of it."""
    formula, source = about.get("formula"), about.get("source")
    hard = _HARD.get(about.get("hard_is", ""), "unknown")
    return (name, formula or wording.NONE, hard, "unknown", source or "imported")
