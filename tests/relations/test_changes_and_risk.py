"""Changes by score, parts of distillation and membership risk, by loops over models."""

from __future__ import annotations

import json
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from scipy import stats

from memanalysis.analysis.membership_risk import pairwise_area
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.evidence.load import read_study
from memanalysis.experiments.simulate import simulate
from memanalysis.storage.margins import MARGIN_STEP
from memanalysis.storage.model_files import read_model
from memanalysis.storage.store import Store
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def relation(simulated_store: Store):
    """Any relation of the simulated store, by name."""
    study = Study(simulated_store)
    yield lambda name: study.table(name)
    study.close()


@pytest.fixture(scope="module")
def bits(simulated_store: Store) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Membership and correctness of every condition, bool [n, S]; subsets in groups of ten."""
    study, found = read_study(simulated_store), {}
    for objective, condition in study.conditions.items():
        outcomes = condition.outcomes
        for row, size in enumerate(outcomes.sizes):
            found[objective, size] = tuple(
                np.unpackbits(packed[row], axis=-1)[:, :60].astype(bool)
                for packed in (outcomes.in_train, outcomes.correct)
            )
    return found


def _rates(inside: np.ndarray, right: np.ndarray, models: np.ndarray) -> tuple[float, float]:
    """p_in and p_out of one image over some models."""
    return right[models & inside].mean(), right[models & ~inside].mean()


def _groups() -> list[np.ndarray]:
    """Flags [60] of the models of each of six groups."""
    return [np.arange(60) // 10 == group for group in range(6)]


def _fold(first, last, group: np.ndarray, end: int, low: float, high: float) -> np.ndarray:
    """Change, fitting, generalising in one group of the images that all others put into a bin."""
    rows = []
    for i in range(200):
        chosen = (first, last)[end]
        p_in, p_out = _rates(chosen[0][i], chosen[1][i], ~group)
        if not low - 1e-9 <= p_in - p_out < high - 1e-9:
            continue
        (in_1, out_1), (in_2, out_2) = (_rates(c[0][i], c[1][i], group) for c in (first, last))
        rows.append([in_2 - in_1 - (out_2 - out_1), in_2 - in_1, out_1 - out_2])
    return np.array(rows).reshape(-1, 3)


@pytest.mark.parametrize("objective", ["one_hot", "distilled"])
@pytest.mark.parametrize("end", [0, 1])
def test_change_by_score_equals_a_loop(relation, bits, objective: str, end: int) -> None:
    """Every bin's change, both parts and limits are those of a loop over images and groups."""
    table = relation("change_by_score").filter(
        objective=objective, sizes="all", selected_at=("first", "last")[end]
    )
    assert table.height == 10
    first, last = bits[objective, "s1"], bits[objective, "s3"]
    known = 0
    for row in table.iter_rows(named=True):
        low = -np.inf if row["score_low"] is None else row["score_low"]
        high = np.inf if row["score_high"] is None else row["score_high"]
        folds = [_fold(first, last, group, end, low, high) for group in _groups()]
        assert row["n_examples"] == pytest.approx(np.mean([len(fold) for fold in folds]))
        means = np.array([fold.mean(axis=0) for fold in folds if len(fold) >= 20])
        assert row["n_folds"] == len(means)
        if len(means) == 0:
            assert row["change"] is None
            continue
        for column, name in enumerate(("change", "fitting", "generalising")):
            assert row[name] == pytest.approx(means[:, column].mean())
        if len(means) > 1:
            known += 1
            spread = means[:, 0].std(ddof=1) / np.sqrt(len(means))
            half = stats.t.ppf(0.975, len(means) - 1) * spread
            assert row["change_high"] - row["change"] == pytest.approx(half)
    assert known >= 1


def test_true_changes_equal_a_loop(relation, bits) -> None:
    """Mean change and the covariance of both halves' changes, for every range of scores."""
    table = relation("true_changes").filter(objective="one_hot", sizes="all")
    assert table.height == 4
    even = np.arange(60) // 10 % 2 == 0
    everything = np.ones(60, dtype=bool)
    scores = {
        (size, name): np.array([
            np.subtract(*_rates(bits["one_hot", size][0][i], bits["one_hot", size][1][i], models))
            for i in range(200)
        ])
        for size in ("s1", "s3")
        for name, models in (("all", everything), ("even", even), ("odd", ~even))
    }  # fmt: skip
    mean = (scores["s1", "all"] + scores["s3", "all"]) / 2
    for row in table.iter_rows(named=True):
        low = -np.inf if row["score_low"] is None else row["score_low"]
        high = np.inf if row["score_high"] is None else row["score_high"]
        chosen = (mean >= low - 1e-9) & (mean < high - 1e-9)
        assert row["n_examples"] == chosen.sum()
        change = {k: (scores["s3", k] - scores["s1", k])[chosen] for k in ("all", "even", "odd")}
        assert row["mean_change"] == pytest.approx(change["all"].mean())
        covariance = np.cov(change["even"], change["odd"])[0, 1]
        assert row["variance"] == pytest.approx(covariance)
        assert (row["sd"] is None) == (covariance <= 0)
        assert 0 <= row["share_falling"] <= 1
        assert row["share_falling"] + row["share_rising"] <= 1 + 1e-9


