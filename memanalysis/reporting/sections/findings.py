"""The findings: verdict, effect, interval and sentence, with the conditions behind each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from memanalysis import wording
from memanalysis.findings.rows import HEADLINE, read
from memanalysis.reporting import blocks, inline_svg, verdicts
from memanalysis.reporting.context import Reading

_VERDICTS: Final = ("supported", "not supported", "undetermined")


def section(reading: Reading) -> blocks.Section:
    """Return the findings section."""
    table = reading.table("findings")
    if table.is_empty():
        content: list[blocks.Block] = [
            blocks.Note("This store holds no findings: `memanalysis build` computes them.")
        ]
    else:
        content = [blocks.Text(_introduction(table)), blocks.Findings(_items(reading, table))]
    return blocks.Section("findings", "Findings", content)


def _introduction(table: pl.DataFrame) -> str:
    groups = table["n_groups"].drop_nulls()
    order = (
        "The rules were made after data of this data set had been seen"
        if table["post_hoc"].fill_null(value=False).any()
        else "The rules were written down before the data"
    )
    text = (
        f"What this study says about each claim. {order}: a claim is “supported” "
        "where all of its conditions hold at 95 %, “not supported” where one is refuted, and "
        "“undetermined” where the data cannot tell, or where a cross-check of a supported claim "
        "disagrees."
    )
    if table.filter(pl.col("row") == HEADLINE)["provisional"].any():
        count = f"{int(groups.to_numpy().max())} groups of models" if len(groups) else "few models"
        text += f" “Provisional” verdicts rest on {count}, fewer than ten."
    said = table.filter(pl.col("row") == HEADLINE)["verdict"].to_list()
    counted = [f"{said.count(name) or 'none'} {name}" for name in _VERDICTS]
    return f"{text} Of the {len(said)} claims, {wording.listed(counted)}."


def _items(reading: Reading, table: pl.DataFrame) -> list[blocks.Finding]:
    lines = table.to_dicts()
    facts = reading.table("finding_facts").to_dicts()
    findings = {told.outcome.finding: told for told in read(lines, facts)}
    subsets = reading.table("models")["subset_id"].n_unique()
    items = []
    for name in [*(n for n in verdicts.DECLARED if n in findings), *(
        n for n in findings if n not in verdicts.DECLARED
    )]:  # fmt: skip
        rows = {line["row"]: line for line in lines if line["finding"] == name}
        headline = rows.setdefault(HEADLINE, next(iter(rows.values())))
        told, declared = findings[name], verdicts.DECLARED.get(name)
        meaning = verdicts.meaning(told, headline["sentence"] or "")
        items.append(
            replace(
                _finding(headline, name, headline),
                evidence=declared.evidence.section if declared else "",
                evidence_title=declared.evidence.title if declared else "",
                figures=declared.evidence.figures if declared else (),
                sentence=verdicts.conditions(told),
                meaning=meaning + _way(reading, name),
                settling=verdicts.settling(told, subsets),
                rows=[
                    _finding(row, row["row"], headline)
                    for row in rows.values()
                    if row is not headline
                ],
                deciding=[
                    _finding(row, row["row"], headline) for row in verdicts.deciding(told, rows)
                ],
            )
        )
    return items


def _way(reading: Reading, finding: str) -> str:
    """Which of several ways of teaching a finding on distillation is about."""
    students = reading.students
    if finding != "distillation_inhibits" or len(students) < 2:
        return ""
    teacher = reading.teacher_of(students[0], short=True)
    return (
        f" This is one of {len(students)} ways of teaching ({teacher}); the evidence shows them "
        "side by side, and one setting is not a result."
    )


def _finding(row: verdicts.Row, name: str, headline: verdicts.Row) -> blocks.Finding:
    estimate, interval = verdicts.effect(row)
    return blocks.Finding(
        name=name,
        claim=row["claim"] or name,
        verdict=row["verdict"] or "undetermined",
        provisional=bool(row["provisional"]),
        estimate=estimate,
        interval=interval,
        bound=_bound(row, headline),
        glyph=inline_svg.whisker(row["estimate"], row["ci_low"], row["ci_high"]),
        sentence=row["sentence"] or "",
        evidence="",
        evidence_title="",
        query=row["query"] or "",
        core=bool(row["core"]) or name.startswith("proxy: "),
        quantity=verdicts.quantity(row),
        title=verdicts.row_title(row),
    )


def _bound(row: verdicts.Row, headline: verdicts.Row) -> str:
    """The rule of a condition; of a check, whether it agrees: others may only not object."""
    if row["bound"] == "consistent" and row["verdict"] != headline["verdict"]:
        return "no contradiction"
    return row["bound"] or ""
