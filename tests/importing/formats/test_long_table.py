"""Long tables: every row lands in its place, or one message and nothing changed."""

import numpy as np
import polars as pl
import pytest

from memanalysis.errors import DataError
from memanalysis.importing import Options, import_source

pytestmark = pytest.mark.usefixtures("without_derive")


def long(world) -> pl.DataFrame:
    """One row for each model and example, in no order."""
    models, n = world.masks.shape
    model, example = np.divmod(np.random.default_rng(0).permutation(models * n), n)
    return pl.DataFrame(
        {
            "model": [f"run-{k}" for k in model],
            "example": example,
            "in_train": world.masks[model, example].astype(int),
            "correct": world.correct[model, example].astype(int),
            "seconds": np.ones(len(model)),
        }
    )


def test_the_scores_are_those_of_the_definition(tmp_path, world, memorization) -> None:
    """Rows in any order give NumPy's scores on the arrays, and labels join by position."""
    long(world).write_csv(tmp_path / "a.csv")
    np.save(tmp_path / "y.npy", world.labels)
    given = Options(size="r18", labels=tmp_path / "y.npy")
    done = import_source("long", tmp_path / "a.csv", tmp_path / "out", given)
    np.testing.assert_array_equal(memorization(done.store, "r18"), world.memorization)
    found = done.store.read_table("examples")["label"].to_pylist()
    assert found[:30] == world.labels.tolist()
    assert any("not imported: seconds" in line for line in done.lines)


FAULTS = {
    "no column": (lambda t: t.drop("correct"), "'correct' among them"),
    "twice": (lambda t: pl.concat([t, t[:1]]), "found 2 rows of model"),
    "a row is missing": (lambda t: t[1:], "found 0 rows of model"),
    "a share": (lambda t: t.with_columns(correct=pl.lit(0.5)), "column 'correct': found values"),
    "empty": (
        lambda t: t.with_columns(model=pl.lit(None, pl.String)),
        "column 'model': found empty",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_message(tmp_path, world, snapshot, name) -> None:
    """It names the file and the column, and no store is made."""
    change, message = FAULTS[name]
    change(long(world)).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=message):
        import_source("long", tmp_path / "a.csv", tmp_path / "out")
    assert not snapshot(tmp_path / "out")
