"""Labels that are not those of the outcomes: compared, refused, or said aloud."""

from pathlib import Path

import numpy as np
import pytest
from artefacts import World, make_world, write_leakpro, write_lira, zenodo

import memanalysis as ma
from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source
from memanalysis.importing.labels import LabelFile, read_label_file
from memanalysis.importing.outcomes import Outcome
from memanalysis.importing.plausibility import Tally
from memanalysis.studies import open as open_study

pytestmark = pytest.mark.usefixtures("without_derive")

N = 40
ORDER = np.random.default_rng(3).permutation(N)


@pytest.fixture
def learned() -> World:
    """Models that nearly always know what they trained on: twelve of forty examples."""
    world = make_world(n_train=N)
    world.logits[world.masks] += (
        6 * np.eye(4, dtype=np.float32)[world.labels][np.nonzero(world.masks)[1]]
    )
    return world


def saved(path: Path, values) -> Path:
    """A .npy file."""
    np.save(path, values)
    return path


def layouts(name: str, folder: Path, world: World, labels) -> tuple[Path, Options]:
    """A source without labels of its own, and options that give ``labels``."""
    options = Options(size="r", labels=saved(folder / "given.npy", labels))
    if name == "leakpro":
        return write_leakpro(folder / "leak", world.masks, world.logits), options
    if name == "datamodels":
        source = folder / "dm"
        source.mkdir()
        np.save(source / "train_masks_50pct.npy", world.masks)
        np.save(source / "train_logits_50pct.npy", world.logits)
        return source, options
    source = write_lira(folder / "exp", {"r": world})
    (source / "y_train.npy").unlink()
    return source, Options(labels=options.labels)


@pytest.mark.parametrize("name", ["lira", "leakpro", "datamodels"])
def test_models_that_agree_with_each_other_and_not_with_labels(
    name: str, tmp_path: Path, learned: World, snapshot
) -> None:
    """Labels in another order are refused and nothing is left; the right ones give the scores."""
    source, options = layouts(name, tmp_path, learned, learned.labels[ORDER])
    with pytest.raises(DataError, match="labels are in another order than the outcomes"):
        import_source(name, source, tmp_path / "out", options)
    assert not snapshot(tmp_path / "out")
    np.save(tmp_path / "given.npy", learned.labels)
    store = import_source(name, source, tmp_path / "out", options).store
    rows = open_study(store.path).sql("from memorization order by example_id")
    np.testing.assert_allclose(rows["memorization"].to_numpy(), learned.memorization, atol=1e-6)


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_arrays_of_python_are_judged_alike(tmp_path, learned, kind) -> None:
    """``ma.store.write`` refuses labels in another order, too."""
    z = np.exp(learned.logits.astype(np.float64))
    given = {"logits": learned.logits, "probabilities": z / z.sum(-1, keepdims=True)}[kind]
    same = {"masks": learned.masks, kind: given, "sizes": "r"}
    with pytest.raises(DataError, match="in another order"):
        ma.store.write(tmp_path / "out", labels=learned.labels[ORDER], **same)
    assert ma.store.write(tmp_path / "out", labels=learned.labels, **same).manifest.n_train == N


def test_labels_beside_the_models_are_compared(tmp_path, learned) -> None:
    """LiRA's y_train.npy against --labels, before any outcome is read."""
    source = write_lira(tmp_path / "exp", {"r": learned})
    options = Options(labels=saved(tmp_path / "y.npy", learned.labels[ORDER]))
    with pytest.raises(DataError, match=r"y.npy.*y_train.npy.*another order of the same examples"):
        import_source("lira", source, tmp_path / "out", options, dry_run=True)
    # Labels may go on beyond the logits, as masks may.
    longer = Options(labels=saved(tmp_path / "y.npy", [*learned.labels, 3, 1]))
    assert import_source("lira", source, tmp_path / "out", longer, dry_run=True).lines


def test_predictions_betray_another_order(tmp_path, learned) -> None:
    """With labels they contradict correctness, and without they contradict each other."""
    arrays = zenodo(learned, influence=None)
    np.savez(tmp_path / "a.npz", **arrays)
    options = Options(labels=saved(tmp_path / "y.npy", learned.labels[ORDER]))
    with pytest.raises(DataError, match="correct exactly where the label is predicted"):
        import_source("npz", tmp_path / "a.npz", tmp_path / "out", options)
    shuffled = learned.logits.argmax(-1)
    shuffled[6:] = shuffled[6:, ORDER]
    np.savez(tmp_path / "b.npz", **(arrays | {"trainset_predictions": shuffled}))
    with pytest.raises(DataError, match="Predictions and correctness are in another order"):
        import_source("npz", tmp_path / "b.npz", tmp_path / "out")


