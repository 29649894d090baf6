"""What charts of groups of examples share: names and order of the groups, compact numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import polars as pl
import polars.selectors as cs

from memanalysis.figures import theme

_BELOW: Final = re.compile(r"mem < (\S+)")
_BETWEEN: Final = re.compile(r"(\S+) <= mem < (\S+)")
_ABOVE: Final = re.compile(r"mem >= (\S+)")


def short(category: str) -> str:
    """A range of scores for an axis: ``0.1 to 0.25`` for ``0.1 <= mem < 0.25``; others as is."""
    if found := _BETWEEN.fullmatch(category):
        return f"{found[1]} to {found[2]}"
    if found := _BELOW.fullmatch(category):
        return f"below {found[1]}"
    if found := _ABOVE.fullmatch(category):
        return f"{found[1]} and more"
    return category


def ordered(categories: Sequence[str]) -> list[str]:
    """Ranges by their lower ends, then shapes in the order of the theme; without repetitions."""
    ranges = sorted({c for c in categories if "mem" in c}, key=_lower_end)
    return ranges + theme.known_order([c for c in categories if "mem" not in c], theme.SHAPES)


def shortened(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """``frame`` with the categories of ``columns`` as axes name them."""
    return frame.with_columns(
        pl.col(name).replace({value: short(value) for value in frame[name].drop_nulls().unique()})
        for name in columns
    )


def compact(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with floats of five significant digits: more than a picture shows, fewer bytes."""
    return frame.with_columns(cs.float().round_sig_figs(5))


def _lower_end(category: str) -> float:
    if _BELOW.fullmatch(category):
        return float("-inf")
    found = _BETWEEN.fullmatch(category) or _ABOVE.fullmatch(category)
    return float(found[1]) if found else float("inf")