@pytest.mark.parametrize("objective", ["one_hot", "distilled"])
def test_class_changes_equal_a_loop(relation, bits, objective: str, simulated_store: Store) -> None:
    """Every class's mean change, its parts and jackknife limits, by loops over images."""
    labels = simulated_store.read_table("examples")["label"].to_pylist()[:200]
    table = relation("class_changes").filter(objective=objective, sizes="all")
    assert table["label"].to_list() == sorted(set(labels))
    first, last = bits[objective, "s1"], bits[objective, "s3"]

    def change(label: int, models: np.ndarray) -> np.ndarray:
        rates = np.array([
            [_rates(inside[i], right[i], models) for inside, right in (first, last)]
            for i in range(200) if labels[i] == label
        ])  # fmt: skip
        (in_1, out_1), (in_2, out_2) = rates.mean(axis=0)
        return np.array([in_2 - in_1 - (out_2 - out_1), in_2 - in_1, out_1 - out_2])

    for row in table.iter_rows(named=True):
        assert row["n_examples"] == labels.count(row["label"])
        whole = change(row["label"], np.ones(60, dtype=bool))
        without = np.array([change(row["label"], ~group) for group in _groups()])
        errors = np.sqrt(5 / 6 * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
        for k, name in enumerate(("change", "fitting", "generalising")):
            assert row[name] == pytest.approx(whole[k])
            half = stats.t.ppf(0.975, 5) * errors[k]
            assert row[f"{name}_high"] - row[name] == pytest.approx(half)


def test_distillation_parts_equal_a_loop(relation, bits) -> None:
    """Contrasts of fitting and generalising, and the null of an equal gain, per student."""
    table = relation("distillation_parts")
    assert set(table["selected_on"]) == {"one_hot", "distilled"}
    known = 0
    for row in table.iter_rows(named=True):
        a, b = bits["one_hot", row["size"]], bits["distilled", row["size"]]
        folds = []
        for group in _groups():
            values, scores = [], []
            for i in range(200):
                (in_a, out_a), (in_b, out_b) = (_rates(c[0][i], c[1][i], group) for c in (a, b))
                v = 0.0
                for c in (a, b):
                    held = c[1][i][group & ~c[0][i]]
                    k, n = held.sum(), len(held)
                    v += k * (n - k) / (n * (n - 1)) / 2
                values.append([in_b - in_a, out_a - out_b, v])
                by = a if row["selected_on"] == "one_hot" else b
                scores.append(np.subtract(*_rates(by[0][i], by[1][i], ~group)))
            value, score = np.array(values), np.array(scores)
            high, low = score >= 0.5 - 1e-9, score < 0.25 - 1e-9
            if min(high.sum(), low.sum()) >= 20:
                contrast = value[high].mean(axis=0) - value[low].mean(axis=0)
                folds.append([*contrast, -value[:, 1].mean(), value[:, 2].mean()])
        assert row["n_folds"] == len(folds)
        if not folds:
            assert row["excess"] is None
            continue
        known += 1
        fit, generalise, variance, gain, mean_variance = np.mean(folds, axis=0)
        assert row["fitting"] == pytest.approx(fit)
        assert row["generalising"] == pytest.approx(generalise)
        assert row["equal_gain"] == pytest.approx(-gain / mean_variance * variance)
        assert row["excess"] == pytest.approx(generalise - row["equal_gain"])
    assert known >= 1


def _margins(store: Store, objective: str, size: str) -> tuple[np.ndarray, np.ndarray]:
    """Margin and membership of every model and training example, from the model files: [n, S]."""
    columns = []
    for path in sorted((store.path / "models").rglob("*.safetensors")):
        record = read_model(path)
        if (record.info.objective, record.info.size) == (objective, size):
            margin = np.asarray(record.signals["margin"][: len(record.in_train)], dtype=np.float64)
            columns.append((record.info.subset_id, margin, record.in_train))
    columns.sort(key=lambda column: column[0])
    return np.stack([c[1] for c in columns], axis=1), np.stack([c[2] for c in columns], axis=1)


def test_membership_risk_is_a_direct_attack_on_every_model(relation, simulated_store) -> None:
    """Areas are the normal law's from all margins by hand, and near the share of ordered pairs."""
    margins, inside = _margins(simulated_store, "one_hot", "s3")
    inside = inside.astype(bool)
    assert margins.shape == (200, 60)
    table = relation("membership_risk").filter(objective="one_hot", size="s3").sort("example_id")
    expected = []
    for x, member in zip(margins, inside, strict=True):
        a, b = x[member], x[~member]
        spread = np.hypot(a.std(ddof=1), b.std(ddof=1))
        expected.append(NormalDist().cdf((a.mean() - b.mean()) / spread) if spread else np.nan)
    found = table["area"].fill_null(np.nan).to_numpy()
    assert found == pytest.approx(np.array(expected), abs=2e-3, nan_ok=True)
    pairs = pairwise_area(margins, inside)
    by_hand = [
        np.mean([(p > q) + (p == q) / 2 for p in x[member] for q in x[~member]])
        for x, member in zip(margins, inside, strict=True)
    ]
    assert pairs == pytest.approx(by_hand)
    assert np.nanmean(np.abs(pairs - found)) < 0.06
    assert table["tpr_1"].null_count() == 200  # 18 models without an example


def _by_pairs(margins: np.ndarray, inside: np.ndarray, models: np.ndarray) -> list[float]:
    """Share of ordered pairs of some models, ties half, in a loop over pairs; NaN below two."""
    areas = []
    for x, member in zip(margins, inside, strict=True):
        a, b = x[member & models], x[~member & models]
        wins = [(p > q) + (p == q) / 2 for p in a for q in b]
        areas.append(np.mean(wins) if min(len(a), len(b)) >= 2 else np.nan)
    return areas


@pytest.mark.parametrize("pack", [False, True])
def test_membership_risk_counts_pairs_where_margins_are_kept(tmp_path, pack: bool) -> None:
    """Areas, whole and by half, are direct attacks on kept margins; rates stay the normal law's."""
    store = simulate(tmp_path / "store", n_train=40, n_test=5, sizes=("s1",), groups=5, seed=5)
    margins, inside = _margins(store, "one_hot", "s1")
    normal = _risk_rows(store)
    manifest = store.path / "manifest.json"
    described = json.loads(manifest.read_text())
    described["settings"].setdefault("observe", {})["keep_margins"] = True
    manifest.write_text(json.dumps(described))
    store = build(store.path, pack=pack)
    assert check(store.path) == []
    rows, steps = _risk_rows(store), np.clip(np.round(margins / MARGIN_STEP), -127, 127)
    even = np.arange(steps.shape[1]) // 10 % 2 == 0
    for name, models in {"area": even | True, "area_a": even, "area_b": ~even}.items():
        expected = np.array(_by_pairs(steps, inside.astype(bool), models))
        found = rows[name].fill_null(np.nan).to_numpy()
        assert np.isfinite(found).all()
        assert found == pytest.approx(expected, abs=6e-4)
        assert (found != normal[name].fill_null(np.nan).to_numpy()).any()
    for name in ("n_in", "n_out", "tpr_1", "tpr_01"):
        assert rows[name].equals(normal[name])


def _risk_rows(store: Store) -> pl.DataFrame:
    """``membership_risk`` of labels alone, by example."""
    study = Study(store)
    rows = study.table("membership_risk").filter(objective="one_hot").sort("example_id")
    study.close()
    return rows


def test_models_without_a_margin_take_no_part_in_pairs() -> None:
    """An unknown margin changes no area but that of its own pairs; one side alone has none."""
    margins = np.array([[3.0, np.nan, 1.0, 2.0], [3.0, 4.0, np.nan, np.nan]])
    inside = np.array([[True, True, False, False]] * 2)
    assert pairwise_area(margins, inside) == pytest.approx([1.0, np.nan], nan_ok=True)


def test_membership_risk_at_low_rates_with_many_models(tmp_path) -> None:
    """With 60 models outside, recognition at 1 % is the normal law's; at .1 % it is not known."""
    store = simulate(tmp_path / "store", n_train=30, n_test=5, sizes=("s1",), groups=20, seed=3)
    margins, inside = _margins(store, "one_hot", "s1")
    inside = inside.astype(bool)
    study = Study(store)
    table = study.table("membership_risk").filter(objective="one_hot").sort("example_id")
    study.close()
    for row, x, member in zip(table.iter_rows(named=True), margins, inside, strict=True):
        a, b = x[member], x[~member]
        threshold = b.mean() + NormalDist().inv_cdf(0.99) * b.std(ddof=1)
        expected = 1 - NormalDist(a.mean(), a.std(ddof=1)).cdf(threshold)
        assert row["tpr_1"] == pytest.approx(expected, abs=5e-3)
        assert row["tpr_01"] is None


def test_the_summary_is_the_mean_of_its_rows(relation) -> None:
    """Means by size, objective and range of the score are those of the rows in the range."""
    rows = relation("membership_risk").join(
        relation("memorization").select("objective", "size", "example_id", "memorization"),
        on=["objective", "size", "example_id"],
    )
    summary = relation("membership_risk_summary")
    assert summary.height == 2 * 3 * 4
    for line in summary.iter_rows(named=True):
        mine = rows.filter(
            pl.col("area").is_not_null(), objective=line["objective"], size=line["size"]
        )
        if line["score_low"] is not None:
            mine = mine.filter(pl.col("memorization") >= line["score_low"] - 1e-9)
        if line["score_high"] is not None:
            mine = mine.filter(pl.col("memorization") < line["score_high"] - 1e-9)
        assert line["n_examples"] == mine.height
        if mine.height:
            assert line["area_mean"] == pytest.approx(
                mine["area"].mean(), abs=2e-4
            )  # of rows to three digits
