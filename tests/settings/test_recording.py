"""The sections [observe] and [distillation] of a study file, and what they cost."""

from __future__ import annotations

import pytest

from memanalysis import settings
from memanalysis.errors import SettingsError
from memanalysis.producer import costs, run
from memanalysis.proxies import recordable
from memanalysis.storage.store import Manifest

STUDY = """
name = "small"
[data]
source = "digits"
[subsets]
groups = 3
[sizes]
depth = 8
width = [2, 4]
[training]
epochs = 40
"""
TAUGHT = """
[distillation]
temperature = 3.0
weight = 0.5
"""
FOUR = ("grand", "vog", "curvature", "loss_sensitivity")


def faults(text: str) -> str:
    """Return the message that a wrong study file gets."""
    with pytest.raises(SettingsError) as caught:
        settings.parse(STUDY + text)
    return str(caught.value)


def test_a_study_records_prediction_depth_unless_it_says_otherwise() -> None:
    """No section, no logits and one proxy; an empty list leaves that out."""
    observe = settings.parse(STUDY).observe
    assert (observe.keep_logits, observe.proxies, observe.at) == ("none", ("prediction_depth",), {})
    assert settings.parse(STUDY + "[observe]\nproxies = []").observe.proxies == ()


def test_proxies_look_at_the_epochs_asked_for_or_at_their_own() -> None:
    """A tenth of the way, three late ones, four evenly spaced ones; a single epoch is a list."""
    text = f"[observe]\nproxies = {['default', *FOUR]}\n"
    assert settings.parse(STUDY + text).observe.at == {
        "grand": (4,),
        "vog": (32, 36, 40),
        "curvature": (10, 20, 30, 40),
        "loss_sensitivity": (10, 20, 30, 40),
    }
    text += "at = {grand = 7, curvature = [40, 1, 40]}\n"
    at = settings.parse(STUDY + text).observe.at
    assert (at["grand"], at["curvature"], at["vog"]) == ((7,), (1, 40), (32, 36, 40))
    by_default = {name: recording.epochs for name, recording in recordable().items()}
    assert by_default["vog"](2) == (2,)
    assert by_default["grand"](1) == (1,)
    assert by_default["prediction_depth"] is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep_logits = 'some'", "observe.keep_logits = 'some': expected one of all, final, none"),
        ("proxies = ['gand']", "observe.proxies has 'gand': expected default, grand"),
        ("proxies = ['grand']\nat = {grand = 0}", "does not reproduce (Kirsch, arXiv 2303.14753"),
        ("proxies = ['grand']\nat = {grand = 41}", "observe.at.grand has 41: expected 1 to 40"),
        ("proxies = ['vog']\nat = {vog = [3]}", "takes at least two epochs"),
        ("at = {vog = [3, 4]}", "observe.at.vog is given, but 'vog' is not in observe.proxies"),
        ("at = {aum = [3, 4]}", "unknown key observe.at.aum"),
        ("neighbours = 0", "observe.neighbours = 0: expected a whole number from 1"),
    ],
)
def test_each_fault_of_observe_says_what_was_expected(text: str, words: str) -> None:
    """The value, the key and the way out are in one fault."""
    found = faults(f"[observe]\n{text}\n")
    assert words in found
    assert found.count("\n  - ") == 1


def test_variants_inherit_from_the_main_setting() -> None:
    """What a variant does not say is as in [distillation]; each has an objective of its own."""
    study = settings.parse(
        STUDY
        + TAUGHT
        + """
        [distillation.variants.hot]
        temperature = 10
        [distillation.variants.all]
        scope = "full_data"
        teacher = "resnet8w2"
        [distillation.variants.hard1]
        targets = "hard"
    """
    )
    names = ("one_hot", "distilled", "distilled_all", "distilled_hard1", "distilled_hot")
    assert study.objectives == names
    assert study.n_models == 30 * 2 * 5
    assert study.distillation_of("one_hot") is None
    said = {
        name: (d.teacher, d.temperature, d.weight, d.scope, d.targets)
        for name in names[1:]
        if (d := study.distillation_of(name)) is not None
    }
    assert said == {
        "distilled": ("resnet8w4", 3.0, 0.5, "same_subset", "soft"),
        "distilled_all": ("resnet8w2", 3.0, 0.5, "full_data", "soft"),
        "distilled_hard1": ("resnet8w4", 3.0, 0.5, "same_subset", "hard"),
        "distilled_hot": ("resnet8w4", 10, 0.5, "same_subset", "soft"),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[distillation.variants.Hot]\nweight = 1.0", "has letters a-z and digits alone"),
        ("[distillation.variants.a]\nscope = 'half'", "a.scope = 'half': expected same_subset or"),
        ("[distillation.variants.a]\ntemprature = 1", "temprature. Did you mean 'temperature'?"),
        ("[distillation.variants.a]", "variants.a] is the same setting as [distillation]"),
        (
            "[distillation.variants.a]\nweight = 1.0\n[distillation.variants.b]\nweight = 1.0",
            "variants.b] is the same setting as [distillation.variants.a]",
        ),
        (
            "[distillation.variants.a]\nstudents = ['w9']",
            "a.students = ['w9']: expected a list of some of resnet8w2, resnet8w4, each once",
        ),
        ("[distillation.variants.a]\nstudents = []", "a.students = []: expected a list of some"),
        ("variants = 3", "[distillation.variants] must be a table, not 3"),
    ],
)
def test_each_fault_of_a_variant_says_what_was_expected(text: str, words: str) -> None:
    """A name that is no path, an unknown key, a setting that there is already."""
    found = faults(TAUGHT + text)
    assert words in found
    assert found.count("\n  - ") == 1


