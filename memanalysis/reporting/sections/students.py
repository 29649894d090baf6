"""Which examples distillation changes, against which teachers, and where they go."""

from __future__ import annotations

import polars as pl

from memanalysis import figures
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


def effect_blocks(reading: Reading, objective: str, effects: pl.DataFrame) -> list[blocks.Block]:
    """Changes of groups of examples, changes against the teacher's size, and transitions."""
    groupings = [name for name in ("score", "bin", "shape") if name in set(effects["grouping"])]
    content: list[blocks.Block] = []
    if groupings:
        content.append(_how_to_choose())
    content += [
        figure(
            reading,
            figures.distillation_groups,
            objective,
            f"distillation-by-{name}",
            grouping=name,
        )
        for name in groupings
    ]
    gaps = reading.table("distillation_by_size").filter(pl.col("objective") == objective)
    known = gaps["gap"].drop_nulls().n_unique()
    if known < _FEWEST_GAPS:
        why = "one size is taught" if known else "parameters are not known"
        content.append(blocks.Note(f"No change against the teacher’s size: {why}."))
    else:
        content.append(figure(reading, figures.distillation_gap, objective))
    return content + _transitions(reading, objective)


def _how_to_choose() -> blocks.Text:
    return blocks.Text(
        "Whose score changes? Choosing examples by a noisy score and then measuring them on the "
        "same models finds a change where there is none: the lucky ones fall back. In the next "
        "figures the examples are therefore chosen on all groups of models but one and measured on "
        "that one (filled points); the naive estimate stands beside it (hollow points)."
    )


def _transitions(reading: Reading, objective: str) -> list[blocks.Block]:
    names = {"score": "distillation-transitions", "shape": "distillation-shapes"}
    drawn = [
        figure(reading, figures.distillation_transitions, objective, name, grouping=grouping)
        for grouping, name in names.items()
    ]
    return [moves for moves in drawn if not moves.frame.is_empty()]
