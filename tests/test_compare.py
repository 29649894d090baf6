"""Comparing stores: perfect agreement, none, noise taken out, examples matched by their origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import memanalysis as ma
from memanalysis.cli import run
from memanalysis.errors import StoreError
from memanalysis.experiments.simulate import simulate
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Store

pytestmark = pytest.mark.usefixtures("without_derive")
SIZES = ("s1", "s2")


def store(path: Path, world: str, **changes) -> Store:
    """A small simulated store of one objective."""
    settings = {
        "n_train": 400,
        "n_test": 20,
        "sizes": SIZES,
        "groups": 8,
        "objectives": ["one_hot"],
    }
    return simulate(path, world=world, **settings | {"proxies": ()} | changes)


def pearson(frame: pl.DataFrame, size_a: str, size_b: str) -> dict:
    """The one row of two sizes."""
    return frame.filter(size_a=size_a, size_b=size_b, method="pearson").row(0, named=True)


def test_sizes_with_the_same_truth_agree_once_noise_is_taken_out(tmp_path: Path) -> None:
    """Where p_in and p_out are the same at both sizes, the corrected correlation is 1."""
    path = store(tmp_path / "a", "no-change").path
    row = pearson(ma.compare(path, path), "s1", "s2")
    assert row["estimate"] < 0.95
    assert row["corrected_estimate"] == pytest.approx(1, abs=0.08)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    assert (row["n_examples"], row["same_subsets"]) == (400, True)


def test_shared_subsets_are_known_whatever_the_numbers_of_groups(tmp_path: Path) -> None:
    """The second store goes on where the first ends, in the middle of a byte; not so the third."""
    first = store(tmp_path / "a", "no-change", groups=2, ratio=0.5).path
    second = store(tmp_path / "b", "no-change", groups=3, ratio=0.5).path
    third = store(tmp_path / "c", "no-change", groups=2, ratio=0.7).path
    assert ma.compare(first, second)["same_subsets"].all()
    assert not ma.compare(first, third)["same_subsets"].any()


def test_a_size_with_itself_is_its_split_half_correlation(tmp_path: Path) -> None:
    """Opposite halves of one score correlate by their reliability, so corrected it is 1 exactly."""
    path = store(tmp_path / "a", "no-change").path
    row = pearson(ma.compare(path, path), "s2", "s2")
    assert row["corrected_estimate"] == pytest.approx(1)
    assert 2 * row["estimate"] / (1 + row["estimate"]) == pytest.approx(row["reliability_a"])


def test_independent_truths_do_not_agree(tmp_path: Path) -> None:
    """Where every size draws its own p_in and p_out, zero lies in the interval."""
    path = store(tmp_path / "a", "uniform").path
    row = pearson(ma.compare(path, path), "s1", "s2")
    assert row["ci_low"] < 0 < row["ci_high"]
    assert row["reliability_a"] > 0.6


def test_examples_are_matched_by_their_origin(tmp_path: Path) -> None:
    """The second store has half of the first's examples backwards; the scores still agree."""
    first = store(tmp_path / "a", "no-change")
    second = store(tmp_path / "b", "no-change", sizes=("only",), groups=6)
    name(first, [f"train/{i}" for i in range(400)])
    name(second, [f"train/{i}" if i % 2 else f"other/{i}" for i in range(400)])
    frame = ma.compare(first.path, ma.open(second.path))
    assert set(frame["size_b"]) == {"only"}
    assert set(frame["n_examples"]) == {200}
    row = pearson(frame, "s1", "only")
    assert (row["n_groups_a"], row["n_groups_b"]) == (8, 6)
    assert row["corrected_estimate"] == pytest.approx(1, abs=0.12)


def test_other_subsets_are_noticed(tmp_path: Path) -> None:
    """Stores of two seeds share no subsets; their interval adds up both jackknives."""
    first = store(tmp_path / "a", "no-change")
    second = store(tmp_path / "b", "no-change", seed=1)
    labels = first.read_table("examples")["label"]
    for each in (first, second):
        name(each, [f"train/{i}" for i in range(400)], labels)
    row = pearson(ma.compare(first.path, second.path), "s1", "s1")
    assert row["same_subsets"] is False
    assert row["ci_low"] < 0 < row["ci_high"]


def test_stores_without_common_examples_are_refused(tmp_path: Path, capsys) -> None:
    """One message names both stores and what they would have to share."""
    first, second = store(tmp_path / "a", "no-change"), store(tmp_path / "b", "no-change", seed=1)
    name(first, [f"train/{i}" for i in range(400)])
    name(second, [f"other/{i}" for i in range(400)])
    with pytest.raises(StoreError, match="0 training examples with the same source_id and label"):
        ma.compare(first.path, second.path)
    assert run(["compare", str(first.path), str(first.path), "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("objective,size_a,size_b,method,estimate")
    name(first, [None] * 400)
    with pytest.raises(StoreError, match="with other labels and without a source_id"):
        ma.compare(first.path, second.path)


def name(store: Store, ids: list, labels: pa.ChunkedArray | None = None) -> None:
    """Give the training examples of a store source ids, and all examples other labels."""
    table = store.read_table("examples")
    ids = [*ids, *[f"test/{i}" for i in range(len(table) - len(ids))]]
    columns = {"source_id": pa.array(ids, pa.string())}
    if labels is not None:
        columns["label"] = labels
    for column, values in columns.items():
        place = EXAMPLES.get_field_index(column)
        table = table.set_column(place, EXAMPLES.field(column), values)
    store.write_table("examples", table)
    store.write_manifest()
    assert np.array_equal(store.read_table("examples")["example_id"], range(len(table)))
