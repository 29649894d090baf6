"""The npz interchange file: imported exactly, or one message and nothing changed."""

from collections import Counter

import numpy as np
import pytest
from artefacts import zenodo

from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study


def save(path, arrays):
    """Write an uncompressed archive, as numpy.savez does."""
    np.savez(path, **arrays)
    return path


def test_the_scores_are_those_of_the_definition(tmp_path, world, memorization, is_whole):
    """Scores, accuracies and counts equal NumPy's on the arrays; the store is whole."""
    source = save(tmp_path / "released.npz", zenodo(world))
    labels = tmp_path / "labels.npy"
    np.save(labels, world.labels)
    done = import_source("npz", source, tmp_path / "out", Options(size="r18", labels=labels))
    assert done.store.manifest.sizes == ["r18"]
    np.testing.assert_array_equal(memorization(done.store, "r18"), world.memorization)
    models = open_study(tmp_path / "out").table("models").sort("subset_id")
    np.testing.assert_allclose(models["accuracy_test"], world.test_correct.mean(1))
    assert models["finished_at"].null_count() == models["parameters"].null_count() == 12
    is_whole(tmp_path / "out")


@pytest.mark.usefixtures("without_derive")
def test_our_own_keys_are_read(tmp_path, world, memorization):
    """size, objective, labels, class names and groups come from the file."""
    ours = {
        "labels": world.labels, "test_labels": world.test_labels,
        "clean_labels": world.labels[::-1],
        "example_id": np.arange(30), "group_id": np.arange(12) // 3, "size": "w4",
        "objective": "distilled", "class_names": np.array(["a", "b", "c", "d"]),
    }  # fmt: skip
    source = save(tmp_path / "ours.npz", zenodo(world, **ours))
    store = import_source("npz", source, tmp_path / "out").store
    np.testing.assert_array_equal(memorization(store, "w4", "distilled"), world.memorization)
    examples = store.read_table("examples")
    assert examples["label"].to_pylist() == [*world.labels, *world.test_labels]
    assert examples["clean_label"].to_pylist()[:30] == world.labels[::-1].tolist()
    assert examples["source_id"].null_count == 38
    assert store.manifest.class_names == ["a", "b", "c", "d"]
    assert store.read_table("models")["group_id"].to_pylist() == [k // 3 for k in range(12)]


@pytest.mark.usefixtures("without_derive")
def test_compressed_and_column_major_archives_are_the_same(tmp_path, world, memorization):
    """Storage order and compression change no score."""
    arrays = {key: np.asfortranarray(value) for key, value in zenodo(world).items()}
    np.savez_compressed(tmp_path / "turned.npz", **arrays)
    store = import_source("npz", tmp_path / "turned.npz", tmp_path / "out").store
    np.testing.assert_array_equal(memorization(store, "unknown"), world.memorization)


def test_a_dry_run_says_what_there_is_and_writes_nothing(tmp_path, world, snapshot):
    """Counts of models, examples and groups are told; no file appears."""
    source = save(tmp_path / "released.npz", zenodo(world, surplus=np.zeros(3)))
    before = snapshot(tmp_path)
    text = "\n".join(import_source("npz", source, tmp_path / "out", dry_run=True).lines)
    assert snapshot(tmp_path) == before
    assert "30 of train, 8 of test" in text
    assert "12 of size unknown, one_hot" in text
    assert "in 8 models and out of 4" in text
    assert "6 groups of 2" in text
    assert "not imported: surplus" in text


@pytest.mark.usefixtures("without_derive")
def test_predictions_become_votes(tmp_path, world):
    """Each class counted by side in a loop; without test predictions there are no votes."""
    source = save(tmp_path / "released.npz", zenodo(world))
    store = import_source("npz", source, tmp_path / "out").store
    counts = Counter()
    for mask, logits, test in zip(world.masks, world.logits, world.test_logits, strict=True):
        for example, z in enumerate([*logits, *test]):
            inside = example < len(mask) and bool(mask[example])
            counts[example, int(z.argmax()), inside] += 1
    found = Counter()
    for row in store.read_table("votes").to_pylist():
        found[row["example_id"], row["class"], True] = row["n_in"]
        found[row["example_id"], row["class"], False] = row["n_out"]
    assert +found == counts
    partly = save(tmp_path / "partly.npz", zenodo(world, testset_predictions=None))
    assert not import_source("npz", partly, tmp_path / "partly").store.read_table("votes").num_rows


def _nan(values):
    changed = values.astype(np.float64)
    changed[3, 5] = np.nan
    return changed


def _two(values):
    changed = values.astype(np.int8)
    changed[3, 5] = 2
    return changed


FAULTS = {
    "transposed mask": (lambda w: {"trainset_mask": w.masks.T}, ["trainset_mask", "transposed"]),
    "wrong shape": (
        lambda w: {"trainset_correctness": w.correct[:, :-1]},
        ["trainset_correctness", r"\(12, 29\)", "12 models, 30 training examples"],
    ),
    "fewer runs": (lambda _: {"total_runs": 13}, ["trainset_mask", r"\(12, 30\)", "13 models"]),
    "missing key": (
        lambda _: {"trainset_mask": None},
        ["found keys total_runs, trainset_correctness", "'trainset_mask' among them"],
    ),
    "NaN": (
        lambda w: {"trainset_correctness": _nan(w.correct), "memorization": None},
        ["trainset_correctness", "nan at model 3, example 5", "0 or 1"],
    ),
    "a 2 in the mask": (
        lambda w: {"trainset_mask": _two(w.masks), "memorization": None},
        ["trainset_mask", "2 at model 3, example 5", "0 or 1"],
    ),
    "objects": (
        lambda w: {"trainset_correctness": w.correct.astype(object)},
        ["trainset_correctness", "Python objects", "pickles"],
    ),
    "swapped mask": (lambda w: {"trainset_mask": ~w.masks}, ["memorization", "held out; turn"]),
    "other score": (
        lambda w: {"memorization": w.memorization[::-1]},
        ["memorization", "in another order than the score, or of other models"],
    ),
    "test predictions of other models": (
        lambda w: {"testset_correctness": w.test_correct[:-2]},
        ["testset_correctness", r"\(10, 8\)", "12 models"],
    ),
    "predictions of other models": (
        lambda w: {"labels": w.labels, "trainset_predictions": 3 - w.logits.argmax(-1)},
        [
            "trainset_predictions",
            "model 0",
            "label",
            "correct exactly where the label is predicted",
        ],
    ),
    "predictions of other shape": (
        lambda w: {"testset_predictions": w.test_logits.argmax(-1)[:, :-1]},
        ["testset_predictions", r"\(12, 7\)", "12 models"],
    ),
    "text": (lambda _: {"labels": np.array(["cat"] * 30)}, ["labels", "integers"]),
    "wrong number of labels": (
        lambda w: {"labels": w.labels[:-1], "memorization": None},
        ["(29,)"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_message_and_changes_nothing(name, tmp_path, world):
    """File, key, found and expected are named, and no store is begun."""
    change, said = FAULTS[name]
    source = save(tmp_path / "faulty.npz", zenodo(world, **change(world)))
    with pytest.raises(DataError) as caught:
        import_source("npz", source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for pattern in ["faulty.npz", *said]:
        caught.match(pattern)


@pytest.mark.usefixtures("without_derive")
@pytest.mark.parametrize("damage", ["truncated", "flipped", "NaN at the last model"])
def test_late_damage_leaves_the_store_as_it_was(damage, tmp_path, world, worlds, snapshot):
    """What only the last model shows undoes everything before it, to the byte."""
    out = tmp_path / "out"
    import_source("npz", save(tmp_path / "first.npz", zenodo(world)), out, Options(size="a"))
    other = worlds(seed=1, masks=world.masks)
    correct = other.correct.astype(np.float32)
    if damage == "NaN at the last model":
        correct[-1, -1] = np.nan
    arrays = zenodo(other, memorization=None, trainset_correctness=correct)
    source = save(tmp_path / "second.npz", arrays)
    content = bytearray(source.read_bytes())
    if damage == "truncated":
        source.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        at = content.find(correct.tobytes()) + correct.nbytes - 40
        content[at] ^= 0x80
        source.write_bytes(content)
    before = snapshot(out)
    with pytest.raises(DataError, match=r"second\.npz"):
        import_source("npz", source, out, Options(size="b"))
    assert snapshot(out) == before
    assert Store.open(out).manifest.sizes == ["a"]


def test_square_arrays_need_a_word(tmp_path, worlds):
    """As many models as examples could lie either way round; --axes-known settles it."""
    world = worlds(n_models=30)
    source = save(tmp_path / "square.npz", zenodo(world, memorization=None))
    with pytest.raises(DataError, match="axes-known"):
        import_source("npz", source, tmp_path / "out", dry_run=True)
    said = Options(axes_known=True)
    assert import_source("npz", source, tmp_path / "out", said, dry_run=True).lines
