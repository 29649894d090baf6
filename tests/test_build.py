"""Build: packed bits and sums equal a loop over the model files, all of them or none."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import memanalysis.build as build_module
from memanalysis import bits
from memanalysis.build import build
from memanalysis.errors import StoreError
from memanalysis.schema import EXAMPLES, SIGNALS, TABLES
from memanalysis.store import (
    Manifest,
    ModelInfo,
    ModelRecord,
    Store,
    blob_array,
    half_of_group,
    write_model,
)

pytestmark = pytest.mark.usefixtures("without_derive")

GROUP_SIZE = 2
CONDITIONS = (("one_hot", "s"), ("one_hot", "m"), ("distilled", "s"))


@dataclass(frozen=True)
class Draw:
    """How much to draw; ``missing`` is the share of models that are not there."""

    seed: int = 0
    n_train: int = 12
    n_test: int = 3
    groups: int = 5
    missing: float = 0.0

    @property
    def n_subsets(self) -> int:
        return self.groups * GROUP_SIZE


def records(draw: Draw) -> list[ModelRecord]:
    """Model files in order of condition and subset; masks are shared by the conditions."""
    rng = np.random.default_rng(draw.seed)
    n = draw.n_train + draw.n_test
    masks = rng.random((draw.n_subsets, draw.n_train)) < 0.6
    found = []
    for objective, size in CONDITIONS:
        for subset in range(draw.n_subsets):
            correct = rng.random(n) < 0.5
            signals = {name: rng.normal(0, 3, n).astype(np.float16) for name in SIGNALS}
            values = rng.normal(0, 3, draw.n_train).astype(np.float32)
            seen = np.where(rng.random(draw.n_train) < 0.7, values, np.nan).astype(np.float32)
            proxies = {"aum": seen, "el2n": values}
            info = _info(objective, size, subset, masks[subset], correct)
            if rng.random() >= draw.missing:
                found.append(ModelRecord(info, masks[subset], correct, signals, proxies))
    return found


def _info(
    objective: str, size: str, subset: int, in_train: np.ndarray, correct: np.ndarray
) -> ModelInfo:
    distilled = objective == "distilled"
    right = correct[: len(in_train)]
    return ModelInfo(
        subset_id=subset,
        group_id=subset // GROUP_SIZE,
        family="random",
        size=size,
        parameters=7,
        objective=objective,
        seed=subset,
        epochs=3,
        accuracy_in=float(right[in_train].mean()) if in_train.any() else float("nan"),
        accuracy_out=float(right[~in_train].mean()) if not in_train.all() else float("nan"),
        accuracy_test=0.5,
        train_seconds=0.25,
        device="none",
        evaluation_mode="random",
        finished_at="2024-01-01T00:00:00+00:00",
        teacher_size="m" if distilled else None,
        teacher_scope="same_subset" if distilled else None,
    )


def create(path: Path, draw: Draw) -> Store:
    """Create a store for such records, without any."""
    manifest = Manifest(
        study="random",
        title="Random models",
        settings={"objectives": ["one_hot", "distilled"]},
        group_size=GROUP_SIZE,
        n_subsets=draw.n_subsets,
        sizes=["s", "m"],
        n_train=draw.n_train,
        n_test=draw.n_test,
    )
    store = Store.create(path, manifest)
    n = draw.n_train + draw.n_test
    data = {
        "example_id": pa.array(range(n)),
        "split": pa.array(["train"] * draw.n_train + ["test"] * draw.n_test),
        "label": pa.array([i % 3 for i in range(n)], pa.int32()),
    }
    columns = [data.get(f.name, pa.nulls(n, f.type)) for f in EXAMPLES]
    store.write_table("examples", pa.table(columns, schema=EXAMPLES))
    store.write_manifest()
    return store


def write(store: Store, found: list[ModelRecord]) -> Store:
    """Write the records as model files."""
    for record in found:
        write_model(store, record)
    return store


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a path for a store, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "store"


def bytes_of_tables(store: Store) -> dict[str, bytes]:
    """Return the content of every table's file."""
    return {name: store.table_path(name).read_bytes() for name in TABLES}


