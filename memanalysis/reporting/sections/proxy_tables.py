"""Further questions to proxies, answered in tables: their changes, and each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from memanalysis import proxies, wording
from memanalysis.figures import theme
from memanalysis.figures.proxies import strongest_first
from memanalysis.proxies import orientation
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading

_CHANGE_SQL = """select proxy, method, estimate, ci_low, ci_high, reliability, corrected_estimate,
    n_examples, n_groups
from proxy_correlations
where objective = '{objective}' and quantity = 'change' and stratum = 'all' and method = 'spearman'
    and estimate is not null
order by abs(estimate) desc"""

_AGREEMENT_SQL = """select proxy, other_proxy, size, spearman, pearson, n_examples
from proxy_agreement
where objective = '{objective}' and spearman is not null
qualify coalesce(size_rank, -1) = max(coalesce(size_rank, -1)) over ()
order by proxy, other_proxy"""


def further(reading: Reading) -> list[blocks.Block]:
    """What answers the same questions in other ways, as tables."""
    return [*_changes(reading), *_agreement(reading)]


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
