"""LiRA directories, written as the code of tensorflow/privacy writes them."""

import numpy as np
import pytest
from artefacts import softmax, write_lira

from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.studies import open as open_study


def test_architectures_become_sizes(tmp_path, world, worlds, memorization, is_whole):
    """Scores equal NumPy's on plain outputs of the last epoch, sizes are in order, pairs paired."""
    wide = worlds(seed=3, masks=world.masks, labels=world.labels)
    source = write_lira(tmp_path / "exp", {"wrn28-2": wide, "cnn32-3-mean": world}, longer_masks=5)
    store = import_source("lira", source, tmp_path / "out").store
    assert store.manifest.sizes == ["cnn32-3-mean", "wrn28-2"]
    assert store.manifest.families == {"cnn32-3-mean": "cnn", "wrn28-2": "wrn"}
    assert store.manifest.n_subsets == 12
    np.testing.assert_array_equal(memorization(store, "cnn32-3-mean"), world.memorization)
    np.testing.assert_array_equal(memorization(store, "wrn28-2"), wide.memorization)
    study = open_study(store.path)
    by = study.sql("from memorization_by(signal := 'probability') where size = 'wrn28-2'")
    p = np.take_along_axis(softmax(wide.logits), wide.labels[None, :, None], -1)[..., 0]
    inside = wide.masks
    expected = (p * inside).sum(0) / inside.sum(0) - (p * ~inside).sum(0) / (~inside).sum(0)
    np.testing.assert_allclose(by.sort("example_id")["memorization"], expected, atol=1e-3)
    assert study.table("paired_changes")["paired"].all()
    models = study.table("models")
    assert set(models["evaluation_mode"]) == {"unknown"}
    assert set(models["epochs"]) == {100}
    (entry,) = store.manifest.imports
    assert entry["order"] == "tfds"
    assert any("batch norm" in note for note in entry["notes"])
    is_whole(store.path)


@pytest.mark.usefixtures("without_derive")
def test_the_mean_over_augmentations_is_an_option(tmp_path, world, memorization):
    """Averaged logits decide when asked for, and the manifest says so."""
    source = write_lira(tmp_path / "exp", {"wrn28-1": world})
    store = import_source("lira", source, tmp_path / "out", Options(augmentation="mean")).store
    mean = (world.logits + world.logits[:, :, ::-1]) / 2
    right, inside = mean.argmax(-1) == world.labels, world.masks
    expected = (right & inside).sum(0) / inside.sum(0) - (right & ~inside).sum(0) / (~inside).sum(0)
    np.testing.assert_array_equal(memorization(store, "wrn28-1"), expected)
    assert store.manifest.imports[0]["augmentation"] == "mean"


def _overwrite(name, change):
    def apply(source):
        path = next(source.glob(f"experiment-3_*/{name}"))
        np.save(path, change(np.load(path)))

    return apply


def _truncate(source):
    path = next(source.glob("experiment-3_*/logits/0000000100.npy"))
    path.write_bytes(path.read_bytes()[:-10])


