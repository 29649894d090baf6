"""How many examples are memorised at each size, and what noise makes of that number."""

from __future__ import annotations

import altair as alt
import polars as pl

from memanalysis.charts import theme


def memorized_partners(study: theme.Tables, objective: str = "one_hot") -> theme.AnyChart:
    """Memorised examples by size: filled with noise removed, hollow as counted."""
    table = study.table("memorized_partners").filter(pl.col("objective") == objective)
    if table.is_empty():
        return theme.nothing("No example was both trained on and held out.")
    bound = pl.format("score of at least {}", pl.col("threshold")).alias("bound")
    columns = ("size", "size_rank", "n_examples", "n_groups", "share_with_partner")
    frame = pl.concat(
        table.select(
            *columns,
            bound,
            pl.lit(kind).alias("counting"),
            *(
                pl.col(f"{name}{end}").alias(f"n{end}")
                for name in [source]
                for end in ("", "_low", "_high")
            ),
        )
        for source, kind in (
            ("n_memorized_noise_removed", "noise removed"),
            ("n_memorized", "as counted"),
        )
    )
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(table)),
        detail="counting:N",
        tooltip=theme.tooltip(
            *("size", "bound", "counting", "n:.0f", "n_low:.0f", "n_high:.0f"),
            *("share_with_partner:.1%", "n_examples", "n_groups"),
        ),
    )
    ink = theme.colour("one-hot" if objective == "one_hot" else "distilled")
    y = alt.Y("n:Q", title="training examples", scale=alt.Scale(domainMin=0))
    fill = alt.condition(
        "datum.counting == 'noise removed'", alt.value(ink), alt.value(theme.LIGHT["paper"])
    )
    dash = alt.StrokeDash(
        "counting:N",
        scale=alt.Scale(domain=["noise removed", "as counted"], range=[[1, 0], [4, 3]]),
    )
    layers = alt.layer(
        base.mark_line(color=ink, strokeWidth=1.5).encode(y=y, strokeDash=dash),
        base.mark_rule(color=ink, strokeWidth=1.1).encode(y=alt.Y("n_low:Q"), y2="n_high:Q"),
        base.mark_point(color=ink, size=42, filled=False, strokeWidth=1.5).encode(y=y, fill=fill),
    ).properties(width=210, height=190)
    bounds = table.sort("threshold").select(bound)["bound"].unique(maintain_order=True).to_list()
    chart = theme.panels(layers, "bound", bounds, columns=3)
    return theme.finish(chart, "How many examples are memorised", panel=200, count=len(bounds))
