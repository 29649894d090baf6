"""Build: packed bits and sums equal a loop over the model files."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from drawn_models import (
    CONDITIONS,
    Draw,
    assert_bits_equal,
    create,
    draws,
    few,
    numbers,
    of_condition,
    records,
    scratch,
    write,
)
from hypothesis import given
from safetensors import safe_open

from memanalysis.building.build import build
from memanalysis.errors import StoreError
from memanalysis.storage.model_files import ModelRecord
from memanalysis.storage.schema import SIGNALS, TABLES
from memanalysis.storage.store import Store, half_of_group
from memanalysis.studies import Study

pytestmark = pytest.mark.usefixtures("without_derive")


@few
@given(draws)
def test_tables_equal_a_loop_over_models(draw: Draw) -> None:
    """Whatever the masks and whichever models are there, bit k is the k-th subset's outcome.

    Sums and proxy means, overall and by half, are those of the loop to 2^-16 of what was added.
    """
    found = records(draw)
    with scratch() as path:
        store = write(create(path, draw), found)
        if not found:
            with pytest.raises(StoreError, match="nothing to build"):
                build(path)
            return
        build(path)
        for objective, size in {(r.info.objective, r.info.size) for r in found}:
            mine = [r for r in found if (r.info.objective, r.info.size) == (objective, size)]
            table = of_condition(store, "outcomes", objective, size)
            assert_bits_equal(table, mine, draw)
            assert_sums_equal(table, mine, draw)
            assert_proxies_equal(of_condition(store, "proxies", objective, size), mine, draw)


def parts(found: list[ModelRecord]) -> Iterator[tuple[str, list[ModelRecord]]]:
    """Yield all models, then those of each half, with the suffix of their columns."""
    yield "", found
    for half in ("a", "b"):
        yield f"_{half}", [r for r in found if half_of_group(r.info.group_id) == half]


def assert_sums_equal(table: pa.Table, found: list[ModelRecord], draw: Draw) -> None:
    """Compare sums of signals with sums over one value at a time; half b is not stored."""
    n = draw.n_train + draw.n_test
    for suffix, mine in parts(found):
        moments = {"": {"sum": 1, "sumsq": 2}, "_a": {"sum": 1}}.get(suffix, {})
        for name in SIGNALS:
            for moment, power in moments.items():
                sums, sizes = np.zeros((2, n)), np.zeros((2, n))
                for record in mine:
                    for example in range(n):
                        inside = example < draw.n_train and record.in_train[example]
                        value = float(record.signals[name][example]) ** power
                        sums[0 if inside else 1, example] += value
                        sizes[0 if inside else 1, example] += abs(value)
                for row, side in enumerate(("in", "out")):
                    stored = numbers(table, f"{name}_{side}_{moment}{suffix}")
                    assert (np.abs(stored - sums[row]) <= 2**-16 * sizes[row]).all()


def assert_proxies_equal(table: pa.Table, found: list[ModelRecord], draw: Draw) -> None:
    """Compare means and counts of proxies with lists of the values observed."""
    for name in ("aum", "el2n"):
        rows = table.filter(pa.compute.equal(table["proxy"], name))
        assert rows["example_id"].to_pylist() == list(range(draw.n_train))
        for suffix, mine in parts(found):
            for side in ("in", "out"):
                for example in range(draw.n_train):
                    values = [
                        float(r.proxies[name][example])
                        for r in mine
                        if bool(r.in_train[example]) == (side == "in")
                        and np.isfinite(r.proxies[name][example])
                    ]
                    stored = rows[f"value_{side}{suffix}"][example].as_py()
                    assert rows[f"n_{side}{suffix}"][example].as_py() == len(values)
                    if values:
                        scale = sum(map(abs, values)) / len(values)
                        assert abs(stored - sum(values) / len(values)) <= 2**-15 * scale
                    else:
                        assert stored is None


def test_typed_store_has_the_counts_counted_by_hand(tiny_store: Store) -> None:
    """Example 3 is right in both models with it and in one of two without; BLOBs are typed out."""
    rows = tiny_store.read_table("outcomes")
    assert rows["in_train"].to_pylist()[:4] == [b"\xa0", b"\x90", b"\x60", b"\x50"]
    assert rows["correct"].to_pylist() == [b"\xa0", b"\xf0", b"\x00", b"\xd0", b"\xc0", b"\x10"]
    assert set(rows["trained"].to_pylist()) == {b"\xf0"}
    assert rows["probability_in_sum"].to_pylist() == [1.5, 1.5, 0.5, 1.5, 0.0, 0.0]
    other_half = "select probability_out_sum_b from outcomes order by example_id"
    study = Study(tiny_store)
    found = study.sql(other_half).to_series().to_list()
    study.close()
    assert found == [0.25, 0.75, 0.25, 0.25, 0.5, 1.0]


def test_rows_are_ordered_by_objective_rank_and_example(tmp_path: Path) -> None:
    """One_hot comes first, sizes follow the manifest, and model_id counts in that order."""
    draw = Draw()
    store = build(write(create(tmp_path / "s", draw), records(draw)[::-1]).path)
    rows = store.read_table("outcomes")
    n = draw.n_train + draw.n_test
    keys = list(zip(rows["objective"].to_pylist(), rows["size"].to_pylist(), strict=True))
    assert keys == [condition for condition in CONDITIONS for _ in range(n)]
    assert rows["size_rank"].to_pylist() == [0] * n + [1] * n + [0] * n
    assert rows["example_id"].to_pylist() == list(range(n)) * 3
    models = store.read_table("models")
    assert models["model_id"].to_pylist() == list(range(3 * draw.n_subsets))
    assert models["subset_id"].to_pylist() == list(range(draw.n_subsets)) * 3


def test_a_student_names_the_teacher_of_its_subset(tmp_path: Path) -> None:
    """Teacher_model_id is the one_hot model of the teacher's size trained on the same subset."""
    draw = Draw()
    store = build(write(create(tmp_path / "s", draw), records(draw)).path)
    models = store.read_table("models").to_pylist()
    for row in models:
        if row["objective"] == "one_hot":
            assert row["teacher_model_id"] is None
        else:
            teacher = models[row["teacher_model_id"]]
            assert (teacher["objective"], teacher["size"]) == ("one_hot", "m")
            assert teacher["subset_id"] == row["subset_id"]


