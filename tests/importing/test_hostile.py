"""Inputs that were never meant to be imported: one message, and no store."""

import numpy as np
import polars as pl
import pytest

import memanalysis as ma
from memanalysis import cli
from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source

pytestmark = pytest.mark.usefixtures("without_derive")


def arrays(world, **changes):
    """Arguments of ``ma.store.write``, of a world."""
    given = {"masks": world.masks, "correct": world.correct, "labels": world.labels, "sizes": "s"}
    return {**given, **changes}


WRONG = {
    "ragged masks": ({"masks": [[1, 0], [1]]}, "list that NumPy cannot read"),
    "labels beyond int32": ({"labels": np.full(30, 2**31)}, "label 2147483648"),
    "labels beyond int64": ({"labels": np.full(30, 2**63, np.uint64)}, "64 bits"),
    "test labels alone": ({"test_labels": [0, 1]}, "test_labels: found labels alone"),
    "size of 65 characters": ({"sizes": "x" * 65}, "at most 64 letters"),
    "size that is a number": ({"sizes": 18}, "found 18; expected a name"),
    "sizes that are numbers": ({"sizes": [1, 2]}, "a name as text"),
    "arrays of a size not named": (
        {"sizes": ["a", "b"], "correct": {"a": 1, "b": 1, "c": 1}}, "sizes 'c'; expected of a, b"),
    "parameters of a size not named": ({"parameters": {"S": 4}}, "size 'S'"),
    "a number for several sizes": ({"sizes": ["a", "b"], "correct": 5}, "found 5; expected 2"),
    "no objective": ({"objectives": None}, "found None"),
    "class names in one text": ({"class_names": "abcd"}, "the text 'abcd'"),
    "class names twice": ({"class_names": ["a", "b", "b", "c"]}, "'b' more than once"),
    "group ids between numbers": ({"group_ids": np.arange(12) / 3}, "group_ids: found numbers"),
    "parameters in words": ({"parameters": "many"}, "parameters = 'many'"),
    "parameters beyond int64": ({"parameters": 2**70}, "parameters = 1180591620717411303424"),
    "no epochs": ({"epochs": -1}, "epochs = -1; expected a whole number from 1"),
    "family that is a number": ({"family": 5}, "family = 5"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_said_must_fit_a_store(tmp_path, world, snapshot, name):
    """The message names what was given; nothing is left."""
    changes, message = WRONG[name]
    with pytest.raises(DataError) as error:
        ma.store.write(tmp_path / "out", **arrays(world, **changes))
    assert message in str(error.value)
    assert not snapshot(tmp_path / "out")


def test_masked_values_are_not_read(tmp_path, world):
    """A masked array would be imported with whatever lies below its mask."""
    hidden = np.ma.array(world.correct, mask=world.masks)
    with pytest.raises(DataError, match="masked values"):
        ma.store.write(tmp_path / "out", **arrays(world, correct=hidden))


def test_rows_of_frames_are_models(tmp_path, world, memorization):
    """A frame of pandas gives a column by index, one of Polars a frame; the scores are NumPy's."""
    store = ma.store.write(tmp_path / "out", **arrays(world, masks=pl.DataFrame(world.masks)))
    np.testing.assert_array_equal(memorization(store, "s"), world.memorization)


def test_logits_that_no_class_can_be_told_from(tmp_path, world):
    """One class, other classes in test, and logits that float16 cannot keep."""
    binary = {"logits": world.logits[..., :1], "labels": world.labels * 0}
    test = {"test_logits": world.test_logits[..., :3], "test_labels": world.test_labels % 3}
    for changes, message in (
        (binary, "logits of 1 class"),
        ({"logits": world.logits, **test}, "3 classes; expected 4"),
        ({"logits": world.logits * 1e6, "keep_logits": True}, "which float16 can hold"),
    ):
        with pytest.raises(DataError, match=message):
            ma.store.write(tmp_path / "out", **arrays(world, correct=None, **changes))


def square(worlds, folder, **changes):
    """An archive with as many models as examples, its arrays turned."""
    world = worlds(n_models=30, n_train=30)
    found = {"trainset_mask": world.masks.T, "trainset_correctness": world.correct.T,
             "memorization": world.memorization, "labels": world.labels, **changes}  # fmt: skip
    np.savez(folder / "square.npz", **found)
    return folder / "square.npz"


def test_a_published_score_proves_the_axes_only_where_it_is_compared(tmp_path, worlds):
    """Turned square arrays are found with --models, and a score of NaN proves nothing."""
    with pytest.raises(DataError, match="values that the masks do not give"):
        import_source("npz", square(worlds, tmp_path), tmp_path / "out", Options(models=5))
    nothing = square(worlds, tmp_path, memorization=np.full(30, np.nan))
    with pytest.raises(DataError, match="--axes-known"):
        import_source("npz", nothing, tmp_path / "out")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("total_runs", "many", "expected integers"),
        ("total_runs", 12.7, "numbers that are not whole"),
        ("total_runs", -1, "found -1; expected one number"),
        ("class_names", "a", r"found shape \(\); expected \(classes,\)"),
    ],
)
def test_small_keys_of_an_archive_are_checked(tmp_path, world, key, value, message):
    """The message names the key."""
    np.savez(tmp_path / "a.npz", trainset_mask=world.masks, trainset_correctness=world.correct,
             **{key: value})  # fmt: skip
    with pytest.raises(DataError, match=f"key '{key}': .*{message}"):
        import_source("npz", tmp_path / "a.npz", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": float("nan")}, "temperature = nan"),
        ({"ratio": float("nan")}, "--ratio"),
        ({"n_train": 5}, "--n-train: found 5; expected 30"),
        ({"size": ""}, "--size: found an empty name"),
    ],
)
def test_options_that_say_nothing_possible(tmp_path, world, options, message):
    """NaN is in no range, and what the source says itself is not overruled in silence."""
    np.savez(tmp_path / "a.npz", trainset_mask=world.masks, trainset_correctness=world.correct,
             labels=world.labels)  # fmt: skip
    with pytest.raises(DataError, match=message):
        import_source("npz", tmp_path / "a.npz", tmp_path / "out", Options(**options))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"example_id,sc\xe9\n0,1\n", "text in UTF-8"),
        (b"example_id,a,a\n0,1,1\n", "column 'a' more than once"),
        (b"example_id,a\n0,1\n1000000000,2\n", "1,000,000,001 examples for 2 scores"),
        (b"example_id,\n0,1\n", "a proxy called ''"),
        (b'example_id,"a\nb"\n0,1\n', "that can be printed"),
        (b"example_id,a\n", "numbers beside 'example_id'"),
    ],
)
def test_tables_of_scores_that_are_none(tmp_path, content, message):
    """Each is one message; a wild id asks for no memory."""
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        import_source("scores", tmp_path / "a.csv", tmp_path / "out", Options(hard_is="high"))


