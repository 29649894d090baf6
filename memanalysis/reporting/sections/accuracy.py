"""Accuracy and memorisation against size: means, p_in and p_out beside them, single examples."""

from __future__ import annotations

import polars as pl

from memanalysis import figures, wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading


def section(reading: Reading) -> blocks.Section:
    """Return the section on accuracy and mean memorisation."""
    title = (
        "Right when trained on, right when held out"
        if len(reading.sizes) == 1
        else "Larger models fit first, then generalise"
    )
    if reading.table("accuracy").is_empty():
        return blocks.Section("accuracy", title, asks="models whose training subsets are known")
    content: list[blocks.Block] = [
        blocks.Text(
            "An example can be memorised only where models get it right because they saw it. So "
            "three numbers belong together: how often models are right on examples they were "
            "trained on (p_in), how often on examples held out (p_out), and the difference, which "
            f"is the memorisation score.{_gap(reading)}"
        ),
        reading.figure(figures.accuracy),
    ]
    return blocks.Section("accuracy", title, content)


def _gap(reading: Reading) -> str:
    """That the mean score is the gap of generalisation, with the numbers of the largest size."""
    table = (
        reading.table("accuracy")
        .filter(pl.col("objective") == reading.primary)
        .drop_nulls(["accuracy_in", "accuracy_out", "memorization"])
    )
    if table.is_empty():
        return ""
    row = table.sort("size_rank").row(-1, named=True)
    return (
        " So the mean score is the generalisation gap: at "
        f"{reading.spoken[row['size']]}, {wording.number(row['accuracy_in'])} − "
        f"{wording.number(row['accuracy_out'])} = {wording.number(row['memorization'])}. Where "
        "models fit all they see, memorising less and generalising better are one statement."
    )
