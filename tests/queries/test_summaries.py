"""The relations behind charts: sums over the relations that they summarise."""

from pathlib import Path

import handmade
import polars as pl
import pyarrow as pa
import pytest

from memanalysis.storage.schema import TABLES


@pytest.fixture
def scores(case) -> pl.DataFrame:
    """Training examples with a score."""
    return case.study.table("memorization").drop_nulls("memorization")


def test_accuracy_keeps_the_identity(case, scores: pl.DataFrame) -> None:
    """Mean memorisation is exactly mean accuracy inside minus mean accuracy outside."""
    table = case.study.table("accuracy")
    assert table.height == 6
    for row in table.iter_rows(named=True):
        mine = scores.filter(objective=row["objective"], size=row["size"])
        assert row["n_examples"] == mine.height
        assert row["memorization"] == pytest.approx(mine["memorization"].mean(), abs=1e-12)
        assert row["memorization"] == pytest.approx(row["accuracy_in"] - row["accuracy_out"])
        assert row["saturated"] is (row["accuracy_in"] >= 0.99)
        assert row["parameters"] == 10 ** (row["size_rank"] + 2)


def test_accuracy_counts_models(case) -> None:
    """n_models is the number of trained models and accuracy_test their mean."""
    table = case.study.table("accuracy")
    for condition in case.conditions:
        row = table.filter(objective=condition.objective, size=condition.size).row(0, named=True)
        test = condition.correct[case.n_train :, condition.trained]
        assert row["n_models"] == condition.trained.sum()
        assert row["accuracy_test"] == pytest.approx(test.mean())


def test_accuracy_carries_the_stored_intervals(ask, tmp_path: Path) -> None:
    """Limits come from derived/accuracy_intervals; sizes without them keep their estimates."""
    store = handmade.write(tmp_path / "store", handmade.random_conditions(("one", "two")))
    schema = TABLES["accuracy_intervals"][1]
    stored = dict.fromkeys(schema.names) | {
        "objective": "one_hot", "size": "two", "memorization_low": -0.5, "n_groups": 3,
    }  # fmt: skip
    store.write_table("accuracy_intervals", pa.Table.from_pylist([stored], schema))
    table = ask(store).table("accuracy").filter(objective="one_hot")
    assert table["memorization_low"].to_list() == [None, -0.5]
    assert table["n_groups"].to_list() == [None, 3]
    assert table["memorization"].null_count() == 0


def test_classes_are_averaged_apart(case, scores: pl.DataFrame) -> None:
    """Class means are means of the class's scores, and its name is the manifest's."""
    table = case.study.table("memorization_by_class")
    assert table.height == 6 * 3
    assert table["class_name"].unique(maintain_order=True).to_list() == ["cat", "dog", "owl"]
    for row in table.iter_rows(named=True):
        mine = scores.filter(objective=row["objective"], size=row["size"], label=row["label"])
        assert row["n_examples"] == mine.height
        for name in ("memorization", "accuracy_in", "accuracy_out"):
            assert row[name] == pytest.approx(mine[name].mean())


@pytest.mark.parametrize("name", ["trajectory_curves", "trajectory_curves_by_class"])
def test_curves_average_the_scores_of_a_shape(case, scores: pl.DataFrame, name: str) -> None:
    """Curves are means by shape and size, and their examples sum to all of them."""
    table = case.study.table(name)
    assert table["n_examples"].sum() == scores.height
    keys = [key for key in ("objective", "size", "label") if key in table.columns]
    for row in table.iter_rows(named=True):
        mine = scores.filter(**{key: row[key] for key in keys})
        assert row["memorization"] == pytest.approx(mine["memorization"].mean())


def test_the_strongest_examples_lead(case) -> None:
    """At most 12 per shape, by |change|, each with its course over all sizes."""
    table = case.study.table("strongest_examples")
    change = case.study.table("trajectories").select("objective", "example_id", "change")
    ranked = table.unique(["objective", "rank"]).join(change, on=["objective", "example_id"])
    for _, mine in ranked.sort("rank").group_by("objective", maintain_order=True):
        assert mine["rank"].to_list() == list(range(1, 13))
        sizes = mine["change"].abs().to_list()
        assert sizes == sorted(sizes, reverse=True)
    assert table.height == 2 * 12 * 3


def test_the_most_memorized_lead(case, scores: pl.DataFrame) -> None:
    """Per class the highest scores at the largest size, in order."""
    table = case.study.table("most_memorized")
    for (objective, label), mine in table.group_by("objective", "label", maintain_order=True):
        values = scores.filter(objective=objective, size="large", label=label)["memorization"]
        top = values.sort(descending=True).head(12).to_list()
        assert mine["memorization"].to_list() == top
        assert mine["rank"].to_list() == list(range(1, len(top) + 1))
