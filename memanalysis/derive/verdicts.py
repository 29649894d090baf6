"""The table ``findings`` from the evidence of the study."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from memanalysis.derive.reading import Study
from memanalysis.derive.tables import stack
from memanalysis.findings import evaluate


def findings_table(study: Study) -> dict[str, list[Any]]:
    """Headlines, conditions and robustness checks of every finding."""
    rows = [asdict(row) for row in evaluate(study.evidence)]
    for row in rows:
        row["alpha"] = np.nan if row["alpha"] is None else row["alpha"]
        row["version"] = study.evidence.rules.version
    return stack(rows)
