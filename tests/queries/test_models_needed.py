"""``models_needed`` against arithmetic on the rows of ``reliability``."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from memanalysis.storage.store import Store


def test_models_needed(simulated_store: Store, ask: Callable[[Store], Any]) -> None:
    """n (SE/.05)^2 models for the error; Spearman-Brown with that many models more gives .8."""
    study = ask(simulated_store)
    needed = study.table("models_needed")
    rows = study.sql(
        "from reliability where n_groups = 6 order by objective, size, quantity, signal"
    )
    assert needed.height == rows.height
    keys = ["objective", "size", "quantity", "signal"]
    for wanted, row in zip(needed.sort(keys).to_dicts(), rows.sort(keys).to_dicts(), strict=True):
        assert [wanted[k] for k in keys] == [row[k] for k in keys]
        r, n = row["reliability"], row["n_models"]
        if row["signal"] in ("correctness", "probability"):
            assert wanted["models_for_error_05"] == math.ceil(n * (row["std_error"] / 0.05) ** 2)
        else:
            assert wanted["models_for_error_05"] is None
        if r is None:
            assert wanted["models_for_reliability_80"] is None
        else:
            longer = wanted["models_for_reliability_80"] / n
            assert longer * r / (1 + (longer - 1) * r) == pytest.approx(0.8, abs=0.02)
