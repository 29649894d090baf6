"""Settings of the recipe: each does what it says, and the defaults are what was done before."""

from __future__ import annotations

from dataclasses import asdict, replace
from hashlib import md5

import layouts
import numpy as np
import pytest
import tiny_study
import torch

from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.cli import costs
from memanalysis.errors import DataError, SettingsError
from memanalysis.producer import data, plan, run, training, worker
from memanalysis.producer.data import cifar
from memanalysis.producer.plan import seeds
from memanalysis.producer.whitening import CONSTANT, Whitening
from memanalysis.settings import Observe, Size, Training, parse
from memanalysis.storage.store import Store

N, CLASSES = 40, 3
SIZE = Size("mlp1w8", 1, 8, 1, "mlp")


@pytest.fixture(scope="module")
def images():
    """Forty random images of 6x6 in colour that are moved in training."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(N, 6, 6, 3, generator=generator)
    return training.Images(pixels, torch.randint(0, CLASSES, (N,), generator=generator), "flip")


def logits(images, **recipe):
    """Of one model after four epochs."""
    in_train = np.arange(N) < 30
    member = training.Member("model", *seeds(1, 0, "mlp", "one_hot"), in_train)
    lesson = training.Lesson(Training(epochs=4, batch_size=10, **recipe), Observe(dynamics="none"))
    return training.evaluate(
        training.train(images, [member], SIZE, lesson, CLASSES).network, images
    )


def test_a_linear_schedule_falls_by_equal_steps():
    """From the peak of 2 to nothing over ten steps, times the rise of two steps of warm-up."""
    recipe = Training(epochs=5, learning_rate=2.0, schedule="linear", warmup_epochs=1)
    schedule = training.Schedule(recipe, 2)
    rates = [schedule.next() for _ in range(10)]
    expected = [2 * (1 - step / 10) * min(1.0, (step + 1) / 2) for step in range(10)]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_momentum_need_not_be_nesterovs(images):
    """Without it one model learns something else, by what torch's own optimiser does."""
    assert (logits(images) - logits(images, nesterov=False)).abs().max() > 1e-4


def test_augmentation_stops_where_it_is_told_to(images, monkeypatch):
    """With .5 of four epochs images are moved in the first two, and batch orders stay the same."""
    seen = []
    batch = training.Images.batch

    def noted(self, index, moves=None):
        if index.shape[1] == 10:
            seen.append((moves is not None, index))
        return batch(self, index, moves)

    monkeypatch.setattr(training.Images, "batch", noted)
    logits(images)
    every = [index for _, index in seen]
    assert all(moved for moved, _ in seen)
    seen.clear()
    logits(images, augment_until=0.5)
    assert [moved for moved, _ in seen] == [True] * 6 + [False] * 6
    assert all(torch.equal(a, b) for a, (_, b) in zip(every, seen, strict=True))


def test_whitening_is_the_formula():
    """W = U (L + .1)^-1/2 U^T by NumPy, over the overall deviation; new images get the same W."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(12, 12))
    train, test = (
        (rng.normal(size=(n, 12)) @ mixing + 1).astype(np.float32).reshape(n, 2, 2, 3)
        for n in (2000, 7)
    )
    flat = train.reshape(-1, 12).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
    matrix = vectors @ np.diag((values + CONSTANT) ** -0.5) @ vectors.T
    deviation = ((flat - flat.mean(0)) @ matrix).std()
    expected = (test.reshape(-1, 12) - flat.mean(0)) @ matrix / deviation
    whitening = Whitening(train)
    whitening.apply(test)
    whitening.apply(train)
    np.testing.assert_allclose(test.reshape(-1, 12), expected, atol=1e-4)
    assert abs(train.std() - 1) < 1e-3
    # But for the constant, what was fitted has no correlations and one variance.
    white = vectors.T @ np.cov(train.reshape(-1, 12).T, bias=True) @ vectors
    scaled = np.diag(values / (values + CONSTANT)) / deviation**2
    np.testing.assert_allclose(white, scaled, atol=1e-4)


def test_images_too_large_to_whiten_are_refused():
    """37x37 in colour are 4,107 values, more than there may be."""
    with pytest.raises(DataError, match=r"37x37x3 have 4107 values, expected at most 4096"):
        Whitening(np.zeros((2, 37, 37, 3), dtype=np.float32))


def test_training_and_test_images_are_whitened_alike():
    """Both by what is fitted to those of training; without the key they are only normalised."""
    study = tiny_study.study()
    dataset = data.load(study.data, study.seed)
    plain = worker.images_of(dataset, "cpu")
    white = worker.images_of(dataset, "cpu", None, "zca")
    fitted = Whitening(plain[0].pixels.numpy())
    for before, after in zip(plain, white, strict=True):
        pixels = before.pixels.numpy().copy()
        fitted.apply(pixels)
        np.testing.assert_array_equal(after.pixels.numpy(), pixels)
        assert torch.equal(before.labels, after.labels)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("epochs", 'schedule = "step"\nepochs', "training.schedule = 'step': expected cosine or"),
        ("epochs", "nesterov = 1\nepochs", "training.nesterov = 1: expected true or false"),
        ("epochs", "augment_until = 0\nepochs", "training.augment_until = 0: expected the share"),
        ("source", 'whitening = "pca"\nsource', "data.whitening = 'pca': expected zca"),
        ("source", 'images = "no"\nsource', "data.images = 'no': expected true or false"),
        ("groups", "group_size = 3\ngroups", "ratio 0.5 have groups of 2 or a multiple of it"),
        (
            "temperature",
            "subsets = 3\ntemperature",
            "expected whole groups of 2 subsets, at most 4",
        ),
        (
            "temperature",
            "subsets = 6\ntemperature",
            "expected whole groups of 2 subsets, at most 4",
        ),
    ],
)
def test_each_fault_says_what_was_expected(old, new, words):
    """Key, value and way out."""
    with pytest.raises(SettingsError) as caught:
        parse(tiny_study.STUDY.replace(f"\n{old} = ", f"\n{new} = "))
    assert words in str(caught.value)


def test_defaults_are_what_was_done_before_there_was_a_choice():
    """A store's settings without the new keys are completed by these."""
    study = tiny_study.study()
    assert asdict(study.training) == {
        "epochs": 2, "batch_size": 10, "learning_rate": 0.1, "schedule": "cosine",
        "warmup_epochs": 0.0, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4,
        "augment_until": 1.0, "precision": "float32", "kernels": "torch",
    }  # fmt: skip
    assert (study.data.whitening, study.data.images) == (None, True)
    assert study.subsets.group_size == 2
    assert study.distillation.subsets is None


