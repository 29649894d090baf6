"""Influence in SQL against a loop over models, and the stored pairs against planted ones."""

from collections.abc import Callable
from pathlib import Path

import handmade
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from memanalysis.analysis.influence import influence_counts
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.relations import derive
from memanalysis.sql.checks import violations
from memanalysis.storage import subsets
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import INFLUENCE
from memanalysis.storage.store import Store

from .conftest import Asked, Case

COUNTS = ("n_in", "n_out", "hits_in", "hits_out")


def by_loop(c: handmade.Condition, train: int, partner: int) -> dict[str, float | None]:
    """Counts and influence of one pair, model by model."""
    found = dict.fromkeys(COUNTS, 0)
    for subset in np.flatnonzero(c.trained):
        side = "in" if c.in_train[train, subset] else "out"
        found[f"n_{side}"] += 1
        found[f"hits_{side}"] += int(c.correct[partner, subset])
    if found["n_in"] == 0 or found["n_out"] == 0:
        return {**found, "influence": None, "std_error": None}
    rates = [found[f"hits_{side}"] / found[f"n_{side}"] for side in ("in", "out")]
    variance = 0.0
    for side in ("in", "out"):
        smooth = (found[f"hits_{side}"] + 1) / (found[f"n_{side}"] + 2)
        variance += smooth * (1 - smooth) / found[f"n_{side}"]
    return {**found, "influence": rates[0] - rates[1], "std_error": variance**0.5}


def compared(rows: pl.DataFrame, conditions: list[handmade.Condition], n_rows: int) -> None:
    """Each row against the loop; every condition has ``n_rows``."""
    by_key = {(c.objective, c.size): c for c in conditions}
    assert rows.height == n_rows * len(by_key)
    for row in rows.to_dicts():
        expected = by_loop(by_key[row["objective"], row["size"]], row["train_id"], row["test_id"])
        assert [row[name] for name in COUNTS] == [expected[name] for name in COUNTS]
        for name in ("influence", "std_error"):
            assert row[name] == pytest.approx(expected[name], abs=1e-12)
        assert row["same_class"] == (row["train_id"] % 3 == row["test_id"] % 3)


def test_whom_an_example_helps(case: Case) -> None:
    """``influence_of`` has every example of both splits once per condition, as the loop has it."""
    rows = case.study.sql("from influence_of(example := 5)")
    compared(rows, case.conditions, case.n_train + 6)
    assert set(rows["train_id"]) == {5}
    assert rows.filter(pl.col("split") == "test")["test_id"].min() == case.n_train


@pytest.mark.parametrize("example", [7, 26])
def test_who_helps_an_example(case: Case, example: int) -> None:
    """``influence_on`` has every training example once, for an example of either split."""
    rows = case.study.sql(f"from influence_on(example := {example})")
    compared(rows, case.conditions, case.n_train)
    assert set(rows["split"]) == {"train" if example < case.n_train else "test"}


def test_self_influence_is_memorization_to_the_bit(case: Case) -> None:
    """The row of an example with itself has the float64 of the relation ``memorization``."""
    for macro in ("influence_of", "influence_on"):
        rows = case.study.sql(
            f"select i.influence, i.std_error, m.memorization, m.std_error as m_error "
            f"from {macro}(example := 9) as i inner join memorization as m using (objective, size) "
            "where i.train_id = 9 and i.test_id = 9 and m.example_id = 9"
        )
        assert rows.height == len(case.conditions)
        assert rows["influence"].to_list() == rows["memorization"].to_list()
        assert rows["std_error"].to_list() == rows["m_error"].to_list()


def test_examples_that_are_not_there_have_no_rows(case: Case) -> None:
    """A test example helps nobody, and an unknown one is helped by nobody."""
    assert case.study.sql("from influence_of(example := 26)").is_empty()
    assert case.study.sql("from influence_on(example := 999)").is_empty()


# Stored pairs


