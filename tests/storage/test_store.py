"""Stores: opened or refused with a reason, written whole, one writer at a time."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file, save_file

from memanalysis.errors import StoreError
from memanalysis.storage.model_files import read_model, read_model_info
from memanalysis.storage.parquet import blob_array, parquet_options
from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Manifest, Store, half_of_group, write_model

pytestmark = pytest.mark.usefixtures("without_derive")


# Manifest


def test_a_manifest_survives_writing(tmp_path: Path) -> None:
    """What is created is what is opened."""
    manifest = Manifest("study", "Titel mit ü", seed=3, sizes=["a", "b"], n_subsets=7)
    Store.create(tmp_path / "s", manifest)
    assert Store.open(tmp_path / "s").manifest == manifest


def test_no_store_is_overwritten(tmp_path: Path) -> None:
    """Creating a store where there is one is refused."""
    Store.create(tmp_path, Manifest("a", "A"))
    with pytest.raises(StoreError, match="already holds a store; give another --out"):
        Store.create(tmp_path, Manifest("b", "B"))


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    """Missing folder, missing manifest, broken JSON, other contract, lacking keys: each said."""
    with pytest.raises(StoreError, match="There is no store at"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"is not a store: it has no manifest.json"):
        Store.open(tmp_path)
    manifest = tmp_path / "manifest.json"
    for text, message in (
        ("{", "is not valid JSON"),
        ("[]", "follows contract version None; this program reads 1"),
        ('{"contract": 99}', "follows contract version 99"),
        ('{"contract": 1}', "lacks study, title"),
    ):
        manifest.write_text(text)
        with pytest.raises(StoreError, match=message):
            Store.open(tmp_path)


def test_keys_of_later_versions_are_left_alone(tmp_path: Path) -> None:
    """A manifest may say more than this program knows."""
    content = {"contract": 1, "study": "s", "title": "t", "weather": "fine"}
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    assert Store.open(tmp_path).manifest.study == "s"


def test_what_a_study_plans_comes_from_its_settings() -> None:
    """Objectives and design are read from the study file, and unknown without one."""
    planned = Manifest("s", "t", settings={"objectives": ["a"], "subsets": {"design": "balanced"}})
    assert (planned.objectives, planned.design) == (["a"], "balanced")
    assert (Manifest("s", "t").objectives, Manifest("s", "t").design) == ([], "")


# Tables


def test_a_table_of_another_build_is_noticed(tiny_store: Store) -> None:
    """A table whose size is not the manifest's is named when the store is opened."""
    path = tiny_store.table_path("outcomes")
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(StoreError, match=r"outcomes.parquet' has \d+ bytes, its manifest says"):
        Store.open(tiny_store.path)
    Store.open(tiny_store.path, whole=False)


def test_a_missing_table_says_what_to_do(tmp_path: Path) -> None:
    """Reading a table of a store that is not built asks for a build."""
    store = Store.create(tmp_path, Manifest("a", "A"))
    with pytest.raises(StoreError, match=r"no outcomes.parquet.* Run: memanalysis build"):
        store.read_table("outcomes")
    store.table_path("outcomes").write_bytes(b"not Parquet")
    with pytest.raises(StoreError, match="cannot be read as Parquet"):
        store.read_table("outcomes")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_can_be_written_and_read(tmp_path: Path, name: str) -> None:
    """One row of NULLs comes back with the types of the contract, and is noted."""
    schema = TABLES[name][1]
    store = Store.create(tmp_path, Manifest("a", "A"))
    store.write_table(name, pa.table([pa.nulls(1, f.type) for f in schema], schema=schema))
    assert store.read_table(name).schema.remove_metadata() == schema
    assert store.manifest.files[TABLES[name][0]]["rows"] == 1


def test_floats_are_split_by_byte() -> None:
    """Floats and ids have encodings of their own; images, already compressed, have none."""
    options = parquet_options(TABLES["examples"][1])
    assert options["column_encoding"] == {"example_id": "DELTA_BINARY_PACKED"}
    assert "image" not in options["use_dictionary"]
    encodings = parquet_options(TABLES["proxies"][1])["column_encoding"]
    assert encodings["value_in"] == "BYTE_STREAM_SPLIT"


def test_blobs_have_one_length() -> None:
    """BLOBs become rows of bytes; BLOBs of two lengths are refused."""
    assert blob_array(pa.chunked_array([[b"\x01\x02", b"\x03\x04"]])).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(StoreError, match=r"BLOBs of \[1, 2\] bytes"):
        blob_array(pa.chunked_array([[b"\x01", b"\x03\x04"]]))


def test_halves_alternate() -> None:
    """Even groups are half a, odd groups half b."""
    assert [half_of_group(group) for group in range(4)] == ["a", "b", "a", "b"]


# Model files


def test_a_model_file_gives_back_what_was_written(tiny_store: Store) -> None:
    """Bits, signals, proxies with gaps, logits and the model's row come back equal."""
    path = tiny_store.model_path("one_hot", "small", 2)
    logits = np.arange(12, dtype=np.float16).reshape(6, 2)
    record = replace(read_model(path), logits=logits)
    write_model(tiny_store, record)
    again = read_model(path, with_logits=True)
    assert again.info == record.info == read_model_info(path)
    assert again.info.subset_id == 2
    for name in ("in_train", "correct", "logits"):
        np.testing.assert_array_equal(getattr(again, name), getattr(record, name))
    np.testing.assert_array_equal(again.proxies["el2n"], [0, np.nan, 2, np.nan])
    assert read_model(path).logits is None


def test_a_damaged_model_file_is_refused(tiny_store: Store) -> None:
    """Cut short, changed in one value, or something else altogether: the file is named."""
    path = tiny_store.model_path("one_hot", "small", 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(StoreError, match="is not a whole model file"):
        read_model(path)
    with pytest.raises(StoreError, match="is not a whole model file"):
        read_model_info(path)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StoreError, match="does not match its own checksum"):
        read_model(path)
    path.write_bytes(whole)
    save_file(load_file(path), path)  # the same tensors without our header
    with pytest.raises(StoreError, match="does not match its own checksum"):
        read_model(path)


def test_conditions_follow_the_study(tiny_store: Store) -> None:
    """One_hot comes before distilled, sizes in the manifest's order, empty folders left out."""
    source = tiny_store.path / "models/one_hot/small/00000.safetensors"
    for folder in ("distilled/small", "one_hot/large"):
        (tiny_store.path / "models" / folder).mkdir(parents=True)
    (tiny_store.path / "models/distilled/small" / source.name).write_bytes(source.read_bytes())
    tiny_store.manifest.sizes = ["large", "small"]
    assert list(tiny_store.conditions()) == [("one_hot", "small"), ("distilled", "small")]


# Locks


def test_one_writer_excludes_all_others(tiny_store: Store) -> None:
    """An exclusive lock is refused beside any other; shared ones live beside each other."""
    with tiny_store.lock(), pytest.raises(StoreError, match="Another process is writing"):
        tiny_store.lock(exclusive=False).__enter__()
    shared = tiny_store.lock(exclusive=False)
    with shared, tiny_store.lock(exclusive=False), pytest.raises(StoreError, match="Another"):
        tiny_store.lock().__enter__()
    with tiny_store.lock():
        pass


HOLDER = """
import sys, time
from memanalysis.storage.store import Store
with Store.open(sys.argv[1]).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_holds_nothing(tiny_store: Store) -> None:
    """After kill -9 the store can be written to again."""
    command = [sys.executable, "-c", HOLDER, str(tiny_store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="Another process"), tiny_store.lock():
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with tiny_store.lock():
        pass
