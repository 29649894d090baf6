"""The trained studies under ``data/``: whole, and the controls find nothing."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import memanalysis as ma
from memanalysis import bundled_studies, rules, settings
from memanalysis.checking import check
from memanalysis.sql.limits import Limits
from memanalysis.sql.scripts import views
from memanalysis.storage import bits
from memanalysis.storage.store import Store

DATA = Path(__file__).parents[1] / "data"
STORES = sorted(path.parent for path in DATA.glob("*/manifest.json"))


def test_each_shipped_store_has_its_settings() -> None:
    """Whatever else comes, these stores do, each with the settings that made it."""
    names = {store.name for store in STORES}
    wanted = {
        "fashion-mnist", "depth", "controls", "planted", "distillation", "lenet", "random-labels",
    }  # fmt: skip
    assert wanted <= names <= set(bundled_studies.studies())


def test_cifar_is_studied_without_its_images() -> None:
    """No licence is stated for them, so none is in the store or beside the study file.

    400 subsets in 40 groups of ten, each example in half of each; students of a quarter of them.
    """
    study = settings.load(DATA / "cifar10" / "study.toml")
    assert not study.data.images
    assert {path.suffix for path in (DATA / "cifar10").iterdir()} <= {".toml", ".md", ".parquet",
                                                                       ".json", ""}  # fmt: skip
    assert (study.n_subsets, study.subsets.groups, study.subsets.ratio) == (400, 40, 0.5)
    assert {name: study.subsets_of(name) for name in study.objectives} == {
        "one_hot": 400, "distilled": 100, "distilled_t1": 100,
    }  # fmt: skip
    assert study.n_models == 5 * 400 + 2 * 3 * 100


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_shipped_store_is_whole(store: Path) -> None:
    """No fault, the licence of its images or none of them, at most 10 MB, rules of one version."""
    assert [str(fault) for fault in check(store)] == []
    assert Store.open(store).manifest.packed
    examples = Store.open(store).read_table("examples", ["image"])
    if examples["image"].null_count < len(examples):
        assert "Zalando" in (store / "LICENSE-fashion-mnist.txt").read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in store.rglob("*") if file.is_file()) < 10e6
    versions = ma.open(store).table("findings")["version"].unique().to_list()
    # Written anew together, once their format is settled; until then they keep what they had.
    assert len(versions) == 1
    assert versions[0] == rules.load().version


def test_seeds_alone_are_no_finding() -> None:
    """Of one network under three names, and students taught nothing, no claim is supported.

    The row ``fixed`` of the trajectories says that nothing changes, which is so; and that most
    scores lie near 0 is so at any size.
    """
    findings = ma.open(DATA / "controls").table("findings")
    supported = findings.filter(pl.col("verdict") == "supported")
    assert set(zip(supported["finding"], supported["row"], strict=True)) <= {
        ("bimodality_grows", "lower_mode"),
        ("trajectories_diverse", "fixed"),
    }
    assert len(findings.filter(pl.col("row") == "headline")) == 4


def test_what_was_planted_is_found() -> None:
    """The narrowest network memorises hardly any wrong label, the widest nearly all, and more than
    three in four take the trajectory of that; no other kind comes near.
    """
    kinds = ma.open(DATA / "planted").table("kind_effects").filter(objective="one_hot")
    scores = kinds.filter(quantity="memorization")
    means = {(row["kind"], row["size"]): row["estimate"] for row in scores.to_dicts()}
    assert means["flipped", "resnet8w2"] < 0.1 < 0.9 < means["flipped", "resnet8w16"]
    increasing = kinds.filter(quantity="share", shape="increasing")
    shares = dict(increasing.select("kind", "estimate").rows())
    assert shares.pop("flipped") > 0.75 > max(shares.values())


def test_kinds_that_the_judge_tells_take_their_own_trajectories() -> None:
    """Easy images keep their score over widths, suspected mislabels rise; others do both."""
    study = ma.open(DATA / "fashion-mnist")
    assert (study.manifest.study, study.manifest.n_subsets, len(study.manifest.sizes)) == (
        "width", 200, 7,
    )  # fmt: skip
    shares = study.table("kind_effects").filter(objective="one_hot", quantity="share")
    of = {(row["kind"], row["shape"]): row["estimate"] for row in shares.to_dicts()}
    assert of["easy", "fixed"] > 0.5 > 0.1 > of["easy", "increasing"]
    assert of["suspected_mislabel", "increasing"] > 0.75 > 0.1 > of["suspected_mislabel", "fixed"]
    for kind in ("ambiguous", "hard"):
        assert of["easy", "increasing"] < of[kind, "increasing"]
        assert of[kind, "increasing"] < of["suspected_mislabel", "increasing"]


def test_what_two_studies_train_alike_is_the_same() -> None:
    """ResNet-8 of width 4 is in both: on the first 100 subsets every outcome is the same bit."""
    shared = []
    for name in ("fashion-mnist", "depth"):
        study = ma.open(DATA / name)
        outcomes = study.sql(
            "select in_train, correct from outcomes where objective = 'one_hot' "
            "and size = 'resnet8w4' order by example_id"
        )
        for column in outcomes.iter_columns():
            packed = np.frombuffer(b"".join(column), np.uint8).reshape(len(column), -1)
            shared.append(bits.unpack(packed, study.manifest.n_subsets)[:, :100])
    assert shared[0].shape == (6000, 100)
    assert np.array_equal(shared[0], shared[2])
    assert np.array_equal(shared[1], shared[3])


def test_what_can_be_held_grows_with_width() -> None:
    """Of random labels wider networks fit more, and guess no better what they were not shown."""
    accuracy = ma.open(DATA / "random-labels").table("accuracy").sort("size_rank")
    fitted = accuracy["accuracy_in"].to_list()
    assert fitted == sorted(fitted)
    assert fitted[0] < 0.5 < fitted[-1]
    assert accuracy["accuracy_out"].is_between(0.08, 0.12).all()


def test_a_few_rows_of_every_relation_come_soon() -> None:
    """``from RELATION limit 2`` ends: DuckDB plans a LIMIT otherwise than the whole, and one such
    plan never came to an end.
    """
    usual = Limits.default()
    study = ma.open(limits=Limits(usual.memory, usual.disk, 60.0))
    for name in views():
        assert study.sql(f'from "{name}" limit 2').height <= 2, name
    study.close()
