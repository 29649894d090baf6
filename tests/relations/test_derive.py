import json
import shutil
from dataclasses import replace
from pathlib import Path

import handmade
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from memanalysis.errors import StoreError
from memanalysis.evidence.load import read_study
from memanalysis.findings import FINDINGS
from memanalysis.relations import derive
from memanalysis.relations.tables import as_table, stack
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store


def _derived(store: Store) -> dict[str, pa.Table]:
    derive(store)
    again = Store.open(store.path)
    for name in DERIVED:
        assert again.stamp_of(name) == again.manifest.outcomes_fingerprint
    return {name: again.read_table(name) for name in DERIVED}


def _only(table: pa.Table, **values: str) -> pa.Table:
    for name, value in values.items():
        table = table.filter(pc.equal(table[name], value))
    return table


@pytest.fixture
def copied(simulated_store: Store, tmp_path: Path) -> Store:
    """A copy of the simulated store that a test may change."""
    shutil.copytree(simulated_store.path, tmp_path / "copy")
    return Store.open(tmp_path / "copy")


def test_every_table_of_a_whole_study(simulated_store: Store) -> None:
    """Sizes, objectives, proxies and groups: every table has rows, schemas hold, all is stamped."""
    tables = {name: simulated_store.read_table(name) for name in DERIVED}
    for name, table in tables.items():
        assert table.schema.equals(DERIVED[name])
        # Kinds of example are known where they were planted or judged; noise has no duplicates.
        absent = name.startswith("kind_") or "duplicate" in name
        assert (table.num_rows > 0) != absent, name
        assert simulated_store.stamp_of(name) == simulated_store.manifest.outcomes_fingerprint
    assert tables["trajectory_tests"].num_rows == 2 * 200
    assert tables["accuracy_intervals"].num_rows == 2 * 3
    assert tables["accuracy_intervals"]["accuracy_test_low"].null_count == 0
    headlines = _only(tables["findings"], row="headline")
    assert headlines["finding"].to_pylist() == [finding.name for finding in FINDINGS]
    assert set(headlines["provisional"].to_pylist()) == {True}


def test_shares_add_up(simulated_store: Store) -> None:
    """The shares of each rule and alpha are 1 together, and so are those of noise."""
    shares = simulated_store.read_table("trajectory_shares")
    sums = shares.group_by(["objective", "rule", "alpha"]).aggregate(
        [("share", "sum"), ("noise_share", "sum")]
    )
    assert np.allclose(sums["share_sum"].to_numpy(), 1)
    assert np.allclose(sums["noise_share_sum"].to_numpy(), 1)
    assert {*sums["rule"].to_pylist()} == {"shape", "direction", "threshold"}


def test_mean_memorisation_is_a_difference(simulated_store: Store) -> None:
    """memorization = accuracy_in - accuracy_out, and means agree with the bimodality table."""
    table = simulated_store.read_table("accuracy_intervals")
    difference = pc.subtract(table["accuracy_in"], table["accuracy_out"]).to_numpy()
    assert np.allclose(table["memorization"].to_numpy(), difference)
    means = simulated_store.read_table("bimodality")["mean"].to_numpy()
    assert np.allclose(means, table["memorization"].to_numpy())


def test_tests_agree_with_plain_counting(simulated_store: Store) -> None:
    """The sign of a found direction is that of the change counted from the bits."""
    study = read_study(simulated_store)
    counts = study.conditions["one_hot"].counts.sum(0)
    change = counts.memorization[-1] - counts.memorization[0]
    rows = _only(simulated_store.read_table("trajectory_tests"), objective="one_hot")
    direction = np.array(rows["direction"].to_pylist())
    assert (direction == "increasing").any()
    assert (change[direction == "increasing"] > 0).all()
    assert (change[direction == "decreasing"] < 0).all()


def test_effects_split_into_in_and_out(simulated_store: Store) -> None:
    """Every effect is its change inside minus its change outside; naive rows stand beside."""
    effects = simulated_store.read_table("distillation_effects")
    parts = pc.subtract(effects["change_in"], effects["change_out"])
    known = pc.is_valid(effects["change"])
    assert np.allclose(
        effects["change"].filter(known).to_numpy(), parts.filter(known).to_numpy(), atol=1e-9
    )
    assert set(effects["estimator"].to_pylist()) == {"jackknife", "leave_one_group_out", "naive"}
    assert set(_only(effects, grouping="score")["selected_on"].to_pylist()) == {
        "one_hot", "distilled",
    }  # fmt: skip