def test_students_on_some_subsets_come_before_further_groups(tmp_path):
    """Of two groups one is taught, before the other is trained; then it builds, packs, checks."""
    study = tiny_study.study("subsets = 2\n")
    planned = plan.plan(study)
    order = [(task.objective, task.group) for task in planned]
    assert order == [("one_hot", 0)] * 2 + [("distilled", 0)] * 2 + [("one_hot", 1)] * 2
    assert study.n_models == sum(len(task.subset_ids) for task in planned) == 12
    store = run.produce(study, tmp_path / "store", workers=0, device="cpu")
    build(store.path, pack=True)
    assert [str(fault) for fault in check(store.path)] == []
    assert not (store.path / "models").exists()
    models = Store.open(store.path).read_table("models").to_pylist()
    taught = {row["subset_id"] for row in models if row["objective"] == "distilled"}
    assert (len(models), taught) == (12, {0, 1})


def test_more_subsets_may_be_taught_later(tmp_path):
    """What was trained stays; the second group's students are added to the same store."""
    root = tmp_path / "store"
    run.produce(tiny_study.study("subsets = 2\n"), root, workers=0, device="cpu")
    before = tiny_study.files(root)
    run.produce(tiny_study.study("subsets = 4\n"), root, workers=0, device="cpu")
    after = tiny_study.files(root)
    assert (len(before), len(after)) == (12, 16)
    for name, arrays in before.items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(after[name][key], values)


def test_a_store_may_come_without_images(tmp_path):
    """With ``images = false`` no picture is in the store, and its examples have their sources."""
    study = tiny_study.study(source='"digits"\nimages = false')
    examples = run.prepare(study, tmp_path / "store").read_table("examples")
    assert examples["image"].null_count == len(examples) == 60
    assert examples["source_id"].null_count == 0


def test_balanced_groups_may_be_larger():
    """Ten models at ratio one half each drop five consecutive of ten blocks: all are in five."""
    masks = tiny_study.study(groups="1\ngroup_size = 10").subsets.masks(95, 0, 3)
    assert masks.shape == (10, 95)
    assert set(masks.sum(axis=0).tolist()) == {5}
    assert len(np.unique(masks, axis=0)) == 10
    # Blocks have nine or ten examples.
    assert set(masks.sum(axis=1).tolist()) <= set(range(45, 51))


def test_official_files_are_told_from_others(tmp_path, monkeypatch):
    """MD5 sums of all files are recorded; files of the same form are taken, and called others."""
    layouts.write_cifar(tmp_path, layouts.made(32, 3))
    settings = replace(tiny_study.study(source='"cifar10"').data, train_examples=None)
    monkeypatch.setenv("MEMANALYSIS_DATA", str(tmp_path))
    dataset = data.load(settings, 0)
    sums = {path.name: md5(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.bin")}
    assert (dataset.official, dict(dataset.md5)) == (False, sums)
    monkeypatch.setattr(cifar, "MD5", sums)
    assert data.load(settings, 0).official is True
    (tmp_path / "test_batch.bin").write_bytes((tmp_path / "data_batch_1.bin").read_bytes())
    assert data.load(settings, 0).official is False
    monkeypatch.delenv("MEMANALYSIS_DATA")
    with pytest.raises(DataError, match=r"data\.folder of the study file or in MEMANALYSIS_DATA"):
        data.load(settings, 0)


def test_files_that_are_not_official_get_a_note():
    """And official ones are said to be; nothing is said of data sets that nobody compares."""
    assert costs.files("X", None) == []
    assert "the official ones" in costs.files("X", True)[0]
    assert "not the official ones" in costs.files("X", False)[0]
