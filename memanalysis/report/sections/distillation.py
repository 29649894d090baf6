"""One-hot against distilled training."""

from __future__ import annotations

import polars as pl

from memanalysis import charts
from memanalysis.report import blocks
from memanalysis.report.reading import Reading

_DENSITY_SQL = """select size, floor(one_hot_low * 10 + 1e-6) / 10 as one_hot_low,
    floor(distilled_low * 10 + 1e-6) / 10 as distilled_low, sum(n_examples) as n_examples
from distillation_density
where objective = 'distilled'
group by size, size_rank, floor(one_hot_low * 10 + 1e-6), floor(distilled_low * 10 + 1e-6)
order by size_rank, one_hot_low, distilled_low"""

_EFFECTS_SQL = """from distillation_effects
where objective = 'distilled' and "grouping" = '{grouping}'
order by size_rank, category, selected_on, estimator"""


def section(reading: Reading) -> blocks.Section:
    """Return the section on distillation."""
    content: list[blocks.Block]
    if not reading.distilled:
        has = "one training objective" if reading.objectives else "no models"
        content = [
            blocks.Note(
                f"This study has {has}, so there is nothing to compare: distilled models and "
                "models trained on labels are both needed."
            )
        ]
    else:
        content = [_explanation(reading), *_density(reading), *_effects(reading)]
    return blocks.Section("distillation", "One-hot against distilled", content)


def _explanation(reading: Reading) -> blocks.Text:
    scopes = set(reading.table("models")["teacher_scope"].drop_nulls())
    leak = (
        " Here the teacher saw all examples: held-out labels leak through its soft labels, and "
        "memorisation looks inhibited by construction."
        if "full_data" in scopes
        else ""
    )
    return blocks.Text(
        "Both objectives share the same subsets, so every difference is paired. A score can fall "
        "under distillation for two reasons that mean opposite things: the student fits the "
        "example less (p_in falls), or it gets the example right without having seen it "
        f"(p_out rises). The teacher belongs to the procedure: {reading.teacher}.{leak}"
    )


def _density(reading: Reading) -> list[blocks.Block]:
    if reading.table("distillation_density").is_empty():
        return [blocks.Note("No example has a score under both objectives at any size.")]
    return [
        reading.figure(
            "distillation-density",
            charts.distillation_density(reading),
            _DENSITY_SQL,
            "Joint histogram of each example’s score under both objectives, one panel per size; "
            "cells are .1 wide, the stronger the colour the more examples (log scale). Below the "
            "dashed line, distillation lowers the score. Noise in both scores spreads the cloud.",
        )
    ]


def _effects(reading: Reading) -> list[blocks.Block]:
    table = reading.table("distillation_effects").filter(pl.col("objective") == "distilled")
    if table.is_empty():
        return [blocks.Note("This store holds no estimates of the change under distillation.")]
    found: list[blocks.Block] = []
    groupings = set(table["grouping"])
    if "all" in groupings:
        found.append(_change(reading))
    if "score" in groupings:
        found.append(_grouped(reading, "score", "examples memorised or not (by their score)"))
    if "shape" in groupings:
        found.append(_grouped(reading, "shape", "each trajectory shape"))
    return found


def _change(reading: Reading) -> blocks.Figure:
    return reading.figure(
        "distillation-change",
        charts.distillation_change(reading),
        _EFFECTS_SQL.format(grouping="all"),
        "Mean over all training examples of distilled minus one-hot score (points, with 95 % "
        "intervals over groups of models), split into the part from p_in and the part from p_out "
        "(bars; a rise of p_out lowers the score, so it counts downwards).",
    )


def _grouped(reading: Reading, grouping: str, what: str) -> blocks.Figure:
    naive = reading.table("distillation_effects").filter(
        pl.col("objective") == "distilled",
        pl.col("grouping") == grouping,
        pl.col("estimator") == "naive",
    )
    hollow = (
        ""
        if naive.is_empty()
        else " Hollow points are the naive estimate, chosen and measured on the same models: the "
        "choice takes noise for signal and shows a change where there may be none."
    )
    return reading.figure(
        f"distillation-by-{grouping}",
        charts.distillation_groups(reading, grouping),
        _EFFECTS_SQL.format(grouping=grouping),
        f"Mean change of the score for {what}. Filled points choose the examples on all groups of "
        "models but one and measure on that one; the choice is made once on one-hot scores and "
        "once on distilled ones, and a claim needs both. Lines are 95 % intervals over groups; "
        "groups of fewer than 5 examples are left out."
        f"{hollow}",
    )
