"""Accuracy and memorisation against size: means, p_in and p_out beside them, single examples."""

from __future__ import annotations

from typing import Any

import polars as pl

from memanalysis import figures, wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading


def section(reading: Reading) -> blocks.Section:
    """Return the section on accuracy and mean memorisation."""
    table = reading.table("accuracy")
    content: list[blocks.Block]
    if table.is_empty():
        content = [blocks.Note("There are no models in this study.")]
    else:
        content = [
            blocks.Text(
                "An example can be memorised only where models get it right because they saw it. "
                "So three numbers belong together: how often models are right on examples they "
                "were trained on (p_in), how often on examples held out (p_out), and the "
                "difference, which is the memorisation score."
            ),
            reading.figure(figures.accuracy),
            _identity(reading),
            blocks.Text(f"A mean hides how unequal examples are.{_unequal(reading)}"),
            reading.figure(figures.accuracy_spread),
        ]
    return blocks.Section("accuracy", "Accuracy and mean memorisation", content)


def _unequal(reading: Reading) -> str:
    """How scores spread at the largest size, in words."""
    table = reading.table("accuracy_spread").filter(
        pl.col("objective") == reading.primary, pl.col("quantity") == "memorization"
    )
    if table.is_empty():
        return ""
    row = table.sort("size_rank").row(-1, named=True)
    return (
        f" At {row['size']}, half of them have a score of at most {wording.number(row['q50'], 2)}, "
        f"and one in ten has at least {wording.number(row['q90'], 2)}; the mean is "
        f"{wording.number(row['mean'], 2)}."
    )


def _identity(reading: Reading) -> blocks.Table:
    rows = reading.sql(
        "from accuracy "
        "order by objective <> 'one_hot', objective <> 'distilled', objective, size_rank"
    )
    return blocks.Table(
        title="Mean memorisation is the generalisation gap, size by size",
        columns=("objective", "size", "p_in", "p_out", "p_in − p_out", "memorisation", "saturated"),
        rows=[_identity_row(row) for row in rows.iter_rows(named=True)],
        numeric=(2, 3, 4, 5),
        caption="Exactly so: both are means over the same examples. Where a size is saturated (it "
        "fits all it is shown: mean p_in of at least 0.99), “memorises less on average” and "
        "“generalises better” are one statement, not two.",
    )


def _identity_row(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        wording.objective(row["objective"]),
        row["size"],
        wording.number(row["accuracy_in"], 4),
        wording.number(row["accuracy_out"], 4),
        wording.number(_difference(row["accuracy_in"], row["accuracy_out"]), 4),
        wording.number(row["memorization"], 4),
        wording.cell(row["saturated"]),
    )


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
