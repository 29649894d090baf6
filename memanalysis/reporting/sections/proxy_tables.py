"""Further questions to proxies, answered in tables: their changes, groups, two ends, each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from memanalysis import proxies, wording
from memanalysis.figures import theme
from memanalysis.figures.proxies import strongest_first
from memanalysis.proxies import orientation
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading, quoted

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

_POLARISATION_SQL = """select 'the score itself' as proxy, size, size_rank, polarisation,
    polarisation_low, polarisation_high
from bimodality
where objective = '{objective}'
union all
select proxy, size, size_rank, polarisation, polarisation_low, polarisation_high
from proxy_polarisation
where objective = '{objective}'
order by proxy, size_rank"""

_AGREEMENT_SQL = """select proxy, other_proxy, size, spearman, pearson, n_examples
from proxy_agreement
where objective = '{objective}' and spearman is not null
qualify coalesce(size_rank, -1) = max(coalesce(size_rank, -1)) over ()
order by proxy, other_proxy"""


# Directions by words of their own: they are not the shapes of the same names.
_GOES: Final = {
    "increasing": "rises",
    "decreasing": "falls",
    "mixed": "turns",
    "fixed": "stays",
    "undetermined": "unclear",
}


def further(reading: Reading) -> list[blocks.Block]:
    """What answers the same questions in other ways, as tables."""
    return [*_changes(reading), *_within(reading), *_polarisation(reading), *_agreement(reading)]


def _changes(reading: Reading) -> list[blocks.Block]:
    sql = _CHANGE_SQL.format(objective=reading.primary)
    rows = [
        (
            proxies.label(row["proxy"]),
            wording.number(row["estimate"], 2),
            wording.interval(row["ci_low"], row["ci_high"], 2),
            wording.number(row["corrected_estimate"], 2),
        )
        for row in reading.sql(sql).iter_rows(named=True)
    ]
    return _table(
        "Does a proxy’s change go with the score’s?",
        ("proxy", "rank correlation of changes", "95 % interval", "without noise"),
        rows,
        "Spearman’s correlation over training examples between the change of the proxy and the "
        "change of the score, from the smallest size to the largest. Proxies are turned so that "
        "high means hard, where they have such a direction: below 0, a proxy calls examples "
        "easier that are memorised more. These are changes of the values themselves, which may "
        "shift together; the areas above are of ranks within each size.",
        (1, 2, 3),
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
            proxies.label(name),
            *(known.get((name, direction), wording.NONE) for direction in directions),
        )
        for name in theme.known_order(
            table["proxy"].to_list(), strongest_first(reading, reading.primary)
        )
    ]
    return _table(
        f"The rank correlation among examples that change alike ({size})",
        ("proxy", *(f"{_GOES[name]} ({wording.count(numbers[name])})" for name in directions)),
        rows,
        "Spearman’s correlation of the proxy with the score among examples whose score goes in the "
        "same direction from the smallest size to the largest (their number in brackets): it rises "
        "or falls significantly, by whatever amount, stays within α, or comes back after a turn. "
        "These are not the shapes, which all sizes decide. Groups of too few examples are left "
        "out. Within a group scores "
        "differ less, so correlations are weaker. Proxies are turned so that high means hard, if "
        "they have such a direction.",
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
            name if name == "the score itself" else proxies.label(name),
            *(known.get((name, size), wording.NONE) for size in sizes),
        )
        for name in theme.known_order(
            names, ["the score itself", *strongest_first(reading, reading.primary)]
        )
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
    declared = reading.manifest.proxies
    both = {}
    for name, other, spearman in table.select("proxy", "other_proxy", "spearman").iter_rows():
        # As elsewhere, high means hard where a proxy has such a direction.
        sign = (orientation(name, declared) or 1) * (orientation(other, declared) or 1)
        both[name, other] = both[other, name] = wording.number(sign * spearman, 2)
    present = list({name for pair in both for name in pair})
    names = theme.known_order(present, strongest_first(reading, reading.primary))
    rows = [
        (
            f"{place} {proxies.label(name)}",
            *(both.get((name, other), "") for other in names[: place - 1]),
            *("" for _ in names[place:]),
        )
        for place, name in enumerate(names, start=1)
    ]
    return _table(
        f"How alike the proxies order the examples ({table['size'][0]})",
        ("proxy", *(str(place) for place in range(1, len(names)))),
        rows,
        "Spearman’s correlation over the training examples that have both; columns are numbered as "
        "rows are. Proxies are turned so that high means hard, where they have such a direction. "
        "Near 1 or −1, one of the two is enough.",
        tuple(range(1, len(names))),
        sql,
    )
