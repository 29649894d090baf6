"""The relation ``reliability`` on stores, against the analysis run by hand on the same bits."""

import shutil
from pathlib import Path

import handmade
import numpy as np
import polars as pl
import pytest

from memanalysis.evidence.load import read_study
from memanalysis.evidence.signals import read_signals
from memanalysis.relations.reliability import reliability_table
from memanalysis.storage.store import Store
from memanalysis.studies import Study


def _frame(store: Store) -> pl.DataFrame:
    study = read_study(store)
    return pl.DataFrame(reliability_table(study, read_signals(store, study)), strict=False)


def _scores(store: Store, signal: str, half: str, size: str) -> np.ndarray:
    """Score of each training example from the sums of one half."""
    study = Study(store)
    rows = study.table("outcomes").filter(
        pl.col("objective") == "one_hot", pl.col("size") == size, pl.col("split") == "train"
    )
    study.close()
    models = pl.from_arrow(store.read_table("models")).filter(
        pl.col("objective") == "one_hot", pl.col("size") == size, pl.col("half") == half
    )
    subsets = models["subset_id"].to_numpy()
    bits = np.stack([np.unpackbits(np.frombuffer(b, np.uint8)) for b in rows["in_train"]])
    n_in = bits[:, subsets].sum(axis=1)
    inside, outside = (rows[f"{signal}_{side}_sum_{half}"].to_numpy() for side in ("in", "out"))
    return inside / n_in - outside / (len(subsets) - n_in)


def test_a_signal_by_its_stored_halves(simulated_store: Store, tmp_path: Path) -> None:
    """Without detail per group: NumPy's correlation of the two stored halves, one split."""
    shutil.copytree(simulated_store.path, tmp_path / "s", ignore=shutil.ignore_patterns("groups"))
    frame = _frame(Store.open(tmp_path / "s"))
    row = frame.filter(
        pl.col("objective") == "one_hot", pl.col("signal") == "margin", pl.col("size") == "s2"
    )
    a, b = (_scores(simulated_store, "margin", half, "s2") for half in "ab")
    r = np.corrcoef(a, b)[0, 1]
    assert row["correlation"].to_list() == pytest.approx([r])
    assert row["reliability"].to_list() == pytest.approx([2 * r / (1 + r)])
    assert row["n_splits"].to_list() == [1]
    assert row["n_groups"].to_list() == [6]


def test_curve_over_models(simulated_store: Store) -> None:
    """Every size, signal and quantity at 2, 4 and 6 groups; errors fall like 1/sqrt(models)."""
    frame = _frame(simulated_store)
    assert set(frame["signal"]) == {"correctness", "probability", "margin", "loss"}
    for keys, curve in frame.group_by("objective", "quantity", "signal", "size"):
        assert curve["n_groups"].to_list() == [2, 4, 6], keys
        assert curve["n_models"].to_list() == [20, 40, 60]
        assert curve["n_splits"].to_list() == [10, 10, 10]
        error = curve["std_error"].to_numpy()
        assert error[0] / error[2] == pytest.approx(np.sqrt(3), rel=0.35)
    quantities = frame.group_by("objective", "quantity").len().sort("objective", "quantity")
    assert quantities["quantity"].to_list() == [
        "change",
        "distillation",
        "level",
        "change",
        "level",
    ]


def test_error_of_the_level_is_that_of_memorization(simulated_store: Store) -> None:
    """With all groups, std_error is the mean of the (k + 1)/(n + 2) errors over examples."""
    counts = read_study(simulated_store).conditions["one_hot"].counts.sum(0)[0]
    q_in, q_out = (
        (k + 1) / (n + 2)
        for k, n in ((counts.hits_in, counts.n_in), (counts.hits_out, counts.n_out))
    )
    expected = np.sqrt(q_in * (1 - q_in) / counts.n_in + q_out * (1 - q_out) / counts.n_out).mean()
    row = _frame(simulated_store).filter(
        pl.col("objective") == "one_hot", pl.col("signal") == "correctness",
        pl.col("size") == "s1", pl.col("n_groups") == 6,
    )  # fmt: skip
    assert row["std_error"].to_list() == pytest.approx([expected])


def test_one_group_has_no_halves(tmp_path: Path) -> None:
    """Nothing can be split: no rows."""
    conditions = handmade.random_conditions(("a", "b"), ("one_hot",), n_subsets=10, balanced=True)
    assert _frame(handmade.write(tmp_path / "store", conditions)).height == 0


def test_missing_models(tmp_path: Path) -> None:
    """Uneven groups and missing models: an estimate for each quantity, or NULL, never a failure."""
    conditions = handmade.random_conditions(n_subsets=31, untrained=0.2, n_train=60)
    frame = _frame(handmade.write(tmp_path / "store", conditions))
    assert set(frame["quantity"]) == {"level", "change", "distillation"}
    # Random bits carry no signal: halves do not agree.
    levels = frame.filter(pl.col("quantity") == "level", pl.col("n_groups") == 4)
    assert levels.height == 2 * 3
    assert levels["correlation"].abs().max() < 0.5
