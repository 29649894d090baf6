"""Stores of every origin go alike through check, every relation, the wide frame and the report."""

import json
from pathlib import Path

import handmade
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from memanalysis.bundled_studies import embedded_path
from memanalysis.checking import check
from memanalysis.exporting import write_huggingface, write_npz
from memanalysis.importing import import_source
from memanalysis.reporting import report
from memanalysis.reporting.document import SECTIONS
from memanalysis.sql.catalogue import catalogue
from memanalysis.sql.checks import violations
from memanalysis.storage.store import Store
from memanalysis.studies import open as open_study


def imported(folder: Path) -> Path:
    """Two sizes of masks and correctness, without probabilities, images or proxies."""
    conditions = handmade.random_conditions(
        ("small", "large"), ("one_hot",), n_subsets=20, balanced=True
    )
    made = open_study(handmade.write(folder / "made", conditions).path)
    for path in write_npz(made, folder / "archives"):
        import_source("npz", path, folder / "imported")
    return folder / "imported"


def scores_alone(folder: Path) -> Path:
    """AUMs of nine examples: no model at all."""
    rows = "".join(f"{8 - i},{1.5 - i / 4}\n" for i in range(9))
    (folder / "aum_values.csv").write_text("sample_id,aum\n" + rows)
    import_source("dynamics", folder / "aum_values.csv", folder / "scores")
    return folder / "scores"


@pytest.fixture(params=["produced", "simulated", "imported", "scores alone"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store of each origin; the produced one is the study that comes with memanalysis."""
    if request.param == "simulated":
        return Store.open(request.getfixturevalue("simulated_store").path)
    made = {"imported": imported, "scores alone": scores_alone}
    if request.param in made:
        return Store.open(made[request.param](tmp_path))
    return Store.open(embedded_path())


def test_stores_of_every_origin_go_the_same_way(store: Store, tmp_path: Path) -> None:
    """No fault, every relation readable, one row per example and its origin, a report whose
    sections say something.
    """
    assert [str(fault) for fault in check(store.path)] == []
    assert violations(store) == []
    relations = catalogue(store, count=True)
    assert {r.name for r in relations if r.folder == "tables" and r.rows} >= {"examples", "study"}
    with_outcomes = store.read_table("models").num_rows > 0
    assert any(r.rows for r in relations if r.name == "memorization") == with_outcomes
    study = open_study(store.path)
    folder = write_huggingface(study, tmp_path / "set")
    rows = [pq.read_table(path, columns=["example_id"]) for path in folder.glob("data/*.parquet")]
    ids = pa.concat_tables(rows)["example_id"].to_pylist()
    assert sorted(ids) == list(range(len(store.read_table("examples"))))
    card = (folder / "README.md").read_text()
    assert card.count("\nImported from ") == len(store.manifest.imports)
    written = report(study, tmp_path / "report.json")
    sections = json.loads(written.read_text(encoding="utf-8"))["sections"]
    listed = [row for s in sections if s["name"] == "not_asked" for row in s["blocks"][0]["rows"]]
    # The explorer is a page's alone.
    assert len(sections) - bool(listed) + len(listed) == len(SECTIONS) - 1
    assert [section["name"] for section in sections if not section["blocks"]] == []
