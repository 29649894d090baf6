"""Near duplicates against a loop over pairs, and whom they help; influence_prediction stored."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image

from memanalysis.analysis.influence_prediction import margin_scores, prediction_scores
from memanalysis.analysis.near_duplicates import candidates, projection, standardised
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.evidence.load import read_study
from memanalysis.experiments.simulate import simulate
from memanalysis.relations.influence import test_partners as partners_of
from memanalysis.relations.influence import training_of
from memanalysis.relations.near_duplicates import duplicate_recall, near_duplicates
from memanalysis.relations.tables import as_table
from memanalysis.storage import bits
from memanalysis.storage.margins import MARGIN_STEP
from memanalysis.storage.model_files import read_model
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store
from memanalysis.studies import Study

Pixels = NDArray[np.uint8]


def _png(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _images() -> list[Pixels]:
    """Images of 13 x 9 pixels: ten originals, noisy, brighter and equal copies; grey and colour."""
    rng = np.random.default_rng(0)
    originals = [rng.integers(40, 180, (13, 9), dtype=np.uint8) for _ in range(10)]
    noisy = [(o + rng.normal(0, sd, o.shape)).astype(np.uint8) for o, sd in
             zip(originals[:5], (3, 6, 9, 12, 20), strict=True)]  # fmt: skip
    brighter = [o + np.uint8(30) for o in originals[5:8]]
    uniform = [np.full((13, 9), 9, dtype=np.uint8)] * 2
    colour = np.stack([originals[0]] * 3, axis=-1)
    return [*originals, *noisy, *brighter, *uniform, colour, colour.copy(), originals[9].copy()]


def _with_images(store: Store, path: Path, images: dict[int, bytes | None]) -> Store:
    shutil.copytree(store.path, path)
    copied = Store.open(path)
    examples = copied.read_table("examples").to_pylist()
    for position, content in images.items():
        examples[position]["image"] = content
    schema = copied.read_table("examples").schema
    copied.write_table("examples", pa.Table.from_pylist(examples, schema=schema))
    copied.write_manifest()
    return copied


@pytest.fixture(scope="module")
def pictured(simulated_store: Store, tmp_path_factory: pytest.TempPathFactory):
    """A store whose last training and first test examples have images; and the images by id."""
    images = _images()
    n_train = simulated_store.manifest.n_train
    at = {n_train - 11 + k: image for k, image in enumerate(images)}
    contents = {k: _png(image) for k, image in at.items()} | {0: b"no image", 1: b""}
    return _with_images(simulated_store, tmp_path_factory.mktemp("p") / "s", contents), at


def test_pairs_are_those_of_a_loop(pictured) -> None:
    """Every pair with a training image whose pixels correlate by .98, with both measures."""
    store, images = pictured
    n_train = store.manifest.n_train
    found = as_table(near_duplicates(store), DERIVED["near_duplicates"]).to_pylist()
    expected = []
    for i, a in images.items():
        for j, b in images.items():
            if i >= j or i >= n_train or a.shape != b.shape or not a.std() or not b.std():
                continue
            r = np.corrcoef(a.ravel() / 255, b.ravel() / 255)[0, 1]
            if r >= 0.98:
                expected.append((i, j, r, np.sqrt(np.mean((a / 255 - b / 255.0) ** 2))))
    assert [(p["train_id"], p["other_id"]) for p in found] == [e[:2] for e in expected]
    assert len(found) >= 5
    for pair, (_, j, similarity, distance) in zip(found, expected, strict=True):
        assert pair["similarity"] == pytest.approx(similarity)
        assert pair["distance"] == pytest.approx(distance)
        assert pair["other_split"] == ("train" if j < n_train else "test")
    labels = store.read_table("examples")["label"].to_pylist()
    assert [p["same_label"] for p in found] == [
        labels[p["train_id"]] == labels[p["other_id"]] for p in found
    ]


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (5, 11, 1), (1, 3, 1)])
def test_the_projection_loses_no_pair(shape: tuple[int, int, int]) -> None:
    """Images that correlate by .9 are always candidates, smooth or rough, of any shape."""
    rng = np.random.default_rng(3)
    base = rng.integers(0, 200, (6, *shape))
    near = base[rng.integers(0, 6, 60)] + rng.normal(0, 25, (60, *shape))
    images = [standardised(x) for x in np.clip(near, 0, 255).astype(np.uint8)]
    values = [x for x in images if x is not None]
    pairs = set(candidates(np.stack([projection(x) for x in values]), 40, 0.9))
    for i in range(min(40, len(values))):
        for j in range(i + 1, len(values)):
            if (values[i] * values[j]).sum() >= 0.9:
                assert (i, j) in pairs


def test_a_store_without_images_has_no_pairs(simulated_store: Store, tmp_path: Path) -> None:
    """Zero rows, and no recall; images of noise have no pairs either."""
    empty = _with_images(simulated_store, tmp_path / "s", dict.fromkeys(range(240)))
    assert near_duplicates(empty) == {}
    assert duplicate_recall(empty, read_study(empty), {}) == {}
    noise = near_duplicates(simulated_store)
    assert as_table(noise, DERIVED["near_duplicates"]).num_rows == 0


def test_recall_ranks_by_influence_on(pictured) -> None:
    """Ranks, mean influence and the share by chance, as the relation influence_on gives them."""
    store, _ = pictured
    n_train = store.manifest.n_train
    pairs = {
        "train_id": [3, 7, 9, 11], "other_id": [n_train, n_train, n_train + 2, n_train + 3],
        "other_split": ["test"] * 4, "same_label": [True, True, True, False],
    }  # fmt: skip
    study = read_study(store)
    found = as_table(duplicate_recall(store, study, pairs), DERIVED["duplicate_recall"])
    assert found.num_rows == 2 * 3
    with closing(Study(store)) as asked:
        tables = {n: asked.sql(f"from influence_on({n_train + n})") for n in (0, 2)}
    for row in found.to_pylist():
        ranks, influences = [], []
        for example, partners in ((0, [3, 7]), (2, [9])):
            mine = tables[example].filter(objective=row["objective"], size=row["size"])
            mine = mine.with_columns(rank=(-pl.col("influence")).rank("average"))
            of = mine.filter(pl.col("train_id").is_in(partners))
            ranks.append(of["rank"].min())
            influences.append(of["influence"].mean())
        assert row["n_test"] == 2
        assert row["recall_1"] == np.mean(np.array(ranks) <= 1)
        assert row["recall_10"] == np.mean(np.array(ranks) <= 10)
        assert row["influence"] == pytest.approx(np.mean(influences))
        one, two = 10 / 200, 1 - 190 * 189 / (200 * 199)
        assert row["chance_10"] == pytest.approx((one + two) / 2)


def test_a_duplicate_that_decides_is_recalled(pictured, tmp_path: Path) -> None:
    """A test example that exactly its near duplicate's models get right: recall and influence 1."""
    store, _ = pictured
    shutil.copytree(store.path, tmp_path / "s")
    copied = Store.open(tmp_path / "s")
    n_train = copied.manifest.n_train
    rows = copied.read_table("outcomes").to_pylist()
    inside = {
        (row["objective"], row["size"]): row["in_train"] for row in rows if row["example_id"] == 5
    }
    for row in rows:
        if row["example_id"] == n_train + 1:
            row["correct"] = inside[row["objective"], row["size"]]
    schema = copied.read_table("outcomes").schema
    copied.write_table("outcomes", pa.Table.from_pylist(rows, schema=schema))
    pairs = {
        "train_id": [5], "other_id": [n_train + 1], "other_split": ["test"], "same_label": [True],
    }  # fmt: skip
    found = duplicate_recall(copied, read_study(copied), pairs)
    assert set(found["recall_1"]) == set(found["recall_10"]) == {1.0}
    assert found["influence"] == pytest.approx([1.0] * 6)


