"""Sizes whose models fit everything, marked the same way in every chart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from memanalysis.figures import theme

# As the producer names the sizes of its families.
_SIZED: Final = re.compile(r"(?P<family>[a-z]+?)(?P<depth>\d+)?w(?P<width>[\d.]+)")


def saturated(study: theme.Tables, *objectives: str) -> tuple[list[str], list[str]]:
    """Sizes saturated under every one of ``objectives``, and those under some of them.

    Saturated means that mean p_in is at least 0.99. Without objectives, all of the study's.
    """
    table = study.table("accuracy").drop_nulls("saturated").select("objective", "size", "saturated")
    if objectives:
        table = table.filter(pl.col("objective").is_in(objectives))
    found = table.group_by("size", maintain_order=True).agg(
        pl.col("saturated").all().alias("all"), pl.col("saturated").any().alias("any")
    )
    every = found.filter("all")["size"].to_list()
    return every, found.filter(pl.col("any") & ~pl.col("all"))["size"].to_list()


def spoken(names: Sequence[str]) -> dict[str, str]:
    """Sizes as sentences name them: ``resnet8w16`` is 'width 16' where widths alone differ.

    Names that do not follow this pattern, or that would no longer differ, stay as they are.
    """
    parts = [_SIZED.fullmatch(name) for name in names]
    axes: list[dict[str, str]] = [
        {axis: part[axis] for axis in ("depth", "width") if part[axis]} if part else {}
        for part in parts
    ]
    varying = [axis for axis in ("depth", "width") if len({a.get(axis) for a in axes}) > 1]
    if not varying or len({part and part["family"] for part in parts}) > 1 or None in parts:
        return {name: name for name in names}
    return {
        name: ", ".join(f"{axis} {of[axis]}" for axis in varying if axis in of)
        for name, of in zip(names, axes, strict=True)
    }


def labels(study: theme.Tables, *objectives: str) -> str:
    """A Vega expression that puts * behind saturated sizes, † where only some objectives are.

    For the labels of an axis or of panels over sizes.
    """
    every, some = (json.dumps(names) for names in saturated(study, *objectives))
    # Vega-Lite pastes an expression for datum.label, which only parentheses hold together.
    return (
        f"(datum.label) + (indexof({every}, (datum.label)) >= 0 ? '*' : "
        f"indexof({some}, (datum.label)) >= 0 ? '†' : '')"
    )
