"""Imports into a store: built, packed, of another origin, interrupted."""

import tracemalloc

import numpy as np
import pytest

import memanalysis as ma
from memanalysis.building.build import build
from memanalysis.errors import DataError, StoreError
from memanalysis.experiments.simulate import simulate
from memanalysis.importing import Options, committing, import_source
from memanalysis.importing.arrays import Archive
from memanalysis.storage import bits
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study


@pytest.mark.usefixtures("without_derive")
def test_an_interrupted_commit_is_finished_by_build(tmp_path, world, monkeypatch, memorization):
    """Killed while files are moved into place, nothing is lost: build ends what was begun."""
    out = tmp_path / "out"
    arrays = {"masks": world.masks, "correct": world.correct}
    ma.store.write(out, sizes="a", **arrays)

    def finish(root):
        if (root / ".commit").exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(committing, "move_commit", finish)
    with pytest.raises(KeyboardInterrupt):
        ma.store.write(out, sizes="b", **arrays)
    with pytest.raises(StoreError, match="interrupted"):
        Store.open(out)
    build(out)
    np.testing.assert_array_equal(memorization(out, "a"), world.memorization)
    np.testing.assert_array_equal(memorization(out, "b"), world.memorization)
    assert not (out / ".commit").exists()
    assert not (out / ".import").exists()


@pytest.mark.usefixtures("without_derive")
def test_scores_and_pairs_survive_every_build(tmp_path, world, is_whole):
    """What came from elsewhere stays through a rebuild, a further import and packing."""
    out = tmp_path / "out"
    ids = {"tr_idx": np.array([3]), "tt_idx": np.array([1])}
    np.savez(tmp_path / "pairs.npz", **ids, infl=np.array([0.5]), mem=np.array([0.75]))
    options = Options(n_train=30, n_test=8)
    import_source("feldman", tmp_path / "pairs.npz", out, options)
    for size in ("a", "b"):
        ma.store.write(
            out, masks=world.masks, correct=world.correct, sizes=size, labels=world.labels,
            test_correct=world.test_correct,
        )  # fmt: skip
    np.save(tmp_path / "x.npy", np.arange(30.0))
    import_source("scores", tmp_path / "x.npy", out, Options(hard_is="high", size="b"))
    build(out, pack=True)
    assert not (out / "models").exists()
    ma.store.write(
        out, masks=world.masks, correct=~world.correct, sizes="c",
        test_correct=world.test_correct,
    )  # fmt: skip
    study = is_whole(out)
    assert study.table("influence")["influence"].to_list() == [0.5]
    found = study.sql("select proxy, size, size_rank, count(*) as n from proxies group by all "
                      "order by all")  # fmt: skip
    assert found.rows() == [("memorization_published", "unknown", None, 1), ("x", "b", 1, 30)]
    assert Store.open(out).manifest.sizes == ["a", "b", "c"]
    assert study.table("paired_changes")["paired"].all()


def test_models_join_a_study_of_ours_on_its_own_subsets(tmp_path, is_whole):
    """A further size on a study's masks is paired with its sizes; other masks are refused."""
    path = tmp_path / "study"
    store = simulate(path, n_train=40, n_test=6, sizes=("s",), groups=2, objectives=("one_hot",),
                     proxies=())  # fmt: skip
    outcomes = store.read_table("outcomes")
    masks = bits.unpack(blob_array(outcomes["in_train"]), 20).T[:, :40]
    right = np.random.default_rng(0).random((20, 46)) < 0.7
    arrays = {"correct": right[:, :40], "test_correct": right[:, 40:], "sizes": "mine"}
    with pytest.raises(StoreError, match="subsets of its study 'simulated'"):
        ma.store.write(path, masks=~masks, **arrays)
    ma.store.write(path, masks=masks, **arrays)
    study = is_whole(path)
    assert study.manifest.n_subsets == 20
    assert study.table("paired_changes")["paired"].all()
    joined = study.sql("select distinct a.group_id = b.group_id as same from models a "
                       "join models b using (subset_id)")  # fmt: skip
    assert joined["same"].to_list() == [True]
    build(path, pack=True)
    assert not (path / "models").exists()


@pytest.mark.usefixtures("without_derive")
def test_the_order_of_sizes_can_be_said(tmp_path, world):
    """A smaller size that comes later goes before, in ranks too."""
    out = tmp_path / "out"
    ma.store.write(out, masks=world.masks, correct=world.correct, sizes="large")
    arrays = {"trainset_mask": world.masks, "trainset_correctness": world.correct}
    np.savez(tmp_path / "small.npz", **arrays)
    options = Options(size="small", size_order=("small", "large"))
    import_source("npz", tmp_path / "small.npz", out, options)
    ranks = open_study(out).sql("select distinct size, size_rank from outcomes order by size_rank")
    assert ranks.rows() == [("small", 0), ("large", 1)]


def test_members_of_archives_are_streamed(tmp_path):
    """Forty megabytes are read with less than two in memory."""
    np.savez_compressed(tmp_path / "large.npz", mask=np.ones((400, 100_000), np.bool_))
    tracemalloc.start()
    try:
        total = sum(int(row.sum()) for row in Archive(tmp_path / "large.npz")["mask"].rows())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 40_000_000
    assert peak < 2_000_000


def test_a_damaged_archive_is_named(tmp_path):
    """No archive, an archive without its end, a member that is no array: file and key."""
    path = tmp_path / "bad.npz"
    for content, said in ((b"", "readable archive"), (b"PK\x03\x04 more", "readable archive")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"bad\.npz.*{said}"):
            Archive(path)