def test_influence_prediction_is_stored(simulated_store: Store) -> None:
    """Rows by objective, size and set of pairs are the means over partners, then folds."""
    with closing(Study(simulated_store)) as asked:
        table = asked.table("influence_prediction")
    study = read_study(simulated_store)
    assert table.height == 2 * 3 * 2
    for row in table.iter_rows(named=True):
        condition = study.conditions[row["objective"]]
        place = condition.sizes.index(row["size"])
        partners, ids = partners_of(simulated_store, condition, place, row["objective"])
        assert len(ids) == simulated_store.manifest.n_test
        scores = prediction_scores(
            training_of(study, condition, place), partners, same_class=row["same_class"]
        )
        assert scores.shape[0] == row["n_folds"] == 6
        assert row["estimate"] == pytest.approx(np.nanmean(scores, axis=1).mean())
        assert row["n_examples"] == pytest.approx(np.isfinite(scores).sum(axis=1).mean())
        assert (row["n_models"], row["n_train"]) == (60, 200)
        assert row["ci_low"] < row["estimate"] < row["ci_high"]
        assert {row[name] for name in row if name.startswith("margin_")} == {None}


def test_margins_are_predicted_where_they_are_kept(tmp_path: Path) -> None:
    """The stored means are those of margins read from the model files."""
    store = simulate(tmp_path / "store", n_train=40, n_test=5, sizes=("s1",), groups=8, seed=5)
    manifest = store.path / "manifest.json"
    described = json.loads(manifest.read_text())
    described["settings"].setdefault("observe", {})["keep_margins"] = True
    manifest.write_text(json.dumps(described))
    store = build(store.path)
    assert check(store.path) == []
    margins = np.full((40, store.manifest.n_subsets), np.nan)
    for path in sorted((store.path / "models" / "one_hot").rglob("*.safetensors")):
        record = read_model(path)
        margins[:, record.info.subset_id] = record.signals["margin"][:40]
    steps = np.clip(np.round(margins / MARGIN_STEP), -127, 127)
    with closing(Study(store)) as asked:
        table = asked.table("influence_prediction").filter(objective="one_hot")
    study = read_study(store)
    assert table["same_class"].to_list() == [False, True]
    for row in table.iter_rows(named=True):
        training = training_of(study, study.conditions["one_hot"], 0)
        scores = margin_scores(training, steps, same_class=row["same_class"])
        defined = np.isfinite(scores).sum(axis=1)
        assert row["margin_n_folds"] == len(scores) == 4
        assert row["margin_estimate"] == pytest.approx(np.nanmean(scores, axis=1).mean())
        assert row["margin_n_examples"] == pytest.approx(defined.mean())
        assert row["margin_ci_low"] < row["margin_estimate"] < row["margin_ci_high"]
        assert row["estimate"] is not None


def test_bits_of_partners_are_those_of_the_store(simulated_store: Store) -> None:
    """The outcomes that influence is measured on are the test rows of the table."""
    study = read_study(simulated_store)
    partners, ids = partners_of(simulated_store, study.conditions["one_hot"], 0, "one_hot")
    table = simulated_store.read_table("outcomes").to_pylist()
    rows = [
        r for r in table if (r["objective"], r["size"], r["split"]) == ("one_hot", "s1", "test")
    ]
    assert ids.tolist() == [row["example_id"] for row in rows]
    assert bits.count(partners.correct).tolist() == [
        sum(byte.bit_count() for byte in row["correct"]) for row in rows
    ]
    assert blob_array(pa.chunked_array([[row["correct"] for row in rows]])).tolist() == (
        partners.correct.tolist()
    )
