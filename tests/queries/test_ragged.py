"""Ragged studies, drawn by hypothesis: relations against loops, and orders that must not matter."""

import tempfile
from dataclasses import replace
from pathlib import Path

import handmade
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from naive import agree, contrast, score

SIZES = ("tiny", "small", "middle", "large")
OBJECTIVES = ("one_hot", "distilled", "distilled_hot")
N_TRAIN, N_TEST = 5, 2
RAGGED = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def studies(draw: st.DrawFn) -> list[handmade.Condition]:
    """Up to four sizes and three objectives, of which conditions, models and cells are missing.

    in_train is the study's, or each condition's own: then nothing is paired.
    """
    n_subsets = draw(st.integers(3, 19))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (N_TRAIN + N_TEST, n_subsets)
    own = draw(st.booleans())
    density = draw(st.sampled_from((0.3, 0.7, 0.95)))
    common = rng.random(shape) < density
    found = []
    for objective in OBJECTIVES[: draw(st.integers(1, 3))]:
        kept = draw(st.sets(st.integers(0, 3), min_size=1))
        for rank in sorted(kept):
            trained = rng.random(n_subsets) >= draw(st.sampled_from((0.0, 0.4)))
            trained[rng.integers(n_subsets)] = True
            drawn = rng.random(shape) < density if own else common.copy()
            drawn[N_TRAIN:] = False
            correct = rng.random(shape) < rng.random((shape[0], 1))
            values = {
                name: rng.random(shape) * trained for name in ("probability", "margin", "loss")
            }
            found.append(
                handmade.Condition(
                    objective,
                    SIZES[rank],
                    rank,
                    drawn & trained,
                    correct & trained,
                    trained,
                    values,
                )
            )
    return found


def pairs(conditions: list[handmade.Condition]) -> list[tuple[handmade.Condition, ...]]:
    """Every pair that paired_changes has: two sizes, or labels against a distilled objective."""
    return [
        (a, b)
        for a in conditions
        for b in conditions
        if (a.objective == b.objective and a.size_rank < b.size_rank)
        or (a.size == b.size and a.objective == "one_hot" != b.objective)
    ]


@RAGGED
@given(conditions=studies())
def test_relations_equal_loops(ask, conditions: list[handmade.Condition]) -> None:
    """paired_changes, trajectories, distillation and scores are those of loops over subsets."""
    with tempfile.TemporaryDirectory() as folder:
        study = ask(handmade.write(Path(folder) / "store", conditions, n_test=N_TEST))
        names = ("paired_changes", "trajectories", "distillation", "memorization")
        tables = {name: study.table(name) for name in names}
        by_probability = study.sql("from memorization_by(min_count := 2)")
    expected = {
        (a.objective, a.size, b.objective, b.size, i): contrast(a, b, i)
        for a, b in pairs(conditions)
        for i in range(N_TRAIN)
    }
    keys = ("objective_a", "size_a", "objective_b", "size_b", "example_id")
    rows = {tuple(r[k] for k in keys): r for r in tables["paired_changes"].iter_rows(named=True)}
    assert rows.keys() == expected.keys()
    for key, values in expected.items():
        agree(rows[key], values)
    for row in tables["distillation"].iter_rows(named=True):
        key = ("one_hot", row["size"], row["objective"], row["size"], row["example_id"])
        agree(row, expected.pop(key))
    assert not [key for key in expected if key[0] != key[2]]
    _trajectories(tables["trajectories"], conditions)
    _scores(tables["memorization"], by_probability, conditions)


def _trajectories(table: pl.DataFrame, conditions: list[handmade.Condition]) -> None:
    courses: dict[str, list[handmade.Condition]] = {}
    for c in conditions:
        courses.setdefault(c.objective, []).append(c)
    assert table.height == N_TRAIN * len(courses)
    for row in table.iter_rows(named=True):
        course, i = courses[row["objective"]], row["example_id"]
        if len(course) > 1:
            found = contrast(course[0], course[-1], i)
            agree(row, {k: v for k, v in found.items() if not k.startswith("n_")})
        else:
            assert row["change"] is row["paired"] is None
        known = [m for m in (score(c, i) for c in course) if m is not None]
        agree(row, {"peak": max(known, default=None), "trough": min(known, default=None)})


def _scores(
    table: pl.DataFrame, by_probability: pl.DataFrame, conditions: list[handmade.Condition]
) -> None:
    by_key = {(c.objective, c.size): c for c in conditions}
    for row in table.filter(split="train").iter_rows(named=True):
        condition = by_key[row["objective"], row["size"]]
        agree(row, {"memorization": score(condition, row["example_id"])})
    for row in by_probability.filter(split="train").iter_rows(named=True):
        c, i = by_key[row["objective"], row["size"]], row["example_id"]
        values = c.signals["probability"][i]
        sides = [values[c.in_train[i]], values[c.trained & ~c.in_train[i]]]
        if min(map(len, sides)) < 2:
            assert row["memorization"] is row["std_error"] is None
            continue
        assert row["memorization"] == pytest.approx(sides[0].mean() - sides[1].mean(), abs=1e-5)
        error = sum(side.var(ddof=1) / len(side) for side in sides) ** 0.5
        assert row["std_error"] == pytest.approx(error, abs=1e-3)


@settings(RAGGED, max_examples=4)
@given(conditions=studies(), seed=st.integers(0, 1000))
def test_orders_do_not_matter(ask, conditions: list[handmade.Condition], seed: int) -> None:
    """Subsets in another order give the same rows; examples in another order the same, moved."""
    rng = np.random.default_rng(seed)
    models = rng.permutation(len(conditions[0].trained))
    examples = np.r_[rng.permutation(N_TRAIN), N_TRAIN + np.arange(N_TEST)]
    with tempfile.TemporaryDirectory() as folder:
        stores = [
            handmade.write(Path(folder) / name, moved, n_test=N_TEST)
            for name, moved in (
                ("plain", conditions),
                ("models", [_moved(c, np.arange(len(examples)), models) for c in conditions]),
                ("examples", [_moved(c, examples, np.arange(len(models))) for c in conditions]),
            )
        ]
        for name in ("memorization", "paired_changes", "trajectories", "distillation"):
            plain, by_model, by_example = (_rows(ask(store).table(name)) for store in stores)
            assert plain.equals(by_model), name
            origin = pl.col("example_id").replace_strict(dict(enumerate(examples.tolist())))
            assert plain.equals(_rows(by_example.with_columns(example_id=origin))), name


def _moved(c: handmade.Condition, examples: np.ndarray, models: np.ndarray) -> handmade.Condition:
    take = np.ix_(examples, models)
    return replace(
        c, in_train=c.in_train[take], correct=c.correct[take], trained=c.trained[models],
        signals={name: values[take] for name, values in c.signals.items()},
    )  # fmt: skip


def _rows(table: pl.DataFrame) -> pl.DataFrame:
    """Rows in one order; the class is the example's place in a handmade store, so it may move."""
    rows = table.drop("label", strict=False).cast({"example_id": pl.Int64})
    keys = [name for name in rows.columns if rows.schema[name] in (pl.String, pl.Int64)]
    return rows.sort(keys, nulls_last=True)
