"""A small study that records everything: killed, resumed, packed, checked, asked and reported."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest

import memanalysis as ma
from memanalysis import cli, settings
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.experiments import reproduce
from memanalysis.producer import run
from memanalysis.producer.engines import local
from memanalysis.storage.margins import MARGIN_STEP, NO_MARGIN
from memanalysis.storage.model_files import read_model
from memanalysis.storage.schema import RECORDED
from memanalysis.storage.store import Store

STUDY = """
name = "recorded"
title = "Recorded"
seed = 3
[data]
source = "digits"
train_examples = 60
test_kept = "all"
[subsets]
ratio = 0.5
groups = 3
repeats = 2
[sizes]
family = "resnet"
depth = 8
width = [2, 3]
[training]
epochs = 3
batch_size = 20
[distillation]
temperature = 3.0
weight = 0.5
[observe]
eval_at = [1, 2]
keep_margins = true
objectives = ["one_hot"]
"""


def trained(root, monkeypatch):
    """The study's store, whose worker was killed once on the way and which was then continued."""
    killed = []
    hear = local.Team._hear

    def kill_once(team, worker, answer, pending, watch):
        if answer == {"done": True} and len(killed) < 1:
            killed.append(worker.process.pid)
            os.kill(worker.process.pid, signal.SIGKILL)
        hear(team, worker, answer, pending, watch)

    with monkeypatch.context() as patch:
        patch.setattr(local.Team, "_hear", kill_once)
        run.produce(settings.parse(STUDY), root, workers=1, device="cpu", shard=(1, 3))
    assert killed
    store = run.produce(settings.parse(STUDY), root, workers=1, device="cpu")
    store.repeat_path("resnet8w2", 3).unlink()  # as a run that was killed before it
    return run.produce(settings.parse(STUDY), root, workers=0, device="cpu")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The built store with its model files, and a packed copy of it."""
    root = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        trained(root / "whole", patch)
    build(root / "whole")
    shutil.copytree(root / "whole", root / "packed")
    build(root / "packed", pack=True)
    return Store.open(root / "whole"), Store.open(root / "packed")


def records_of(store, objective, size):
    """The records of a condition by subset."""
    paths = store.model_paths(objective, size)
    return {int(path.stem): read_model(path) for path in paths}


def asked(store, text):
    """The rows of a query."""
    with closing(ma.open(store.path)) as study:
        return study.sql(text).rows()


def test_votes_are_counts_of_predicted_classes(stores):
    """Each class of each example, train and all of test, counted in a loop over model files."""
    whole, _ = stores
    n_train, n_test = whole.manifest.n_train, whole.manifest.n_test
    assert n_test > n_train  # all test images of the digits
    counts = Counter()
    for objective, size in whole.conditions():
        for record in records_of(whole, objective, size).values():
            assert record.predicted.dtype == np.uint8
            for example, cls in enumerate(record.predicted.tolist()):
                inside = example < n_train and bool(record.in_train[example])
                counts[objective, size, example, cls, inside] += 1
    rows = asked(whole, "select objective, size, example_id, class, n_in, n_out from votes")
    found = Counter()
    for *key, n_in, n_out in rows:
        found[(*key, True)], found[(*key, False)] = n_in, n_out
    assert +found == counts


def test_bits_of_epochs_are_those_of_the_model_files(stores):
    """Only where dynamics are recorded; the score after an epoch is the difference of two rates."""
    whole, _ = stores
    rows = asked(whole, "select distinct objective, epoch from epoch_outcomes order by all")
    assert rows == [("one_hot", 1), ("one_hot", 2)]
    records = records_of(whole, "one_hot", "resnet8w3").values()
    inside = np.array([record.in_train for record in records])
    right = np.array([record.epoch_correct[1] for record in records])
    rates = [np.where(side, right, 0).sum(0) / side.sum(0) for side in (inside, ~inside)]
    found = asked(
        whole,
        "select memorization from memorization_by_epoch where size = 'resnet8w3' and epoch = 2 "
        "order by example_id",
    )
    np.testing.assert_allclose([score for (score,) in found], rates[0] - rates[1])


def test_second_seeds_split_the_variance(stores):
    """Four subsets have two models of other seeds; disagreements are counted by hand."""
    whole, _ = stores
    first = records_of(whole, "one_hot", "resnet8w2")
    second = {int(p.stem): read_model(p) for p in whole.repeat_paths() if "8w2" in str(p)}
    assert sorted(second) == [0, 1, 2, 3]
    for subset, record in second.items():
        assert record.info.seed != first[subset].info.seed
        np.testing.assert_array_equal(record.in_train, first[subset].in_train)
        assert record.evaluated is None
    differ = np.array([first[k].correct != second[k].correct for k in second])
    inside = np.array([first[k].in_train for k in second])
    n_train = whole.manifest.n_train
    rows = asked(
        whole,
        "select pairs_in, pairs_out, seed_variance_in, seed_variance_out from seed_variance "
        "where size = 'resnet8w2' order by example_id",
    )
    assert differ.any()
    for example, (n_in, n_out, in_, out) in enumerate(rows):
        seen = inside[:, example] if example < n_train else np.zeros(4, bool)
        assert (n_in, n_out) == (seen.sum(), (~seen).sum())
        for side, value in ((seen, in_), (~seen, out)):
            wrong = differ[side, example]
            assert value == (pytest.approx(wrong.mean() / 2) if side.any() else None)


def test_margins_are_kept_to_an_eighth_of_a_logit(stores):
    """Bytes per subset, and squares of one half of the groups."""
    whole, _ = stores
    records = records_of(whole, "distilled", "resnet8w2")
    rows = asked(
        whole,
        "select margins, margin_out_sumsq_a from margins "
        "where objective = 'distilled' and size = 'resnet8w2' order by example_id",
    )
    kept = np.array([np.frombuffer(blob, np.int8) for blob, _ in rows]).astype(float)
    assert not (kept == NO_MARGIN).any()
    margins = np.array([r.signals["margin"][: len(rows)] for r in records.values()], float)
    assert abs(kept.T * MARGIN_STEP - margins).max() <= MARGIN_STEP / 2
    outside = np.array([~r.in_train & (r.info.group_id % 2 == 0) for r in records.values()])
    expected = np.where(outside, margins**2, 0).sum(0)
    np.testing.assert_allclose([square for _, square in rows], expected, rtol=1e-4)


def test_packing_keeps_every_row(stores):
    """No model files are left, all recorded tables are as before, and neither has a fault."""
    whole, packed = stores
    assert not [*packed.path.rglob("*.safetensors")]
    for store in stores:
        assert check(store.path) == []
    for name in RECORDED:
        assert packed.read_table(name).equals(whole.read_table(name))
        assert packed.read_table(name).num_rows


def test_a_packed_store_is_finished_and_grows(stores, tmp_path):
    """Nothing is left to train in it; a group and its repeats are added to what it holds."""
    _, packed = stores
    shutil.copytree(packed.path, tmp_path / "grown")
    run.produce(settings.parse(STUDY), tmp_path / "grown", workers=0, device="cpu")
    assert not [*(tmp_path / "grown").rglob("*.safetensors")]
    text = STUDY.replace("groups = 3", "groups = 4").replace("repeats = 2", "repeats = 4")
    run.produce(settings.parse(text), tmp_path / "grown", workers=0, device="cpu")
    grown = build(tmp_path / "grown")
    assert check(grown.path) == []
    assert asked(grown, "select distinct n_models from repeats") == [(8,)]
    votes = "select distinct sum(n_in + n_out) from votes group by objective, size, example_id"
    assert asked(grown, votes) == [(8,)]
    assert asked(grown, "select count(*) from margins where margins is null") == [(0,)]
    again = build(tmp_path / "grown", pack=True)
    assert check(again.path) == []


def test_a_report_and_a_plan_are_made(stores, tmp_path, capsys):
    """The packed store has a page, and the plan names the tables and the second models."""
    _, packed = stores
    with closing(ma.open(packed.path)) as study:
        ma.report(study, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000
    (tmp_path / "study.toml").write_text(STUDY)
    assert cli.run(["plan", str(tmp_path / "study.toml")]) == 0
    said = capsys.readouterr().err
    assert "8 second models by other seeds" in said
    for name in RECORDED:
        assert name in said


def test_a_reproduced_group_is_the_same_in_everything(stores, tmp_path):
    """Outcomes, bits of epochs and second models of group 1 are trained again."""
    _, packed = stores
    frame = reproduce.reproduce(
        packed, settings.parse(STUDY), 1, tmp_path / "again", workers=0, device="cpu"
    )
    assert frame["objective"].to_list() == [
        "one_hot", "one_hot", "distilled", "distilled", "repeat", "repeat"
    ]  # fmt: skip
    assert (frame["models"] == frame["identical"]).all()


def test_a_store_from_before_opens_checks_and_reports(stores, tmp_path):
    """Without the four tables their relations have zero rows, and a build adds them."""
    _, packed = stores
    shutil.copytree(packed.path, tmp_path / "old")
    store = Store.open(tmp_path / "old")
    for name in RECORDED:
        store.table_path(name).unlink()
        del store.manifest.files[f"{name}.parquet"]
    store.write_manifest()
    assert check(store.path) == []
    with closing(ma.open(store.path)) as study:
        for name in (*RECORDED, "seed_variance", "memorization_by_epoch"):
            assert study.table(name).height == 0
        ma.report(study, tmp_path / "report.html")
    before = store.table_path("findings").read_bytes()
    build(store.path)
    assert check(store.path) == []
    assert all(store.table_path(name).is_file() for name in RECORDED)
    assert store.table_path("findings").read_bytes() == before


def change(store, name, column, values):
    """Write a table with one column replaced."""
    table = store.read_table(name)
    at = table.schema.get_field_index(column)
    field = table.schema.field(column)
    store.write_table(name, table.set_column(at, field, pa.array(values(table), field.type)))
    store.write_manifest()


@pytest.mark.parametrize(
    ("name", "column", "values", "words"),
    [
        ("votes", "class", lambda t: [9 - c for c in t["class"].to_pylist()], "miscounted_votes: "),
        ("votes", "n_out", lambda t: [n + 7 for n in t["n_out"].to_pylist()], "miscounted_votes: "),
        ("repeats", "n_models", lambda t: [5] * len(t), "wrong_n_models: "),
        ("epoch_outcomes", "correct", lambda t: [b"\xff"] * len(t), "bits_outside_trained: "),
        ("margins", "margins", lambda t: [b"\x01"] * len(t), "uneven_bits: "),
    ],
)  # fmt: skip
def test_each_contradiction_is_a_fault(stores, tmp_path, name, column, values, words):
    """A table that contradicts the bits, or has bytes of another length, is named."""
    shutil.copytree(stores[1].path, tmp_path / "wrong")
    store = Store.open(tmp_path / "wrong")
    change(store, name, column, values)
    found = [str(fault) for fault in check(store.path)]
    assert any(fault.startswith(words) for fault in found), found