def test_an_order_file_is_no_labels(tmp_path, learned) -> None:
    """As many classes as examples are positions, whatever the format."""
    options = Options(labels=saved(tmp_path / "order.npy", ORDER))
    np.savez(tmp_path / "a.npz", **zenodo(learned))
    with pytest.raises(DataError, match="An order or index file holds no labels"):
        import_source("npz", tmp_path / "a.npz", tmp_path / "out", options)
    with pytest.raises(DataError, match="40 classes of 40 examples"):
        ma.store.write(tmp_path / "out", masks=learned.masks, correct=learned.correct,
                       labels=ORDER)  # fmt: skip


def outcomes(rng, right: float, n: int = 500) -> tuple[np.ndarray, Outcome, np.ndarray]:
    """(mask, outcome, labels) of a model that is right with this probability; else it guesses."""
    labels = np.arange(n) % 10
    predicted = np.where(rng.random(n) < right, labels, rng.integers(0, 10, n))
    return rng.random(n) < 0.5, Outcome(predicted == labels, predicted=predicted), labels


@pytest.mark.parametrize(("right", "said"), [(0.0, True), (0.5, False), (0.95, False)])
def test_accuracy_near_chance_is_loud(right: float, said: bool) -> None:
    """Models that guess are possible, and said; half-trained ones are no news."""
    rng = np.random.default_rng(0)
    tally = Tally("here", np.arange(500) % 10)
    for _ in range(4):
        mask, outcome, _ = outcomes(rng, right)
        tally.add(mask, outcome)
    tally.raise_if_impossible()
    assert any("WARNING" in note and "near chance" in note for note in tally.notes()) == said