def of_condition(store: Store, name: str, objective: str, size: str) -> pa.Table:
    """Read the rows of one objective and size."""
    return pq.read_table(
        store.table_path(name), filters=[("objective", "=", objective), ("size", "=", size)]
    )


def numbers(table: pa.Table, column: str) -> np.ndarray:
    """A column as float64, NULL as NaN."""
    return np.asarray(table[column].to_numpy(zero_copy_only=False), dtype=np.float64)


# Tables against a loop

draws = st.builds(
    Draw,
    seed=st.integers(0, 10_000),
    n_train=st.integers(1, 12),
    n_test=st.integers(0, 3),
    groups=st.integers(1, 6),
    missing=st.sampled_from([0.0, 0.4, 0.9]),
)
few = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.generate],  # shrinking a failure would build hundreds of stores
)


@few
@given(draws)
def test_tables_equal_a_loop_over_models(draw: Draw) -> None:
    """Whatever the masks and whichever models are there, bit k is the k-th subset's outcome.

    Sums and proxy means, overall and by half, are those of the loop to 2^-16 of what was added.
    """
    found = records(draw)
    with scratch() as path:
        store = write(create(path, draw), found)
        if not found:
            with pytest.raises(StoreError, match="nothing to build"):
                build(path)
            return
        build(path)
        for objective, size in {(r.info.objective, r.info.size) for r in found}:
            mine = [r for r in found if (r.info.objective, r.info.size) == (objective, size)]
            table = of_condition(store, "outcomes", objective, size)
            assert_bits_equal(table, mine, draw)
            assert_sums_equal(table, mine, draw)
            assert_proxies_equal(of_condition(store, "proxies", objective, size), mine, draw)


def assert_bits_equal(table: pa.Table, found: list[ModelRecord], draw: Draw) -> None:
    """Compare BLOBs with bits set one by one."""
    expected = {
        name: np.zeros((draw.n_train + draw.n_test, draw.n_subsets), dtype=bool)
        for name in ("trained", "in_train", "correct")
    }
    for record in found:
        k = record.info.subset_id
        for example in range(draw.n_train + draw.n_test):
            expected["trained"][example, k] = True
            expected["correct"][example, k] = record.correct[example]
            if example < draw.n_train:
                expected["in_train"][example, k] = record.in_train[example]
    for name, wanted in expected.items():
        packed = blob_array(table[name])
        np.testing.assert_array_equal(bits.unpack(packed, draw.n_subsets), wanted)
        np.testing.assert_array_equal(packed, bits.pack(wanted))  # padding too
    assert set(table["n_models"].to_pylist()) == {len(found)}


def parts(found: list[ModelRecord]) -> Iterator[tuple[str, list[ModelRecord]]]:
    """Yield all models, then those of each half, with the suffix of their columns."""
    yield "", found
    for half in ("a", "b"):
        yield f"_{half}", [r for r in found if half_of_group(r.info.group_id) == half]


def assert_sums_equal(table: pa.Table, found: list[ModelRecord], draw: Draw) -> None:
    """Compare sums of signals with sums over one value at a time."""
    n = draw.n_train + draw.n_test
    for suffix, mine in parts(found):
        for name in SIGNALS:
            for moment, power in (("sum", 1), ("sumsq", 2)):
                sums, sizes = np.zeros((2, n)), np.zeros((2, n))
                for record in mine:
                    for example in range(n):
                        inside = example < draw.n_train and record.in_train[example]
                        value = float(record.signals[name][example]) ** power
                        sums[0 if inside else 1, example] += value
                        sizes[0 if inside else 1, example] += abs(value)
                for row, side in enumerate(("in", "out")):
                    stored = numbers(table, f"{name}_{side}_{moment}{suffix}")
                    assert (np.abs(stored - sums[row]) <= 2**-16 * sizes[row]).all()


