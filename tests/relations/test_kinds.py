"""``kind_effects``, ``kind_retrieval`` and ``controls`` on stores, against SQL, SciPy and loops."""

import shutil
from pathlib import Path

import kinds_and_partners
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

from memanalysis.evidence.load import read_study
from memanalysis.relations import derive, derive_kinds
from memanalysis.relations.kinds import describes, read_kinds
from memanalysis.storage.store import Store
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def study(kinds_store: Store) -> Study:
    """The store with kinds, opened."""
    return Study(kinds_store)


def _share(values: np.ndarray) -> float:
    return float(np.mean(values))


def test_means_are_those_of_sql(study: Study) -> None:
    """Scores, rates and changes by kind: averages over the relations of single examples."""
    expected = study.sql(
        """
        select objective, size, kind, count(*) as n, avg(m.memorization) as memorization,
            avg(m.accuracy_in) as accuracy_in, avg(m.accuracy_out) as accuracy_out,
            avg(d.change) as distillation
        from memorization as m
        inner join examples using (example_id)
        left join distillation as d
            on m.objective = 'distilled' and d.size = m.size and d.example_id = m.example_id
        where m.split = 'train' and kind is not null
        group by objective, size, kind
        """.replace("objective, size, kind", "m.objective, m.size, kind")
    )
    found = study.sql("from kind_effects where quantity <> 'share'")
    assert found.height == 3 * 4 * (2 * 3 + 1)
    for row in found.iter_rows(named=True):
        mine = expected.filter(objective=row["objective"], size=row["size"], kind=row["kind"]).row(
            0, named=True
        )
        assert row["estimate"] == pytest.approx(mine[row["quantity"]])
        assert row["n_examples"] == mine["n"]
        assert row["ci_low"] <= row["estimate"] <= row["ci_high"]


def test_intervals_leave_out_one_group_at_a_time(kinds_store: Store, study: Study) -> None:
    """The jackknife by hand, for one kind at one size."""
    condition = read_study(kinds_store).conditions["one_hot"]
    kinds = kinds_and_partners.kind_of(kinds_store)
    mine = np.array([kinds[i] == "flipped" for i in condition.outcomes.example_id.tolist()])
    folds = []
    for group in range(6):
        kept = condition.counts[np.arange(6) != group].sum(0)[1]
        folds.append(_share((kept.hits_in / kept.n_in - kept.hits_out / kept.n_out)[mine]))
    se = np.sqrt(5 / 6 * ((np.array(folds) - np.mean(folds)) ** 2).sum())
    row = study.sql(
        "from kind_effects where kind = 'flipped' and size = 's2' and objective = 'one_hot' "
        "and quantity = 'memorization'"
    ).row(0, named=True)
    assert row["ci_high"] - row["estimate"] == pytest.approx(stats.t.ppf(0.975, 5) * se)
    assert row["n_groups"] == 6


def test_shares_of_shapes_are_counted(study: Study) -> None:
    """Shapes of trajectory_tests counted by kind; the shares of a kind are 1 together."""
    counted = study.sql(
        "select objective, kind, shape, n / sum(n) over (partition by objective, kind) as share "
        "from (select objective, kind, shape, count(*) as n from trajectory_tests "
        "inner join examples using (example_id) where kind is not null group by all)"
    )
    found = study.sql("from kind_effects where quantity = 'share'")
    assert found.group_by("objective", "kind").agg(pl.col("estimate").sum())[
        "estimate"
    ].to_list() == pytest.approx([1.0] * 8)
    joined = found.join(counted, on=["objective", "kind", "shape"], how="left").fill_null(0)
    assert joined["estimate"].to_list() == pytest.approx(joined["share"].to_list())


def test_planted_kinds_are_told_apart_as_scipy_does(study: Study) -> None:
    """The area of the score, and of a proxy that is low where examples are hard, by SciPy."""
    values = study.sql(
        "select kind, m.memorization, -value_in as aum from memorization as m "
        "inner join examples using (example_id) inner join proxies as p "
        "on p.example_id = m.example_id and p.size = m.size and p.objective = m.objective "
        "where m.objective = 'one_hot' and m.size = 's3' and proxy = 'aum' and kind is not null"
    )
    flipped, clean = (values.filter(kind=kind) for kind in ("flipped", "clean"))
    for proxy in ("memorization", "aum"):
        u = stats.mannwhitneyu(flipped[proxy], clean[proxy]).statistic
        row = study.sql(
            "from kind_retrieval where objective = 'one_hot' and size = 's3' "
            f"and kind = 'flipped' and proxy = '{proxy}'"
        ).row(0, named=True)
        assert row["auc"] == pytest.approx(u / (flipped.height * clean.height), abs=2e-3)
        assert row["auc_low"] < row["auc"] < row["auc_high"]
        assert row["precision"] > row["share"]


def test_packing_keeps_what_took_the_groups(kinds_store: Store, tmp_path: Path) -> None:
    """Derived again without detail per group, kinds and controls have the rows that they had."""
    shutil.copytree(kinds_store.path, tmp_path / "s", ignore=shutil.ignore_patterns("groups"))
    store = Store.open(tmp_path / "s")
    derive(store)
    for name in ("kind_effects", "kind_retrieval", "controls"):
        again, before = store.read_table(name), kinds_store.read_table(name)
        assert again.equals(before), name


def test_nothing_is_found_in_the_control(study: Study) -> None:
    """Every finding once, none supported, although some conditions hold on the real subsets."""
    controls = study.table("controls")
    findings = study.sql("from findings where row = 'headline'")
    assert controls["finding"].to_list() == findings["finding"].to_list()
    assert "supported" in study.table("findings").filter(pl.col("core"))["verdict"].to_list()
    assert "supported" not in controls["verdict"].to_list()
    assert set(controls["control"]) == {"exchanged_subsets"}


def test_other_kinds_replace_the_rows(kinds_store: Store, tmp_path: Path) -> None:
    """Kinds that were judged anew: their tables follow, and old rows are not taken for theirs."""
    shutil.copytree(kinds_store.path, tmp_path / "s", ignore=shutil.ignore_patterns("groups"))
    store = Store.open(tmp_path / "s")
    swapped = {"flipped": "easy", "clean": "hard"}
    rows = store.read_table("examples").to_pylist()
    for row in rows:
        row["kind"] = swapped.get(row["kind"], row["kind"])
    examples = pa.Table.from_pylist(rows, store.read_table("examples").schema)
    before = pl.from_arrow(store.read_table("kind_effects"))
    read = read_study(store)
    assert describes(store.read_table("kind_retrieval"), read, read_kinds(store, read))
    store.write_table("examples", examples)
    store.write_manifest()
    assert not describes(store.read_table("kind_retrieval"), read, read_kinds(store, read))
    derive_kinds(store)
    after = pl.from_arrow(store.read_table("kind_effects"))
    keys = {"objective": "one_hot", "size": "s2", "quantity": "memorization"}
    renamed = after.filter(kind="easy", **keys).drop("kind")
    assert renamed.equals(before.filter(kind="flipped", **keys).drop("kind"))
    assert set(after["kind"]) == {"easy", "hard", "blended", "rotated"}
    areas = pl.from_arrow(store.read_table("kind_retrieval")).filter(kind="easy")["auc"]
    assert areas.is_null().all()  # what others are compared with
