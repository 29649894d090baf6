"""Study files with values that nobody can mean: every one is a fault, before anything is made."""

import pytest
from tiny_study import STUDY

from memanalysis import settings
from memanalysis.errors import SettingsError


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 3", f"seed = {10**22}", "seed = 1.*expected a number of 64 bits"),
        ("depth = 8", "depth = 6000000002", "sizes.depth has 6000000002: expected 6n"),
        ("width = [2, 3]", "width = [1000000000]", "sizes.width has 1000000000"),
        ("width = [2, 3]", "width = []", r"sizes.width = \[\]: expected at least one value"),
        ("groups = 2", "groups = 1000000000", "subsets.groups = 1000000000: expected at most"),
        ("epochs = 2", "epochs = 1000000000", "training.epochs = 1000000000"),
        ("batch_size = 10", f"batch_size = {10**18}", "training.batch_size"),
        ("batch_size = 10", "learning_rate = inf", "learning_rate = inf: expected a finite"),
        ("temperature = 3.0", "temperature = inf", "distillation.temperature = inf"),
        ("temperature = 3.0", "temperature = 1e300", "temperature = 1e[+]300: expected a number"),
        ("temperature = 3.0", "temperature = 0", "temperature = 0"),
        ('title = "Tiny"', r'title = "a\u0000b"', "title = 'a.x00b': expected a text"),
        ('name = "tiny"', 'name = ""', "name = '': expected a text"),
        ("[training]", "[observe]\nproxies = [[1]]\n[training]", r"observe.proxies has \[1\]"),
    ],
)
def test_absurd_values_are_faults(old, new, message):
    """The message names the key, the value and what is expected."""
    assert old in STUDY
    with pytest.raises(SettingsError, match=message):
        settings.parse(STUDY.replace(old, new))


def test_a_study_that_is_no_text_is_said_so(tmp_path):
    """Bytes that are no UTF-8 are one message with the file's name."""
    (tmp_path / "study.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"study.toml.*text in UTF-8"):
        settings.load(tmp_path / "study.toml")
