"""produce, plan, build and simulate: commands that make or foresee stores."""

import json
import math
import re
import sys
from types import ModuleType

import pytest

from memanalysis import bundled_studies
from memanalysis.analysis import planning
from memanalysis.storage.store import Manifest, Store


@pytest.fixture
def calls(monkeypatch) -> list[tuple[str, dict[str, object]]]:
    """Calls of produce and build, which do nothing here; torch is not needed for it."""
    import memanalysis.building.build as building

    made: list[tuple[str, dict[str, object]]] = []
    producer = ModuleType("memanalysis.producer.run")

    def produce(study, out, **options) -> Store:
        made.append(("produce", {"study": study.name, "out": out, **options}))
        return Store(out, Manifest(study=study.name, title="", dataset={"name": study.name}))

    def build(path, **options) -> Store:
        made.append(("build", {"path": path, **options}))
        return Store(path, None)

    producer.produce = produce
    monkeypatch.setitem(sys.modules, "memanalysis.producer.run", producer)
    monkeypatch.setattr(building, "build", build)
    # There is nothing in the store that it could look at.
    monkeypatch.setattr("memanalysis.producer.size_order.note", lambda _store: None)
    return made


def test_produce_trains_and_builds(memanalysis, calls, tmp_path) -> None:
    """A shipped study is found by name, trained with the given options, then built."""
    out = tmp_path / "store"
    result = memanalysis("produce", "digits", "--out", out, "--workers", 2, "--device", "cpu")
    assert result.code == 0, result.err
    options = {"workers": 2, "device": "cpu", "engine": "local", "shard": None}
    assert calls == [
        ("produce", {"study": "digits", "out": out, **options}),
        ("build", {"path": out, "pack": False, "proxies": None, "progress": None}),
    ]


@pytest.mark.parametrize("option", [("--no-build",), ("--shard", "2/4")])
def test_a_part_is_not_built(memanalysis, calls, tmp_path, option) -> None:
    """With --no-build, or as a shard, the user is told how to build when all is done."""
    result = memanalysis("produce", "digits", "--out", tmp_path, *option)
    assert result.code == 0
    assert [name for name, _ in calls] == ["produce"]
    assert f"memanalysis build {tmp_path}" in result.err


def test_a_shard_is_a_pair(memanalysis, calls, tmp_path) -> None:
    """2/4 is the second of four; anything else is wrong usage."""
    memanalysis("produce", "digits", "--out", tmp_path, "--shard", "2/4")
    assert calls[0][1]["shard"] == (2, 4)
    for wrong in ("0/4", "5/4", "2", "a/b", "1/0", "-1/2"):
        result = memanalysis("produce", "digits", "--out", tmp_path, "--shard", wrong)
        assert result.code == 2
        assert "is not i/n" in result.err


def test_an_unknown_study_lists_what_there_is(memanalysis, tmp_path) -> None:
    """A name that is no file and comes with nothing is an error with the known names."""
    result = memanalysis("produce", "digit", "--out", tmp_path / "store")
    assert result.code == 1
    assert "There is no study file 'digit'" in result.err
    assert "Did you mean 'digits'?" in result.err
    assert memanalysis("plan", "../fashion-mnist").code == 1


def test_a_wrong_study_file_lists_its_faults(memanalysis, tmp_path) -> None:
    """Every fault of a study file is named at once."""
    (tmp_path / "study.toml").write_text('name = "x"\nwrong = 1\n')
    result = memanalysis("plan", tmp_path / "study.toml")
    assert result.code == 1
    assert "unknown key wrong" in result.err
    assert "[data] is missing" in result.err


def test_build_passes_pack(memanalysis, calls, tmp_path) -> None:
    """`build --pack` packs, and hands on the proxies that are named; they go with it alone."""
    assert memanalysis("build", tmp_path, "--pack").code == 0
    assert memanalysis("build", tmp_path, "--pack", "--proxies", "aum,el2n").code == 0
    asked = {"path": tmp_path, "pack": True, "progress": None}
    assert calls == [
        ("build", {**asked, "proxies": None}),
        ("build", {**asked, "proxies": ["aum", "el2n"]}),
    ]
    assert memanalysis("build", tmp_path, "--proxies", "aum").code == 2


def test_simulate_makes_a_good_store(memanalysis, tmp_path) -> None:
    """The options reach the simulation, `check` finds nothing wrong, and nothing is overwritten."""
    path = tmp_path / "store"
    options = ("--train", 12, "--test", 3, "--sizes", 2, "--groups", 1, "--world", "no-change")
    result = memanalysis("simulate", "--out", path, *options)
    assert result.code == 0
    manifest = Store.open(path).manifest
    assert (manifest.n_train, manifest.n_test, manifest.sizes) == (12, 3, ["s1", "s2"])
    checked = memanalysis("check", path)
    assert (checked.code, checked.out) == (0, "")
    assert "no faults" in checked.err
    again = memanalysis("simulate", "--out", path)
    assert again.code == 1
    assert "already holds a store" in again.err


