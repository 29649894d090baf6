"""Expressions of SQL that several figures share: names as readers know them, orders, parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from memanalysis.literals import literal
from memanalysis.proxies import PROXIES

# Proxies as the field writes them, where that is not the stored name with spaces.
_WRITTEN: Final = {
    name: proxy.label for name, proxy in PROXIES.items() if proxy.label != name.replace("_", " ")
}
# As many variants of distillation have colours of their own.
_VARIANTS: Final = 3
# Of a query that has objectives by their titles: labels, then distilled, then its variants. Within
# an expression ORDER BY means the columns of FROM, so titles must come from there.
OBJECTIVES_IN_ORDER: Final = "objective <> 'one-hot labels', objective"


def titled(column: str, titles: Mapping[str, str]) -> str:
    """The values of ``column`` by their titles; others as they are."""
    return f"case {column}{_cases(titles)} else {column} end"


def objective_title(column: str = "objective") -> str:
    """An objective as readers know it: ``distilled_hot`` is 'distilled (hot)'."""
    return (
        f"case when {column} = 'one_hot' then 'one-hot labels' "
        rf"else regexp_replace({column}, '^distilled_(.+)$', 'distilled (\1)') end"
    )


def compared(relation: str) -> str:
    """The rows of ``relation`` of objectives that one chart tells apart, by their titles.

    All, or with more variants than there are colours the two that all studies have: many settings
    of distillation have a figure of their own.
    """
    return f"""(
    select * replace ({objective_title()} as objective)
    from (
        from {relation}
        qualify objective in ('one_hot', 'distilled') or {_VARIANTS} >= count(distinct objective)
            filter (where objective not in ('one_hot', 'distilled')) over ()
    )
)"""


def proxy_title(column: str = "proxy") -> str:
    """A proxy as readers know it: 'cumulative accuracy'.

    Names ending in ``_clean`` are the same formula over clean evaluations: 'AUM (clean)'.
    """
    base = f"regexp_replace({column}, '_clean$', '')"
    ending = f"case when ends_with({column}, '_clean') then ' (clean)' else '' end"
    return f"case {base}{_cases(_WRITTEN)} else replace({base}, '_', ' ') end || {ending}"


def strongest() -> str:
    """Each proxy's strongest rank correlation with the score of $objective, of any size and sign.

    Its order is that of all figures and tables that compare proxies.
    """
    return """(
    select proxy, max(abs(estimate)) as strength
    from proxy_correlations
    where objective = $objective and quantity = 'level' and method = 'spearman'
        and stratum = 'all'
    group by proxy
)"""


def range_title(column: str) -> str:
    """A range of scores as axes name it: '0.1 to 0.25' for '0.1 <= mem < 0.25'; others as is."""
    between = rf"regexp_replace({column}, '^(\S+) <= mem < (\S+)$', '\1 to \2')"
    below = rf"regexp_replace({between}, '^mem < (\S+)$', 'below \1')"
    return rf"regexp_replace({below}, '^mem >= (\S+)$', '\1 and more')"


def range_start(column: str) -> str:
    """The lowest score of a range, -1 of the first; NULL of shapes, which are no ranges."""
    start = rf"regexp_extract({column}, '^(?:mem >= )?(\S+)', 1)"
    return f"case when starts_with({column}, 'mem < ') then -1 else try_cast({start} as double) end"


def within_one(column: str) -> str:
    """A share whose limits may lie beyond what a share can be; NULL stays NULL."""
    return f"case when {column} < 0 then 0 when {column} > 1 then 1 else {column} end"


def _cases(titles: Mapping[str, str]) -> str:
    """The branches of a CASE, each on a line of its own."""
    return "".join(f"\n        when {literal(a)} then {literal(b)}" for a, b in titles.items())
