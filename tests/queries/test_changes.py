"""paired_changes, trajectories, trajectories_at and distillation against loops."""

from math import log
from pathlib import Path

import handmade
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from naive import agree, contrast, score, shape_of

from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Store


def test_paired_changes_equal_a_loop_over_subsets(case) -> None:
    """Every pair of sizes and of objectives has the contrast of its common subsets."""
    table = case.study.table("paired_changes")
    rows = {
        (r["objective_a"], r["size_a"], r["objective_b"], r["size_b"], r["example_id"]): r
        for r in table.iter_rows(named=True)
    }
    pairs = [
        (a, b)
        for a in case.conditions
        for b in case.conditions
        if (a.objective == b.objective and a.size_rank < b.size_rank)
        or (a.size == b.size and (a.objective, b.objective) == ("one_hot", "distilled"))
    ]
    assert len(rows) == table.height == len(pairs) * case.n_train
    for a, b in pairs:
        for i in range(case.n_train):
            row = rows[a.objective, a.size, b.objective, b.size, i]
            agree(row, contrast(a, b, i))
            agree(row, {"memorization_a": score(a, i), "memorization_b": score(b, i)})


def test_trajectories_run_from_the_first_to_the_last_size(case) -> None:
    """change and its parts are the contrast of the extreme sizes; extremes are those of scores."""
    table = case.study.table("trajectories")
    assert table.height == 2 * case.n_train
    for row in table.iter_rows(named=True):
        course = [c for c in case.conditions if c.objective == row["objective"]]
        expected = contrast(course[0], course[-1], row["example_id"])
        agree(row, {k: v for k, v in expected.items() if k not in ("n_in", "n_out")})
        scores = [(score(c, row["example_id"]), c.size) for c in course]
        known = [(m, size) for m, size in scores if m is not None]
        peak, trough = max(m for m, _ in known), min(m for m, _ in known)
        agree(row, {"peak": peak, "trough": trough})
        assert row["peak_size"] == next(s for m, s in known if m == pytest.approx(peak, abs=1e-9))
        assert row["trough_size"] == next(
            s for m, s in known if m == pytest.approx(trough, abs=1e-9)
        )


def test_trajectories_without_tests_are_undetermined(case) -> None:
    """Where build stored no test, shape and direction say so instead of vanishing."""
    table = case.study.table("trajectories")
    assert set(table["shape"]) == set(table["direction"]) == {"undetermined"}
    assert table["p_value"].null_count() == table.height


def test_trajectories_carry_the_stored_tests(ask, tmp_path: Path) -> None:
    """Shape, direction, p and q are those of derived/trajectory_tests."""
    store = handmade.write(tmp_path / "store", handmade.random_conditions(objectives=("one_hot",)))
    row = ("one_hot", 3, "cap", "mixed", 0.01, 0.04, 0.2)
    schema = TABLES["trajectory_tests"][1]
    stored = dict(zip(schema.names, row, strict=True))
    store.write_table("trajectory_tests", pa.Table.from_pylist([stored], schema))
    found = ask(store).table("trajectories").filter(example_id=3).row(0, named=True)
    assert {name: found[name] for name in schema.names} == stored


def test_a_single_size_has_no_change(ask, tmp_path: Path) -> None:
    """With one size each example keeps its row, with a NULL change."""
    store = handmade.write(tmp_path / "store", handmade.random_conditions(("only",)))
    table = ask(store).table("trajectories")
    assert table.height == 80
    assert table["change"].null_count() == 80
    assert set(ask(store).table("trajectories_at")["shape"]) == {"undetermined"}


def test_distillation_is_the_contrast_of_objectives(case) -> None:
    """Both scores, the paired change, and the gap in log parameters to the teacher."""
    table = case.study.table("distillation")
    assert table.height == 3 * case.n_train
    by_key = {(c.objective, c.size): c for c in case.conditions}
    for row in table.iter_rows(named=True):
        a, b = by_key["one_hot", row["size"]], by_key["distilled", row["size"]]
        agree(row, contrast(a, b, row["example_id"]))
        agree(
            row,
            {
                "memorization_one_hot": score(a, row["example_id"]),
                "memorization_distilled": score(b, row["example_id"]),
                "teacher_size": "large",
                "teacher_scope": "same_subset",
                # handmade sizes have 10^2, 10^3, 10^4 parameters
                "gap": (2 - row["size_rank"]) * log(10),
            },
        )


def test_a_study_without_distillation_has_no_rows(ask, tmp_path: Path) -> None:
    """Without distilled models the relation is there and empty."""
    store = handmade.write(tmp_path / "store", handmade.random_conditions(objectives=("one_hot",)))
    assert ask(store).table("distillation").is_empty()
    assert ask(store).table("distillation_density").is_empty()