def test_students_are_some_of_the_sizes() -> None:
    """Sizes that are not taught by an objective have no models of it; variants inherit that."""
    variants = "[distillation.variants.hot]\ntemperature = 9\n[distillation.variants.all]\n"
    study = settings.parse(
        f"{STUDY}{TAUGHT}students = ['resnet8w2']\n{variants}students = ['resnet8w4', 'resnet8w2']"
    )
    assert [(objective, size.name) for objective, size in study.conditions] == [
        ("one_hot", "resnet8w2"),
        ("one_hot", "resnet8w4"),
        ("distilled", "resnet8w2"),
        ("distilled_all", "resnet8w2"),
        ("distilled_all", "resnet8w4"),
        ("distilled_hot", "resnet8w2"),
    ]
    assert study.n_models == 30 * 6


def test_a_variant_is_a_table() -> None:
    """A number in its place is one fault."""
    found = faults(TAUGHT + "variants.a = 3\n")
    assert "[distillation.variants.a] must be a table, not 3" in found
    assert found.count("\n  - ") == 1


def test_hard_targets_need_no_temperature() -> None:
    """It plays no part in their loss."""
    study = settings.parse(STUDY + "[distillation]\ntargets = 'hard'\nweight = 1.0")
    assert study.distillation is not None
    assert "temperature is missing" in faults("[distillation]\nweight = 1.0")


def test_a_store_without_the_later_settings_can_be_continued() -> None:
    """What a store does not say is what was done then; what a study adds is a difference."""
    old = {
        "observe": {"dynamics": "train_pass", "eval_at": []},
        "distillation": {"teacher": "t", "temperature": 3.0, "weight": 0.5, "scope": "same_subset"},
    }
    then = {"dynamics": "train_pass", "eval_at": (), "keep_logits": "none", "proxies": ()}
    now = {"observe": {**then, "at": {}, "neighbours": 30, "keep_margins": False}}
    now["distillation"] = {**old["distillation"], "targets": "soft", "variants": {}}
    dataset = {"fingerprint": "x"}
    before = Manifest("s", "S", settings=old, dataset=dataset)
    assert run.differences(before, Manifest("s", "S", settings=now, dataset=dataset)) == []
    now["observe"] = {**now["observe"], "proxies": ("prediction_depth",), "keep_logits": "all"}
    assert run.differences(before, Manifest("s", "S", settings=now, dataset=dataset)) == [
        "observe.keep_logits: the store has 'none', the study 'all'",
        "observe.proxies.0: the store has None, the study 'prediction_depth'",
    ]


def test_costs_are_counts_of_passes() -> None:
    """Forty epochs at ratio .7: an evaluation is 1 / 84 of a training of 3 x .7 x 40 passes."""
    names = [*FOUR, "prediction_depth", "second_split_forgetting"]
    text = f"[observe]\neval_at = [10, 20]\nproxies = {names}\n"
    study = settings.parse(STUDY + text)
    found = costs.proxy_costs(study, n_train=1000, forward_flops=1e6, features=500)
    assert found == {
        "eval_at": pytest.approx(2 / 84),
        "grand": pytest.approx(5 / 84),
        "vog": pytest.approx(3 * 2 / 84),
        "curvature": pytest.approx(4 * 22 / 84),
        "loss_sensitivity": pytest.approx(4 * 2 / 84),
        "second_split_forgetting": pytest.approx(2 + 1 / 3),
        # 2 x 1000 x 700 x 500 products against 84 passes over 1000 images.
        "prediction_depth": pytest.approx(1 / 84 + 7e8 / 84e9),
    }
    everything = settings.parse(STUDY + '[observe]\nkeep_logits = "all"\neval_at = [3]')
    assert costs.proxy_costs(everything, n_train=1000) == {"keep_logits": pytest.approx(40 / 84)}


def test_proxies_of_some_objectives_only() -> None:
    """Other models record nothing but their outcomes, and take less space; a typo is a fault."""
    study = settings.parse(STUDY + TAUGHT + "[observe]\nobjectives = ['one_hot']\neval_at = [3]\n")
    assert study.observe.of("one_hot") is study.observe
    quiet = study.observe.of("distilled")
    assert (quiet.dynamics, quiet.proxies, quiet.eval_at) == ("none", (), ())
    shape = {"n_train": 1000, "n_test": 100, "classes": 10}
    spared = costs.bytes_per_model(study, "one_hot", "resnet8w2", **shape) - costs.bytes_per_model(
        study, "distilled", "resnet8w2", **shape
    )
    # Proxies, and the bits and the number of the epoch evaluated.
    assert spared == 4 * 1000 * (11 + 6 + 1) + 125 + 4
    everyone = settings.parse(STUDY + TAUGHT + "[observe]\n")
    assert everyone.observe.of("distilled") is everyone.observe
    assert "observe.objectives has 'warm': this study trains by one_hot, distilled" in faults(
        TAUGHT + "[observe]\nobjectives = ['warm']\n"
    )