LOGITS = "logits/0000000100.npy"
FAULTS = {
    "README shape": (_overwrite(LOGITS, lambda z: z[:, 0, 0, 0]), [r"\(30,\)", "augmentations"]),
    "fewer examples": (_overwrite(LOGITS, lambda z: z[:-1]), ["29 examples", "30 and 4"]),
    "short mask": (_overwrite("keep.npy", lambda k: k[:-1]), ["keep.npy", r"\(29,\)"]),
    "objects": (_overwrite("keep.npy", lambda k: k.astype(object)), ["keep.npy", "pickles"]),
    "NaN": (_overwrite(LOGITS, lambda z: z * np.nan), ["nan at example 0, class 0", "finite"]),
    "held-out mask": (_overwrite("keep.npy", lambda k: k * 3), ["keep.npy", "3 at model 3"]),
    "truncated": (_truncate, ["bytes", "truncated"]),
    "no outputs": (
        lambda s: [p.unlink() for p in s.glob("experiment-3_*/logits/*")],
        ["experiment-3_12", "no logits"],
    ),
    "unfinished": (
        lambda s: next(s.glob("experiment-3_*/logits/0000000100.npy")).unlink(),
        ["epoch 80", "100"],
    ),
    "bad hparams": (
        lambda s: next(s.glob("experiment-3_*/hparams.json")).write_text("{"),
        [r"hparams\.json", "JSON"],
    ),
    "no labels": (lambda s: (s / "y_train.npy").unlink(), ["y_train", "--labels"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_message_and_nothing_is_begun(name, tmp_path, world):
    """The file, what was found and what was expected are named; the store is not made."""
    damage, said = FAULTS[name]
    source = write_lira(tmp_path / "exp", {"wrn28-1": world})
    damage(source)
    with pytest.raises(DataError) as caught:
        import_source("lira", source, tmp_path / "out")
    for pattern in said:
        caught.match(pattern)
    assert not (tmp_path / "out").exists()


def test_masks_must_have_the_declared_density(tmp_path, worlds):
    """pkeep of hparams.json against the masks: turned-over ones are refused, and called that."""
    world = worlds(n_train=400, n_models=24)
    source = write_lira(tmp_path / "exp", {"wrn28-1": world}, pkeep=1 / 3)
    with pytest.raises(DataError, match=r"0\.667 of the examples.*turn it over"):
        import_source("lira", source, tmp_path / "out", dry_run=True)


def copies(kind, root, world):
    """The layouts of LiRA's PyTorch copies, which keep no settings."""
    root.mkdir()
    for at, (keep, z) in enumerate(zip(world.masks, world.logits, strict=True)):
        stacked = np.stack([z, z[:, ::-1]], axis=1)
        if kind in ("matrix", "indices in rows"):
            folder = root / f"model_{at}" / "logits"
            folder.mkdir(parents=True)
            np.save(folder / "logits.npy", stacked[:, None])
            continue
        folder = root / str(at)
        folder.mkdir()
        np.save(folder / "logits.npy", z if kind == "no augmentations" else stacked)
        np.save(folder / "keep.npy", np.flatnonzero(keep) if kind == "indices" else keep)
        np.save(folder / "scores.npy", stacked[..., 0])
    if kind == "matrix":
        np.save(root / "keep_indices.npy", world.masks)
    if kind == "indices in rows":
        rows = [np.flatnonzero(mask) for mask in world.masks]
        np.save(root / "keep_indices.npy", np.array(rows))
    np.save(root.parent / "y.npy", world.labels)
    return root, Options(labels=root.parent / "y.npy", size="resnet18")


@pytest.mark.usefixtures("without_derive")
@pytest.mark.parametrize(
    "kind", ["augmentations", "no augmentations", "indices", "matrix", "indices in rows"]
)
def test_copies_in_pytorch(tmp_path, worlds, memorization, kind):
    """Scores equal NumPy's from every layout, without hparams.json; a note says so."""
    masks = np.random.default_rng(4).permuted(np.tile(np.arange(30) < 15, (11, 1)), axis=1)
    world = worlds(masks=masks)
    source, options = copies(kind, tmp_path / "exp", world)
    done = import_source("lira", source, tmp_path / "out", options)
    np.testing.assert_array_equal(memorization(done.store, "resnet18"), world.memorization)
    assert any("No hparams.json" in line for line in done.lines)
    assert any("Masks are indices" in line for line in done.lines) == ("indices" in kind)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: np.save(s / "3" / "logits.npy", np.load(s / "3" / "logits.npy").T),
         "transposed|examples and"),
        (lambda s: [np.save(p, np.load(p).swapaxes(0, 1)) for p in s.glob("*/logits.npy")],
         "beside a mask of 30 examples.*transposed"),
        (lambda s: (s / "3" / "logits.npy").unlink(), "no logits/.*npy and no logits.npy"),
        (lambda s: np.save(s.parent / "y.npy", np.load(s.parent / "y.npy") + 1),
         "4 classes; expected more than the largest label, 4.*lowered by 1"),
        (lambda s: np.save(s.parent / "y.npy", np.load(s.parent / "y.npy")[:20]), "20 labels"),
        (lambda s: [p.unlink() for p in s.glob("*/keep.npy")], "no .*keep.npy.*keep_indices.npy"),
    ],
)  # fmt: skip
def test_faults_of_copies_are_one_message(tmp_path, world, damage, message):
    """What was found, what was expected, and labels that count from 1."""
    source, options = copies("augmentations", tmp_path / "exp", world)
    damage(source)
    with pytest.raises(DataError, match=f"(?s){message}"):
        import_source("lira", source, tmp_path / "out", options)


def test_the_same_fault_of_many_models_is_not_a_page(tmp_path, worlds):
    """Twenty lines and the number of the others."""
    source, options = copies("augmentations", tmp_path / "exp", worlds(n_models=25))
    for path in source.glob("*/logits.npy"):
        path.unlink()
    with pytest.raises(DataError, match="and 5 more") as caught:
        import_source("lira", source, tmp_path / "out", options)
    assert len(str(caught.value).splitlines()) == 22
