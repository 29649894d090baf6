"""memorization and memorization_by against loops over models."""

from math import sqrt

import numpy as np
import polars as pl
import pytest

Z = 1.959963984540054


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's limits of a rate (Wilson 1927)."""
    p = hits / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return centre - reach, centre + reach


def newcombe(hits_in: int, n_in: int, hits_out: int, n_out: int) -> tuple[float, float]:
    """Newcombe's hybrid interval of a difference of rates (Newcombe 1998, method 10)."""
    p_in, p_out = hits_in / n_in, hits_out / n_out
    (low_in, high_in), (low_out, high_out) = wilson(hits_in, n_in), wilson(hits_out, n_out)
    low = p_in - p_out - sqrt((p_in - low_in) ** 2 + (high_out - p_out) ** 2)
    high = p_in - p_out + sqrt((high_in - p_in) ** 2 + (p_out - low_out) ** 2)
    return low, high


def loops(in_train: np.ndarray, correct: np.ndarray, trained: np.ndarray) -> dict[str, object]:
    """One example's row of ``memorization``, model by model."""
    n_in = n_out = hits_in = hits_out = 0
    for k in range(len(trained)):
        if not trained[k]:
            continue
        if in_train[k]:
            n_in, hits_in = n_in + 1, hits_in + int(correct[k])
        else:
            n_out, hits_out = n_out + 1, hits_out + int(correct[k])
    row: dict[str, object] = {
        "n_in": n_in,
        "n_out": n_out,
        "hits_in": hits_in,
        "hits_out": hits_out,
        "accuracy_in": hits_in / n_in if n_in else None,
        "accuracy_out": hits_out / n_out if n_out else None,
    }
    if n_in and n_out:
        a, b = (hits_in + 1) / (n_in + 2), (hits_out + 1) / (n_out + 2)
        low, high = newcombe(hits_in, n_in, hits_out, n_out)
        row |= {
            "memorization": hits_in / n_in - hits_out / n_out,
            "std_error": sqrt(a * (1 - a) / n_in + b * (1 - b) / n_out),
            "ci_low": low,
            "ci_high": high,
        }
    return row


def test_memorization_equals_a_loop_over_models(case) -> None:
    """Counts and rates are exactly those of a loop; errors and limits agree to rounding."""
    table = case.study.table("memorization")
    for condition in case.conditions:
        rows = table.filter(objective=condition.objective, size=condition.size).sort("example_id")
        assert rows.height == len(condition.in_train)
        for row in rows.iter_rows(named=True):
            i = row["example_id"]
            naive = loops(condition.in_train[i], condition.correct[i], condition.trained)
            for name in ("std_error", "ci_low", "ci_high"):
                assert row[name] == pytest.approx(naive.pop(name, None), abs=1e-12)
            expected = {"memorization": None} | naive
            assert {name: row[name] for name in expected} == expected


def test_newcombe_limits_are_the_published_ones(ask, tmp_path) -> None:
    """280/280 and 60/120 give [.4109, .5881]; 7/10 and 2/5 give [-.1778, .6416]."""
    import handmade

    for name, counts, limits in (
        ("many", (280, 280, 60, 120), (0.4109, 0.5881)),
        ("few", (7, 10, 2, 5), (-0.1778, 0.6416)),
    ):
        hits_in, n_in, hits_out, n_out = counts
        inside = np.arange(n_in + n_out) < n_in
        correct = np.r_[np.arange(n_in) < hits_in, np.arange(n_out) < hits_out]
        condition = handmade.Condition(
            "one_hot", "only", 0, inside[None], correct[None], np.ones(n_in + n_out, bool), {}
        )
        store = handmade.write(tmp_path / name, [condition], n_test=0)
        row = ask(store).table("memorization").row(0, named=True)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(limits, abs=5e-5)


def test_an_empty_cell_is_null_and_never_zero(case) -> None:
    """Test examples, which are in no subset, have n_in 0 and no memorization, error or limits."""
    test = case.study.table("memorization").filter(split="test")
    assert test["n_in"].to_list() == [0] * test.height
    for name in ("accuracy_in", "memorization", "std_error", "ci_low", "ci_high"):
        assert test[name].null_count() == test.height
    assert test["accuracy_out"].null_count() == test.filter(pl.col("n_out") == 0).height


def test_limits_stay_within_one(case) -> None:
    """Newcombe's limits never leave [-1, 1] and enclose the score."""
    rows = case.study.table("memorization").drop_nulls("memorization")
    assert rows.filter((pl.col("ci_low") < -1) | (pl.col("ci_high") > 1)).is_empty()
    inside = pl.col("memorization").is_between(pl.col("ci_low"), pl.col("ci_high"))
    assert rows.filter(~inside).is_empty()


@pytest.mark.parametrize(("signal", "sign"), [("probability", 1), ("margin", 1), ("loss", -1)])
def test_memorization_by_equals_a_loop_over_models(case, signal: str, sign: int) -> None:
    """Means, score and Welch's error of each signal are those of the values themselves."""
    table = case.study.sql(f"from memorization_by(signal := '{signal}')")
    for condition in case.conditions:
        rows = table.filter(objective=condition.objective, size=condition.size).sort("example_id")
        for row in rows.filter(split="train").iter_rows(named=True):
            i = row["example_id"]
            values = sign * condition.signals[signal][i]
            inside = values[condition.in_train[i]]
            outside = values[condition.trained & ~condition.in_train[i]]
            assert (row["n_in"], row["n_out"]) == (len(inside), len(outside))
            if min(len(inside), len(outside)) < 2:
                continue
            error = sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside))
            assert row["accuracy_in"] == pytest.approx(inside.mean(), abs=1e-5)
            assert row["accuracy_out"] == pytest.approx(outside.mean(), abs=1e-5)
            assert row["memorization"] == pytest.approx(inside.mean() - outside.mean(), abs=1e-5)
            assert row["std_error"] == pytest.approx(error, abs=1e-4)
            assert row["ci_high"] - row["memorization"] == pytest.approx(Z * row["std_error"])


def test_min_count_asks_for_models(case) -> None:
    """Below min_count models on a side there is no score, at it there is."""
    rows = case.study.sql("from memorization_by(min_count := 6)").filter(split="train")
    enough = (pl.col("n_in") >= 6) & (pl.col("n_out") >= 6)
    assert rows.filter(enough)["memorization"].null_count() == 0
    assert rows.filter(~enough)["memorization"].drop_nulls().is_empty()
    assert rows.filter(~enough).height > 0


def test_memorization_by_has_the_columns_of_memorization(case) -> None:
    """Whatever reads one can read the other; only hits have no meaning for a signal."""
    names = case.study.table("memorization").columns
    assert case.study.table("memorization_by").columns == [
        name for name in names if not name.startswith("hits")
    ]
