"""The findings: verdict, effect, interval and sentence, with the conditions behind each."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from memanalysis.findings.reasons import UNDECIDED
from memanalysis.findings.rows import HEADLINE, Told, read
from memanalysis.findings.verdicts import Fact, Result
from memanalysis.reporting import blocks, inline_svg, verdicts
from memanalysis.reporting.context import Reading


def section(reading: Reading) -> blocks.Section:
    """Return the findings section."""
    table = reading.table("findings")
    if not reading.sizes:
        asks = "models whose training subsets are known, of two sizes or more"
        return blocks.Section("findings", "The four findings", asks=asks)
    if table.is_empty():
        content: list[blocks.Block] = [
            blocks.Note("This store holds no findings: `memanalysis build` computes them.")
        ]
    else:
        shown = items(reading)
        if not any(item.asked for item in shown):
            asks = "; ".join(dict.fromkeys(item.headline for item in shown))
            return blocks.Section("findings", "The four findings", asks=asks)
        content = [blocks.Text(_introduction(table)), blocks.Findings(shown)]
    return blocks.Section("findings", "Findings", content)


def _introduction(table: pl.DataFrame) -> str:
    """Explain how verdicts come about, and with what reserve."""
    headlines = table.filter(pl.col("row") == HEADLINE)
    text = (
        "The rules were made after data of this data set had been seen."
        if table["post_hoc"].fill_null(value=False).any()
        else "The rules were written down before the data."
    )
    text += (
        " A claim is “supported” where all of its conditions hold at 95 %, “not supported” where "
        "one is refuted, and “undetermined” where the data cannot tell or a cross-check disagrees."
    )
    if headlines["provisional"].any():
        groups = table["n_groups"].drop_nulls()
        count = f"{int(groups.to_numpy().max())} groups of models" if len(groups) else "few models"
        text += f" “Provisional” verdicts rest on {count}, fewer than ten."
    return text


def items(reading: Reading) -> list[blocks.Finding]:
    """The findings of the study, in their order."""
    lines = reading.table("findings").to_dicts()
    facts = reading.table("finding_facts").to_dicts()
    findings = {told.outcome.finding: told for told in read(lines, facts)}
    subsets = reading.table("models")["subset_id"].n_unique()
    shown = []
    for name in [*(n for n in verdicts.DECLARED if n in findings), *(
        n for n in findings if n not in verdicts.DECLARED
    )]:  # fmt: skip
        rows = {line["row"]: line for line in lines if line["finding"] == name}
        headline = rows.setdefault(HEADLINE, next(iter(rows.values())))
        told, declared = _spoken(reading, findings[name]), verdicts.DECLARED.get(name)
        meaning = verdicts.meaning(told, headline["sentence"] or "")
        shown.append(
            replace(
                _finding(headline, name, headline),
                evidence=declared.evidence.section if declared else "",
                evidence_title=declared.evidence.title if declared else "",
                figures=declared.evidence.figures if declared else (),
                sentence=verdicts.conditions(told),
                asked=told.outcome.reason not in UNDECIDED,
                headline=verdicts.headline(told, headline["claim"] or name),
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
    return shown


def _spoken(reading: Reading, told: Told) -> Told:
    """The same with sizes by the words that sentences have for them."""

    def facts(result: Result) -> tuple[Fact, ...]:
        words = {**reading.spoken, "": ""}
        return tuple(replace(f, size=words.get(f.size, f.size)) for f in result.facts)

    outcome = replace(
        told.outcome,
        facts=facts(told.outcome),
        checks=tuple(replace(check, facts=facts(check)) for check in told.outcome.checks),
    )
    return replace(told, outcome=outcome)


def _way(reading: Reading, finding: str) -> str:
    """Name the one of several settings that a finding on distillation is about."""
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
        headline="",
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
