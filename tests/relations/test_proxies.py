"""Relations on proxies and signals, on stores, against SciPy and loops over the same halves."""

import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import handmade
import numpy as np
import polars as pl
import pytest
from scipy import stats

from memanalysis.analysis.polarisation import polarisation_of
from memanalysis.evidence.load import Study, read_study
from memanalysis.evidence.signals import read_signals
from memanalysis.relations import derive
from memanalysis.storage.store import Store


@pytest.fixture(scope="module")
def study(simulated_store: Store) -> Study:
    """The arrays of the simulated store."""
    return read_study(simulated_store)


def _table(store: Store, name: str, **values: str) -> pl.DataFrame:
    frame = pl.from_arrow(store.read_table(name))
    return frame.filter(*(pl.col(column) == value for column, value in values.items()))


def _splits(study: Study, proxy: str, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Proxy [2, n] and score [2, n] of both halves, for each of the ten splits of six groups."""
    condition, proxies = study.conditions["one_hot"], study.proxies["one_hot"]
    at = proxies.names.index(proxy)
    for first in combinations(range(6), 3):
        if first[0] == 0:
            halves = [list(first), [g for g in range(6) if g not in first]]
            total = [proxies.sums.groups[h, at, size].sum(axis=0, dtype=float) for h in halves]
            n = [proxies.sums.groups_n[h, at, size].sum(axis=0, dtype=float) for h in halves]
            score = [condition.counts[h].sum(0)[size].memorization for h in halves]
            yield proxies.signs[at] * np.stack(total) / np.stack(n), np.stack(score)


def _opposite(method, x: np.ndarray, y: np.ndarray) -> float:
    return float((method(x[0], y[1]).statistic + method(x[1], y[0]).statistic) / 2)


def test_correlations_average_all_splits(simulated_store: Store, study: Study) -> None:
    """Pearson over ten splits by SciPy, raw, reliability and corrected."""
    name = study.proxies["one_hot"].names[0]
    splits = list(_splits(study, name, 1))
    estimate = np.mean([_opposite(stats.pearsonr, x, y) for x, y in splits])
    of_x = np.mean([stats.pearsonr(x[0], x[1]).statistic for x, _ in splits])
    of_y = np.mean([stats.pearsonr(y[0], y[1]).statistic for _, y in splits])
    row = _table(
        simulated_store, "proxy_correlations", objective="one_hot", size="s2", proxy=name,
        method="pearson", stratum="all",
    )  # fmt: skip
    assert row["n_splits"].to_list() == [10]
    assert row["estimate"].to_list() == pytest.approx([estimate], abs=1e-6)
    reliability = min(2 * of_x / (1 + of_x), 2 * of_y / (1 + of_y))
    assert row["reliability"].to_list() == pytest.approx([reliability], abs=1e-6)
    assert row["corrected_estimate"].to_list() == pytest.approx(
        [estimate / np.sqrt(of_x * of_y)], abs=1e-6
    )
    assert row["ci_low"][0] < estimate < row["ci_high"][0]


def test_strata_have_all_methods(simulated_store: Store, study: Study) -> None:
    """Classes, directions and shapes; Kendall in a class by SciPy on the first split."""
    rows = _table(simulated_store, "proxy_correlations", objective="one_hot", size="s1")
    kinds = {stratum.partition(":")[0] for stratum in rows["stratum"]}
    assert kinds == {"all", "class", "direction", "shape"}
    for _, group in rows.group_by("stratum"):
        assert set(group["method"]) == {"pearson", "spearman", "kendall"}
    label = int(np.bincount(study.labels).argmax())
    name = study.proxies["one_hot"].names[0]
    x, y = next(_splits(study, name, 0))
    chosen = study.labels == label
    expected = _opposite(stats.kendalltau, x[:, chosen], y[:, chosen])
    row = rows.filter(
        pl.col("stratum") == f"class: {study.class_names[label]}", pl.col("proxy") == name,
        pl.col("method") == "kendall",
    )  # fmt: skip
    assert row["estimate"].to_list() == pytest.approx([expected], abs=1e-3)
    assert row["n_splits"].to_list() == [1]
    assert row["ci_low"].null_count() == 1


def test_retrieval_averages_all_splits(simulated_store: Store, study: Study) -> None:
    """The share of the proxy's top 10 % that are memorised (>= .25), by a loop over the splits."""
    name = study.proxies["one_hot"].names[0]
    shares, ceilings, base = [], [], []
    for x, y in _splits(study, name, 2):
        for half in (0, 1):
            truth = y[1 - half] >= 0.25 - 1e-11
            shares.append(truth[np.argsort(-x[half], kind="stable")[:20]].mean())
            order = np.sort(y[half])[::-1]
            weight = (y[half] > order[19]) + (y[half] == order[19]) * (
                20 - (y[half] > order[19]).sum()
            ) / (y[half] == order[19]).sum()
            ceilings.append((weight * truth).sum() / 20)
            base.append(truth.mean())
    row = _table(
        simulated_store, "proxy_retrieval", objective="one_hot", size="s3", proxy=name,
        target="memorization >= 0.25", selection="top 10 %",
    )  # fmt: skip
    assert row["precision"].to_list() == pytest.approx([np.mean(shares)], abs=0.003)
    assert row["score_precision"].to_list() == pytest.approx([np.mean(ceilings)], abs=1e-9)
    assert row["lift"].to_list() == pytest.approx([np.mean(shares) / np.mean(base)], abs=0.02)
    assert row["precision_low"][0] <= row["precision"][0] <= row["precision_high"][0]


def test_as_many_as_the_target(simulated_store: Store) -> None:
    """Naming as many as the target holds, precision is recall; all rows are there."""
    rows = _table(simulated_store, "proxy_retrieval", selection="as many").drop_nulls("precision")
    assert rows["precision"].to_list() == pytest.approx(rows["recall"].to_list(), abs=0.03)
    every = _table(simulated_store, "proxy_retrieval")
    keys = ["objective", "size", "proxy", "target", "selection"]
    assert every.select(keys).is_duplicated().sum() == 0
    assert every["target"].n_unique() * every["selection"].n_unique() == 20


def test_polarisation_of_proxies(simulated_store: Store, study: Study) -> None:
    """By the covariance of the halves, a loop over the splits."""
    rows = _table(simulated_store, "proxy_polarisation", objective="one_hot", size="s1")
    name = rows["proxy"][0]
    sign = study.proxies["one_hot"].signs[study.proxies["one_hot"].names.index(name)] or 1
    found = []
    for x, _ in _splits(study, name, 0):
        a, b = sign * x
        found.append(polarisation_of(np.array((a.mean() + b.mean()) / 2), np.cov(a, b)[0, 1]))
    assert rows["polarisation"][0] == pytest.approx(np.mean(found), abs=1e-6)
    assert rows["polarisation_low"][0] < rows["polarisation"][0]


def test_signals_agree_as_scipy_says(simulated_store: Store, study: Study) -> None:
    """Spearman of the change by correctness and by probability, ten splits by SciPy."""
    mine = read_signals(simulated_store, study)["one_hot"]
    found = []
    for first in combinations(range(6), 3):
        if first[0] == 0:
            halves = [list(first), [g for g in range(6) if g not in first]]
            a, b = (
                [(m := mine[s].units[h].sum(0).memorization)[-1] - m[0] for h in halves]
                for s in ("correctness", "probability")
            )
            found.append(_opposite(stats.spearmanr, np.stack(b), np.stack(a)))
    row = _table(
        simulated_store, "signal_agreement", objective="one_hot", quantity="change",
        signal_a="correctness", signal_b="probability", method="spearman",
    )  # fmt: skip
    assert row["estimate"].to_list() == pytest.approx([np.mean(found)])
    assert row["ci_low"][0] < row["estimate"][0] < row["ci_high"][0]
    every = _table(simulated_store, "signal_agreement")
    assert every.select("signal_a", "signal_b").unique().height == 6


def test_packed_stores_have_one_split(simulated_store: Store, tmp_path: Path) -> None:
    """Without detail and without earlier tables: the fixed halves, no intervals."""
    skipped = shutil.ignore_patterns("groups", "derived")
    shutil.copytree(simulated_store.path, tmp_path / "s", ignore=skipped)
    (tmp_path / "s" / "derived").mkdir()
    store = Store.open(tmp_path / "s")
    derive(store)
    for name, low in (
        ("proxy_correlations", "ci_low"), ("proxy_retrieval", "precision_low"),
        ("proxy_polarisation", "polarisation_low"), ("signal_agreement", "ci_low"),
    ):  # fmt: skip
        frame = _table(store, name)
        assert frame.height == _table(simulated_store, name).height
        assert set(frame["n_splits"]) == {1}, name
        assert frame[low].null_count() == frame.height, name


def test_foreign_proxies_and_few_examples(tmp_path: Path) -> None:
    """Random bits, 40 examples, proxies without halves: rows for each size, nothing fails."""
    conditions = handmade.random_conditions(("a", "b"), ("one_hot",), n_subsets=30)
    store = handmade.write(tmp_path / "store", conditions)
    derive(store)
    assert set(_table(store, "proxy_retrieval")["size"]) == {"a", "b"}
    assert _table(store, "proxy_polarisation").height == 0  # AUM has no bounds
