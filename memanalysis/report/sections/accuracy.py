"""Accuracy and mean memorisation against size, with p_in and p_out beside it."""

from __future__ import annotations

from memanalysis import charts
from memanalysis.charts import theme
from memanalysis.report import blocks, wording
from memanalysis.report.reading import Reading

_SQL = """select objective, size, parameters, n_models, accuracy_in, accuracy_out,
    accuracy_in - accuracy_out as difference, memorization, memorization_low, memorization_high,
    accuracy_test, accuracy_test_low, accuracy_test_high, saturated
from accuracy
order by objective desc, size_rank"""


def section(reading: Reading) -> blocks.Section:
    """Return the section on accuracy and mean memorisation."""
    table = reading.table("accuracy")
    content: list[blocks.Block]
    if table.is_empty():
        content = [blocks.Note("There are no models in this study.")]
    else:
        content = [
            blocks.Text(
                "Mean memorisation is mean p_in minus mean p_out, exactly: it is the gap between "
                "how well the models fit the examples they saw and how well they do on those they "
                "did not. Where a size fits everything (p_in near 1), memorising less on average "
                "and generalising better are one statement."
            ),
            reading.figure(
                "accuracy",
                charts.accuracy(reading),
                _SQL,
                "Means over training examples by model size, with 95 % intervals from a "
                "delete-one-group jackknife over models. Filled points are saturated sizes, "
                "where mean p_in is at least .99; hollow points are not. The panels have "
                "scales of their own.",
            ),
            _identity(reading),
        ]
    return blocks.Section("accuracy", "Accuracy and mean memorisation", content)


def _identity(reading: Reading) -> blocks.Table:
    rows = theme.with_objective_titles(reading.table("accuracy").sort("size_rank"))
    return blocks.Table(
        title="The identity, size by size",
        columns=("objective", "size", "p_in", "p_out", "p_in − p_out", "memorisation", "saturated"),
        rows=[
            (
                row["objective"],
                row["size"],
                wording.number(row["accuracy_in"], 4),
                wording.number(row["accuracy_out"], 4),
                wording.number(_difference(row["accuracy_in"], row["accuracy_out"]), 4),
                wording.number(row["memorization"], 4),
                wording.cell(row["saturated"]),
            )
            for row in rows.iter_rows(named=True)
        ],
        numeric=(2, 3, 4, 5),
    )


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
