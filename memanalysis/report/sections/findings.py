"""The findings: verdict, effect, interval and sentence, with the conditions behind each."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from memanalysis.report import blocks, drawing, wording
from memanalysis.report.reading import Reading

_HEADLINE: Final = "headline"
# Finding -> the section with its evidence.
_EVIDENCE: Final = {
    "bimodality_grows": ("scores", "How the scores are distributed"),
    "trajectories_diverse": ("trajectories", "Trajectories across sizes"),
    "distillation_inhibits": ("distillation", "One-hot against distilled"),
    "inhibition_grows_with_gap": ("distillation", "One-hot against distilled"),
    "proxies_miss_trends": ("proxies", "Proxies against the score"),
}


def section(reading: Reading) -> blocks.Section:
    """Return the findings section."""
    table = reading.table("findings")
    if table.is_empty():
        content: list[blocks.Block] = [
            blocks.Note("This store holds no findings: `memanalysis build` computes them.")
        ]
    else:
        content = [blocks.Text(_introduction(table)), blocks.Findings(_items(table))]
    return blocks.Section("findings", "Findings", content)


def _introduction(table: pl.DataFrame) -> str:
    groups = table["n_groups"].drop_nulls()
    text = (
        "Each verdict follows from a rule that was written down before the data: it is "
        "“supported” where all of its core conditions hold at 95 %, “not supported” where one "
        "is refuted, and “undetermined” otherwise."
    )
    if table.filter(pl.col("row") == _HEADLINE)["provisional"].any():
        count = f"{int(groups.to_numpy().max())} groups of models" if len(groups) else "few models"
        text += f" Verdicts marked provisional rest on {count}, fewer than ten."
    return text


def _items(table: pl.DataFrame) -> list[blocks.Finding]:
    order = table["finding"].unique(maintain_order=True).to_list()
    known = [name for name in _EVIDENCE if name in order]
    items = []
    for name in [*known, *(other for other in order if other not in known)]:
        rows = table.filter(pl.col("finding") == name).to_dicts()
        headline = next((row for row in rows if row["row"] == _HEADLINE), rows[0])
        others = [_finding(row, row["row"]) for row in rows if row is not headline]
        items.append(_finding(headline, name, others))
    return items


def _finding(
    row: dict[str, Any], name: str, rows: list[blocks.Finding] | None = None
) -> blocks.Finding:
    section, title = _EVIDENCE.get(row["finding"], ("", ""))
    return blocks.Finding(
        name=name,
        claim=row["claim"] or name,
        verdict=row["verdict"] or "undetermined",
        provisional=bool(row["provisional"]),
        estimate=wording.number(row["estimate"], 3),
        interval=wording.interval(row["ci_low"], row["ci_high"]),
        bound=row["bound"] or "",
        glyph=drawing.whisker(row["estimate"], row["ci_low"], row["ci_high"]),
        sentence=row["sentence"] or "",
        evidence=section,
        evidence_title=title,
        query=row["query"] or "",
        rows=rows or (),
        core=bool(row["core"]),
    )
