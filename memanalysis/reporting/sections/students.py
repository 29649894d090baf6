"""Students: examples that distillation changes, their teachers, and where they go."""

from __future__ import annotations

import polars as pl

from memanalysis import figures, wording
from memanalysis.figures import Figure
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading

_FEWEST_GAPS = 2  # between which a change can be seen


def figure(
    reading: Reading, drawn: Figure, objective: str, name: str = "", **parameters: str
) -> blocks.Figure:
    """Return a figure of one setting; those of other settings have names that end in theirs."""
    variant = objective.removeprefix("distilled").removeprefix("_")
    parts = (name or drawn.name.replace("_", "-"), variant)
    return reading.figure(
        drawn,
        "-".join(filter(None, parts)),
        ("one_hot", objective),
        objective=objective,
        **parameters,
    )


def bands(reading: Reading, objective: str, effects: pl.DataFrame) -> list[blocks.Block]:
    """The change of memorised and other examples over size."""
    if "score" not in set(effects["grouping"]):
        return []
    return [_groups(reading, objective, "score")]


def checks(reading: Reading, objective: str, effects: pl.DataFrame) -> list[blocks.Block]:
    """Changes of finer groups of examples, changes against the teacher's size, and transitions."""
    content: list[blocks.Block] = [
        _groups(reading, objective, name)
        for name in ("bin", "shape")
        if name in set(effects["grouping"])
    ]
    gaps = reading.table("distillation_by_size").filter(pl.col("objective") == objective)
    if gaps["gap"].drop_nulls().n_unique() >= _FEWEST_GAPS:
        content.append(figure(reading, figures.distillation_gap, objective))
    return content + _transitions(reading, objective)


def summary(reading: Reading, objective: str) -> str:
    """Agreement of both scores on the order of examples, in words."""
    rows = (
        reading.table("distillation_by_size")
        .filter(pl.col("objective") == objective)
        .drop_nulls("agreement_corrected")
        .sort("size_rank")
    )
    alike = ""
    if not rows.is_empty():
        last = rows.row(-1, named=True)
        alike = (
            "without noise, scores with and without distillation correlate by "
            f"{wording.number(last['agreement_corrected'], 2)} at "
            f"{reading.spoken.get(last['size'], last['size'])}; "
        )
    return f"Checks: {alike}finer groups, the teacher’s size, who moves where"


def _groups(reading: Reading, objective: str, grouping: str) -> blocks.Figure:
    return figure(
        reading,
        figures.distillation_groups,
        objective,
        f"distillation-by-{grouping}",
        grouping=grouping,
    )


def _transitions(reading: Reading, objective: str) -> list[blocks.Block]:
    names = {"score": "distillation-transitions", "shape": "distillation-shapes"}
    drawn = [
        figure(reading, figures.distillation_transitions, objective, name, grouping=grouping)
        for grouping, name in names.items()
    ]
    return [moves for moves in drawn if not moves.frame.is_empty()]