def planted_store(path: Path) -> Store:
    """200 balanced subsets; test example 31 needs training example 1, training 8 needs 2.

    All others are right at random; classes are example_id % 3.
    """
    n_train, n_test, n_subsets = 30, 6, 200
    rng = np.random.default_rng(4)
    drawn = [subsets.balanced_group(n_train, group, 0.7, 0) for group in range(20)]
    in_train = np.zeros((n_train + n_test, n_subsets), dtype=bool)
    in_train[:n_train] = np.concatenate(drawn).T
    correct = rng.random((n_train + n_test, n_subsets)) < 0.7
    correct[31], correct[8] = in_train[1], in_train[2]
    correct[5] = in_train[5] | (rng.random(n_subsets) < 0.2)
    everything = np.ones(n_subsets, dtype=bool)
    condition = handmade.Condition("one_hot", "only", 0, in_train, correct, everything, {})
    store = handmade.write(path, [condition], n_test=n_test, group_size=10, design="balanced")
    imported = {"train_id": 3, "test_id": 33, "objective": "one_hot", "size": "unknown",
                "split": "test", "influence": 0.4}  # fmt: skip
    store.write_table("influence", pa.Table.from_pylist([imported], schema=INFLUENCE))
    store.write_manifest()
    derive(store)
    return store


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The planted store, derived."""
    return planted_store(tmp_path_factory.mktemp("planted") / "store")


def test_planted_pairs_are_stored(planted: Store, ask: Callable[[Store], Asked]) -> None:
    """Both planted pairs and the imported one are listed; what else is, has q <= .05.

    Values are those of the macro, and self-influence is no pair.
    """
    study = ask(planted)
    rows = study.sql("from influence where n_in is not null")
    pairs = set(zip(rows["train_id"], rows["test_id"], rows["split"], strict=True))
    assert {(1, 31, "test"), (2, 8, "train")} <= pairs
    assert len(pairs) <= 4
    assert all(train != partner for train, partner, _ in pairs)
    assert rows["q_value"].max() <= 0.05
    assert rows["influence"].min() >= 0.15
    again = study.sql("select i.* from influence_on(example := 31) as i where i.train_id = 1").row(
        0, named=True
    )
    stored = rows.filter(train_id=1, test_id=31).row(0, named=True)
    assert stored["std_error"] == pytest.approx(again["std_error"])
    for name in ("influence", "n_in", "n_out", "split"):
        assert stored[name] == again[name]


def test_the_summary_counts_the_pairs(planted: Store, ask: Callable[[Store], Asked]) -> None:
    """Pairs tested and above are those of the dense block; listed ones those of ``influence``."""
    study = ask(planted)
    outcomes = planted.read_table("outcomes")
    packed = {name: blob_array(outcomes[name]) for name in ("in_train", "correct", "trained")}
    label = np.arange(36) % 3
    for split, partners in (("test", slice(30, 36)), ("train", slice(0, 30))):
        counts = influence_counts(
            packed["in_train"][:30], packed["correct"][partners], packed["trained"][0]
        )
        tested = label[:30, None] == label[None, partners]
        if split == "train":
            np.fill_diagonal(tested, val=False)
        row = study.sql(f"from influence_summary where split = '{split}'").row(0, named=True)
        assert row["n_pairs"] == tested.sum()
        assert row["n_above"] == (counts.memorization[tested] >= 0.15 - 1e-9).sum()
        listed = study.sql(f"from influence where n_in is not null and split = '{split}'")
        assert row["n_significant"] == listed.height
        assert (row["n_train"], row["n_test"]) == (
            listed["train_id"].n_unique(), listed["test_id"].n_unique(),
        )  # fmt: skip
        assert (row["n_models"], row["threshold"], row["same_class"]) == (200, 0.15, True)


def test_memorised_examples_with_a_partner(planted: Store, ask: Callable[[Store], Asked]) -> None:
    """n_memorized counts the relation ``memorization``; shares count the pairs of ``influence``."""
    study = ask(planted)
    rows = study.sql("from memorized_partners order by threshold").to_dicts()
    assert [row["threshold"] for row in rows] == [0.25, 0.5, 0.75]
    for row in rows:
        memorized = study.sql(
            f"select example_id from memorization where memorization >= {row['threshold']} - 1e-11"
        )["example_id"].to_list()
        helpers = set(study.sql("from influence where n_in > 0 and split = 'test'")["train_id"])
        assert row["n_memorized"] == len(memorized)
        if memorized:
            share = sum(example in helpers for example in memorized) / len(memorized)
            assert row["share_with_partner"] == share
        else:
            assert row["share_with_partner"] is None
    assert rows[0]["n_memorized"] >= 1
    assert rows[0]["n_memorized_low"] <= rows[0]["n_memorized"] <= rows[0]["n_memorized_high"]


def test_imported_pairs_survive(planted: Store) -> None:
    """Pairs without counts stay in front, through deriving again and through a build."""
    before = planted.read_table("influence")
    assert before["size"][0].as_py() == "unknown"
    derive(planted)
    assert planted.read_table("influence") == before
    planted.manifest.packed = True
    planted.write_manifest()
    planted.table_path("findings").unlink()
    again = build(planted.path)
    assert again.read_table("influence") == before
    assert pc.sum(pc.is_null(before["n_in"])).as_py() == 1
    # Earlier versions had no column split: partners past the training examples are of test.
    pq.write_table(before.drop_columns("split"), planted.table_path("influence"))
    planted.note_table("influence")
    planted.write_manifest()
    assert build(planted.path).read_table("influence") == before


def test_a_store_with_pairs_of_both_splits_passes_the_checks(planted: Store) -> None:
    """Partners of the training split are no duplicates and no orphans."""
    assert violations(planted) == []
    assert [fault for fault in check(planted.path) if "influence" in fault.where] == []
