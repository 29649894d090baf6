"""The checks: empty on good stores, and each of them finds the damage it is for."""

import shutil
from collections.abc import Callable
from pathlib import Path

import handmade
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from memanalysis.sql.checks import violations
from memanalysis.sql.scripts import scripts
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store

CHECKS = [script.name for script in scripts() if script.folder == "checks"]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A good store of two groups of ten balanced subsets."""
    conditions = handmade.random_conditions(
        ("small", "large"), n_train=20, n_test=3, n_subsets=20, balanced=True
    )
    path = tmp_path_factory.mktemp("good") / "store"
    return handmade.write(path, conditions, n_test=3, design="balanced")


@pytest.fixture
def store(good: Store, tmp_path: Path) -> Store:
    """A copy of it, to be damaged."""
    shutil.copytree(good.path, tmp_path / "store")
    return Store.open(tmp_path / "store")


def replaced(table: pa.Table, row: int, **values: object) -> pa.Table:
    """The table with some values of one row replaced."""
    rows = table.to_pylist()
    rows[row] |= values
    return pa.Table.from_pylist(rows, table.schema)


def damage(store: Store, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite one table and leave every stamp as if nothing had happened."""
    path = store.table_path(name)
    pq.write_table(change(pq.read_table(path)), path)


def drop_row(table: pa.Table, row: int) -> pa.Table:
    """The table without one row."""
    return pa.concat_tables([table.slice(0, row), table.slice(row + 1)])


