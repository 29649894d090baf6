"""Reliability: how much of each quantity is signal, and how many models would be enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from memanalysis import figures, wording
from memanalysis.figures import theme
from memanalysis.figures.reliability import QUANTITIES, SIGNALS
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading

_NEEDED_SQL: Final = """select objective, quantity, size, n_models, std_error, models_for_error_05,
    reliability, models_for_reliability_80, models_for_reliability_90
from models_needed
where signal = 'correctness'
order by quantity <> 'level', quantity, objective desc, size_rank"""

_SIGNALS_SQL: Final = """select size, size_rank, signal_a, signal_b, estimate, ci_low, ci_high,
    corrected_estimate
from signal_agreement
where objective = '{objective}' and quantity = 'level' and method = 'spearman'
order by size_rank, signal_a, signal_b"""


def section(reading: Reading) -> blocks.Section:
    """Return the section on reliability."""
    table = reading.table("reliability").filter(pl.col("reliability").is_not_null())
    title = "How sure are these numbers?"
    if table.is_empty():
        asks = "two groups of models or more, whose scores can be compared"
        return blocks.Section("reliability", title, asks=asks)
    more = [
        reading.figure(figures.reliability, objectives=(), objective=reading.primary),
        *_growth(reading, table),
        *_agreement(reading),
    ]
    fold = blocks.Fold(
        "Checks: reliability by size and number of models; other signals than right or wrong", more
    )
    return blocks.Section("reliability", title, [_explanation(), _needed(reading)], fold)


def _explanation() -> blocks.Text:
    return blocks.Text(
        "Train the same number of new models and measure again: how much of the spread between "
        "examples would be there again? That share is the reliability, measured by scoring every "
        "example twice, with one half of the models and with the other."
    )


def _growth(reading: Reading, table: pl.DataFrame) -> list[blocks.Block]:
    if table["n_models"].n_unique() < 2:
        return []
    return [reading.figure(figures.reliability_growth, objectives=(), objective=reading.primary)]


def _needed(reading: Reading) -> blocks.Table:
    """One row per quantity: the largest size of the objective that single figures show."""
    needed = reading.sql(_NEEDED_SQL)
    rows = [
        _needs(part.row(-1, named=True), reading.spoken)
        for part in _of_figures(reading, needed).partition_by("quantity", maintain_order=True)
    ]
    return blocks.Table(
        title="How many models would be enough",
        columns=(
            *("quantity", "size", "models", "error", "for ±0.05"),
            *("reliability", "for 80 %", "for 90 %"),
        ),
        rows=rows,
        caption="Models of one size. Error: the standard error of one example’s value, mean over "
        "examples, and how many models would bring it to ±0.05. Reliability, and how many models "
        "would bring it to 80 % and 90 % (errors fall with the square root of their number, "
        "reliability follows the formula of Spearman and Brown). `models_needed` has all sizes.",
        numeric=(2, 3, 4, 5, 6, 7),
        sql=_NEEDED_SQL,
    )


def _of_figures(reading: Reading, table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the objectives that single figures show."""
    own = pl.col("objective") == reading.primary
    student = reading.students[0] if reading.students else ""
    taught = (pl.col("objective") == student) & (pl.col("quantity") == "distillation")
    return table.filter(taught | (own & (pl.col("quantity") != "distillation")))


def _needs(row: dict[str, Any], spoken: Mapping[str, str]) -> tuple[str, ...]:
    return (
        QUANTITIES.get(row["quantity"], row["quantity"]),
        spoken.get(row["size"], row["size"] or "first to last"),
        wording.count(row["n_models"]),
        wording.number(row["std_error"], 3),
        wording.count(row["models_for_error_05"]),
        wording.percent(row["reliability"], 0),
        wording.count(row["models_for_reliability_80"]),
        wording.count(row["models_for_reliability_90"]),
    )


def _agreement(reading: Reading) -> list[blocks.Block]:
    sql = _SIGNALS_SQL.format(objective=reading.primary)
    found = reading.sql(sql).filter(pl.col("estimate").is_not_null())
    if found.is_empty():
        return []
    sizes = theme.in_order(found)
    known = {
        (row["signal_a"], row["signal_b"], row["size"]): _correlated(row)
        for row in found.iter_rows(named=True)
    }
    pairs = found.select("signal_a", "signal_b").unique(maintain_order=True).rows()
    rows = [
        (
            f"{SIGNALS.get(a, a)} and {SIGNALS.get(b, b)}",
            *(known.get((a, b, size), wording.NONE) for size in sizes),
        )
        for a, b in pairs
    ]
    return [
        blocks.Table(
            title="Do the signals order the examples alike?",
            columns=("scores by", *sizes),
            rows=rows,
            caption="Spearman’s correlation over training examples between scores by two signals, "
            "from opposite halves of the models; in brackets, corrected for the noise of both "
            f"(approximate for ranks). {wording.objective(reading.primary).capitalize()}.",
            numeric=tuple(range(1, len(sizes) + 1)),
            sql=sql,
        )
    ]


def _correlated(row: dict[str, Any]) -> str:
    text = wording.number(row["estimate"], 2)
    corrected = row["corrected_estimate"]
    return text if corrected is None else f"{text} ({wording.number(corrected, 2)})"
