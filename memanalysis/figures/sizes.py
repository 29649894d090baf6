"""Sizes whose models fit everything, marked the same way in every chart."""

from __future__ import annotations

import json

import polars as pl

from memanalysis.figures import theme


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
