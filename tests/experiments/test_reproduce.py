"""Training a group again: the same bits here, and a difference where there is one."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_study

from memanalysis import cli
from memanalysis.building.build import build
from memanalysis.errors import SettingsError, StoreError
from memanalysis.experiments import reproduce
from memanalysis.storage.store import Store

pytestmark = pytest.mark.usefixtures("without_derive")


@pytest.fixture(scope="module")
def store(trained, tmp_path_factory):
    """A store of the tiny study, with its study file."""
    root = shutil.copytree(trained, tmp_path_factory.mktemp("finished") / "store")
    (root / "study.toml").write_text(tiny_study.STUDY, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """Where the second group is trained again; later calls find it trained."""
    return tmp_path_factory.mktemp("again") / "store"


def test_a_group_trained_again_has_the_same_bits(store, again, capsys) -> None:
    """Every model of the group, of every size and objective, to the last outcome."""
    build(store, pack=True)
    command = ["reproduce", str(store), "--group", "1", "--workers", "1", "--device", "cpu"]
    assert cli.run([*command, "--keep", str(again), "--format", "csv"]) == 0
    captured = capsys.readouterr()
    assert "8 of 8 models have every outcome of the store" in captured.err
    assert captured.out.count("\n") == 1 + 2 * 2
    assert not (again / "models/one_hot/resnet8w2/00000.safetensors").exists()


def test_the_manifest_keeps_the_study(store, again, capsys) -> None:
    """Without study.toml in the store the same study is trained: its models are there already."""
    (store / "study.toml").rename(store / "moved.toml")
    command = ["reproduce", str(store), "--group", "1", "--workers", "1", "--device", "cpu"]
    status = cli.run([*command, "--keep", str(again)])
    (store / "moved.toml").rename(store / "study.toml")
    assert status == 0
    assert "8 of 8 models" in capsys.readouterr().err


def test_a_difference_is_found(store, again) -> None:
    """One model under another one's name has other outcomes, and the row says how many."""
    kept = again / "models/one_hot/resnet8w3"
    (kept / "00003.safetensors").write_bytes((kept / "00002.safetensors").read_bytes())
    frame = reproduce.reproduce(
        Store.open(store), tiny_study.study(), 1, again, workers=1, device="cpu"
    )
    (row,) = frame.filter(objective="one_hot", size="resnet8w3").iter_rows(named=True)
    assert (row["models"], row["identical"]) == (2, 1)
    assert 0 < row["differing"] < 0.5
    assert row["accuracy_test_error"] >= 0
    assert frame["identical"].sum() == 7


def test_other_studies_and_groups_are_refused(store, tmp_path) -> None:
    """A study of other sizes, and a group that there is not."""
    opened = Store.open(store)
    with pytest.raises(SettingsError, match="group 2: the study has the groups 0 to 1"):
        reproduce.reproduce(opened, tiny_study.study(), 2, tmp_path / "a")
    other = tiny_study.study(epochs=3)
    with pytest.raises(StoreError, match=r"training\.epochs: the store has 2, the study 3"):
        reproduce.reproduce(opened, other, 0, tmp_path / "a")
    assert json.loads((store / "manifest.json").read_text())["packed"]
