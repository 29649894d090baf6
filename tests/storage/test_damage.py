"""Damage to any file of a store: noticed by whatever reads it, named by `check`, never a number."""

import collections
import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

import memanalysis as ma
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.errors import MemanalysisError, StoreError
from memanalysis.storage import model_files
from memanalysis.storage.model_files import read_model, read_model_info
from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Store, write_model

pytestmark = pytest.mark.usefixtures("without_derive")

FILES = ("outcomes", "examples", "models", "proxies", "influence", "findings", "trajectory_tests")
ASKED = ("outcomes", "examples", "models", "proxies", "findings", "trajectories")


def answers(path: Path) -> list[str]:
    """Relations as text, read by a study opened anew."""
    study = ma.open(path)
    try:
        return [repr(study.sql(f"from {name} order by all").rows()) for name in ASKED]
    finally:
        study.close()


@pytest.mark.parametrize("table", FILES)
def test_no_flipped_bit_changes_an_answer(tiny_store: Store, table: str) -> None:
    """Each answer is the right one or a refusal, and check names the file."""
    expected = answers(tiny_store.path)
    path = tiny_store.table_path(table)
    good = path.read_bytes()
    draw = random.Random(5)
    seen: collections.Counter[str] = collections.Counter()
    for _ in range(6):
        bad = bytearray(good)
        bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        try:
            seen["same" if answers(tiny_store.path) == expected else "different"] += 1
        except MemanalysisError:
            seen["refused"] += 1
        assert TABLES[table][0] in {fault.where for fault in check(tiny_store.path)}
    assert not seen["different"]
    if table in ASKED:
        assert seen["refused"] == 6


@pytest.mark.parametrize("table", ["models", "findings", "votes"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"\x00" * 300, None])
def test_a_broken_footer_is_a_fault_of_its_file(
    tiny_store: Store, table: str, content: bytes | None
) -> None:
    """Emptied, cut or overwritten tables are named by check, by opening and by asking."""
    path = tiny_store.table_path(table)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + whole[len(whole) // 2 + 1 :] + b"x"
                     if content is None else content)  # fmt: skip
    assert TABLES[table][0] in {fault.where for fault in check(tiny_store.path)}
    with pytest.raises(StoreError):
        ma.open(tiny_store.path).sql(f"from {table}")


def test_pages_carry_checksums(tiny_store: Store, tmp_path: Path) -> None:
    """A reader that verifies pages notices a change without any manifest."""
    path = tiny_store.table_path("outcomes")
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(0)
    begin = column.dictionary_page_offset or column.data_page_offset
    content[begin + column.total_compressed_size - 1] ^= 1
    other = tmp_path / "outcomes.parquet"
    other.write_bytes(content)
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(other, page_checksum_verification=True)


def test_damage_gets_no_new_checksum(tiny_store: Store) -> None:
    """Build refuses damaged examples; damaged tables that it makes itself, it makes anew."""
    path = tiny_store.table_path("proxies")
    path.write_bytes(path.read_bytes()[:-9] + b"x" * 9)
    build(tiny_store.path)
    assert not check(tiny_store.path)
    path = tiny_store.table_path("examples")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"examples\.parquet' is damaged"):
        build(tiny_store.path)


# Model files


