"""Memorised examples with a partner at each size, and what noise makes of their number."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl

from memanalysis.figures import marks, theme
from memanalysis.figures.figure import Asked, Facts, Figure

_NOISE_REMOVED: Final = "noise removed"
_AS_COUNTED: Final = "as counted"

_QUERY: Final = f"""
select size, size_rank, 'score of at least ' || threshold as bound, counting, n, n_low, n_high,
    share_with_partner, n_examples, n_groups
from memorized_partners unpivot include nulls (
    (n, n_low, n_high) for counting in (
        (
            n_memorized_noise_removed,
            n_memorized_noise_removed_low,
            n_memorized_noise_removed_high
        ) as '{_NOISE_REMOVED}',
        (n_memorized, n_memorized_low, n_memorized_high) as '{_AS_COUNTED}'
    )
)
where objective = $objective
order by threshold, size_rank, counting desc"""


def _draw(frame: pl.DataFrame, asked: Asked) -> theme.AnyChart:
    """Memorised examples by size: filled with noise removed, hollow as counted."""
    ink = alt.value(theme.colour("one-hot" if asked["objective"] == "one_hot" else "distilled"))
    base = alt.Chart(frame).encode(
        x=theme.size_axis(theme.in_order(frame)), color=ink, detail="counting:N"
    )
    y = alt.Y("n:Q", title="training examples", scale=alt.Scale(domainMin=0))
    tooltip = theme.tooltip(
        *("size", "bound", "counting", "n:.0f", "n_low:.0f", "n_high:.0f"),
        *("share_with_partner:.1%", "n_examples", "n_groups"),
    )
    twice = marks.Twice("counting", _NOISE_REMOVED, _AS_COUNTED, ink)
    layers = alt.layer(
        *marks.estimates(base, y, tooltip, ("n_low", "n_high"), twice=twice, size=42)
    ).properties(width=210, height=190)
    bounds = theme.values(frame, "bound")
    chart = theme.panels(layers, "bound", bounds, columns=3)
    return theme.finish(chart, panel=200, count=len(bounds))


def _caption(frame: pl.DataFrame, _: Asked, __: Facts) -> str:
    partners = (
        ""
        if frame["share_with_partner"].is_null().all()
        else " The data below also hold the share of them that help a test example "
        "(share_with_partner)."
    )
    return (
        "Number of training examples whose score reaches a bound, by model size. Filled, solid: "
        "with the noise of a finite number of models removed. Hollow, dashed: as counted, which "
        "noise pushes up where true scores are low. 95 % intervals over groups of models."
        f"{partners}"
    )


memorized_partners = Figure(
    name="memorized_partners",
    title="How many examples are memorised",
    query=_QUERY,
    draw=_draw,
    caption=_caption,
    nothing="No example was both trained on and held out.",
    parameters={"objective": "one_hot"},
)
