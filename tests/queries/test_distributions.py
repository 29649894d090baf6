"""Relations behind histograms and spreads: bins that follow the possible scores."""

from pathlib import Path

import handmade
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

from memanalysis.storage.schema import TABLES


@pytest.fixture
def scores(case) -> pl.DataFrame:
    """Training examples with a score."""
    return case.study.table("memorization").drop_nulls("memorization")


def errors(n_outs: list[int], n_in: int = 10, copies: int = 1) -> handmade.Condition:
    """Every number of held-out errors equally often for each n_out; all right when trained on."""
    rows = [(n, k) for n in n_outs for k in range(n + 1) for _ in range(copies)]
    width = n_in + max(n_outs)
    in_train = np.array([np.arange(width) < width - n for n, _ in rows])
    # The held-out models of an example are its last n columns; the last k of them are wrong.
    correct = np.array([np.arange(width) < width - k for _, k in rows])
    trained = np.ones(width, dtype=bool)
    return handmade.Condition("one_hot", "one", 0, in_train, correct, trained, {})


def middle(values: list[float]) -> float:
    """The lower median."""
    return sorted(values)[(len(values) - 1) // 2]


def test_histograms_spread_every_score_once(case, scores: pl.DataFrame) -> None:
    """Where n_out differs, each score is spread over its 1 / n_out: a loop over examples agrees."""
    table = case.study.table("memorization_histogram")
    assert table["n_examples"].sum() == pytest.approx(scores.height)
    for (objective, size), mine in table.group_by("objective", "size"):
        values = scores.filter(objective=objective, size=size)
        lows, highs = mine["bin_low"].to_numpy(), mine["bin_high"].to_numpy()
        assert lows[1:] == pytest.approx(highs[:-1])
        expected = np.zeros(len(mine))
        for score, n_out in values.select("memorization", "n_out").iter_rows():
            ends = [score - 0.5 / n_out, score + 0.5 / n_out]
            # What lies beyond the outermost bins belongs to them.
            bounds = np.concatenate([[-9], lows[1:], [9]])
            parts = np.clip(
                np.minimum(ends[1], bounds[1:]) - np.maximum(ends[0], bounds[:-1]), 0, 9
            )
            expected += parts * n_out
        assert mine["n_examples"].to_numpy() == pytest.approx(expected, abs=1e-6)
        assert mine["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("n_out", [3, 7, 18, 30, 60])
def test_even_scores_give_a_flat_histogram(ask, tmp_path: Path, n_out: int) -> None:
    """If all possible scores are equally common, all bins from 0 to 1 are equally high, exactly."""
    store = handmade.write(tmp_path / "s", [errors([n_out])], n_test=0)
    table = ask(store).table("memorization_histogram")
    inside = table.filter(pl.col("bin") >= 0)
    assert inside["density"].to_numpy() == pytest.approx(n_out / (n_out + 1))
    assert table.filter(pl.col("bin") < 0)["n_examples"].sum() == 0
    assert inside["bin_low"][0] == pytest.approx(-0.5 / n_out)
    assert inside["bin_high"][-1] == pytest.approx(1 + 0.5 / n_out)


def test_uneven_numbers_of_models_leave_no_comb(ask, tmp_path: Path) -> None:
    """With 12 to 18 models that hold out, even scores stay flat within 5 %; counting gives 40 %."""
    condition = errors([12, 13, 14, 15, 16, 17, 18])
    asked = ask(handmade.write(tmp_path / "s", [condition], n_test=0))
    table = asked.table("memorization_histogram")
    inner = table.filter(pl.col("bin_low") > 0.1, pl.col("bin_high") < 0.9)
    height = inner["density"].to_numpy()
    assert np.ptp(height) / height.mean() < 0.05
    values = asked.table("memorization")["memorization"].to_numpy()
    edges = np.append(inner["bin_low"].to_numpy(), inner["bin_high"][-1])
    counted = np.histogram(values, edges)[0]
    assert np.ptp(counted) / counted.mean() > 0.4


def test_densities_count_every_pair_once(case) -> None:
    """Cells sum to the examples with both scores, and as many lie on each side of any edge."""
    both = case.study.table("distillation").drop_nulls(
        ["memorization_one_hot", "memorization_distilled"]
    )
    table = case.study.table("distillation_density")
    assert table["n_examples"].sum() == both.height
    assert table.unique(["size", "one_hot_low", "distilled_low"]).height == table.height
    for axis in ("one_hot", "distilled"):
        for (size, edge), _ in table.group_by("size", f"{axis}_low"):
            mine = both.filter(size=size)[f"memorization_{axis}"]
            cells = table.filter(pl.col("size") == size, pl.col(f"{axis}_low") > edge - 1e-9)
            assert cells["n_examples"].sum() == (mine >= edge - 1e-9).sum()


def half_scores(case, condition: handmade.Condition) -> list[list[float | None]]:
    """The score of each training example from the models of even and of odd groups of ten."""
    found = []
    for half in (0, 1):
        chosen = np.arange(len(condition.trained)) // 10 % 2 == half
        mine = condition.trained & chosen
        scores: list[float | None] = []
        for row in range(case.n_train):
            inside = condition.in_train[row] & mine
            outside = mine & ~condition.in_train[row]
            if not inside.any() or not outside.any():
                scores.append(None)
                continue
            right = condition.correct[row]
            scores.append(right[inside].mean() - right[outside].mean())
        found.append(scores)
    return found


def test_halves_share_no_model(case) -> None:
    """A loop over the models of a half finds its score; both halves count each model once."""
    table = case.study.table("half_scores").sort("example_id")
    whole = case.study.table("memorization").filter(split="train").sort("example_id")
    for condition in case.conditions:
        where = {"objective": condition.objective, "size": condition.size}
        mine = [table.filter(half=half, **where) for half in "ab"]
        for half, expected in zip(mine, half_scores(case, condition), strict=True):
            wanted = [None if score is None else pytest.approx(score) for score in expected]
            assert half["memorization"].to_list() == wanted
        counts = whole.filter(**where)
        for name in ("n_in", "n_out", "hits_in", "hits_out"):
            assert (mine[0][name] + mine[1][name]).to_list() == counts[name].to_list()


def test_halves_are_compared_across(case) -> None:
    """Columns hold the pairs of scores from opposite halves that a loop over examples finds."""
    table = case.study.table("distillation_halves")
    by_name = {(c.objective, c.size): c for c in case.conditions}
    for (size, compared), mine in table.group_by("size", "compared"):
        first = half_scores(case, by_name["one_hot", size])
        second = half_scores(case, by_name[compared, size])
        pairs = [
            (x, y)
            for a, b in ((0, 1), (1, 0))
            for x, y in zip(first[a], second[b], strict=True)
            if x is not None and y is not None
        ]
        assert mine["n_examples"].sum() == pytest.approx(len(pairs) / 2)
        for row in mine.unique("one_hot_low").iter_rows(named=True):
            low, high = row["one_hot_low"] - 1e-9, row["one_hot_high"] - 1e-9
            column = [y for x, y in pairs if low <= x < high]
            assert row["n_one_hot"] == pytest.approx(len(column) / 2)
            assert row["mean_score"] == pytest.approx(np.mean(column))
        shares = mine.group_by("one_hot_low").agg(pl.col("share_of_one_hot").sum())
        assert shares["share_of_one_hot"].to_numpy() == pytest.approx(1)


def test_spreads_are_those_of_the_scores(case, scores: pl.DataFrame) -> None:
    """Quantiles are NumPy's, and the binomial variance is taken off the variance, not below 0."""
    table = case.study.table("accuracy_spread")
    assert table.height == 6 * 4
    for row in table.filter(pl.col("quantity") != "accuracy_test").iter_rows(named=True):
        mine = scores.filter(objective=row["objective"], size=row["size"])
        values = mine[row["quantity"]].to_numpy()
        assert row["n_examples"] == len(values)
        assert row["mean"] == pytest.approx(values.mean())
        for level in (10, 25, 50, 75, 90):
            assert row[f"q{level}"] == pytest.approx(np.percentile(values, level))
        noise = {
            side: mine.select(
                pl.col(f"accuracy_{side}") * (1 - pl.col(f"accuracy_{side}"))
                / (pl.col(f"n_{side}") - 1)
            ).to_series().to_numpy()
            for side in ("in", "out")
        }  # fmt: skip
        if (mine.select("n_in", "n_out").to_numpy() < 2).any():
            continue
        sides = {"accuracy_in": ["in"], "accuracy_out": ["out"]}.get(row["quantity"], ["in", "out"])
        removed = sum(noise[side] for side in sides).mean()
        assert row["sd"] == pytest.approx(np.sqrt(max(values.var(ddof=1) - removed, 0)), abs=1e-9)


def test_expected_errors_are_beta_binomial(ask, tmp_path: Path) -> None:
    """Expectations are SciPy's Beta-binomial probabilities of the stored fits, summed by bin."""
    store = handmade.write(tmp_path / "s", [errors([30], copies=2)], n_test=0)
    schema = TABLES["beta_binomial"][1]
    fit = dict.fromkeys(schema.names) | {
        "objective": "one_hot", "size": "one", "size_rank": 0, "mean": 0.3, "precision": 0.9,
        "low_mean": 0.1, "low_precision": 4.0, "high_mean": 0.8, "high_precision": 20.0,
        "high_weight": 0.25,
    }  # fmt: skip
    store.write_table("beta_binomial", pa.Table.from_pylist([fit], schema))
    table = ask(store).table("held_out_errors")
    k = np.arange(31)

    def probability(mean: float, precision: float) -> np.ndarray:
        return stats.betabinom.pmf(k, 30, mean * precision, (1 - mean) * precision)

    one = probability(0.3, 0.9)
    two = 0.75 * probability(0.1, 4.0) + 0.25 * probability(0.8, 20.0)
    assert table["share"].sum() == pytest.approx(1)
    for row in table.iter_rows(named=True):
        inside = (k / 30 >= row["bin_low"]) & (k / 30 < row["bin_high"])
        assert row["n_examples"] == 2 * inside.sum()
        assert row["expected_one"] == pytest.approx(one[inside].sum())
        assert row["expected_two"] == pytest.approx(two[inside].sum())


def test_errors_without_a_fit_have_no_expectation(case) -> None:
    """Where no distribution was fitted, observed shares stand alone."""
    table = case.study.table("held_out_errors")
    assert table["share"].null_count() == 0
    assert table["expected_one"].null_count() == table.height > 0
