"""Study files: validated whole, every fault listed at once."""

from pathlib import Path

import numpy as np
import pytest

from memanalysis import settings
from memanalysis.errors import SettingsError

MINIMAL = """
name = "small"
[data]
source = "digits"
[subsets]
groups = 3
[sizes]
depth = 8
width = [2, 4]
[training]
epochs = 5
"""

DISTILLED = MINIMAL + "[distillation]\ntemperature = 3.0\nweight = 0.5\n"


def faults(text: str) -> str:
    """Return the message that a wrong study file gets."""
    with pytest.raises(SettingsError) as caught:
        settings.parse(text)
    return str(caught.value)


def test_a_minimal_study_is_filled_up() -> None:
    """Seven tenths in balanced groups of ten, one objective, sizes named after depth and width."""
    study = settings.parse(MINIMAL)
    assert (study.name, study.title, study.seed) == ("small", "small", 0)
    assert (study.subsets.ratio, study.subsets.group_size) == (0.7, 10)
    assert [size.name for size in study.sizes] == ["resnet8w2", "resnet8w4"]
    assert (study.n_subsets, study.n_models) == (30, 60)
    assert study.objectives == ("one_hot",)
    assert study.distillation is None
    assert study.text == MINIMAL


def test_distillation_doubles_the_models() -> None:
    """The teacher is the largest size unless it is named."""
    study = settings.parse(DISTILLED)
    assert study.objectives == ("one_hot", "distilled")
    assert study.n_models == 120
    assert study.distillation is not None
    assert study.distillation.teacher == "resnet8w4"


def test_masks_come_from_seed_and_group() -> None:
    """Balanced masks are those of the design; independent ones have their own group size."""
    study = settings.parse(MINIMAL)
    masks = study.subsets.masks(40, 1, 0)
    assert masks.shape == (10, 40)
    assert set(masks.sum(axis=0).tolist()) == {7}
    text = MINIMAL.replace(
        "groups = 3", 'groups = 3\nratio = 0.42\ndesign = "independent"\ngroup_size = 4'
    )
    masks = settings.parse(text).subsets.masks(50, 0, 0)
    assert masks.shape == (4, 50)
    assert set(np.count_nonzero(masks, axis=1).tolist()) == {21}


def test_every_fault_is_listed_at_once() -> None:
    """One message has them all, each with the key, the value and what was expected."""
    text = MINIMAL.replace('"digits"', '"imagenet"').replace("groups = 3", "groups = 0")
    text = text.replace("epochs = 5", "epochs = 5\nmomentum = 1.5\nbatchsize = 8")
    found = faults(text)
    assert found.startswith("'study.toml' does not describe a study:\n")
    assert "data.source = 'imagenet': expected one of fashion-mnist, mnist" in found
    assert "subsets.groups = 0: expected a whole number from 1" in found
    assert "training.momentum = 1.5: expected a number in [0, 1)" in found
    assert "unknown key training.batchsize. Did you mean 'batch_size'?" in found
    assert found.count("\n  - ") == 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("groups = 3", "groups = 3\nratio = 0.8", "balanced designs exist for 1/2, 2/3, 7/10"),
        ("groups = 3", "groups = 3\ngroup_size = 4", "ratio 0.7 have groups of 10 or a multiple"),
        ("groups = 3", "groups = true", "subsets.groups = True"),
        ("depth = 8", "depth = 9", "sizes.depth has 9: expected 6n + 2, from 8"),
        ("depth = 8", "depth = [8, 14]", "only one of depth and width can be a list"),
        ("width = [2, 4]", "width = [4, 2]", "expected distinct values, smallest first"),
        ("width = [2, 4]", "width = 2\nensemble = {resnet8w2 = 3}", "a divisor of the group size"),
        ("epochs = 5", "epochs = 5\nwarmup_epochs = 5", "expected fewer than the 5 epochs"),
        ("epochs = 5", "epochs = 5\n[observe]\neval_at = [6]", "eval_at has 6: expected 1 to 5"),
        ('name = "small"', "", "name is missing: expected a short name"),
        ("[training]\nepochs = 5", "", "[training] is missing"),
    ],
)
def test_each_fault_says_what_was_expected(old: str, new: str, words: str) -> None:
    """The value, the key and the way out are in the message."""
    assert old in MINIMAL
    assert words in faults(MINIMAL.replace(old, new))


def test_a_teacher_must_be_one_of_the_sizes() -> None:
    """An unknown teacher is answered with the sizes there are."""
    found = faults(DISTILLED + 'teacher = "resnet8w9"\n')
    assert "distillation.teacher = 'resnet8w9': expected one of resnet8w2, resnet8w4" in found


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing files and broken TOML are our errors, with the place."""
    with pytest.raises(SettingsError, match=r"none.toml' cannot be read: No such file"):
        settings.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(SettingsError, match=r"bad.toml' is not valid TOML"):
        settings.load(tmp_path / "bad.toml")


@pytest.mark.parametrize(("width", "expected"), [(2, 10), (8, 5), (16, 2), (32, 1)])
def test_narrow_networks_are_trained_together(width: int, expected: int) -> None:
    """Ten, five, two or one at a time by width, as far as they divide the group."""
    assert settings.default_ensemble(width, 10) == expected
    assert 3 % settings.default_ensemble(width, 3) == 0