def test_what_a_model_did_not_record_is_null(tmp_path: Path) -> None:
    """Where a model lacks a signal, or gives it as infinite, its side has no sum: NULL, not 0."""
    draw = Draw(n_train=3, groups=1)
    first, *rest = records(draw)[:2]
    margin = first.signals["margin"].copy()
    margin[1] = np.inf
    signals = {"probability": first.signals["probability"], "margin": margin}
    store = write(create(tmp_path / "s", draw), [replace(first, signals=signals), *rest])
    rows = build(store.path).read_table("outcomes")
    inside = [*first.in_train.tolist(), False, False, False]
    assert [v is None for v in rows["loss_in_sum"].to_pylist()] == inside
    assert [v is not None for v in rows["loss_out_sum"].to_pylist()] == inside
    assert rows["probability_in_sum"].null_count == 0
    side = "in" if first.in_train[1] else "out"
    assert [v is None for v in rows[f"margin_{side}_sum"].to_pylist()[:3]] == [False, True, False]


def test_group_details_add_up_to_the_tables(tmp_path: Path) -> None:
    """Means times counts over the groups of groups/ give the sums behind proxies and outcomes."""
    draw = Draw()
    store = build(write(create(tmp_path / "s", draw), records(draw)).path)
    with safe_open(store.path / "groups" / "one_hot" / "s.safetensors", "numpy") as file:
        assert file.metadata() == {"proxy_names": '["aum", "el2n"]'}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert tensors["group_ids"].tolist() == list(range(draw.groups))
    proxies = of_condition(store, "proxies", "one_hot", "s")
    n = tensors["proxy_n_in"].astype(np.int64)
    total = np.nansum(tensors["proxy_in"] * n, axis=0)
    means = numbers(proxies, "value_in").reshape(2, draw.n_train)
    assert n.sum(axis=0).ravel().tolist() == proxies["n_in"].to_pylist()
    seen = n.sum(axis=0) > 0
    np.testing.assert_allclose((total / n.sum(axis=0))[seen], means[seen], rtol=1e-4, atol=1e-4)
    outcomes = of_condition(store, "outcomes", "one_hot", "s")
    margins = numbers(outcomes, "margin_out_sum")[: draw.n_train]
    np.testing.assert_allclose(tensors["signal_out"][:, 1].sum(axis=0), margins, atol=1e-3)


def test_imported_scores_survive_a_build(tmp_path: Path) -> None:
    """Rows of proxies without counts come from an importer, and are kept when models are built."""
    draw = Draw(groups=1)
    store = create(tmp_path / "s", draw)
    row = {"objective": "one_hot", "size": "s", "size_rank": 0, "example_id": 3, "proxy": "c_score"}
    schema = TABLES["proxies"][1]
    store.write_table("proxies", pa.Table.from_pylist([row | {"value_out": 0.5}], schema=schema))
    store.write_manifest()
    assert build(store.path).read_table("proxies")["value_out"].to_pylist() == [0.5]
    build(write(store, records(draw)).path)
    proxies = build(store.path).read_table("proxies").to_pylist()
    assert [r["value_out"] for r in proxies if r["proxy"] == "c_score"] == [0.5]
    assert {r["proxy"] for r in proxies} == {"c_score", "aum", "el2n"}
