"""``ma.store.write``: arrays of any library, several imports into one store."""

import numpy as np
import pytest
import torch

import memanalysis as ma
from memanalysis.errors import DataError, StoreError
from memanalysis.importing import Options, import_source
from memanalysis.storage import subsets
from memanalysis.storage.model_files import read_model
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study


class Exchange:
    """An array of a library that has only DLPack, as arrays of JAX may look."""

    def __init__(self, values):
        self._values = values
        self.shape = values.shape

    def __len__(self):
        return len(self._values)

    def __getitem__(self, index):
        return Exchange(self._values[index])

    def __dlpack__(self, **keywords):
        return self._values.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self._values.__dlpack_device__()


class Rows:
    """Rows that must be asked for one at a time, as of something larger than memory."""

    def __init__(self, values):
        self._values = values
        self.shape, self.dtype = values.shape, values.dtype
        self.asked = []

    def __getitem__(self, index):
        self.asked.append(index)
        return self._values[index]

    def __array__(self, *_, **__):
        raise AssertionError("read whole")


def probabilities(logits):
    """Softmax over the last axis, float64."""
    weights = np.exp(logits.astype(np.float64))
    return weights / weights.sum(-1, keepdims=True)


@pytest.mark.usefixtures("without_derive")
def test_every_currency_gives_the_same_scores(tmp_path, world, memorization):
    """Correctness, logits and probabilities of the same models give NumPy's scores."""
    same = {"masks": world.masks, "labels": world.labels}
    outcomes = {
        "correct": world.correct,
        "logits": world.logits,
        "probabilities": probabilities(world.logits),
    }
    for name, values in outcomes.items():
        ma.store.write(tmp_path / "out", sizes=name, **same, **{name: values})
        found = memorization(tmp_path / "out", name)
        np.testing.assert_array_equal(found, world.memorization)
    store = Store.open(tmp_path / "out")
    assert store.manifest.n_subsets == 12
    a, b = (read_model(store.model_path("one_hot", s, 5)) for s in ("logits", "probabilities"))
    for signal in ("probability", "margin", "loss"):
        np.testing.assert_allclose(a.signals[signal], b.signals[signal], rtol=2e-3, atol=2e-3)


@pytest.mark.usefixtures("without_derive")
def test_signals_equal_their_formulas(tmp_path, world):
    """probability, margin and loss of one model against a loop over its examples."""
    store = ma.store.write(
        tmp_path / "out", masks=world.masks, logits=world.logits, labels=world.labels,
        keep_logits=True,
    )  # fmt: skip
    record = read_model(store.model_path("one_hot", "unknown", 7), with_logits=True)
    for i, (z, y) in enumerate(zip(world.logits[7].astype(float), world.labels, strict=True)):
        p = np.exp(z[y]) / np.exp(z).sum()
        others = [z[c] for c in range(len(z)) if c != y]
        assert record.signals["probability"][i] == pytest.approx(p, rel=1e-3)
        assert record.signals["loss"][i] == pytest.approx(-np.log(p), rel=1e-3, abs=1e-3)
        assert record.signals["margin"][i] == pytest.approx(z[y] - max(others), rel=2e-3, abs=2e-3)
    np.testing.assert_array_equal(record.logits, world.logits[7].astype(np.float16))


@pytest.mark.usefixtures("without_derive")
def test_arrays_of_any_library_are_read_model_by_model(tmp_path, world, memorization):
    """DLPack, memory-mapped and lazy arrays; nothing is asked for but single models."""
    np.save(tmp_path / "logits.npy", world.logits)
    lazy = Rows(world.masks)
    ma.store.write(
        tmp_path / "out", masks=lazy, labels=Exchange(world.labels),
        logits=np.load(tmp_path / "logits.npy", mmap_mode="r"),
    )  # fmt: skip
    assert all(isinstance(index, int) or index == slice(None, 0) for index in lazy.asked)
    np.testing.assert_array_equal(memorization(tmp_path / "out", "unknown"), world.memorization)
    ma.store.write(
        tmp_path / "two", masks=Exchange(world.masks.astype(np.uint8)),
        correct=Exchange(world.correct.astype(np.float32)),
    )  # fmt: skip
    np.testing.assert_array_equal(memorization(tmp_path / "two", "unknown"), world.memorization)


