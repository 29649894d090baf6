"""Accuracy and memorisation against size: means, p_in and p_out beside them, single examples."""

from __future__ import annotations

from typing import Any

import polars as pl

from memanalysis import figures
from memanalysis.figures import theme
from memanalysis.reporting import blocks, wording
from memanalysis.reporting.context import Reading

_SQL = """select objective, size, parameters, n_models, accuracy_in, accuracy_in_low,
    accuracy_in_high, accuracy_out, accuracy_out_low, accuracy_out_high,
    accuracy_in - accuracy_out as difference, memorization, memorization_low, memorization_high,
    accuracy_test, accuracy_test_low, accuracy_test_high, saturated
from accuracy
order by objective desc, size_rank"""

_SPREAD_SQL = """select objective, size, quantity, n_examples, mean, sd, q10, q25, q50, q75, q90
from accuracy_spread
order by objective desc, quantity, size_rank"""


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
            _means(reading),
            _identity(reading),
            blocks.Text(f"A mean hides how unequal examples are.{_unequal(reading)}"),
            _spread(reading),
        ]
    return blocks.Section("accuracy", "Accuracy and mean memorisation", content)


def _means(reading: Reading) -> blocks.Figure:
    return reading.figure(
        "accuracy",
        figures.accuracy(reading),
        _SQL,
        "Means over examples by model size; upright lines are 95 % intervals from leaving out one "
        f"group of models at a time. Each panel has a scale of its own.{_from_to(reading)}"
        f"{reading.stars()}",
    )


def _from_to(reading: Reading) -> str:
    """The three means at both ends, in words."""
    table = reading.table("accuracy").filter(pl.col("objective") == reading.primary)
    known = table.drop_nulls(["accuracy_in", "accuracy_out"]).sort("size_rank")
    if known.height < 2:
        return ""
    first, last = known.row(0, named=True), known.row(-1, named=True)

    def ends(name: str) -> str:
        return f"from {wording.number(first[name])} to {wording.number(last[name])}"

    return (
        f" With {wording.objective(reading.primary)}, from {first['size']} to {last['size']} p_in "
        f"goes {ends('accuracy_in')}, p_out {ends('accuracy_out')} and mean memorisation "
        f"{ends('memorization')}{_turn(known)}."
    )


def _turn(known: pl.DataFrame) -> str:
    """The size where mean memorisation turns, if it does not lie between those of both ends."""
    scores = known["memorization"].to_list()
    highest, lowest = (scores.index(end) for end in (max(scores), min(scores)))
    inner = [place for place in (highest, lowest) if 0 < place < len(scores) - 1]
    sizes = known["size"].to_list()
    said = [
        f"{'highest' if place == highest else 'lowest'} at {sizes[place]} with "
        f"{wording.number(scores[place])}"
        for place in inner
    ]
    return f", {wording.listed(said)}" if said else ""


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


def _spread(reading: Reading) -> blocks.Figure:
    return reading.figure(
        "accuracy-spread",
        figures.accuracy_spread(reading),
        _SPREAD_SQL,
        "The same quantities over single examples. Dots are the means of the figure above; broad "
        "bars hold the middle half of the examples, thin lines the middle eight of ten, and the "
        "bar across is the median. Where bar and line are missing, nearly all examples have the "
        "same value. These spreads include the noise of a finite number of models; the column sd "
        "of the numbers below has it removed. Test images are those that the store keeps, so "
        "their mean is another one than above, which is over all."
        f"{reading.stars()}",
    )


def _identity(reading: Reading) -> blocks.Table:
    rows = theme.with_objective_titles(reading.table("accuracy").sort("size_rank"))
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
        row["objective"],
        row["size"],
        wording.number(row["accuracy_in"], 4),
        wording.number(row["accuracy_out"], 4),
        wording.number(_difference(row["accuracy_in"], row["accuracy_out"]), 4),
        wording.number(row["memorization"], 4),
        wording.cell(row["saturated"]),
    )


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
