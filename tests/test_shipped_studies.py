"""The trained studies under ``data/``: whole, of today's rules, and the controls find nothing."""

from pathlib import Path

import polars as pl
import pytest

import memanalysis as ma
from memanalysis import shipped
from memanalysis.check import check
from memanalysis.findings import rules
from memanalysis.store import Store

DATA = Path(__file__).parents[1] / "data"
STORES = sorted(path.parent for path in DATA.glob("*/manifest.json"))


def test_the_embedded_study_and_the_controls_are_shipped() -> None:
    """Whatever else comes, these two stores do, each with the settings that made it."""
    names = {store.name for store in STORES}
    assert {"fashion-mnist", "controls"} <= names <= set(shipped.studies())


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_shipped_store_is_whole(store: Path) -> None:
    """No fault, the images' licence beside them, at most 10 MB, verdicts of today's rules."""
    assert [str(fault) for fault in check(store)] == []
    assert Store.open(store).manifest.packed
    assert "Zalando" in (store / "LICENSE-fashion-mnist.txt").read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in store.rglob("*") if file.is_file()) < 10e6
    versions = ma.open(store).table("findings")["version"].unique().to_list()
    assert versions == [rules.load().version]


def test_seeds_alone_are_no_finding() -> None:
    """Of one network under three names, and students taught nothing, no claim is supported.

    The row ``fixed`` of the trajectories says that nothing changes, which is so.
    """
    findings = ma.open(DATA / "controls").table("findings")
    supported = findings.filter(pl.col("verdict") == "supported")
    assert set(zip(supported["finding"], supported["row"], strict=True)) <= {
        ("trajectories_diverse", "fixed"),
    }
    assert len(findings.filter(pl.col("row") == "headline")) == 4