def test_derive_is_reproducible(copied: Store) -> None:
    """The same outcomes give the same tables."""
    before = {name: copied.read_table(name) for name in DERIVED}
    after = _derived(copied)
    for name, table in before.items():
        assert table.equals(after[name]), name


def test_without_detail_per_group(copied: Store) -> None:
    """Never any detail: bits still give intervals, proxies keep estimates and lose intervals."""
    before = copied.read_table("proxy_correlations")
    earlier_trends = copied.read_table("proxy_trends")
    shutil.rmtree(copied.path / "groups")
    for name in DERIVED:
        copied.table_path(name).unlink()
    tables = _derived(copied)
    found = tables["proxy_correlations"]
    assert found["ci_low"].null_count == found.num_rows
    estimates = [_only(t, stratum="all")["estimate"].to_numpy() for t in (found, before)]
    assert np.allclose(*estimates, atol=0.05, equal_nan=True)
    # Halves are enough to tell trends.
    trends = [t["auc"].to_numpy() for t in (tables["proxy_trends"], earlier_trends)]
    assert len(trends[0]) > 0
    assert np.allclose(*trends, atol=0.01, equal_nan=True)
    assert tables["bimodality"]["polarisation_low"].null_count == 0
    signal = _only(tables["findings"], finding="bimodality_grows", row="probability")
    assert signal["reason"].to_pylist() == ["not_kept"]
    assert "no longer kept for each group" in signal["sentence"][0].as_py()


def test_a_packed_store_keeps_what_took_the_groups(copied: Store) -> None:
    """Derived again after packing, every table has the rows that it had; bits are counted again."""
    before = {name: copied.read_table(name) for name in DERIVED}
    shutil.rmtree(copied.path / "groups")
    after = _derived(copied)
    for name, table in before.items():
        assert after[name].sort_by(_keys(table)).equals(table.sort_by(_keys(table))), name


def test_kept_rows_get_later_columns_as_null(copied: Store) -> None:
    """A kept table that lacks a column, as an earlier version wrote it, has it NULL."""
    path = copied.table_path("proxy_correlations")
    earlier = copied.read_table("proxy_correlations")
    pq.write_table(earlier.drop_columns(["n_examples"]), path)
    copied.note_table("proxy_correlations")
    copied.write_manifest()
    shutil.rmtree(copied.path / "groups")
    found = _derived(copied)["proxy_correlations"]
    assert found["n_examples"].null_count == found.num_rows
    assert found["ci_low"].equals(earlier["ci_low"])


def test_findings_of_before_the_rules_had_versions_are_decided_anew(copied: Store) -> None:
    """A packed store whose findings name no version is derived like one of an earlier version."""
    earlier = copied.read_table("findings")
    pq.write_table(earlier.drop_columns(["version"]), copied.table_path("findings"))
    copied.note_table("findings")
    copied.write_manifest()
    shutil.rmtree(copied.path / "groups")
    found = _derived(copied)["findings"]
    assert found["version"].unique().to_pylist() == earlier["version"].unique().to_pylist()
    assert found["finding"].equals(earlier["finding"])


def test_nothing_is_kept_from_other_outcomes(copied: Store) -> None:
    """Rows that came from other outcomes are never kept."""
    shutil.rmtree(copied.path / "groups")
    outcomes = copied.read_table("outcomes")
    loss = pc.add(outcomes["loss_in_sum"], 1)
    at = outcomes.schema.get_field_index("loss_in_sum")
    copied.write_table("outcomes", outcomes.set_column(at, outcomes.schema.field(at), loss))
    found = _derived(copied)["proxy_correlations"]
    assert found["ci_low"].null_count == found.num_rows


def _keys(table: pa.Table) -> list[tuple[str, str]]:
    """Every column that is no float, by which rows of two tables can be laid side by side."""
    return [(f.name, "ascending") for f in table.schema if not pa.types.is_floating(f.type)]