def test_plan_counts_models_and_precision(memanalysis) -> None:
    """A plan has one row per objective and size, and says honestly that it knows no times."""
    result = memanalysis("plan", "digits", "--no-calibrate", "--format", "json")
    rows = json.loads(result.out)
    assert result.code == 0
    assert {row["models"] for row in rows} == {20}
    assert {row["hours"] for row in rows} == {None}
    verdict = result.err.splitlines()[:3]
    assert verdict[0].startswith("120 models, for a time unknown: --calibrate")
    assert verdict[1].startswith("Standard error of a score: 0.204 at worst")
    assert "no shapes. Findings: every verdict will be undetermined" in verdict[2]
    assert "334 subsets" in result.err


def test_plan_times_cheap_steps_unasked(memanalysis, tmp_path) -> None:
    """A small network of one's own is timed here, and minutes are said first."""
    (tmp_path / "nets.py").write_text(OWN_NETWORK)
    (tmp_path / "study.toml").write_text(OWN_STUDY)
    result = memanalysis("plan", tmp_path / "study.toml", "--format", "json", "--devices", 1)
    assert result.code == 0
    assert all(row["hours"] > 0 for row in json.loads(result.out))
    assert re.match(r"20 models, about \d+ min of training on one worker\.", result.err)


OWN_NETWORK = """\
from torch import nn


def convnet(size, classes, channels, image_size):
    return nn.Sequential(
        nn.Conv2d(channels, size, 3, padding=1), nn.BatchNorm2d(size), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * size, classes),
    )
"""
OWN_STUDY = """\
name = "tiny"

[data]
source = "digits"
train_examples = 100

[subsets]
groups = 1

[sizes]
family = "nets:convnet"
size = [2, 3]

[training]
epochs = 2
batch_size = 25
"""


@pytest.mark.parametrize(("error", "subsets"), [(0.05, 334), (0.10, 84)])
def test_planning_gives_the_published_numbers(error: float, subsets: int) -> None:
    """At ratio .7 a worst-case error of .05 takes 334 subsets and one of .10 takes 84."""
    assert planning.subsets_for(error, 0.7) == subsets
    assert planning.std_error(0.5, subsets, 0.7) <= error


def test_measured_times_give_hours(memanalysis, tmp_path) -> None:
    """With a store of the same sizes, hours are models times mean seconds, where they are known."""
    import handmade
    import pyarrow as pa

    conditions = handmade.random_conditions(("resnet8w2", "resnet8w4"), ("one_hot",))
    store = handmade.write(tmp_path / "store", conditions)
    models = store.read_table("models")
    seconds = pa.array(
        [360.0 if size == "resnet8w2" else None for size in models["size"].to_pylist()]
    )
    place = models.schema.get_field_index("train_seconds")
    store.write_table("models", models.set_column(place, models.schema.field(place), seconds))
    store.write_manifest()
    result = memanalysis(
        "plan", "digits", "--measured", store.path, "--no-calibrate", "--format", "json"
    )
    hours = {(row["objective"], row["size"]): row["hours"] for row in json.loads(result.out)}
    assert hours["one_hot", "resnet8w2"] == pytest.approx(2)
    assert hours["one_hot", "resnet8w4"] is None
    assert "about 2.0 h of training on one worker for 1 of 6 rows" in result.err


def test_plan_says_what_cannot_be_answered(memanalysis, tmp_path) -> None:
    """Sixty subsets of 70 %: alpha .15 takes 200 (60 held out), verdicts are provisional."""
    text = bundled_studies.find("fashion-mnist", "study.toml").joinpath("study.toml").read_text()
    (tmp_path / "study.toml").write_text(text.replace("groups = 20", "groups = 6"))
    plan = memanalysis("plan", tmp_path / "study.toml").err
    assert "shapes can be told at alpha = 0.2." in plan
    assert "Your 60 subsets cannot tell shapes at alpha = 0.15; 200 subsets can." in plan
    assert "verdicts will be provisional" in plan
    assert "0.05 takes 334 subsets for a score and 667 for a change" in plan
    few = memanalysis("plan", "digits", "--no-calibrate").err
    assert "directions and aggregates, no shapes" in few
    assert "every verdict will be undetermined" in few


def test_plan_takes_errors_from_a_store(memanalysis, simulated_store) -> None:
    """--measured gives the largest mean error of the store's relation and what .05 would take."""
    rows = simulated_store.read_table("reliability").to_pylist()
    worst = max(
        row["std_error"] for row in rows
        if row["quantity"] == "level" and row["signal"] == "correctness" and row["n_groups"] == 6
    )  # fmt: skip
    err = memanalysis("plan", "digits", "--no-calibrate", "--measured", simulated_store.path).err
    assert f"the mean standard error of a score is {worst:.3f} with 60 models a size" in err
    assert f"models needed: {math.ceil(60 * (worst / 0.05) ** 2)} for 0.05" in err