def set_bit(blob: bytes, k: int) -> bytes:
    """The blob with bit k, from the left, set."""
    bits = bytearray(blob)
    bits[k // 8] |= 0x80 >> k % 8
    return bytes(bits)


def flip_in_train(table: pa.Table) -> pa.Table:
    """The table with one more model behind the first example."""
    blob = table["in_train"][0].as_py()
    zero = next(k for k in range(20) if not blob[k // 8] & (0x80 >> k % 8))
    return replaced(table, 0, in_train=set_bit(blob, zero))


def annotated(table: pa.Table, **values: object) -> pa.Table:
    """The table with one annotation."""
    row = {"name": "human", "example_id": 0, "value": "cat", "number": None}
    return pa.Table.from_pylist([row | values], table.schema)


def attributed(table: pa.Table, **values: object) -> pa.Table:
    """The table with the score of one pair."""
    row = {"name": "trak", "train_id": 0, "test_id": 20, "score": 0.5}
    return pa.Table.from_pylist([row | values], table.schema)


def voted(table: pa.Table, **values: object) -> pa.Table:
    """The table with votes for one class of one example."""
    row = {"objective": "one_hot", "size": "small", "size_rank": 0, "example_id": 0, "class": 0}
    return pa.Table.from_pylist([row | values], table.schema)


def first_test(table: pa.Table) -> int:
    """Place of the first test example in outcomes."""
    return table["split"].to_pylist().index("test")


DAMAGE: dict[str, tuple[str, Callable[[pa.Table], pa.Table]]] = {
    "bits_outside_trained": ("outcomes", lambda t: replaced(t, 0, correct=b"\xff\xff\xff")),
    "disordered_examples": ("examples", lambda t: replaced(t, 2, example_id=99)),
    "duplicate_rows": ("outcomes", lambda t: pa.concat_tables([t, t.slice(3, 1)])),
    "impossible_sums": ("outcomes", lambda t: replaced(t, 1, probability_in_sum=1e6)),
    "incomplete_annotations": ("annotations", lambda t: annotated(t, number=float("inf"))),
    "incomplete_attributions": ("attributions", lambda t: attributed(t, score=float("nan"))),
    "inconsistent_sizes": ("models", lambda t: replaced(t, 0, size_rank=7)),
    "inconsistent_trained": ("outcomes", lambda t: replaced(t, 3, trained=b"\xff\xff\xe0")),
    "miscounted_votes": ("votes", lambda t: voted(t, n_in=1000, n_out=0)),
    "misplaced_models": ("models", lambda t: replaced(t, 0, half="b")),
    "missing_outcomes": ("outcomes", lambda t: drop_row(t, 5)),
    "orphan_outcomes": ("outcomes", lambda t: replaced(t, 5, example_id=77)),
    "overcounted_proxies": ("proxies", lambda t: replaced(t, 4, n_in=1000)),
    "test_in_train": (
        "outcomes",
        lambda t: replaced(t, first_test(t), in_train=b"\x80\x00\x00"),
    ),
    "unbalanced_subsets": ("outcomes", flip_in_train),
    "uneven_bits": ("outcomes", lambda t: replaced(t, 0, in_train=b"\x80")),
    "unknown_labels": ("examples", lambda t: replaced(t, 0, label=17)),
    "wrong_accuracies": ("models", lambda t: replaced(t, 0, accuracy_out=0.125)),
    "wrong_n_models": ("outcomes", lambda t: replaced(t, 0, n_models=3)),
}


def test_a_good_store_violates_nothing(good: Store) -> None:
    """Every check is empty on a good store."""
    assert violations(good) == []


def test_random_stores_violate_nothing(tmp_path: Path) -> None:
    """Independent draws and sizes that are trained in part are no faults."""
    conditions = handmade.random_conditions(untrained=0.3)
    assert violations(handmade.write(tmp_path / "store", conditions)) == []


def test_every_check_has_its_damage() -> None:
    """No check is left without a test that fills it; stale tables are tested by themselves."""
    assert sorted({*DAMAGE, "stale_derived"}) == sorted(CHECKS)


@pytest.mark.parametrize("check", DAMAGE)
def test_damage_is_found(ask, store: Store, check: str) -> None:
    """Each check has rows where the damage was done that it is for."""
    name, change = DAMAGE[check]
    damage(store, name, change)
    assert ask(store).table(check).height > 0


def test_violations_are_told_in_a_line(store: Store) -> None:
    """A violation says what its rows are, how many there are, and shows one."""
    damage(store, "outcomes", lambda table: pa.concat_tables([table, table.slice(3, 1)]))
    found = {violation.check: violation for violation in violations(store)}
    assert set(found) == {"duplicate_rows", "wrong_accuracies"}
    line = str(found["duplicate_rows"])
    assert line.startswith("duplicate_rows: 1 rows, for instance relation = outcomes, key = ")
    assert line.endswith("One row per key that a table holds more than once.")


def test_a_check_that_cannot_be_run_is_told_too(store: Store) -> None:
    """Bits that cannot be read make a violation of the check that reads them, not a crash."""
    damage(store, "outcomes", lambda table: replaced(table, 0, correct=b""))
    assert "uneven_bits" in {violation.check for violation in violations(store)}


def test_stale_tables_are_found_by_sql_alone(ask, store: Store) -> None:
    """Any client sees which derived tables belong to other outcomes: the stamps are a relation."""
    assert ask(store).sql("select count(*) as n from stamps")["n"].to_list() == [1 + len(DERIVED)]
    store.write_table("outcomes", store.read_table("outcomes").slice(1))
    store.write_manifest()
    assert ask(store).table("stale_derived").height == 1 + len(DERIVED)


def test_a_group_in_training_is_no_fault(tmp_path: Path) -> None:
    """Balance is asked of complete groups alone: a study under way is no fault."""
    conditions = handmade.random_conditions(
        ("one",), ("one_hot",), n_train=20, n_test=3, n_subsets=20, balanced=True
    )
    part = [handmade.without(c, lambda k: k >= 13) for c in conditions]
    store = handmade.write(tmp_path / "store", part, n_test=3, design="balanced")
    assert violations(store) == []
    assert pc.sum(store.read_table("models")["subset_id"]).as_py() == sum(range(13))