# The threshold rule


def store_of_courses(path: Path, courses: list[list[int]], n_out: int = 20) -> Store:
    """Examples with p_in = 1 and the given numbers of misses among ``n_out`` models, by size."""
    n_subsets = n_out + 10
    in_train = np.zeros((len(courses), n_subsets), bool)
    in_train[:, n_out:] = True
    conditions = []
    for rank in range(len(courses[0])):
        correct = np.ones_like(in_train)
        for i, misses in enumerate(courses):
            correct[i, : misses[rank]] = False
        trained = np.ones(n_subsets, bool)
        conditions.append(
            handmade.Condition("one_hot", f"s{rank}", rank, in_train, correct, trained, {})
        )
    return handmade.write(path, conditions, n_test=0)


@pytest.mark.parametrize("n_sizes", [2, 3, 5])
def test_the_threshold_rule_equals_its_definition(ask, tmp_path: Path, n_sizes: int) -> None:
    """For any number of sizes shapes are those of the definition, at several alphas."""
    generator = np.random.default_rng(n_sizes)
    courses = generator.integers(0, 21, size=(300, n_sizes)).tolist()
    study = ask(store_of_courses(tmp_path / "store", courses))
    for alpha in (0.05, 0.15, 0.2, 0.35):
        table = study.sql(f"from trajectories_at(alpha := {alpha}) order by example_id")
        expected = [shape_of([x / 20 for x in course], alpha) for course in courses]
        assert table["shape"].to_list() == expected
        kinds = {"fixed", "increasing", "decreasing"}
        assert table["direction"].to_list() == [s if s in kinds else "mixed" for s in expected]


def test_ties_with_alpha_count_as_reached(ask, tmp_path: Path) -> None:
    """A change of exactly alpha is a change, although .95 - .75 is a float below .2."""
    study = ask(store_of_courses(tmp_path / "store", [[15, 19], [19, 15], [15, 18], [1, 5]]))
    table = study.sql("from trajectories_at(alpha := 0.2) order by example_id")
    assert table["shape"].to_list() == ["increasing", "decreasing", "fixed", "increasing"]


def test_the_threshold_rule_is_that_of_the_analysis(ask, tmp_path: Path) -> None:
    """SQL and NumPy, which computes shares, sort every example alike, ties with alpha included."""
    from memanalysis.analysis import outcomes, trajectories

    condition = handmade.random_conditions(("a", "b", "c", "d"), ("one_hot",), untrained=0)
    in_train = condition[0].in_train[:40]
    correct = np.stack([c.correct[:40] for c in condition])
    packed = outcomes.Outcomes.from_bools(in_train, correct, group_size=7)
    contrasts = trajectories.classify_outcomes(packed, 0.2).pairs
    study = ask(handmade.write(tmp_path / "store", condition))
    for alpha in (0.1, 0.2, 0.5):
        table = study.sql(f"from trajectories_at(alpha := {alpha}) order by example_id")
        shapes = trajectories.by_threshold(contrasts, 4, alpha)
        assert table["shape"].to_list() == [trajectories.SHAPES[s] for s in shapes]
    changes = study.table("trajectories").sort("example_id")
    last = contrasts[trajectories.ends(4)]
    assert changes["change"].to_numpy() == pytest.approx(last.change, abs=1e-12)
    assert changes["change_se"].to_numpy() == pytest.approx(last.se, abs=1e-12)


def test_shapes_by_hand(ask, tmp_path: Path) -> None:
    """Rise, fall, cap, u, flat, and courses that turn more than once."""
    courses = {
        "increasing": [0, 2, 5, 8],
        "decreasing": [9, 9, 4, 1],
        "cap": [1, 9, 5, 2],
        "u": [9, 2, 2, 8],
        "fixed": [3, 4, 5, 4],
        "mixed": [5, 12, 0, 6],
    }
    study = ask(store_of_courses(tmp_path / "store", list(courses.values())))
    table = study.sql("from trajectories_at() order by example_id")
    assert table["shape"].to_list() == list(courses)


def test_an_unknown_score_leaves_the_shape_undetermined(case) -> None:
    """An example without a score at some size has the shape 'undetermined'."""
    known = (
        case.study.table("memorization")
        .filter(split="train")
        .group_by("objective", "example_id")
        .agg(pl.col("memorization").null_count().alias("unknown"))
    )
    table = case.study.table("trajectories_at").join(known, on=["objective", "example_id"])
    assert set(table.filter(pl.col("unknown") > 0)["shape"]) <= {"undetermined"}
    assert "undetermined" not in set(table.filter(unknown=0)["shape"])