def assert_proxies_equal(table: pa.Table, found: list[ModelRecord], draw: Draw) -> None:
    """Compare means and counts of proxies with lists of the values observed."""
    for name in ("aum", "el2n"):
        rows = table.filter(pa.compute.equal(table["proxy"], name))
        assert rows["example_id"].to_pylist() == list(range(draw.n_train))
        for suffix, mine in parts(found):
            for side in ("in", "out"):
                for example in range(draw.n_train):
                    values = [
                        float(r.proxies[name][example])
                        for r in mine
                        if bool(r.in_train[example]) == (side == "in")
                        and np.isfinite(r.proxies[name][example])
                    ]
                    stored = rows[f"value_{side}{suffix}"][example].as_py()
                    assert rows[f"n_{side}{suffix}"][example].as_py() == len(values)
                    if values:
                        scale = sum(map(abs, values)) / len(values)
                        assert abs(stored - sum(values) / len(values)) <= 2**-15 * scale
                    else:
                        assert stored is None


def test_typed_store_has_the_counts_counted_by_hand(tiny_store: Store) -> None:
    """Example 3 is right in both models with it and in one of two without; BLOBs are typed out."""
    rows = tiny_store.read_table("outcomes")
    assert rows["in_train"].to_pylist()[:4] == [b"\xa0", b"\x90", b"\x60", b"\x50"]
    assert rows["correct"].to_pylist() == [b"\xa0", b"\xf0", b"\x00", b"\xd0", b"\xc0", b"\x10"]
    assert set(rows["trained"].to_pylist()) == {b"\xf0"}
    assert rows["probability_in_sum"].to_pylist() == [1.5, 1.5, 0.5, 1.5, 0.0, 0.0]
    assert rows["probability_out_sum_b"].to_pylist() == [0.25, 0.75, 0.25, 0.25, 0.5, 1.0]


def test_rows_are_ordered_by_objective_rank_and_example(tmp_path: Path) -> None:
    """One_hot comes first, sizes follow the manifest, and model_id counts in that order."""
    draw = Draw()
    store = build(write(create(tmp_path / "s", draw), records(draw)[::-1]).path)
    rows = store.read_table("outcomes")
    n = draw.n_train + draw.n_test
    keys = list(zip(rows["objective"].to_pylist(), rows["size"].to_pylist(), strict=True))
    assert keys == [condition for condition in CONDITIONS for _ in range(n)]
    assert rows["size_rank"].to_pylist() == [0] * n + [1] * n + [0] * n
    assert rows["example_id"].to_pylist() == list(range(n)) * 3
    models = store.read_table("models")
    assert models["model_id"].to_pylist() == list(range(3 * draw.n_subsets))
    assert models["subset_id"].to_pylist() == list(range(draw.n_subsets)) * 3


def test_a_student_names_the_teacher_of_its_subset(tmp_path: Path) -> None:
    """Teacher_model_id is the one_hot model of the teacher's size trained on the same subset."""
    draw = Draw()
    store = build(write(create(tmp_path / "s", draw), records(draw)).path)
    models = store.read_table("models").to_pylist()
    for row in models:
        if row["objective"] == "one_hot":
            assert row["teacher_model_id"] is None
        else:
            teacher = models[row["teacher_model_id"]]
            assert (teacher["objective"], teacher["size"]) == ("one_hot", "m")
            assert teacher["subset_id"] == row["subset_id"]


def test_what_a_model_did_not_record_is_null(tmp_path: Path) -> None:
    """Where a model lacks a signal, or gives it as infinite, its side has no sum: NULL, not 0."""
    draw = Draw(n_train=3, groups=1)
    first, *rest = records(draw)[:2]
    margin = first.signals["margin"].copy()
    margin[1] = np.inf
    signals = {"probability": first.signals["probability"], "margin": margin}
    store = write(create(tmp_path / "s", draw), [replace(first, signals=signals), *rest])
    rows = build(store.path).read_table("outcomes")
    inside = [*first.in_train.tolist(), False, False, False]
    assert [v is None for v in rows["loss_in_sum"].to_pylist()] == inside
    assert [v is not None for v in rows["loss_out_sum"].to_pylist()] == inside
    assert rows["probability_in_sum"].null_count == 0
    side = "in" if first.in_train[1] else "out"
    assert [v is None for v in rows[f"margin_{side}_sum"].to_pylist()[:3]] == [False, True, False]


