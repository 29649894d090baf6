"""Tables of a proxy's change beside the score's."""

from __future__ import annotations

from memanalysis import proxies, wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading

_CHANGE_SQL = """select proxy, method, estimate, ci_low, ci_high, reliability, corrected_estimate,
    n_examples, n_groups
from proxy_correlations
where objective = '{objective}' and quantity = 'change' and stratum = 'all' and method = 'spearman'
    and estimate is not null
order by abs(estimate) desc"""


def changes(reading: Reading) -> list[blocks.Block]:
    """A table of the rank correlations of both changes; nothing where none is known."""
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
    if not rows:
        return []
    table = blocks.Table(
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
    return [table]