@pytest.mark.usefixtures("without_derive")
def test_torch_tensors_are_arrays(tmp_path, world, memorization):
    """Tensors in main memory need no conversion; one that requires gradients says what to do."""
    tensors = {"masks": torch.from_numpy(world.masks), "labels": torch.from_numpy(world.labels)}
    logits = torch.from_numpy(world.logits)
    ma.store.write(tmp_path / "out", logits=logits, **tensors)
    np.testing.assert_array_equal(memorization(tmp_path / "out", "unknown"), world.memorization)
    with pytest.raises(DataError, match=r"logits.*detach"):
        ma.store.write(tmp_path / "two", logits=logits.clone().requires_grad_(), **tensors)


def test_sizes_and_objectives_at_once_are_paired(tmp_path, world, worlds, memorization, is_whole):
    """Every condition has its own scores; equal masks are equal subsets, so changes are paired."""
    other = {name: worlds(seed=i, masks=world.masks, labels=world.labels) for i, name in
             enumerate(("small-d", "large", "large-d"), 5)}  # fmt: skip
    store = ma.store.write(
        tmp_path / "out", masks=world.masks, labels=world.labels,
        sizes=["small", "large"], objectives=["one_hot", "distilled"],
        correct={"one_hot": [world.correct, other["large"].correct],
                 "distilled": {"large": other["large-d"].correct,
                               "small": other["small-d"].correct}},
        test_correct=np.broadcast_to(world.test_correct, (2, 2, 12, 8)),
        parameters={"small": 10, "large": 100}, teacher="large", class_names=["a", "b", "c", "d"],
    )  # fmt: skip
    assert (store.manifest.sizes, store.manifest.n_subsets) == (["small", "large"], 12)
    np.testing.assert_array_equal(memorization(store, "small"), world.memorization)
    found = memorization(store, "large", "distilled")
    np.testing.assert_array_equal(found, other["large-d"].memorization)
    study = open_study(store.path)
    assert study.table("paired_changes")["paired"].all()
    assert not study.table("distillation").is_empty()
    assert study.table("models")["teacher_model_id"].drop_nulls().len() == 24
    is_whole(store.path)


@pytest.mark.usefixtures("without_derive")
def test_other_masks_are_other_subsets(tmp_path, world, worlds, memorization, is_whole):
    """A second size on subsets of its own adds them, with groups of their own."""
    other = worlds(seed=1, n_models=10)
    ma.store.write(tmp_path / "out", masks=world.masks, correct=world.correct, sizes="a")
    store = ma.store.write(tmp_path / "out", masks=other.masks, correct=other.correct, sizes="b")
    models = open_study(store.path).table("models")
    assert store.manifest.n_subsets == 22
    assert set(models.filter(size="b")["subset_id"]) == set(range(12, 22))
    assert not set(models.filter(size="a")["group_id"]) & set(models.filter(size="b")["group_id"])
    np.testing.assert_array_equal(memorization(store, "a"), world.memorization)
    np.testing.assert_array_equal(memorization(store, "b"), other.memorization)
    is_whole(store.path)


@pytest.mark.usefixtures("without_derive")
def test_what_contradicts_the_store_leaves_it_as_it_was(tmp_path, world, worlds, snapshot):
    """Other labels, other examples, the same size again: named, and no byte changes."""
    out = tmp_path / "out"
    same = {"masks": world.masks, "correct": world.correct}
    ma.store.write(out, labels=world.labels, sizes="a", test_correct=world.test_correct, **same)
    before = snapshot(out)
    labels = world.labels.copy()
    labels[[4, 17]] = (labels[[4, 17]] + 1) % 4
    faults = {
        r"other labels at 2 of 30.*4 \(.*17 \(": {"labels": labels, "sizes": "b", **same},
        "another order": {"labels": np.sort(world.labels), "sizes": "b", **same},
        "that the store has no models of yet": {"labels": world.labels, "sizes": "a", **same,
                                      "test_correct": world.test_correct},
        "no outcomes on test": {"sizes": "b", **same},
        "transposed": {"sizes": "b", "masks": world.masks.T, "correct": world.correct.T},
        r"shape \(12, 40\).*12 models, 30 training": {
            "sizes": "b", "masks": worlds(n_train=40).masks,
            "correct": worlds(n_train=40).correct},
        "correct and logits": {"sizes": "b", "logits": world.logits, **same},
        "beginning with a letter": {"sizes": "../b", **same, "test_correct": world.test_correct},
    }  # fmt: skip
    for message, arrays in faults.items():
        with pytest.raises(DataError, match=message):
            ma.store.write(out, **arrays)
        assert snapshot(out) == before, message