def test_group_details_add_up_to_the_tables(tmp_path: Path) -> None:
    """Means times counts over the groups of groups/ give the sums behind proxies and outcomes."""
    draw = Draw()
    store = build(write(create(tmp_path / "s", draw), records(draw)).path)
    with safe_open(store.path / "groups" / "one_hot" / "s.safetensors", "numpy") as file:
        assert file.metadata() == {"proxy_names": '["aum", "el2n"]'}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert tensors["group_ids"].tolist() == list(range(draw.groups))
    proxies = of_condition(store, "proxies", "one_hot", "s")
    n = tensors["proxy_n_in"].astype(np.int64)
    total = np.nansum(tensors["proxy_in"] * n, axis=0)
    means = numbers(proxies, "value_in").reshape(2, draw.n_train)
    assert n.sum(axis=0).ravel().tolist() == proxies["n_in"].to_pylist()
    seen = n.sum(axis=0) > 0
    np.testing.assert_allclose((total / n.sum(axis=0))[seen], means[seen], rtol=1e-4, atol=1e-4)
    outcomes = of_condition(store, "outcomes", "one_hot", "s")
    margins = numbers(outcomes, "margin_out_sum")[: draw.n_train]
    np.testing.assert_allclose(tensors["signal_out"][:, 1].sum(axis=0), margins, atol=1e-3)


def test_imported_scores_survive_a_build(tmp_path: Path) -> None:
    """Rows of proxies without counts come from an importer, and are kept when models are built."""
    draw = Draw(groups=1)
    store = create(tmp_path / "s", draw)
    row = {"objective": "one_hot", "size": "s", "size_rank": 0, "example_id": 3, "proxy": "c_score"}
    schema = TABLES["proxies"][1]
    store.write_table("proxies", pa.Table.from_pylist([row | {"value_out": 0.5}], schema=schema))
    store.write_manifest()
    assert build(store.path).read_table("proxies")["value_out"].to_pylist() == [0.5]
    build(write(store, records(draw)).path)
    proxies = build(store.path).read_table("proxies").to_pylist()
    assert [r["value_out"] for r in proxies if r["proxy"] == "c_score"] == [0.5]
    assert {r["proxy"] for r in proxies} == {"c_score", "aum", "el2n"}


# Building again, packing, appending


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


# What cannot be built


def refused(store: Store) -> str:
    """The message of the build that fails; the tables stay what they were."""
    before = bytes_of_tables(store)
    with pytest.raises(StoreError) as caught:
        build(store.path)
    assert bytes_of_tables(store) == before
    Store.open(store.path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (Draw(n_train=13), "training examples: found 13, expected 12"),
        (Draw(n_test=2), "test examples: found 2, expected 3"),
    ],
)
def test_models_of_other_data_are_refused(tmp_path: Path, draw: Draw, what: str) -> None:
    """A file with another number of examples is named, with what was found and expected."""
    store = build(write(create(tmp_path / "s", Draw(groups=2)), records(Draw(groups=2))).path)
    write(store, [records(replace(draw, groups=2))[3]])
    message = refused(store)
    assert "one_hot/s/00003.safetensors" in message
    assert what in message


def test_a_file_in_the_wrong_place_is_refused(tiny_store: Store) -> None:
    """The place of a file and the model in it must agree."""
    wrong = tiny_store.model_path("one_hot", "small", 3)
    tiny_store.model_path("one_hot", "small", 2).replace(wrong)
    assert "subset_id: found 2, expected 3" in refused(tiny_store)


def test_one_subset_means_one_mask(tmp_path: Path) -> None:
    """Two models of one subset that were trained on different examples are both named."""
    draw = Draw(groups=1)
    found = records(draw)
    store = build(write(create(tmp_path / "s", draw), found).path)
    write(store, [replace(found[2], in_train=~found[2].in_train)])
    message = refused(store)
    assert "one_hot/m/00000.safetensors' and " in message
    assert "one_hot/s/00000.safetensors' both have subset_id 0" in message


