"""Running the pages' commands in an empty folder, with a small store for the embedded one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import readme_parts
from once import made_once

from memanalysis.bundled_studies import embedded_path
from memanalysis.cli import run
from memanalysis.experiments.simulate import simulate
from memanalysis.storage.store import Store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shell(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a ``memanalysis ...`` line of a page and return standard output.

    Its exit code is 0, or else ``code``; then standard error is returned.
    """
    del folder

    def call(line: str, code: int = 0) -> str:
        found = run(readme_parts.words(line))
        captured = capsys.readouterr()
        assert found == code, captured.err
        return captured.err if code else captured.out

    return call


@pytest.fixture(scope="package")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Sixty simulated examples at the embedded study's sizes, with images."""
    sizes = tuple(Store.open(embedded_path()).manifest.sizes)
    asked = {"n_train": 60, "n_test": 12, "sizes": sizes, "groups": 3, "seed": 7, "images": 60}
    return Store.open(made_once(tmp_path_factory, "readme", lambda path: simulate(path, **asked)))


@pytest.fixture
def embedded(stand_in: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Stand-in, in these tests, for the store of commands without STORE."""
    for module in ("studies", "bundled_studies"):
        monkeypatch.setattr(f"memanalysis.{module}.embedded_path", lambda: stand_in.path)
    return stand_in
