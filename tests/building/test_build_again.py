"""Building again, packing, appending: nothing is lost, nothing counted twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from drawn_models import (
    Draw,
    assert_bits_equal,
    bytes_of_tables,
    create,
    draws,
    few,
    numbers,
    of_condition,
    records,
    scratch,
    write,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.errors import StoreError
from memanalysis.storage.model_files import ModelRecord
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Store

pytestmark = pytest.mark.usefixtures("without_derive")


def test_building_twice_changes_no_byte(tiny_store: Store) -> None:
    """A second build of the same model files leaves every table and the manifest as they are."""
    before = bytes_of_tables(tiny_store), (tiny_store.path / "manifest.json").read_bytes()
    build(tiny_store.path)
    assert (bytes_of_tables(tiny_store), (tiny_store.path / "manifest.json").read_bytes()) == before


def test_packing_keeps_the_tables_and_drops_the_models(tiny_store: Store) -> None:
    """A packed store says so, has no model files, and building it changes no byte of its tables."""
    before = bytes_of_tables(tiny_store)
    packed = build(tiny_store.path, pack=True)
    assert packed.manifest.packed
    assert not (packed.path / "models").exists()
    assert not (packed.path / "groups").exists()
    build(packed.path, pack=True)
    assert bytes_of_tables(packed) == before


def test_packing_keeps_the_proxies_that_are_named(tiny_store: Store) -> None:
    """Others are noted, stay away when models come, and an unknown name changes no file."""
    last = tiny_store.model_paths("one_hot", "small")[-1]
    model = last.read_bytes()
    last.unlink()
    with pytest.raises(StoreError, match=r"has no proxy 'el2m'\. Did you mean 'el2n'"):
        build(tiny_store.path, pack=True, proxies=["el2m"])
    assert not Store.open(tiny_store.path).manifest.packed
    packed = build(tiny_store.path, pack=True, proxies=[])
    assert packed.manifest.dropped_proxies == ["el2n"]
    assert len(packed.read_table("proxies")) == 0
    assert check(packed.path) == []
    last.write_bytes(model)
    again = build(packed.path)
    assert len(again.read_table("models")) == 4
    assert len(again.read_table("proxies")) == 0
    assert Store.open(packed.path).manifest.dropped_proxies == ["el2n"]


def test_packing_keeps_the_images_that_pairs_show(tiny_store: Store) -> None:
    """Training images stay; of the test images those of an influence pair, even packed again."""
    examples = tiny_store.read_table("examples")
    n_train = tiny_store.manifest.n_train
    pictures = pa.array([b"picture %d" % i for i in range(len(examples))], pa.binary())
    at = examples.column_names.index("image")
    tiny_store.write_table("examples", examples.set_column(at, "image", pictures))
    helped = {"train_id": 0, "test_id": n_train + 1, "split": "test", "influence": 0.5}
    twin = {"train_id": 0, "test_id": 1, "split": "train", "influence": 0.5}
    pairs = [
        {name: row.get(name) for name in TABLES["influence"][1].names} for row in (helped, twin)
    ]
    tiny_store.write_table("influence", pa.Table.from_pylist(pairs, TABLES["influence"][1]))
    tiny_store.write_manifest()
    for _ in range(2):
        images = build(tiny_store.path, pack=True).read_table("examples")["image"].to_pylist()
        assert [i for i, image in enumerate(images) if image] == [*range(n_train), n_train + 1]


def test_packing_keeps_the_models_of_unfinished_groups(tmp_path: Path) -> None:
    """A group without all its sizes and objectives keeps its files: students need teachers."""
    draw = Draw(groups=3)
    found = [r for r in records(draw) if r.info.objective == "one_hot" or r.info.group_id != 1]
    store = build(write(create(tmp_path / "s", draw), found).path, pack=True)
    left = sorted(path.stem for path in store.model_paths("one_hot", "s"))
    assert left == ["00000", "00001", "00002", "00003", "00004", "00005"]  # no distilled 'm' at all
    found = records(draw)
    everything = [*found, *(distilled_m(r) for r in found if r.info.size == "m")]
    assert build(write(store, everything).path, pack=True).manifest.packed
    assert not (store.path / "models").exists()


def distilled_m(record: ModelRecord) -> ModelRecord:
    """Return the record as that of a student of size m."""
    return replace(record, info=replace(record.info, objective="distilled", teacher_size="m"))


@settings(few, max_examples=5)
@given(draws, st.integers(0, 100))
def test_appending_to_a_packed_store_equals_building_from_all(draw: Draw, where: int) -> None:
    """Bits and counts are equal, sums to the precision kept, wherever the models are divided."""
    found = records(draw)
    cut = max(1, where * len(found) // 100)
    if len(found) < 2 or cut == len(found):
        return
    order = np.random.default_rng(where).permutation(len(found))
    with scratch() as path:
        whole = build(write(create(path / "whole", draw), found).path)
        parted = write(create(path / "parted", draw), [found[i] for i in order[:cut]])
        build(parted.path)
        pack_everything(parted.path)
        parted = build(write(parted, [found[i] for i in order[cut:]]).path)
        assert parted.read_table("models") == whole.read_table("models")
        assert_nearly_equal(parted.read_table("outcomes"), whole.read_table("outcomes"))
        assert_nearly_equal(parted.read_table("proxies"), whole.read_table("proxies"))


def pack_everything(path: Path) -> None:
    """Pack as if every group were complete."""
    build(path, pack=True)
    for file in (path / "models").rglob("*.safetensors"):
        file.unlink()


def assert_nearly_equal(found: pa.Table, expected: pa.Table) -> None:
    """Compare floats to the precision kept, everything else exactly."""
    for name in expected.column_names:
        if pa.types.is_floating(expected.schema.field(name).type):
            # Sums of squares bound the sums; what is lost is relative to the largest of them.
            scale = np.nanmax(np.abs(np.append(numbers(expected, name), 60.0)))
            np.testing.assert_allclose(
                numbers(found, name), numbers(expected, name), rtol=2**-14, atol=2**-14 * scale
            )
        else:
            assert found[name] == expected[name], name


def test_groups_added_to_a_packed_study_get_bits_at_the_end(tmp_path: Path) -> None:
    """A packed study of two groups grown to five has longer BLOBs, and the old bits lead them."""
    draw = Draw(groups=5)
    old = [r for r in records(draw) if r.info.group_id < 2]
    store = create(tmp_path / "s", draw)
    store.manifest.n_subsets = 4
    store.write_manifest()
    build(write(store, old).path)
    pack_everything(store.path)
    grown = Store.open(store.path)
    before = blob_array(grown.read_table("outcomes")["correct"])
    grown.manifest.n_subsets = draw.n_subsets
    grown.write_manifest()
    after = build(write(grown, records(draw)[4:10]).path)
    rows = of_condition(after, "outcomes", "one_hot", "s")
    packed = blob_array(rows["correct"])
    assert packed.shape[1] == 2
    assert (packed[:, 0] & 0xF0 == before[: len(packed), 0]).all()
    assert_bits_equal(rows, records(draw)[:10], draw)


def test_other_training_of_a_packed_model_is_refused(tmp_path: Path) -> None:
    """A packed store knows when its models were finished, and takes no second version of one."""
    draw = Draw(groups=1)
    found = records(draw)
    store = build(write(create(tmp_path / "s", draw), found).path)
    pack_everything(store.path)
    again = replace(found[0], info=replace(found[0].info, finished_at="2025-01-01T00:00:00+00:00"))
    extra = distilled_m(next(r for r in found if r.info.size == "m"))
    with pytest.raises(StoreError, match="another training of it, finished at 2024-01-01"):
        build(write(store, [again, extra]).path)