def test_a_truncated_file_is_named(tiny_store: Store) -> None:
    """Half a model file stops the build, which says which file to delete."""
    path = tiny_store.model_path("one_hot", "small", 1)
    path.write_bytes(path.read_bytes()[:-10])
    assert "00001.safetensors' is not a whole model file" in refused(tiny_store)


def test_unknown_sizes_and_names_are_refused(tiny_store: Store) -> None:
    """Model files that no size of the manifest accounts for are not silently left out."""
    odd = tiny_store.path / "models" / "one_hot" / "huge"
    odd.mkdir()
    assert "size 'huge'; the store knows" in refused(tiny_store)
    odd.rmdir()
    (tiny_store.path / "models/one_hot/small/best.safetensors").write_bytes(b"")
    assert "best.safetensors' is not named after a subset" in refused(tiny_store)


# Interruptions


def test_a_store_in_use_is_not_built(tiny_store: Store) -> None:
    """While another writer holds the store, build fails at once; one that holds it may build."""
    with tiny_store.lock():
        with pytest.raises(StoreError, match="Another process is writing to"):
            build(tiny_store.path)
        build(tiny_store.path, locked=True)


KILLED = """
import os, signal, sys
import memanalysis.build as module

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

module._derive = lambda staged: None
{patch}
module.build(sys.argv[1])
"""


def killed_build(store: Store, patch: str) -> None:
    """Build in a process that kills itself where ``patch`` says."""
    program = KILLED.format(patch=patch)
    done = subprocess.run([sys.executable, "-c", program, str(store.path)], check=False)
    assert done.returncode == -signal.SIGKILL


def lose_a_model(store: Store) -> None:
    """Change what the next build writes."""
    store.model_path("one_hot", "small", 3).unlink()


def test_killed_before_the_end_nothing_has_changed(tiny_store: Store) -> None:
    """A build killed after writing its tables leaves the old ones, readable and consistent."""
    before = bytes_of_tables(tiny_store)
    lose_a_model(tiny_store)
    killed_build(tiny_store, "module._note_origin = die")
    assert bytes_of_tables(tiny_store) == before
    Store.open(tiny_store.path)
    rebuilt = build(tiny_store.path)
    assert len(rebuilt.read_table("models")) == 3
    assert not (tiny_store.path / ".build").exists()


def test_killed_while_moving_files_is_noticed_and_finished(tiny_store: Store) -> None:
    """Half the files in place: opening says so, and the next build ends what was begun."""
    lose_a_model(tiny_store)
    patch = """
moves = []
def replace(source, target, real=os.replace):
    if 'outcomes.parquet' in str(target) and '.commit' in str(source):
        die()
    real(source, target)
os.replace = replace
"""
    killed_build(tiny_store, patch)
    with pytest.raises(StoreError, match=r"was interrupted. Run: memanalysis build"):
        Store.open(tiny_store.path)
    rebuilt = build(tiny_store.path)
    assert len(rebuilt.read_table("models")) == 3
    assert set(rebuilt.read_table("outcomes")["n_models"].to_pylist()) == {3}
    assert not (tiny_store.path / ".commit").exists()


def test_a_failed_derivation_leaves_the_old_tables(
    tiny_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the last step is an error of the whole build."""
    lose_a_model(tiny_store)

    def fail(_staged: Store) -> None:
        raise StoreError("no")

    monkeypatch.setattr(build_module, "_derive", fail)
    assert refused(tiny_store) == "no"


def test_progress_counts_the_model_files(tiny_store: Store) -> None:
    """The callback hears of every file, and of how many there are."""
    heard: list[tuple[str, int, int]] = []
    build(tiny_store.path, progress=lambda *what: heard.append(what))
    assert heard == [("reading models", done, 4) for done in (1, 2, 3, 4)]


def test_a_stale_derived_table_of_a_packed_store_is_computed_again(tiny_store: Store) -> None:
    """A packed store needs no model files to have its derived tables back."""
    before = bytes_of_tables(build(tiny_store.path, pack=True))
    tiny_store.table_path("findings").unlink()
    build(tiny_store.path)
    assert bytes_of_tables(tiny_store) == before
