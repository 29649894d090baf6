"""How many examples are memorised at each size, and what noise makes of that number."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, theme

_COUNTINGS: Final = {"n_memorized_noise_removed": "noise removed", "n_memorized": "as counted"}


def memorized_partners(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Memorised examples by size: filled with noise removed, hollow as counted."""
    table = study.table("memorized_partners").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing("No example was both trained on and held out.")
    bound = pl.format("score of at least {}", pl.col("threshold")).alias("bound")
    frame = _counted(table.with_columns(bound))
    ink = alt.value(theme.colour("one-hot" if objective == "one_hot" else "distilled"))
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(table)), color=ink, detail="counting:N"
    )
    y = alt.Y("n:Q", title="training examples", scale=alt.Scale(domainMin=0))
    tooltip = theme.tooltip(
        *("size", "bound", "counting", "n:.0f", "n_low:.0f", "n_high:.0f"),
        *("share_with_partner:.1%", "n_examples", "n_groups"),
    )
    solid, hollow = _COUNTINGS.values()
    twice = marks.Twice("counting", solid, hollow, ink)
    layers = alt.layer(
        *marks.estimates(base, y, tooltip, ("n_low", "n_high"), twice=twice, size=42)
    ).properties(width=210, height=190)
    bounds = table.sort("threshold").select(bound)["bound"].unique(maintain_order=True).to_list()
    chart = theme.panels(layers, "bound", bounds, columns=3)
    return theme.finish(chart, "How many examples are memorised", panel=200, count=len(bounds))


def _counted(table: pl.DataFrame) -> pl.DataFrame:
    """One row per size, bound and way of counting, with the count and its interval."""
    kept = ("size", "size_rank", "n_examples", "n_groups", "share_with_partner", "bound")
    return pl.concat(
        table.select(
            *kept,
            pl.lit(title).alias("counting"),
            *(pl.col(f"{name}{end}").alias(f"n{end}") for end in ("", "_low", "_high")),
        )
        for name, title in _COUNTINGS.items()
    )
