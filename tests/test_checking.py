"""Check lists every fault at once, and none of a sound store."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from memanalysis.building.build import build
from memanalysis.checking import Fault, check
from memanalysis.errors import StoreError
from memanalysis.storage.model_files import read_model
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store, write_model


@pytest.fixture(autouse=True)
def _light(without_derive: None) -> None:
    """No test here needs derived tables."""


def listed(store: Store) -> str:
    """Return all faults, one a line."""
    return "\n".join(str(fault) for fault in check(store.path))


def test_a_sound_store_has_no_faults(tiny_store: Store) -> None:
    """Neither as built nor when packed."""
    assert check(tiny_store.path) == []
    build(tiny_store.path, pack=True)
    assert check(tiny_store.path) == []


def test_a_simulation_has_no_faults(simulated_store: Store) -> None:
    """What simulate writes keeps the contract, planted truth and all."""
    assert check(simulated_store.path) == []


def test_what_is_no_store_cannot_be_checked(tmp_path: Path) -> None:
    """Without a manifest there is nothing to check against: an error, not a list."""
    with pytest.raises(StoreError, match="is not a store"):
        check(tmp_path)


def test_a_store_not_built_lacks_every_table(tiny_store: Store) -> None:
    """Each missing file is a fault of its own."""
    tiny_store.table_path("proxies").unlink()
    tiny_store.table_path("findings").unlink()
    faults = check(tiny_store.path)
    assert [fault.where for fault in faults] == ["derived/findings.parquet", "proxies.parquet"]
    assert {fault.found for fault in faults} == {"no such file"}
    assert faults[0].action == f"Run: memanalysis build {tiny_store.path}"


def test_all_damages_are_listed_at_once(tiny_store: Store) -> None:
    """Cut table, changed byte, strange files, cut model: one list with all of them."""
    outcomes = tiny_store.table_path("outcomes")
    outcomes.write_bytes(outcomes.read_bytes()[:-5])
    influence = tiny_store.table_path("influence")
    content = bytearray(influence.read_bytes())
    content[20] ^= 1
    influence.write_bytes(content)
    (tiny_store.path / "extra.parquet").write_bytes(b"")
    (tiny_store.path / ".outcomes.parquet.1234.tmp").write_bytes(b"")
    (tiny_store.path / "models" / "one_hot" / "huge").mkdir()
    model = tiny_store.model_path("one_hot", "small", 1)
    model.write_bytes(model.read_bytes()[:50])
    assert sorted(fault.where for fault in check(tiny_store.path)) == [
        ".outcomes.parquet.1234.tmp",
        "extra.parquet",
        "influence.parquet",
        "models/one_hot/huge",
        "models/one_hot/small/00001.safetensors",
        "outcomes.parquet",
    ]


def test_a_fault_is_one_sentence_with_everything() -> None:
    """Where, found, expected and what to do."""
    fault = Fault("outcomes.parquet", "no such file", "a file", "Run: memanalysis build x")
    assert str(fault) == (
        "outcomes.parquet: no such file; expected a file. Run: memanalysis build x"
    )


def test_an_interrupted_build_is_a_fault(tiny_store: Store) -> None:
    """Files waiting to be moved into place are reported."""
    (tiny_store.path / ".commit").mkdir()
    assert "an interrupted build; expected a finished one" in listed(tiny_store)


Rows = list[dict[str, object]]


def rewrite(store: Store, name: str, change: Callable[[Rows], object]) -> str:
    """Change rows of a table, note its checksum as a careless writer would, and list faults."""
    table = store.read_table(name)
    rows = table.to_pylist()
    change(rows)
    store.write_table(name, pa.Table.from_pylist(rows, schema=table.schema))
    store.write_manifest()
    return listed(store)


def setter(column: str, value: object, row: int = 0) -> Callable[[Rows], None]:
    """Return a change of one value of a table."""

    def change(rows: Rows) -> None:
        rows[row][column] = value

    return change


# One damage a row: table, what is done to it, words of the fault.
DAMAGES = {
    "padding": ("outcomes", setter("correct", b"\xa1"), "bits_outside_trained: 1 rows"),
    "in_train": ("outcomes", setter("in_train", b"\xa8"), "in_train_outside = 1"),
    "trained": ("outcomes", setter("trained", b"\xf8"), "inconsistent_trained: 1 rows"),
    "varying": ("outcomes", setter("trained", b"\xe0", 3), "n_variants = 2"),
    "length": ("outcomes", setter("correct", b"\xa0\x00"), "correct_bytes = 2"),
    "test": ("outcomes", setter("in_train", b"\x80", 5), "test_in_train: 1 rows"),
    "n_models": ("outcomes", setter("n_models", 5), "wrong_n_models: 1 rows"),
    "balance": ("outcomes", setter("in_train", b"\xf0"), "unbalanced_subsets: 2 rows"),
    "rank": (
        "outcomes",
        setter("size_rank", 2),
        "another size_rank",
    ),
    "ids": ("outcomes", setter("example_id", 9), "expected 0 to 5, in order"),
    "label": ("outcomes", setter("label", 1), "unknown_labels: 1 rows"),
    "split": ("examples", setter("split", "test"), "disordered_examples: 1 rows"),
    "gap": ("examples", setter("example_id", 6), "example_id with gaps or out of order"),
    "class": ("examples", setter("label", 2), "unknown_labels: 1 rows"),
    "model_id": ("models", setter("model_id", 7), "model_id with gaps or out of order"),
    "order": ("models", setter("subset_id", 1), "rows out of order"),
    "unknown": ("models", setter("subset_id", 0, 3), "models.parquet: rows out of order"),
    "half": ("models", setter("half", "b"), "contradiction = another half than its group"),
    "teacher": ("models", setter("teacher_model_id", 9), "contradiction = an unknown teacher"),
    "other": (
        "models",
        setter("teacher_model_id", 1),
        "a teacher of another subset",
    ),
    "accuracy": (
        "models",
        setter("accuracy_in", 0.9),
        "accuracy_in_of_bits = 1.0",
    ),
    "proxy": (
        "proxies",
        setter("example_id", 4),
        "instance relation = proxies",
    ),
    "twice": (
        "proxies",
        setter("example_id", 1),
        "instance relation = proxies",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_broken_invariant_is_named(tiny_store: Store, damage: str) -> None:
    """A value that breaks the contract is found though every checksum is right."""
    table, change, words = DAMAGES[damage]
    assert words in rewrite(tiny_store, table, change)


def test_derived_tables_of_other_outcomes_are_stale(tiny_store: Store) -> None:
    """New outcomes make every derived table a fault, until they are computed again."""
    found = rewrite(tiny_store, "outcomes", setter("loss_in_sum", 3.0))
    assert f"stale_derived: {1 + len(DERIVED)} rows" in found
    build(tiny_store.path)
    assert check(tiny_store.path) == []


def test_rows_and_columns_are_those_of_the_contract(tiny_store: Store) -> None:
    """A wrong row count in the manifest, a missing column and a wrong type are told apart."""
    manifest = tiny_store.path / "manifest.json"
    content = json.loads(manifest.read_text())
    content["files"]["models.parquet"]["rows"] = 5
    manifest.write_text(json.dumps(content))
    store = Store.open(tiny_store.path)
    table = store.read_table("proxies").drop_columns(["n_in"])
    column = table["n_out"].cast(pa.int64())
    table = table.set_column(table.column_names.index("n_out"), "n_out", column)
    pq.write_table(table, store.table_path("proxies"))
    store.note_table("proxies")
    store.write_manifest()
    found = listed(store)
    assert "models.parquet: 4 rows; expected 5, as in the manifest" in found
    assert "proxies.parquet: no column n_in; expected n_in int32" in found
    assert "proxies.parquet: column n_out is int64; expected int32" in found


def test_model_files_and_tables_are_compared(tiny_store: Store) -> None:
    """A model trained anew after the build, or a file in another's place, is found."""
    path = tiny_store.model_path("one_hot", "small", 0)
    record = read_model(path)
    write_model(tiny_store, replace(record, correct=~record.correct))
    path.with_name("00003.safetensors").write_bytes(path.read_bytes())
    found = listed(tiny_store)
    assert "00000.safetensors: other bits than in the tables" in found
    assert "00003.safetensors: the model one_hot, small, 0; expected one_hot, small, 00003" in found