def test_one_size_one_objective_no_proxies(tmp_path: Path) -> None:
    """What cannot be computed has zero rows; findings are undetermined, and nothing fails."""
    conditions = handmade.random_conditions(("only",), ("one_hot",), n_subsets=12)
    store = handmade.write(tmp_path / "store", conditions, group_size=2)
    store.write_table("proxies", store.read_table("proxies").slice(0, 0))
    tables = _derived(store)
    rows = {name: table.num_rows for name, table in tables.items()}
    assert rows["accuracy_intervals"] == rows["bimodality"] == 1
    for name in (
        "trajectory_tests", "trajectory_shares", "proxy_correlations", "proxy_trends",
        "distillation_effects",
    ):  # fmt: skip
        assert rows[name] == 0
    assert set(_only(tables["findings"], row="headline")["verdict"].to_pylist()) == {"undetermined"}


@pytest.mark.parametrize("objectives", [("one_hot", "distilled"), ("distilled",)])
def test_few_uneven_groups(tmp_path: Path, objectives: tuple[str, ...]) -> None:
    """Three groups, models missing here and there, independent subsets, proxies by halves."""
    conditions = handmade.random_conditions(objectives=objectives, n_subsets=21, untrained=0.2)
    tables = _derived(handmade.write(tmp_path / "store", conditions))
    headlines = _only(tables["findings"], row="headline")
    assert set(headlines["verdict"].to_pylist()) == {"undetermined"}
    assert tables["trajectory_tests"].num_rows == 40 * len(objectives)


def test_one_group_has_no_intervals(tmp_path: Path) -> None:
    """Nothing can be left out: estimates stay, intervals are NULL."""
    conditions = handmade.random_conditions(("a", "b"), ("one_hot",), n_subsets=10, balanced=True)
    tables = _derived(handmade.write(tmp_path / "store", conditions))
    accuracy = tables["accuracy_intervals"]
    assert accuracy["memorization"].null_count == 0
    assert accuracy["memorization_low"].null_count == 2


def test_no_outcomes_at_all(tmp_path: Path) -> None:
    """Imported scores without masks: no outcomes, no models; every table is there."""
    conditions = handmade.random_conditions(("a",), ("one_hot",), n_subsets=10)
    store = handmade.write(tmp_path / "store", conditions)
    for name in ("outcomes", "models"):
        store.write_table(name, store.read_table(name).slice(0, 0))
    store.manifest = replace(store.manifest, n_subsets=0)
    tables = _derived(store)
    assert tables["bimodality"].num_rows == 0
    assert _only(tables["findings"], row="headline").num_rows == len(FINDINGS)


def test_wrong_bit_strings_are_refused(tmp_path: Path) -> None:
    """A manifest with another number of subsets names the file and what to do."""
    conditions = handmade.random_conditions(("a",), ("one_hot",), n_subsets=10)
    store = handmade.write(tmp_path / "store", conditions)
    store.manifest = replace(store.manifest, n_subsets=40)
    with pytest.raises(StoreError, match=r"outcomes.parquet' has bit strings .* build the store"):
        derive(store)


def test_queries_name_known_tables(simulated_store: Store) -> None:
    """Each finding's SQL reads derived tables and columns that exist."""
    for text in set(simulated_store.read_table("findings")["query"].to_pylist()):
        words = text.replace(",", " ").split()
        table = words[words.index("from") + 1]
        selected = words[words.index("select") + 1 : words.index("from")]
        assert set(selected) <= set(DERIVED[table].names)


def test_columns_to_tables() -> None:
    """NaN becomes NULL, missing columns are NULL, single values repeat, others are refused."""
    schema = pa.schema([("name", pa.string()), ("value", pa.float64()), ("n", pa.int64())])
    columns = stack([{"name": "a", "value": np.array([1.0, np.nan])}, {"name": "b", "value": 2.0}])
    table = as_table(columns, schema)
    assert json.loads(json.dumps(table.to_pydict())) == {
        "name": ["a", "a", "b"], "value": [1.0, None, 2.0], "n": [None, None, None],
    }  # fmt: skip
    with pytest.raises(ValueError, match="no such columns: nonsense"):
        as_table({"nonsense": [1]}, schema)


def test_a_missing_group_shifts_no_other(tmp_path: Path) -> None:
    """Without any model of the first group, the second has its own bits: counts by a loop."""
    given = handmade.random_conditions(("s",), ("one_hot",), n_train=12, seed=2)[0]
    condition = handmade.without(given, lambda subset: subset < 10)
    study = read_study(handmade.write(tmp_path / "store", [condition]))
    read = study.conditions["one_hot"]
    assert read.group_ids.tolist() == [1, 2]
    n_in = condition.in_train[:12, 10:20].sum(axis=1)
    assert read.counts.n_in[0, 0].tolist() == n_in.tolist()
