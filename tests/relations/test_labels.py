"""Suspects of a store: who is listed, in which order, with what share of false ones to expect."""

from __future__ import annotations

from pathlib import Path

import layouts
import mislabelled
import numpy as np
import polars as pl
import pytest

import memanalysis as ma
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.relations.labels import held_out_votes
from memanalysis.storage.store import Store

CROWD = mislabelled.crowd("symmetric", 0.08, n=600)
# The first image is there three times: as example 0 and 1, and as 2.
SAME = layouts.encoded(np.zeros((4, 4, 1), np.uint8))
OTHER = layouts.encoded(np.full((4, 4, 1), 9, np.uint8))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of 40 models on 600 images, 48 with wrong labels."""
    path = tmp_path_factory.mktemp("labels") / "store"
    return mislabelled.write(path, CROWD, images=[SAME, SAME, SAME, OTHER])


@pytest.fixture(scope="module")
def suspects(store: Store) -> pl.DataFrame:
    """Its suspects."""
    study = ma.open(store.path)
    frame = study.table("suspects")
    study.close()
    return frame


def test_the_list_agrees_with_a_loop(store: Store, suspects: pl.DataFrame) -> None:
    """Ranks count from 1, shares are running means, votes are those of the table votes."""
    votes = store.read_table("votes").to_pylist()
    by_example: dict[int, dict[int, int]] = {}
    for row in votes:
        if row["n_out"]:
            by_example.setdefault(row["example_id"], {})[row["class"]] = row["n_out"]
    sums = dict.fromkeys(("", "_low", "_high"), 0.0)
    posteriors = {
        row["example_id"]: row for row in store.read_table("label_posteriors").to_pylist()
    }
    for rank, row in enumerate(suspects.iter_rows(named=True), 1):
        own = by_example[row["example_id"]]
        others = {c: n for c, n in own.items() if c != row["label"]}
        assert row["rank"] == rank
        assert row["label"] == CROWD.given[row["example_id"]]
        assert row["hits_out"] == own.get(row["label"], 0)
        assert row["n_out"] == sum(own.values())
        assert row["votes"] == max(others.values(), default=None)
        assert others.get(row["preferred"]) == row["votes"]
        half = 0.5 if row["twin_id"] is not None else 0
        for end in ("", "_low", "_high"):
            wanted = max(posteriors[row["example_id"]][f"wrong{end}"], half)
            assert row[f"wrong{end}"] == pytest.approx(wanted)
            sums[end] += 1 - wanted
        for end, other in (("", ""), ("_low", "_high"), ("_high", "_low")):
            assert row[f"expected_false_share{end}"] == pytest.approx(sums[other] / rank)
        assert row["source_id"] == f"folder/{row['example_id']:04}.png"
    assert suspects["wrong"].round(2, "half_away_from_zero").is_sorted(descending=True)


def test_wrong_labels_come_first(suspects: pl.DataFrame) -> None:
    """Nearly all of the first are wrong, and the share to expect is near the realised one."""
    n = int(CROWD.wrong.sum())
    first = suspects.head(n)
    realised = 1 - CROWD.wrong[first["example_id"].to_numpy()].mean()
    assert realised < 0.15
    assert first["expected_false_share"][-1] == pytest.approx(realised, abs=0.08)
    assert set(first.filter(pl.col("wrong") >= 0.5)["reason"]) <= {
        "wrong_label",
        "wrong_or_hard",
        "duplicate",
    }


def test_the_same_image_with_another_label_is_a_duplicate(suspects: pl.DataFrame) -> None:
    """Each of several labels of one image is listed, at even chances at least."""
    given = CROWD.given[:3].tolist()
    assert len(set(given)) > 1
    twins = suspects.filter(pl.col("twin_id").is_not_null())
    assert sorted(twins["example_id"]) == [0, 1, 2]
    for row in twins.iter_rows(named=True):
        others = [i for i in range(3) if given[i] != row["label"]]
        assert row["twin_id"] == others[0]
        assert row["reason"] == "duplicate"
        assert row["wrong"] >= 0.5


def test_reasons_follow_the_votes(suspects: pl.DataFrame) -> None:
    """Ambiguous ones split their votes, and rare ones do not."""
    for row in suspects.filter(pl.col("wrong") < 0.5).iter_rows(named=True):
        split = min(row["hits_out"], row["votes"]) >= row["n_out"] / 4
        assert row["reason"] == ("ambiguous" if split else "rare")


def test_shares_of_votes_are_known_by_class(store: Store) -> None:
    """They add up to one and name the examples of the posteriors."""
    found = held_out_votes(store)
    assert found is not None
    assert found.size == "small"
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)
    np.testing.assert_array_equal(found.labels, CROWD.given[found.example_id])


def test_without_votes_no_class_is_preferred(tmp_path: Path) -> None:
    """Hits alone find wrong labels too, and say that they are the basis."""
    store = mislabelled.write(tmp_path / "store", CROWD, recorded=False)
    study = ma.open(store.path)
    frame = study.table("suspects")
    study.close()
    assert set(frame["basis"]) == {"hits"}
    assert frame["preferred"].is_null().all()
    n = int(CROWD.wrong.sum())
    assert CROWD.wrong[frame.head(n)["example_id"].to_numpy()].mean() > 0.75
    assert held_out_votes(store) is None


def test_a_store_from_before_has_none_until_it_is_built(tmp_path: Path) -> None:
    """It opens and checks; build adds the posteriors."""
    old = mislabelled.write(tmp_path / "old", CROWD, groups=2)
    build(old.path, pack=True)
    old = Store.open(old.path)
    wanted = old.read_table("label_posteriors")
    old.table_path("label_posteriors").unlink()
    del old.manifest.files["derived/label_posteriors.parquet"]
    old.write_manifest()
    assert check(old.path) == []
    study = ma.open(old.path)
    assert study.table("suspects").height == 0
    study.close()
    build(old.path)
    assert check(old.path) == []
    assert Store.open(old.path).read_table("label_posteriors").equals(wanted)