def change_info(path: Path, change: dict[str, Any]) -> None:
    """Change the row of ``models`` in a file's header and nothing else."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    info = json.loads(header["__metadata__"]["info"]) | change
    header["__metadata__"]["info"] = json.dumps(info)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


@pytest.mark.parametrize(
    "change",
    [{"accuracy_test": 0.99}, {"accuracy_test": float("nan")}, {"seed": 12}, {"foo": 1},
     {"epochs": "x"}, {"finished_at": "yesterday"}],
)  # fmt: skip
def test_the_header_is_inside_the_checksum(tiny_store: Store, change: dict[str, Any]) -> None:
    """A row changed in a header is refused by build and named by check."""
    path = tiny_store.model_path("one_hot", "small", 1)
    change_info(path, change)
    with pytest.raises(StoreError, match=r"does not match its own checksum|header is wrong"):
        build(tiny_store.path)
    name = "models/one_hot/small/00001.safetensors"
    assert name in {fault.where for fault in check(tiny_store.path)}


def as_before(path: Path) -> None:
    """Give a file the header of earlier versions, whose checksum was one of its tensors."""
    tensors = load_file(path)
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])["__metadata__"]
    del header["digest"]
    digest = model_files._tensors_digest(tensors)
    save_file(tensors, path, metadata=header | {"sha256": digest})


def test_model_files_of_earlier_versions_are_read(tiny_store: Store) -> None:
    """Their checksum covers their tensors, and they build into the same tables."""
    before = tiny_store.read_table("outcomes")
    path = tiny_store.model_path("one_hot", "small", 1)
    record = read_model(path)
    as_before(path)
    assert read_model(path).info == record.info
    assert build(tiny_store.path).read_table("outcomes").equals(before)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="does not match its own checksum"):
        read_model(path)


@pytest.mark.parametrize(
    ("change", "key"),
    [({"foo": 1}, "foo"), ({"epochs": "x"}, "epochs"), ({"finished_at": "yesterday"}, "finished"),
     ({"accuracy_in": 1.5}, "accuracy_in"), ({"subset_id": -1}, "subset_id"),
     ({"seed": 2**70}, "seed"), ({"train_seconds": -1.0}, "train_seconds"),
     ({"temperature": float("inf")}, "temperature")],
)  # fmt: skip
def test_the_header_of_an_old_file_is_validated(
    tiny_store: Store, change: dict[str, Any], key: str
) -> None:
    """Without a checksum of it, its keys, types and ranges are still looked at."""
    path = tiny_store.model_path("one_hot", "small", 1)
    as_before(path)
    change_info(path, change)
    for read in (read_model, read_model_info):
        with pytest.raises(StoreError, match=f"its header is wrong: .*{key}"):
            read(path)
    assert "models/one_hot/small/00001.safetensors" in {f.where for f in check(tiny_store.path)}


def test_no_flipped_bit_of_a_model_file_passes(tiny_store: Store) -> None:
    """Header, tensors and the length before them: the file is refused, or means the same."""
    path = tiny_store.model_path("one_hot", "small", 0)
    good, record = path.read_bytes(), read_model(path)
    draw = random.Random(3)
    for _ in range(150):
        bad = bytearray(good)
        bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        try:
            again = read_model(path)
        except StoreError:
            continue
        assert again.info == record.info
        np.testing.assert_array_equal(again.correct, record.correct)
    write_model(tiny_store, record)


# Sums per group


def sums_of(store: Store) -> Path:
    """The one file of sums per group of the tiny store."""
    (path,) = (store.path / "groups").rglob("*.safetensors")
    return path


def test_no_flipped_bit_of_sums_passes(tiny_store: Store) -> None:
    """Sums per group have a checksum in the manifest, which check and every derivation compare."""
    build(tiny_store.path)
    path = sums_of(tiny_store)
    name = path.relative_to(tiny_store.path).as_posix()
    good = path.read_bytes()
    assert name in Store.open(tiny_store.path).manifest.files
    assert not check(tiny_store.path)
    draw = random.Random(11)
    for _ in range(8):
        bad = bytearray(good)
        bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        assert name in {fault.where for fault in check(tiny_store.path)}
        with pytest.raises(StoreError, match="is damaged"):
            Store.open(tiny_store.path).intact_sums("one_hot", "small")
    path.write_bytes(good[:-8])
    with pytest.raises(StoreError, match="damaged or from another build"):
        Store.open(tiny_store.path)


def test_sums_without_a_checksum_are_accepted(tiny_store: Store) -> None:
    """A store of an earlier version, whose manifest lists no sums, opens, checks and is built."""
    build(tiny_store.path)
    store = Store.open(tiny_store.path)
    name = sums_of(store).relative_to(store.path).as_posix()
    del store.manifest.files[name]
    store.write_manifest()
    assert not check(store.path)
    assert Store.open(store.path).intact_sums("one_hot", "small") == sums_of(store)


def test_packing_forgets_sums(tiny_store: Store) -> None:
    """A packed store lists no sums, which it has no more."""
    build(tiny_store.path, pack=True)
    files = Store.open(tiny_store.path).manifest.files
    assert not [name for name in files if name.startswith("groups/")]
    assert not check(tiny_store.path)
