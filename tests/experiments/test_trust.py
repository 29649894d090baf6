"""Code that a store names or brings along runs where its user says so, and nowhere else."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memanalysis import settings
from memanalysis.checking import check
from memanalysis.cli import run
from memanalysis.errors import SettingsError, StoreError
from memanalysis.experiments.judge import judge
from memanalysis.experiments.removal import removal
from memanalysis.producer.families import imported
from memanalysis.producer.run import prepare
from memanalysis.storage.store import Store

STUDY = """
name = "own"
seed = 3
[data]
source = "digits"
train_examples = 60
test_kept = 10
[subsets]
ratio = 0.7
groups = 1
[sizes]
family = "{family}"
size = [2, 3]
[training]
epochs = 1
batch_size = 20
[observe]
proxies = []
"""
CODE = """
from pathlib import Path
(Path(__file__).parent / "RAN").write_text("x")
def network(size, classes, channels, image_size):
    raise RuntimeError("this is the network of a stranger")
"""


@pytest.fixture
def module() -> Iterator[str]:
    """The name of a module that no test has imported."""
    name = "nets_of_a_stranger"
    before = list(sys.path)
    yield name
    sys.modules.pop(name, None)
    sys.path[:] = before


@pytest.fixture
def store(tmp_path: Path, module: str) -> Store:
    """A store whose study has networks of its own, with their code and study file inside."""
    text = STUDY.format(family=f"{module}:network")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / f"{module}.py").write_text("def network(*shape): ...")
    store = prepare(settings.parse(text, folder=str(tmp_path / "mine")), tmp_path / "store")
    sys.modules.pop(module)
    sys.path.remove(str(tmp_path / "mine"))
    (store.path / "study.toml").write_text(text)
    (store.path / f"{module}.py").write_text(CODE)
    return store


def ran(store: Store) -> bool:
    """True if the code in the store was run."""
    return (store.path / "RAN").exists()


def test_reproduce_runs_nothing_of_a_store(
    store: Store, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the study file inside, from the manifest, and from within the folder: not run."""
    for _ in range(2):
        assert run(["reproduce", str(store.path), "--workers", "1"]) == 1
        assert "If you trust it, give --trust-code" in capfd.readouterr().err
        (store.path / "study.toml").unlink(missing_ok=True)
    monkeypatch.chdir(store.path)
    monkeypatch.syspath_prepend(str(store.path))
    assert run(["reproduce", ".", "--workers", "1"]) == 1
    assert not ran(store)


def test_code_runs_where_it_is_trusted(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    """With --trust-code the store's own networks are imported."""
    assert run(["reproduce", str(store.path), "--trust-code", "--workers", "1"]) == 1
    assert "trust-code" not in capfd.readouterr().err
    assert ran(store)


def test_a_study_that_the_user_names_is_the_users(store: Store, module: str) -> None:
    """What lies beside a file that is named on the command line needs no flag."""
    assert run(["plan", str(store.path / "study.toml")]) == 1  # the network raises
    assert ran(store)
    assert module in sys.modules


def test_removal_and_judge_run_nothing_of_a_store(store: Store) -> None:
    """Removal asks for trust; a judge trains networks of memanalysis alone."""
    scores = np.linspace(0, 1, 60)
    with pytest.raises(StoreError, match="trust_code=True"):
        removal(store, scores, "network2", shares=(0.1,), seeds=2)
    assert judge(store, folds=2, epochs=2).frame.height == 60
    check(store.path)
    assert not ran(store)
    with pytest.raises(SettingsError, match="this is the network of a stranger"):
        removal(store, scores, "network2", shares=(0.1,), seeds=2, trust_code=True)
    assert ran(store)


def test_a_function_handed_over_needs_no_flag(store: Store, module: str) -> None:
    """What the user gave in this process is the user's, whatever the store calls it."""

    def network(*_shape: object) -> None:
        raise RuntimeError("this is the network of the user")

    imported.give(f"{module}:network", network)
    try:
        with pytest.raises(SettingsError, match="this is the network of the user"):
            removal(store, np.linspace(0, 1, 60), "network2", shares=(0.1,), seeds=2)
    finally:
        del imported._given[f"{module}:network"]
    assert not ran(store)


def test_plan_finds_networks_beside_the_study(
    tmp_path: Path, module: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """`plan` of a study with networks of the user's own counts their arithmetic."""
    code = (
        "from torch import nn\n"
        "def network(size, classes, channels, image_size):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))\n"
    ).replace("nn.LazyLinear(classes)", "nn.Linear(64 * channels, classes)")
    (tmp_path / f"{module}.py").write_text(code)
    (tmp_path / "study.toml").write_text(STUDY.format(family=f"{module}:network"))
    assert run(["plan", str(tmp_path / "study.toml")]) == 0
    assert "Arithmetic: " in capfd.readouterr().err