@pytest.mark.usefixtures("without_derive")
def test_labels_may_come_later(tmp_path, world):
    """A store without labels takes those of a later import of the same examples."""
    out = tmp_path / "out"
    ma.store.write(out, masks=world.masks, correct=world.correct, sizes="a")
    store = ma.store.write(
        out, masks=world.masks, logits=world.logits, labels=world.labels, sizes="b"
    )
    assert store.read_table("examples")["label"].to_pylist() == world.labels.tolist()
    assert set(open_study(out).table("unknown_labels")["label"]) == set()


@pytest.mark.usefixtures("without_derive")
def test_groups_follow_the_design(tmp_path, world, worlds):
    """Pairs of complements stay in one group; 50 single models make 20 groups; ours are kept."""
    half = world.masks[:, :]
    pairs = np.stack([half, ~half], axis=1).reshape(24, 30)
    store = ma.store.write(tmp_path / "pairs", masks=pairs, correct=~pairs)
    groups = store.read_table("models")["group_id"].to_pylist()
    assert groups == [k // 2 for k in range(24)]
    many = worlds(n_models=50, n_train=60)
    store = ma.store.write(tmp_path / "many", masks=many.masks, correct=many.correct)
    groups = store.read_table("models")["group_id"].to_pylist()
    assert groups == sorted(groups)
    assert set(np.bincount(groups)) == {2, 3}
    assert len(set(groups)) == 20


def test_a_store_in_use_or_no_store_is_refused(tmp_path, world):
    """Another writer, or a folder of other things, is left alone."""
    arrays = {"masks": world.masks, "correct": world.correct}
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="holds files but no store"):
        ma.store.write(tmp_path / "things", **arrays)
    assert [p.name for p in (tmp_path / "things").iterdir()] == ["letter.txt"]
    with pytest.raises(DataError, match="Did you mean 'lira'"):
        import_source("lyra", tmp_path, tmp_path / "out", Options())


def test_what_nobody_recorded_contradicts_nothing(tmp_path):
    """Masks and correctness alone: scores that plainly part into two ends are said to.

    100 subsets of 300 examples; all are fitted. The smaller size gets every example right or wrong
    by chance when held out, of the larger one 60 are always wrong, and nobody has a middling score:
    the ranges beside both modes are empty, which is their clearest case.
    """
    generator = np.random.default_rng(3)
    masks = np.concatenate([subsets.balanced_group(300, g, 0.7, 0) for g in range(10)])
    by_chance = masks | (generator.random(masks.shape) < 0.5)
    apart = masks | (np.arange(300) >= 60)
    store = ma.store.write(
        tmp_path / "out", masks=masks, labels=np.arange(300) % 3, sizes=["small", "large"],
        correct={"small": by_chance, "large": apart}, group_ids=np.repeat(np.arange(10), 10),
    )  # fmt: skip
    study = open_study(store.path)
    rows = {r["row"]: r for r in study.table("findings").to_dicts()
            if r["finding"] == "bimodality_grows"}  # fmt: skip
    assert rows["headline"]["verdict"] == "supported"
    assert rows["headline"]["estimate"] == pytest.approx(0.2)
    assert "the label's probability was not recorded" in rows["headline"]["sentence"]
    assert "unknown" not in rows["headline"]["sentence"]
    for row in ("upper_mode", "lower_mode"):
        assert (rows[row]["verdict"], rows[row]["reason"]) == ("supported", "empty_beside")
        assert rows[row]["estimate"] is None
    unchecked = study.sql("from findings where row = 'probability'")
    assert set(unchecked["verdict"]) == {"undetermined"}
    assert set(unchecked["bound"]) == {"consistent"}
    study.close()
