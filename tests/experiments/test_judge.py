"""The independent judge: it finds what nobody told it, and never sees what it is asked about."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from tiny_study import study

from memanalysis.building.build import build
from memanalysis.errors import DataError, SettingsError, StoreError
from memanalysis.experiments import judge
from memanalysis.producer import data, run
from memanalysis.storage.store import Store

WRONG = 40


def study_of(file, examples=300, more=""):
    """A study of some of the images in ``file``."""
    return study(
        more,
        source=f'"npz"\nfile = "{file}"',
        train_examples=examples,
        groups=1,
        width=[2],
        epochs=1,
        batch_size=20,
    )


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """scikit-learn's digits as a file; the first 40 that the study draws have the next label."""
    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8) * 15.9).astype(np.uint8)
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    given = labels[:1500].copy()
    arrays = {
        "train_images": pixels[:1500],
        "test_images": pixels[1500:],
        "test_labels": labels[1500:],
    }
    np.savez(path, train_labels=given, **arrays)
    chosen = data.load(study_of(path).data, 3).source_ids[:WRONG]
    places = [int(name.rsplit("/")[-1]) for name in chosen]
    given[places] = (given[places] + 1) % 10
    np.savez(path, train_labels=given, **arrays)
    return path


@pytest.fixture(scope="module")
def judged(digits, tmp_path_factory):
    """A judged store with the judgement."""
    store = run.prepare(study_of(digits), tmp_path_factory.mktemp("judged") / "store")
    return store.path, judge.judge(store, folds=2, epochs=40)


def test_wrong_labels_that_nobody_knows_of_are_suspected(judged) -> None:
    """Of the examples with a wrong label most are suspected, with their true class; others few."""
    frame = judged[1].frame
    wrong = np.arange(300) < WRONG
    suspected = (frame["kind"] == "suspected_mislabel").to_numpy()
    assert suspected[wrong].mean() > 0.6
    assert suspected[~wrong].mean() < 0.03
    true = (frame["label"].to_numpy() - 1) % 10
    assert np.mean(frame["other_label"].to_numpy()[wrong] == true[wrong]) > 0.8
    assert judged[1].accuracy_test > 0.85


def test_kinds_are_in_the_store(judged) -> None:
    """examples.kind says what the frame says, test examples have none, the manifest says how."""
    path, found = judged
    store = Store.open(path)
    kinds = store.read_table("examples")["kind"].to_pylist()
    assert kinds == [*found.frame["kind"], *[None] * 20]
    said = store.manifest.dataset["judged"]
    assert said["counts"] == {kind: kinds.count(kind) for kind in judge.KINDS}
    assert (said["size"]["family"], said["folds"], said["n_images"]) == ("lenet", 2, 1200)
    assert said["accuracy"] == found.accuracy


def test_kinds_by_hand() -> None:
    """Sure of the label, sure of another class, torn between two, and everything else."""
    probabilities = np.array(
        [[0.9, 0.06, 0.04], [0.05, 0.92, 0.03], [0.5, 0.3, 0.2], [0.2, 0.25, 0.55],
         [0.7, 0.2, 0.1], [0.2, 0.7, 0.1]]
    )  # fmt: skip
    kinds = judge.kinds_of(probabilities, np.zeros(6, dtype=np.int64))
    assert kinds.tolist() == [
        "easy", "suspected_mislabel", "ambiguous", "ambiguous", "hard", "hard",
    ]  # fmt: skip


def test_planted_kinds_are_not_replaced(digits, tmp_path) -> None:
    """What was planted is known; a judge would only spoil it."""
    store = run.prepare(study_of(digits, more="[data.noise]\nflip = 0.1"), tmp_path / "store")
    with pytest.raises(StoreError, match="planted them"):
        judge.judge(store, folds=2, epochs=2)


def test_a_judge_needs_images_of_its_own(digits, tmp_path) -> None:
    """A study of nearly all images leaves nothing to learn from."""
    store = run.prepare(study_of(digits, examples=900), tmp_path / "store")
    with pytest.raises(DataError, match="leaves 600 of 1500 training images out"):
        judge.judge(store, folds=2, epochs=2)
    with pytest.raises(SettingsError, match="folds = 1, epochs = 2"):
        judge.judge(store, folds=1, epochs=2)


def test_where_all_images_are_trained_on_held_out_votes_judge(digits, tmp_path) -> None:
    """Each image by the models that never saw it; kinds are shown, and none is kept."""
    store = build(run.produce(study_of(digits, examples=600), tmp_path / "store", workers=0).path)
    found = judge.judge(store)
    assert found.votes_of == "resnet8w2"
    assert found.accuracy_test is None
    votes = store.read_table("votes").to_pylist()
    votes = [row for row in votes if row["objective"] == "one_hot"]
    own = {(r["example_id"], r["class"]): r["n_out"] for r in votes}
    n_out = {i: sum(own.get((i, c), 0) for c in range(10)) for i in range(600)}
    for row in found.frame.iter_rows(named=True):
        i = row["example_id"]
        assert row["probability"] == pytest.approx(own.get((i, row["label"]), 0) / n_out[i])
        other = own.get((i, row["other_label"]), 0)
        assert row["other_probability"] == pytest.approx(other / n_out[i])
    assert set(Store.open(store.path).read_table("examples")["kind"].to_pylist()) == {None}
