"""Scores without masks: C-scores and any table with an id."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.errors import DataError
from memanalysis.experiments.simulate import simulate
from memanalysis.importing import Options, import_source
from memanalysis.reporting import report
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study


def proxies_of(store):
    """Rows of ``proxies`` without halves, ordered."""
    query = "select proxy, example_id, value_in, value_out, n_in, n_out from proxies order by all"
    return open_study(store.path).sql(query).rows()


def test_c_scores_alone_make_a_store_that_reports(tmp_path, is_whole):
    """Scores go to value_out without counts; every relation answers, the report says why not."""
    scores = np.array([0.5, 0.25, 1.0])
    np.savez(tmp_path / "cscores.npz", labels=np.array([1, 0, 1]), scores=scores)
    store = import_source("cscore", tmp_path / "cscores.npz", tmp_path / "out").store
    assert proxies_of(store) == [("cscore", i, None, s, None, None) for i, s in enumerate(scores)]
    assert store.manifest.proxies["cscore"]["hard_is"] == "low"
    assert (store.manifest.sizes, store.manifest.n_subsets) == ([], 0)
    is_whole(store.path)
    page = tmp_path / "report.html"
    report(open_study(store.path), page)
    text = page.read_text(encoding="utf-8")
    assert "memorization, its counts and errors cannot be computed" in text
    assert "Jiang et al. 2021" in text


@pytest.mark.usefixtures("without_derive")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_joins_by_id(tmp_path, ending):
    """Rows in any order find their examples; text is no score; known names need no direction."""
    frame = pl.DataFrame({"example_id": [3, 0, 2], "note": ["a", "b", "c"], "aum": [1.5, -2.0, 0.0],
                          "depth": [7, 8, 9]})  # fmt: skip
    source = tmp_path / f"mine.{ending}"
    frame.write_csv(source) if ending == "csv" else frame.write_parquet(source)
    store = import_source(
        "scores", source, tmp_path / "out", Options(hard_is="none", n_train=6)
    ).store
    assert proxies_of(store) == [
        ("aum", 0, -2.0, None, None, None), ("aum", 2, 0.0, None, None, None),
        ("aum", 3, 1.5, None, None, None), ("depth", 0, 8.0, None, None, None),
        ("depth", 2, 9.0, None, None, None), ("depth", 3, 7.0, None, None, None),
    ]  # fmt: skip
    assert store.manifest.proxies["aum"]["hard_is"] == "low"
    assert store.manifest.proxies["depth"]["hard_is"] == "none"
    assert store.manifest.n_train == 6


@pytest.mark.usefixtures("without_derive")
def test_names_join_by_source_id(tmp_path):
    """Two files with the same names in other orders speak of the same examples."""
    out = tmp_path / "out"
    pl.DataFrame({"file": ["b", "a", "c"], "x": [1.0, 2.0, 3.0]}).write_csv(tmp_path / "one.csv")
    pl.DataFrame({"source_id": ["c", "b"], "y": [30.0, 10.0]}).write_csv(tmp_path / "two.csv")
    options = Options(hard_is="high", id_column="file")
    import_source("scores", tmp_path / "one.csv", out, options)
    store = import_source("scores", tmp_path / "two.csv", out, Options(hard_is="low")).store
    joined = open_study(out).sql(
        "select source_id, proxy, value_in from proxies join examples using (example_id) "
        "order by all"
    )
    assert joined.rows() == [("a", "x", 2.0), ("b", "x", 1.0), ("b", "y", 10.0),
                             ("c", "x", 3.0), ("c", "y", 30.0)]  # fmt: skip
    assert [entry["source"] for entry in store.manifest.imports] == ["one.csv", "two.csv"]


FAULTS = {
    "no direction": ({"x": [1.0, 2, 3, 4]}, {}, ["column 'x'", "--hard-is"]),
    "NaN": ({"x": [1.0, None, 3, 4]}, {"hard_is": "low"}, ["nan at position 1", "--missing"]),
    "twice": ({"example_id": [0, 1, 1, 2]}, {"hard_is": "low"}, ["more than once, first 1"]),
    "outside": ({"example_id": [0, 1, 2, 400]}, {"hard_is": "low"}, ["ids such as 400", "0 to 9"]),
    "no id": ({"example_id": None, "name": [1, 2, 3, 4]}, {"hard_is": "low"}, ["--id-column"]),
    "no such column": ({}, {"hard_is": "low", "names": ("xx",)}, ["'xx'", "Did you mean 'x'"]),
    "text": ({"x": ["a", "b", "c", "d"]}, {"hard_is": "low"}, [r"x \(string\)", "numbers"]),
    "unknown names": (
        {"example_id": None, "source_id": ["a", "b", "c", "d"]},
        {"hard_is": "low"},
        ["4 unknown ids, first 'a'", "no example has a name"],
    ),
}


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """A store of ten examples and one proxy ``old``, where high is hard."""
    root = tmp_path_factory.mktemp("ten")
    np.save(root / "old.npy", np.arange(10.0))
    return import_source("scores", root / "old.npy", root / "out", Options(hard_is="high")).store


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_message_and_the_store_stays(name, tmp_path, ten, snapshot):
    """The file, the column, what was found and what was expected are named."""
    change, options, said = FAULTS[name]
    columns = {"example_id": [5, 1, 2, 3], "x": [1.0, 2.0, 3.0, 4.0]} | change
    source = tmp_path / "mine.csv"
    pl.DataFrame({k: v for k, v in columns.items() if v is not None}).write_csv(source)
    before = snapshot(ten.path)
    with pytest.raises(DataError) as caught:
        import_source("scores", source, ten.path, Options(**options))
    for pattern in said:
        caught.match(pattern)
    assert snapshot(ten.path) == before


def test_a_name_keeps_its_direction(tmp_path, ten):
    """The same proxy at another size cannot point the other way."""
    np.save(tmp_path / "old.npy", np.arange(10.0))
    with pytest.raises(DataError, match=r"'old' with hard = low.*hard = high"):
        import_source("scores", tmp_path / "old.npy", ten.path, Options(hard_is="low", size="b"))
    with pytest.raises(DataError, match="does not have at this size"):
        import_source("scores", tmp_path / "old.npy", ten.path, Options(hard_is="high"))


def test_foreign_scores_are_compared_with_memorization_at_every_size(tmp_path):
    """A score that is the truth itself correlates at each size, as declared; low-is-hard turns.

    No other derived row moves, before packing or after, when it could not be computed again.
    """
    path = tmp_path / "store"
    simulate(path, n_train=120, n_test=10, sizes=("s", "l"), groups=4, objectives=("one_hot",),
             world="no-change", proxies=("aum",), seed=2)  # fmt: skip
    before = open_study(path).table("proxy_correlations")
    findings = open_study(path).table("findings")
    scores = open_study(path).sql(
        "select example_id, avg(memorization) as truth, -avg(memorization) as turned "
        "from memorization where split = 'train' group by all"
    )
    for name, hard in (("truth", "high"), ("turned", "low")):
        scores.select("example_id", name).write_csv(tmp_path / f"{name}.csv")
        import_source("scores", tmp_path / f"{name}.csv", path, Options(hard_is=hard))
        build(path, pack=True)
    found = open_study(path).table("proxy_correlations")
    kept = ["objective", "size", "quantity", "stratum", "proxy", "method", "estimate", "ci_low"]
    rest = found.filter(pl.col("proxy") == "aum").select(kept)
    # To rounding: sums run over more proxies at once.
    assert_frame_equal(rest, before.select(kept), abs_tol=1e-12)
    levels = found.filter(
        pl.col("proxy").is_in(["truth", "turned"]),
        stratum="all",
        method="spearman",
        quantity="level",
    )
    assert levels.height == 4
    assert (levels["estimate"] > 0.5).all()
    assert levels["ci_low"].null_count() == 0
    turned = levels.filter(proxy="turned").sort("size")["estimate"]
    truth = levels.filter(proxy="truth").sort("size")["estimate"]
    assert turned.to_list() == pytest.approx(truth.to_list())
    assert Store.open(path).manifest.sizes == ["s", "l"]
    assert open_study(path).table("findings").equals(findings)
    assert check(path) == []


def test_scores_alone_can_be_compared_with_each_other(tmp_path, is_whole):
    """Pearson and Spearman of two scores, with ties, equal SciPy's; the report shows them."""
    rng = np.random.default_rng(0)
    scores = {"one": rng.integers(0, 5, 40).astype(float), "two": rng.normal(size=40)}
    for name, values in scores.items():
        np.save(tmp_path / f"{name}.npy", values)
        options = Options(hard_is="high")
        import_source("scores", tmp_path / f"{name}.npy", tmp_path / "out", options)
    study = is_whole(tmp_path / "out")
    (row,) = study.table("proxy_agreement").rows(named=True)
    pair = scores["one"], scores["two"].astype(np.float32)
    assert (row["proxy"], row["other_proxy"], row["n_examples"]) == ("one", "two", 40)
    assert row["pearson"] == pytest.approx(stats.pearsonr(*pair).statistic)
    assert row["spearman"] == pytest.approx(stats.spearmanr(*pair).statistic)
    report(study, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "imported values of" in text
