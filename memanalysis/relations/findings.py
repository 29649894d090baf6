"""The tables ``findings`` and ``controls`` from the evidence of the study."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from memanalysis.evidence.load import Study
from memanalysis.findings import evaluate
from memanalysis.findings.controls import controls
from memanalysis.relations.tables import stack


def findings_table(study: Study) -> dict[str, list[Any]]:
    """Headlines, conditions and robustness checks of every finding."""
    rows = [asdict(row) for row in evaluate(study.evidence)]
    for row in rows:
        row["alpha"] = np.nan if row["alpha"] is None else row["alpha"]
        row["version"] = study.evidence.rules.version
    return stack(rows)


def controls_table(study: Study) -> dict[str, list[Any]]:
    """Every finding decided again on evidence in which nothing is left to be found."""
    return stack(
        [
            {
                "control": name,
                "finding": outcome.finding,
                "claim": outcome.claim,
                "verdict": outcome.verdict,
                "estimate": outcome.estimate,
                "ci_low": outcome.low,
                "ci_high": outcome.high,
                "n_groups": outcome.n_groups,
                "sentence": f"{outcome.verdict.capitalize()}. {outcome.text}.",
                "version": study.evidence.rules.version,
            }
            for name, outcome in controls(study.evidence)
        ]
    )