def test_masks_that_mark_the_held_out_are_said() -> None:
    """Better on what was held out than on what was trained on."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4
    tally = Tally("here", labels)
    for _ in range(4):
        mask = rng.random(400) < 0.5
        predicted = np.where(mask & (rng.random(400) < 0.6), (labels + 1) % 4, labels)
        tally.add(mask, Outcome(predicted == labels, predicted=predicted))
    (note,) = tally.notes()
    assert "held out" in note
    assert "WARNING" in note


# Labels by name, and where they stand


def test_labels_are_joined_by_name(tmp_path) -> None:
    """Scores sorted by value meet labels in another order, each with its own."""
    (tmp_path / "s.csv").write_text("filename,el2n\nc.png,.9\na.png,.5\nb.png,.1\n")
    (tmp_path / "l.csv").write_text("filename,label\na.png,0\nb.png,1\nc.png,2\nd.png,3\n")
    options = Options(labels=tmp_path / "l.csv")
    store = import_source("scores", tmp_path / "s.csv", tmp_path / "out", options).store
    table = store.read_table("examples")
    assert dict(zip(*(table[c].to_pylist() for c in ("source_id", "label")), strict=True)) == {
        "c.png": 2, "a.png": 0, "b.png": 1}  # fmt: skip
    (tmp_path / "short.csv").write_text("filename,label\na.png,0\n")
    with pytest.raises(DataError, match=r"no label of 'c.png', of 2 examples"):
        import_source("scores", tmp_path / "s.csv", tmp_path / "new",
                      Options(labels=tmp_path / "short.csv"))  # fmt: skip


@pytest.mark.parametrize("name", ["scores", "dynamics", "npz", "cscore"])
def test_labels_in_order_are_refused_beside_names(tmp_path, world, name) -> None:
    """Rows with names have an order of their own."""
    names = np.array([f"img_{i}.png" for i in range(30)])
    labels = saved(tmp_path / "y.npy", world.labels)
    if name == "npz":
        np.savez(tmp_path / "s.npz", **zenodo(world), example_id=names)
    elif name == "cscore":
        np.savez(tmp_path / "s.npz", labels=world.labels, scores=np.arange(30) / 30,
                 filenames=names)  # fmt: skip
        labels = saved(tmp_path / "y.npy", np.roll(world.labels, 1))
    else:
        header = {"scores": "filename,depth", "dynamics": "sample_id,aum"}[name]
        rows = "".join(f"{name},{i}\n" for i, name in enumerate(names))
        (tmp_path / "s.csv").write_text(f"{header}\n{rows}")
    source = tmp_path / ("s.npz" if name in ("npz", "cscore") else "s.csv")
    with pytest.raises(DataError, match=r"CSV of name,label|another order of the same"):
        import_source(name, source, tmp_path / "out", Options(labels=labels, hard_is="low"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "0\n1\n2\n"),
        ("b.csv", "label\n0\n1\n2\n"),
        ("c.csv", "1,1\n0,0\n2,2\n"),
        ("d.csv", "name,label\n2,2\n1,1\n0,0\n"),
        ("e.csv", "label,id\n2,2\n1,1\n0,0\n"),
        ("f.csv", ",label\n0,0\n1,1\n2,2\n"),
        ("g.tsv", "id\tlabel\n2\t2\n1\t1\n0\t0\n"),
        ("h.csv", "id;label;fold\n2;2;0\n1;1;0\n0;0;1\n"),
        ("i.csv:gold", "id,gold,label\n2,2,9\n1,1,9\n0,0,9\n"),
        ("j.jsonl", '{"id": 1, "label": 1}\n{"id": 0, "label": 0}\n{"id": 2, "label": 2}\n'),
    ],
)
def test_labels_of_tables(tmp_path, name, text) -> None:
    """Each says label i of example i, in one order or another."""
    file, _, key = name.partition(":")
    (tmp_path / file).write_text(text)
    path = tmp_path / (f"{file}:{key}" if key else file)
    assert read_label_file(path).in_order().tolist() == [0, 1, 2]


def test_a_key_of_several_in_one_archive(tmp_path) -> None:
    """``FILE:KEY`` names it; a pickle is called one."""
    np.savez(tmp_path / "cifar_n.npz", clean=[0, 1], worse=[1, 1])
    assert read_label_file(tmp_path / "cifar_n.npz:worse").labels.tolist() == [1, 1]
    with pytest.raises(DataError, match="among clean, worse"):
        read_label_file(tmp_path / "cifar_n.npz")
    (tmp_path / "human.pt").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(DataError, match="a pickle, which is never read"):
        read_label_file(tmp_path / "human.pt")


def test_names_that_are_no_positions_have_no_order() -> None:
    """Labels by file name cannot be laid over positions."""
    with pytest.raises(DataError, match="the examples have no names here"):
        LabelFile("labels", np.array([0, 1]), ["a.png", "b.png"]).in_order()


def test_noise_that_is_known_has_a_kind(tmp_path, world) -> None:
    """Clean labels in the archive or beside it tell noisy examples from clean ones."""
    clean = world.labels.copy()
    clean[:7] = (clean[:7] + 1) % 4
    arrays = zenodo(world, labels=world.labels)
    np.savez(tmp_path / "a.npz", **arrays, clean_labels=clean)
    np.savez(tmp_path / "b.npz", **arrays)
    given = Options(clean_labels=saved(tmp_path / "clean.npy", clean))
    for name, options in (("a", Options()), ("b", given)):
        store = import_source("npz", tmp_path / f"{name}.npz", tmp_path / name, options).store
        kinds = store.read_table("examples")["kind"].to_pylist()[:30]
        assert kinds == ["noisy"] * 7 + ["clean"] * 23
    # A store that is there gets them with its next import.
    later = Options(size="later", clean_labels=given.clean_labels)
    plain = import_source("npz", tmp_path / "b.npz", tmp_path / "c").store
    assert plain.read_table("examples")["kind"].null_count == len(plain.read_table("examples"))
    store = import_source("npz", tmp_path / "b.npz", tmp_path / "c", later).store
    assert store.read_table("examples")["kind"].to_pylist()[:8] == ["noisy"] * 7 + ["clean"]
    beyond = Options(clean_labels=saved(tmp_path / "x.npy", clean + 9), class_names=tuple("abcd"))
    with pytest.raises(DataError, match=r"clean label 1[0-2]; expected at most 3"):
        import_source("npz", tmp_path / "b.npz", tmp_path / "d", beyond)


def test_labels_that_count_from_one_and_strange_clean_ones_are_told(tmp_path, world) -> None:
    """Both leave every score right, and classes by their number wrong."""
    arrays = {"trainset_mask": world.masks, "trainset_correctness": world.correct}
    clean = world.labels + 1
    clean[0] = 77
    np.savez(tmp_path / "a.npz", **arrays, labels=world.labels + 1, clean_labels=clean)
    done = import_source("npz", tmp_path / "a.npz", tmp_path / "out", Options(size="a"))
    told = "\n".join(done.lines)
    assert "the smallest label is 1, and classes are numbered from 0" in told
    assert "classes that no label has (77)" in told
