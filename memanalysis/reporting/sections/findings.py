"""The findings: verdict, effect, interval and sentence, with the conditions behind each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from memanalysis.reporting import blocks, inline_svg, plain, wording
from memanalysis.reporting.context import Reading

_HEADLINE: Final = "headline"
_VERDICTS: Final = ("supported", "not supported", "undetermined")
# Finding -> the section with its evidence, and the figures in it that show it.
_EVIDENCE: Final = {
    "bimodality_grows": (
        "scores",
        "How the scores are distributed",
        ("bimodality", "memorization-histogram"),
    ),
    "trajectories_diverse": (
        "trajectories",
        "Trajectories across sizes",
        ("trajectory-shares", "trajectories"),
    ),
    "distillation_inhibits": (
        "distillation",
        "One-hot against distilled",
        ("distillation-settings", "distillation-change", "distillation-by-score"),
    ),
    "proxies_miss_trends": ("proxies", "Proxies against the score", ("proxy-trends",)),
}


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
    text = (
        "What this study says about each claim. The rules were written down before the data: a "
        "claim is “supported” where all of its conditions hold at 95 %, “not supported” where one "
        "is refuted, and “undetermined” where the data cannot tell, or where a cross-check of a "
        "supported claim disagrees."
    )
    if table.filter(pl.col("row") == _HEADLINE)["provisional"].any():
        count = f"{int(groups.to_numpy().max())} groups of models" if len(groups) else "few models"
        text += f" “Provisional” verdicts rest on {count}, fewer than ten."
    verdicts = table.filter(pl.col("row") == _HEADLINE)["verdict"].to_list()
    said = [f"{verdicts.count(name) or 'none'} {name}" for name in _VERDICTS]
    return f"{text} Of the {len(verdicts)} claims, {wording.listed(said)}."


def _items(reading: Reading, table: pl.DataFrame) -> list[blocks.Finding]:
    order = table["finding"].unique(maintain_order=True).to_list()
    known = [name for name in _EVIDENCE if name in order]
    subsets = reading.table("models")["subset_id"].n_unique()
    items = []
    for name in [*known, *(other for other in order if other not in known)]:
        rows = table.filter(pl.col("finding") == name).to_dicts()
        headline = next((row for row in rows if row["row"] == _HEADLINE), rows[0])
        named = {row["row"]: row for row in rows} | {_HEADLINE: headline}
        section, title, figures = _EVIDENCE.get(name, ("", "", ()))
        items.append(
            replace(
                _finding(headline, name, headline),
                evidence=section,
                evidence_title=title,
                figures=figures,
                quantity=plain.QUANTITIES.get(name, ""),
                meaning=plain.meaning(name, named) + _way(reading, name),
                settling=plain.settling(named, subsets),
                rows=[_finding(row, row["row"], headline) for row in rows if row is not headline],
                deciding=[_finding(row, row["row"], headline) for row in plain.deciding(named)],
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


def _finding(row: plain.Row, name: str, headline: plain.Row) -> blocks.Finding:
    estimate, interval = plain.effect(row["finding"], row)
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
        quantity=plain.measured(name),
    )


def _bound(row: plain.Row, headline: plain.Row) -> str:
    """The rule of a condition; of a check, whether it agrees: others may only not object."""
    if row["bound"] == "consistent" and row["verdict"] != headline["verdict"]:
        return "no contradiction"
    return row["bound"] or ""
