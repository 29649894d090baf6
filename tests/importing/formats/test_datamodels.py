"""Datamodels: a store and released arrays, written as their own code and README say."""

import json
from pathlib import Path

import numpy as np
import pytest
from artefacts import write_datamodels_store, write_released_datamodels

from memanalysis.errors import DataError
from memanalysis.importing import import_source
from memanalysis.importing.formats import datamodels, influence
from memanalysis.importing.source import Options
from memanalysis.studies import open as open_study

N_MODELS, N_TRAIN, N_TEST = 30, 12, 5


def draws(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks bool, training and test margins float16, models first; one margin is exactly 0."""
    generator = np.random.default_rng(seed)
    masks = generator.random((N_MODELS, N_TRAIN)) < 0.5
    train = generator.normal(size=(N_MODELS, N_TRAIN)) + 2 * masks
    test = generator.normal(size=(N_MODELS, N_TEST)) * 0.1 + np.where(masks[:, :5], 1, -1)
    train[0, 0] = 0
    return masks, train.astype(np.float16), test.astype(np.float16)


@pytest.mark.usefixtures("without_derive")
def test_released_margins_become_models(tmp_path) -> None:
    """Right is margin > 0; counts per example equal sums over the arrays."""
    masks, train, test = draws()
    source = write_released_datamodels(tmp_path / "cifar", train_masks=masks, train_margins=train,
                            test_margins=test)  # fmt: skip
    done = import_source("datamodels", source, tmp_path / "store", Options(size="resnet9"))
    rows = open_study(tmp_path / "store").sql("from memorization order by example_id")
    right = train > 0
    assert rows["n_in"].to_list() == [*masks.sum(0), *[0] * N_TEST]
    assert rows["hits_in"].head(N_TRAIN).to_list() == (right & masks).sum(0).tolist()
    assert rows["hits_out"].to_list() == [*(right & ~masks).sum(0), *(test > 0).sum(0)]
    text = "\n".join(done.lines)
    assert "1 of 360 margins of the first 30 models are exactly 0 and count as wrong" in text
    assert "Margins alone: probability and loss cannot be computed" in text


@pytest.mark.usefixtures("without_derive")
def test_an_unfinished_store_gives_influence_of_finished_models(tmp_path) -> None:
    """Rows that were never completed hold zeros and must not count; no training outputs."""
    masks, _, test = draws()
    completed = np.arange(N_MODELS) % 3 != 1
    source = write_datamodels_store(tmp_path / "logs", {"masks": masks, "margins": test}, completed)
    done = import_source("datamodels", source, tmp_path / "store",
                         Options(labels=write_labels(tmp_path)))  # fmt: skip
    pairs = open_study(tmp_path / "store").sql("from influence order by all")
    m, c = masks[completed], test[completed] > 0
    expected = {}
    for i in range(N_TRAIN):
        for j in range(N_TEST):
            value = c[m[:, i], j].mean() - c[~m[:, i], j].mean()
            if value >= 0.15:
                expected[i, N_TRAIN + j] = value
    found = {(r["train_id"], r["test_id"]): r["influence"] for r in pairs.to_dicts()}
    assert found == pytest.approx(expected)
    assert len(expected) >= N_TEST
    assert any("10 models were never completed" in line for line in done.lines)
    assert any("memorization, accuracies and trajectories cannot" in line for line in done.lines)


def write_labels(folder: Path) -> Path:
    """A file for --labels."""
    np.save(folder / "labels.npy", np.arange(N_TRAIN) % 3)
    return folder / "labels.npy"


def test_blocks_do_not_show_in_influence(tmp_path, monkeypatch) -> None:
    """One test example and two models at a time give the same pairs."""
    masks, _, test = draws()
    source = write_released_datamodels(tmp_path / "x", train_masks=masks, test_margins=test)
    (whole,) = datamodels.read(source, Options()).pairs
    monkeypatch.setattr(influence, "_CELLS", 1)
    monkeypatch.setattr(influence, "_MODELS", 2)
    (blocked,) = datamodels.read(source, Options()).pairs
    assert np.array_equal(whole.train_ids, blocked.train_ids)
    assert np.allclose(whole.influence, blocked.influence)


def test_logits_with_labels_give_every_signal(tmp_path) -> None:
    """With labels, argmax decides; without them the margins do, and a note says what is missing."""
    masks, train, _ = draws()
    logits = np.random.default_rng(1).normal(size=(N_MODELS, N_TRAIN, 3)).astype(np.float16)
    source = write_released_datamodels(tmp_path / "x", train_masks=masks, train_margins=train,
                            train_logits=logits)  # fmt: skip
    contents = datamodels.read(source, Options(labels=write_labels(tmp_path), models=4))
    (models,) = contents.models
    outputs = list(models.outputs())
    assert models.n_models == len(outputs) == len(list(models.masks())) == 4
    labels = np.arange(N_TRAIN) % 3
    assert np.array_equal(outputs[2].train.correct, logits[2].argmax(1) == labels)
    assert set(outputs[2].train.signals) == {"probability", "margin", "loss"}
    without = datamodels.read(source, Options())
    assert set(next(without.models[0].outputs()).train.signals) == {"margin"}
    assert any("--labels FILE is missing" in note for note in without.notes)


def broken(tmp_path: Path, what: str) -> Path:
    """A source with one thing wrong."""
    masks, train, test = draws()
    arrays = {"masks": masks, "margins": test}
    completed = np.ones(N_MODELS, bool)
    if what == "two shares":
        write_released_datamodels(tmp_path / "x", 10, train_masks=masks)
        return write_released_datamodels(tmp_path / "x", 50, train_masks=masks)
    if what == "torch":
        (tmp_path / "train_50pct.pt").touch()
        return tmp_path / "train_50pct.pt"
    released = {
        "transposed": {"train_masks": masks.T, "train_margins": train},
        "test as train": {"train_masks": masks, "train_margins": test},
        "masks alone": {"train_masks": masks},
        "square": {"train_masks": masks[:12], "train_margins": train[:12]},
        "objects": {"train_masks": masks, "train_margins": train.astype(object)},
    }
    if what in released:
        return write_released_datamodels(tmp_path / "x", **released[what])
    folder = write_datamodels_store(tmp_path / "x", arrays, completed * (what != "none completed"))
    spec = json.loads((folder / "spec.json").read_text())
    if what == "dtype":
        spec["schema"]["margins"]["dtype"] = "float32"
    elif what == "no masks":
        del spec["schema"]["masks"]
    elif what == "no schema":
        spec = {"num_models": 3}
    elif what == "truncated":
        content = (folder / "masks.npy").read_bytes()
        (folder / "masks.npy").write_bytes(content[:-7])
    (folder / "spec.json").write_text(json.dumps(spec))
    return folder


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("two shares", r"With several, give the path of one"),
        ("torch", r"a pickle and never read"),
        ("transposed", r"train_margins_50pct.npy'.*expected \[12 models, 30 examples"),
        ("test as train", r"train_margins_50pct.npy': found shape \(30, 5\)"),
        ("masks alone", r"found masks alone"),
        ("square", r"--axes-known"),
        ("objects", r"pickles, which are never read"),
        ("none completed", r"no completed model"),
        ("dtype", r"margins.npy': found float16 .* expected float32 .* as spec.json says"),
        ("no masks", r"a key 'masks'"),
        ("no schema", r"no specification"),
        ("truncated", r"masks.npy'.*truncated"),
    ],
)
def test_each_hazard_is_one_message(tmp_path, what: str, message: str) -> None:
    """File, what was found, what was expected; nothing is imported."""
    with pytest.raises(DataError, match=message):
        datamodels.read(broken(tmp_path, what), Options())
