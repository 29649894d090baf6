"""The tables ``findings`` and ``controls`` from the evidence of the study."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from memanalysis.evidence.load import Study
from memanalysis.findings import FINDINGS, Row, evaluate
from memanalysis.findings.controls import controls
from memanalysis.findings.sentences import explained
from memanalysis.relations.tables import stack


def findings_tables(study: Study) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Headlines, conditions and robustness checks of every finding, and the facts behind them."""
    rows = evaluate(study.evidence)
    version = study.evidence.rules.version
    named = [field.name for field in fields(Row) if field.name != "facts"]
    findings = [{name: getattr(row, name) for name in named} | {"version": version} for row in rows]
    facts = [
        {
            "finding": row.finding, "row": row.row, "fact": fact.name, "size": fact.size or None,
            "estimate": fact.estimate, "ci_low": fact.low, "ci_high": fact.high,
        }
        for row in rows
        for fact in row.facts
    ]  # fmt: skip
    return stack(findings), stack(facts)


def controls_table(study: Study) -> dict[str, list[Any]]:
    """Every finding decided again on evidence in which nothing is left to be found."""
    claims = {finding.name: finding for finding in FINDINGS}
    return stack(
        [
            {
                "control": name,
                "finding": outcome.finding,
                "claim": claims[outcome.finding].claim,
                "verdict": outcome.verdict,
                "estimate": outcome.estimate,
                "ci_low": outcome.low,
                "ci_high": outcome.high,
                "n_groups": outcome.n_groups,
                "sentence": f"{outcome.verdict.capitalize()}. "
                f"{explained(claims[outcome.finding], outcome)}.",
                "version": study.evidence.rules.version,
            }
            for name, outcome in controls(study.evidence)
        ]
    )
