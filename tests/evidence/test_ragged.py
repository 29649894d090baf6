"""Derived relations of studies with missing models, sizes and cells, against loops."""

from pathlib import Path

import handmade
import naive
import numpy as np
import polars as pl
import pytest
from scipy import stats

import memanalysis as ma
from memanalysis.evidence.load import read_study
from memanalysis.findings import load
from memanalysis.relations import derive
from memanalysis.reporting.blocks import Figure, Note
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections import distillation

N_TRAIN, SUBSETS = 30, 60
SIZES = ("small", "middle", "large")


def course(
    objective: str, sizes: tuple[str, ...], untrained: float, seed: int, *, own: bool = False
) -> list[handmade.Condition]:
    """Models that fit everything; 0-9 rise, 10-14 turn, 15-19 are never held out."""
    rng = np.random.default_rng(seed)
    shape = (N_TRAIN + 4, SUBSETS)
    drawn = np.random.default_rng(99).random(shape) < 0.6
    found = []
    for size in sizes:
        rank = SIZES.index(size)
        if own:
            drawn = rng.random(shape) < 0.6
        trained = rng.random(SUBSETS) >= untrained
        level = np.full(shape[0], 0.1)
        level[:10] += 0.4 * rank
        level[10:15] += 0.7 * (rank == 1)
        in_train = drawn & trained
        in_train[15:20] = trained
        in_train[N_TRAIN:] = False
        correct = (in_train | (rng.random(shape) >= level[:, None])) & trained
        found.append(handmade.Condition(objective, size, rank, in_train, correct, trained, {}))
    return found


