"""CIFAR-10 against published files: made files of their form, joined and asked as the page does."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import handmade
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from readme_parts import ROOT

from memanalysis.storage.store import Store

N = 40  # training examples; example i is the image 3 i of the files


def script(name: str) -> ModuleType:
    """A script of data/results."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"data/results/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def outside() -> ModuleType:
    """The script that asks."""
    return script("outside")


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    """A folder with a store called cifar10, of random bits, whose examples have CIFAR's names."""
    conditions = handmade.random_conditions(
        ("resnet8w4", "resnet8w8"), ("one_hot",), n_train=N, n_subsets=40, seed=2
    )
    store = handmade.write(tmp_path / "cifar10", conditions)
    examples = store.read_table("examples")
    names = [f"train/{3 * i}" for i in range(N)] + [f"test/{i}" for i in range(6)]
    at = examples.column_names.index("source_id")
    store.write_table("examples", examples.set_column(at, "source_id", pa.array(names)))
    store.write_manifest()
    return tmp_path


@pytest.fixture
def files(stores: Path) -> tuple[Path, Path]:
    """C-scores that are high for late images; people of whom one dissents on every fourth."""
    labels = np.zeros(3 * N, np.int64)
    labels[::3] = handmade.labels(N)
    np.savez(stores / "c.npz", labels=labels, scores=np.arange(3 * N) / (3 * N))
    people = {f"random_label{i}": labels.astype(np.uint8) for i in (1, 2, 3)}
    people["random_label1"] = np.where(np.arange(3 * N) % 12 == 0, 9, labels).astype(np.uint8)
    np.savez(stores / "h.npz", clean_label=labels.astype(np.uint8), **people)
    return stores / "c.npz", stores / "h.npz"


def test_what_three_people_say(outside: ModuleType) -> None:
    """Three, two, a majority for another class, or none."""
    votes = np.array([[1, 1, 2, 2, 2, 1], [1, 1, 2, 2, 3, 3], [1, 2, 2, 1, 4, 2]])
    assert outside.people(votes, np.ones(6, np.int64)).tolist() == [
        "all the label", "mostly the label", "another class", "another class", "no majority",
        "no majority",
    ]  # fmt: skip


def test_files_are_joined_by_the_plain_index(
    outside: ModuleType, stores: Path, files: tuple[Path, Path]
) -> None:
    """Every table has rows, of the images with that index; the store is left as it was."""
    before = {p: p.read_bytes() for p in (stores / "cifar10").rglob("*") if p.is_file()}
    found = outside.compare(stores / "cifar10", *files)
    tables = {
        name: pl.DataFrame(table["rows"], schema=table["columns"], orient="row")
        for name, table in found["tables"].items()
    }
    assert {len(frame) for name, frame in tables.items() if name == "c_score"} == {4}
    assert tables["c_score"]["images"].to_list() == [N] * 4
    people = tables["dissents"].select("people who dissent", "images").rows()
    assert people == [("0", 30), ("1", 10)] * 2
    everyone = tables["directions"].filter(pl.col("score with width") == "all").row(0, named=True)
    assert everyone["images"] == N
    assert everyone["people do not agree"] == pytest.approx(0.25)
    assert everyone["low"] < 0.25 < everyone["high"]
    assert tables["suspects"]["two or three dissent"].to_list() == [0]
    assert set(tables["changes"]["images"]) >= {30, 10}
    assert found["made"]["outcomes"] == Store.open(stores / "cifar10").manifest.outcomes_fingerprint
    after = {p: p.read_bytes() for p in (stores / "cifar10").rglob("*") if p.is_file()}
    assert after == before


def test_files_in_another_order_are_refused(
    outside: ModuleType, stores: Path, files: tuple[Path, Path]
) -> None:
    """The labels beside the scores tell."""
    from memanalysis.errors import DataError

    content = dict(np.load(files[0]))
    np.savez(files[0], labels=content["labels"][::-1], scores=content["scores"])
    with pytest.raises(DataError, match="other labels beside it"):
        outside.compare(stores / "cifar10", *files)


def test_the_page_shows_what_was_computed_and_nothing_stale(
    outside: ModuleType, stores: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables go into their blocks; of other models they are refused, of none the page says so."""
    results = script("results")
    monkeypatch.setattr(results, "STORES", stores)
    monkeypatch.setattr(results, "OUTSIDE", stores / "outside.json")
    page = "<!-- begin outside c_score -->\n<!-- end -->\n"
    assert "being trained" in results.filled(page)
    monkeypatch.setattr(
        sys, "argv",
        ["outside.py", "--cscores", str(files[0]), "--human", str(files[1]),
         "--store", str(stores / "cifar10"), "--out", str(stores / "outside.json")],
    )  # fmt: skip
    outside.main()
    kept = json.loads((stores / "outside.json").read_text())
    filled = results.filled(page)
    assert filled.count("held-out accuracy") == 2
    assert results.filled(filled) == filled
    kept["made"]["outcomes"] = "0" * 64
    (stores / "outside.json").write_text(json.dumps(kept))
    with pytest.raises(ValueError, match="make results CSCORES=FILE HUMAN=FILE"):
        results.filled(page)


def test_claims_stand_by_their_verdict() -> None:
    """Each of the four claims stands in one sentence of its verdict, with what it rests on."""
    results = script("results")
    assert results.claims("fashion-mnist").startswith(results.answer("fashion-mnist"))
    text = results.claims("fashion-mnist")
    findings = results._study("fashion-mnist").sql("from findings where row = 'headline'")
    assert findings.height == 4
    for row in findings.iter_rows(named=True):
        assert f"(`{row['finding']}`)" in text
        assert f"- `{row['finding']}`: {row['sentence']}" in text
    begins = {"supported": "Supported: ", "not supported": "Not supported: ",
              "undetermined": "Undetermined: "}  # fmt: skip
    assert {begins[v] in text.split("\n")[0] for v in set(findings["verdict"])} == {True}
    assert results.claims("nowhere") == results._BEING_TRAINED
