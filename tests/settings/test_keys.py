"""Keys of study files: each is declared with its meaning, and no value breaks the message."""

import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from tiny_study import STUDY

from memanalysis import settings
from memanalysis.errors import SettingsError
from memanalysis.producer import run
from memanalysis.settings import keys
from memanalysis.storage.store import Manifest, Store

DATA = Path(__file__).parents[2] / "data"


def faults(text):
    """The faults of a study file, without the first line."""
    with pytest.raises(SettingsError) as caught:
        settings.parse(text)
    return str(caught.value).split("\n  - ")[1:]


def test_every_key_says_what_it_means_and_takes():
    """The reference has a row with words for each field of each section."""
    rows = list(settings.reference())
    assert all(all(row) for row in rows)
    assert all(meaning.endswith(".") for *_, meaning in rows)
    names = [name for name, *_ in rows]
    for label, kind in {
        "data": settings.Data,
        "data.noise": settings.Noise,
        "subsets": settings.Subsets,
        "training": settings.Training,
        "distillation": settings.Distillation,
        "observe": settings.Observe,
        "ray": settings.Ray,
    }.items():
        assert {f"{label}.{part.name}" for part in fields(kind)} <= set(names)
    by_name = {name: row for name, *row in rows}
    assert by_name["training.batch_size"] == [
        *("integer", "a whole number from 1 to 1000000", "64", "Examples in a batch."),
    ]
    assert by_name["observe.proxies"][:3:2] == ["array", '["default"]']
    assert by_name["training.learning_rate"][0] == "number"
    assert by_name["data.image_size"][0] == "integer or array"
    assert {row[0] for row in by_name.values() if row[1] == "a table"} == {"table"}
    axes = {f"sizes.{axis}" for axes in settings.FAMILIES.values() for axis in axes}
    assert {*axes, "sizes.size", "sizes.family", "sizes.ensemble"} < set(names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 20_000, "its TOML is nested too deeply"),
        (STUDY.replace("seed = 3", "seed = " + "9" * 5000), "not valid TOML: Exceeds the limit"),
        (STUDY.replace("seed = 3", "seed = 0x" + "f" * 6000), "seed = a int too large to show"),
        (STUDY.replace("seed = 3", "seed" + ".a" * 3000 + " = 1"), "seed = a dict too large"),
        (STUDY.replace("seed = 3", "seed = nan"), "seed = nan: expected a finite number"),
        ("a" + ".a" * 3000 + " = 1\n" + STUDY, "unknown key a. Known: name, "),
        (STUDY.replace("width = [2, 3]", f"width = {[[2]]}"), r"width has \[2\]: expected a whole"),
        (STUDY.replace("width = [2, 3]", "width = nan"), "width has nan: expected a finite number"),
    ],
)
def test_what_no_number_can_hold_is_one_message(text, message):
    """Depth, digits and NaN end in a fault that names the key, never in an error of Python's."""
    with pytest.raises(SettingsError, match=message):
        settings.parse(text)


def test_what_belongs_together_is_checked_beside_other_faults():
    """A faulty key hides no fault of another key, of its section or of another section."""
    text = STUDY.replace("epochs = 2", "epochs = 2\nmomentum = 2\nwarmup_epochs = 3\nfoo = 1")
    text = text.replace('family = "resnet"', 'family = "resnet"\nensemble = { resnet8w2 = 4 }')
    text += 'teacher = 3\nstudents = ["w9"]\n[observe]\nneighbours = 0\neval_at = [3]\n'
    found = faults(text)
    starts = [
        "sizes.ensemble.resnet8w2 = 4: expected a divisor of the group size",
        "training.momentum = 2: expected a number in [0, 1)",
        "unknown key training.foo. Known: epochs",
        "training.warmup_epochs = 3: expected fewer than the 2 epochs",
        "observe.neighbours = 0: expected a whole number from 1",
        "observe.eval_at has 3: expected 1 to 2",
    ]
    for start in starts:
        assert sum(fault.startswith(start) for fault in found) == 1, start
    assert [fault for fault in found if fault.startswith("distillation")] == [
        "distillation.teacher = 3: expected one of the sizes",
        "distillation.students = ['w9']: expected a list of some of resnet8w2, resnet8w3, "
        "each once",
    ]
    assert len(found) == len(starts) + 2


@pytest.mark.parametrize("name", ["data", "subsets", "sizes", "training", "distillation"])
def test_an_empty_section_says_what_is_missing(name):
    """No empty table passes for a whole one."""
    start = STUDY.index(f"[{name}]")
    end = STUDY.find("\n[", start)
    rest = STUDY[end:] if end > 0 else ""
    found = faults(STUDY[:start] + f"[{name}]\n" + rest)
    assert any(f.startswith(f"{name}.") and " is missing: expected " in f for f in found)


def test_a_number_stays_what_it_was_written_as():
    """Manifests of stores hold 1 where 1 was written, and compare equal to it."""
    study = settings.parse(
        STUDY.replace("epochs = 2", "epochs = 2\nlearning_rate = 1\nmomentum = 0.0")
    )
    assert [type(v) for v in (study.training.learning_rate, study.training.momentum)] == [
        int,
        float,
    ]


@pytest.mark.parametrize("folder", sorted(p.parent for p in DATA.glob("*/manifest.json")), ids=str)
def test_shipped_stores_have_the_settings_of_their_studies(folder):
    """A store that was made before says the same as its study file does now."""
    study = settings.load(folder / "study.toml")
    plain = replace(
        study, text="", folder=None, changes={}, data=replace(study.data, folder=None, file=None)
    )
    old = Store.open(folder).manifest
    now = Manifest("s", "S", settings=asdict(plain), dataset=old.dataset)
    now = replace(now, n_subsets=study.n_subsets)
    assert run.differences(old, now) == []


def test_a_type_that_no_key_takes_is_a_fault():
    """Sections are tables, and what is no table has one fault."""
    noted = keys.Faults()
    assert keys.validated(settings.Ray, [1], "ray", noted) is None
    assert noted.messages == ["[ray] must be a table, not [1]"]


def test_the_package_is_imported_without_pydantic():
    """Only what reads study or model files pays for it."""
    code = "import sys, memanalysis; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