def test_columns_that_are_no_scores_are_named(tmp_path):
    """One cell of text makes a column text, which a note says."""
    (tmp_path / "a.csv").write_text("example_id,a,b\n0,1,1\n1,2,n/a?\n")
    done = import_source(
        "scores", tmp_path / "a.csv", tmp_path / "out", Options(hard_is="high"), dry_run=True
    )
    assert "note: a.csv: not imported: b." in done.lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,label\n0,3\n1,2\n", "found 2 labels"),
        (f"label\n{10**30}\n", "too large"),
        ('label\n"' + "1" * 200_000 + '"\n', "field larger"),
        ("1.0\n2\n", "invalid literal"),
    ],
)
def test_labels_are_one_column_of_integers(tmp_path, world, content, message):
    """A first column of ids is not taken for labels, nor a first float for a header."""
    np.savez(tmp_path / "a.npz", trainset_mask=world.masks, trainset_correctness=world.correct)
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(DataError, match=f"labels.csv.*{message}"):
        import_source(
            "npz", tmp_path / "a.npz", tmp_path / "out", Options(labels=tmp_path / "labels.csv")
        )


def test_labels_of_a_spreadsheet_lose_no_line(tmp_path, world):
    """A byte order mark before the first label does not make a header of it."""
    np.savez(tmp_path / "a.npz", trainset_mask=world.masks, trainset_correctness=world.correct)
    text = "\ufeff" + "\n".join(map(str, world.labels))
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    options = Options(labels=tmp_path / "labels.csv")
    store = import_source("npz", tmp_path / "a.npz", tmp_path / "out", options).store
    assert store.read_table("examples")["label"].to_pylist() == world.labels.tolist()


def test_what_the_file_system_refuses_is_one_message(tmp_path, world, capsys):
    """Places below a file and names that are too long; no internal error."""
    np.savez(tmp_path / "a.npz", trainset_mask=world.masks, trainset_correctness=world.correct)
    for out, message in ((tmp_path / "a.npz" / "x", "Not a directory"),
                         (tmp_path / ("x" * 300), "File name too long")):  # fmt: skip
        assert cli.run(["import", "npz", str(tmp_path / "a.npz"), "--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert message in said
        assert "internal" not in said
