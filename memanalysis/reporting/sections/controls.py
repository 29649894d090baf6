"""Negative controls: what the findings say where nothing is left to be found."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from memanalysis import wording
from memanalysis.findings.rows import HEADLINE
from memanalysis.reporting import blocks, verdicts
from memanalysis.reporting.context import Reading

_SQL: Final = """select control, c.finding, c.verdict, c.estimate, c.ci_low, c.ci_high, c.sentence,
    c.version, f.verdict as verdict_here, f.estimate as estimate_here
from controls as c
left join findings as f on f.finding = c.finding and f.row = 'headline'"""

_NAMES: Final = {
    "exchanged_subsets": "exchanged subsets",
}


def section(reading: Reading) -> blocks.Section:
    """Return the section on negative controls."""
    table = reading.sql(_SQL)
    title = "Would the rules find something where nothing is?"
    if table.is_empty():
        asks = "two or more groups of models of equal size, whose subsets can be exchanged"
        return blocks.Section("controls", title, asks=asks)
    content: list[blocks.Block] = [
        blocks.Text(
            "A rule that finds something everywhere finds nothing. So every finding is decided "
            "again, by the same rules, on evidence in which nothing is left to be found: each "
            "group of models is said to have trained on the subsets of the next group. Their "
            "answers stay as they are, but who saw what is wrong, so scores are 0 on average at "
            "every size, with and without distillation. A finding that is “supported” there would "
            "be a false alarm."
        )
    ]
    content += [
        _table(table),
        blocks.Note(
            "Not run here: one size trained again with other seeds, called another size or called "
            "distilled. The study file `data/controls/study.toml` does that."
        ),
    ]
    return blocks.Section("controls", title, fold=blocks.Fold(_verdict(table), content))


def _verdict(table: pl.DataFrame) -> str:
    alarms = table.filter(pl.col("verdict") == "supported")["finding"].to_list()
    if not alarms:
        return (
            f"No: none of the {table.height} findings is supported once subsets are exchanged, so "
            "that nothing is left to find"
        )
    named = wording.listed([f"“{verdicts.title(name)}”" for name in alarms])
    return (
        f"Yes: {named} is supported where subsets are exchanged and nothing is left to find; do "
        "not rely on it here"
    )


def _table(table: pl.DataFrame) -> blocks.Table:
    return blocks.Table(
        title="The findings on the control, and on the study",
        columns=(
            *("finding", "verdict there", "verdict here", "control", "estimate there"),
            *("95 % interval there", "estimate here"),
        ),
        rows=[_row(row) for row in table.iter_rows(named=True)],
        caption="There: on the control. Here: on this study. “Not supported” and “undetermined” "
        "are as they should be there. An estimate is missing where a quantity does not exist "
        "without scores: polarisation needs scores above 0.",
        numeric=(4, 5, 6),
        sql=_SQL,
    )


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    same = {"finding": row["finding"], "row": HEADLINE, "version": row["version"]}
    there = same | {name: _rounded(row[name]) for name in ("estimate", "ci_low", "ci_high")}
    here = same | {"estimate": row["estimate_here"], "ci_low": None, "ci_high": None}
    return (
        verdicts.title(row["finding"]),
        row["verdict"] or wording.NONE,
        row["verdict_here"] or wording.NONE,
        _NAMES.get(row["control"], row["control"]),
        *verdicts.effect(there),
        verdicts.effect(here)[0],
    )


def _rounded(value: float | None) -> float | None:
    """To the digits that are shown, without a zero below zero."""
    return None if value is None else round(value, 3) + 0.0