STUDIES = {
    "three sizes, models missing": course("one_hot", SIZES, 0.2, 1),
    "two sizes": course("one_hot", ("small", "large"), 0.1, 2),
    "nothing shared": course("one_hot", SIZES, 0.1, 3, own=True),
    "one size missing with distillation": [
        *course("one_hot", SIZES, 0.0, 4), *course("distilled", SIZES[1:], 0.1, 5),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STUDIES)
def test_stored_tests_are_those_of_loops(tmp_path: Path, name: str) -> None:
    """p by the normal test of the adjusted contrast, q by SciPy, shapes by the rule's words."""
    conditions = STUDIES[name]
    store = handmade.write(tmp_path / "store", conditions, n_test=4)
    derive(store)
    table = ma.open(store.path).table("trajectories")
    settings = load().trajectories
    for objective in {c.objective for c in conditions}:
        mine = [c for c in conditions if c.objective == objective]
        rows = table.filter(objective=objective).sort("example_id").to_dicts()
        assert len(rows) == N_TRAIN
        tested = [i for i in range(N_TRAIN) if naive.tested(mine, i, settings.min_count)]
        assert set(range(15, 20)).isdisjoint(tested)
        p = [naive.p_value(mine, i) for i in tested]
        q = stats.false_discovery_control(p)
        alpha = rows[0]["alpha"]
        assert alpha is not None
        for i, p_value, q_value in zip(tested, p, q, strict=True):
            assert rows[i]["p_value"] == pytest.approx(p_value, abs=1e-9)
            assert rows[i]["q_value"] == pytest.approx(q_value, abs=1e-9)
            expected = naive.registered_shape(mine, i, q_value, alpha)
            assert (rows[i]["shape"], rows[i]["direction"]) == expected
        for i in set(range(N_TRAIN)) - set(tested):
            assert (rows[i]["shape"], rows[i]["p_value"]) == ("undetermined", None)
    shapes = table.filter(objective="one_hot").sort("example_id")["shape"]
    assert (shapes.head(10) == "increasing").sum() >= 5


def test_variants_of_distillation_have_their_own_rows(tmp_path: Path) -> None:
    """'distilled' means the main setting everywhere; 'distilled_hot' stands beside it."""
    plain = [*course("one_hot", SIZES, 0.0, 6), *course("distilled", SIZES, 0.0, 7)]
    # Of six groups of ten the first two were not taught in this way.
    hot = [
        handmade.without(c, lambda k: k < 20) for c in course("distilled_hot", SIZES[:2], 0.2, 8)
    ]
    alone = handmade.write(tmp_path / "alone", plain, n_test=4)
    both = handmade.write(tmp_path / "both", plain + hot, n_test=4)
    for store in (alone, both):
        derive(store)
    first, second = ma.open(alone.path), ma.open(both.path)
    names = ("distillation", "distillation_effects", "distillation_by_size",
             "distillation_transitions", "distillation_density")  # fmt: skip
    for name in names:
        tables = [study.table(name) for study in (first, second)]
        assert set(tables[0]["objective"]) == {"distilled"}
        assert set(tables[1]["objective"]) == {"distilled", "distilled_hot"}
        main = tables[1].filter(objective="distilled")
        keys = [key for key in main.columns if not main.schema[key].is_float()]
        assert main.sort(keys).equals(tables[0].sort(keys)), name
        sizes = set(tables[1].filter(objective="distilled_hot")["size"].drop_nulls())
        assert sizes == set(SIZES[:2]), name
    effects = second.table("distillation_effects").filter(objective="distilled_hot")
    assert set(effects["n_groups"]) == {4}
    assert set(effects["selected_on"].drop_nulls()) == {"one_hot", "distilled_hot"}
    assert {"score", "bin", "shape"} <= set(effects["grouping"])
    assert first.table("findings").equals(second.table("findings"))
    names = _figures(second)
    in_full = ("change", "halves", "by-score", "by-bin", "gap", "transitions")
    assert {f"distillation-{name}" for name in in_full} <= set(names)
    assert not [name for name in names if name.endswith("-hot")]
    assert "distilled (hot)" in names["distillation-settings"].conditions
    section = distillation.section(Reading(second))
    notes = [block.text for block in section.every if isinstance(block, Note)]
    assert any("distillation_density(study, 'distilled_hot')" in note for note in notes)
    assert set(names["distillation-settings"].frame["objective"]) == {"distilled", "distilled_hot"}
    assert Reading(first).students == ["distilled"]


def _figures(study: ma.Study) -> dict[str, Figure]:
    """The figures of the report's section on distillation, by name."""
    blocks = distillation.section(Reading(study)).every
    return {block.name: block for block in blocks if isinstance(block, Figure)}


def test_students_by_size(tmp_path: Path) -> None:
    """Mean change, gain and numbers are those of plain averages; shares of a row sum to 1."""
    conditions = [*course("one_hot", SIZES, 0.0, 9), *course("distilled", SIZES, 0.0, 10)]
    store = handmade.write(tmp_path / "store", conditions, n_test=4)
    derive(store)
    study = ma.open(store.path)
    changes = study.table("distillation")
    tests = study.table("models").group_by("objective", "size").agg(pl.col("accuracy_test").mean())
    for row in study.table("distillation_by_size").iter_rows(named=True):
        mine = changes.filter(size=row["size"]).drop_nulls("change")
        assert row["n_examples"] == mine.height
        for name in ("change", "change_in", "change_out"):
            assert row[name] == pytest.approx(mine[name].mean())
        accuracy = dict(tests.filter(size=row["size"]).select("objective", "accuracy_test").rows())
        gain = accuracy["distilled"] - accuracy["one_hot"]
        assert row["accuracy_gain"] == pytest.approx(gain)
        assert row["accuracy_gain_low"] < gain < row["accuracy_gain_high"]
        assert row["gap"] == pytest.approx((2 - row["size_rank"]) * np.log(10))
    moves = study.table("distillation_transitions")
    keys = ["objective", "size", "grouping", "category_one_hot"]
    sums = moves.group_by(keys).agg(pl.col("share").sum(), pl.col("n_examples").sum())
    assert sums.filter(pl.col("n_examples") > 0)["share"].to_numpy() == pytest.approx(1)
    shapes = moves.filter(grouping="shape")
    assert shapes["n_examples"].sum() == N_TRAIN
    by_label = study.table("trajectories").filter(objective="one_hot")
    for category, mine in shapes.group_by("category_one_hot"):
        assert mine["n_examples"].sum() == (by_label["shape"] == category[0]).sum()
    density = study.table("distillation_halves").group_by("size", "compared", "one_hot_low")
    columns = density.agg(pl.col("share_of_one_hot").sum())["share_of_one_hot"]
    assert columns.to_numpy() == pytest.approx(1)


def test_effects_by_bin_equal_effects_by_choice(tmp_path: Path) -> None:
    """Sorting all examples at once gives what choosing each category by itself gives."""
    from memanalysis.analysis import distillation as changes

    conditions = [*course("one_hot", SIZES, 0.1, 11), *course("distilled", SIZES, 0.1, 12)]
    study = read_study(handmade.write(tmp_path / "store", conditions, n_test=4))
    comparison = study.evidence.comparison()
    assert comparison is not None
    for objective in ("one_hot", "distilled"):
        sorting = changes.by_bins(comparison, objective, (0.25, 0.5))
        together = changes.cross_fitted_by(comparison, sorting, 3)
        biased = changes.naive_by(comparison, sorting, 3)
        for column, limits in enumerate(((-np.inf, 0.25), (0.25, 0.5), (0.5, np.inf))):
            choice = changes.by_score(comparison, objective, *limits)
            alone = changes.cross_fitted(comparison, choice).change
            for name in ("estimate", "low", "high"):
                found = getattr(together.change, name)[:, column]
                assert np.allclose(found, getattr(alone, name), equal_nan=True)
            expected = changes.naive(comparison, choice).change.estimate
            assert np.allclose(biased.change.estimate[:, column], expected, equal_nan=True)
