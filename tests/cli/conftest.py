"""Running the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import handmade
import pytest

from memanalysis.cli import run
from memanalysis.studies import Study
from memanalysis.studies import open as open_study


@dataclass(frozen=True)
class Result:
    """Output and exit code of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def memanalysis(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run ``memanalysis ARGUMENTS`` and return exit code, standard output and standard error."""

    def call(*arguments: object) -> Result:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of random bits that nobody may change."""
    path = tmp_path_factory.mktemp("cli") / "store"
    handmade.write(path, handmade.random_conditions(("small", "large")))
    return path


@pytest.fixture(scope="package")
def study(store: Path) -> Study:
    """The same store, opened once."""
    return open_study(store)


@pytest.fixture
def opened(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find this study open already, which saves half a second each."""
    import memanalysis.studies as module

    def find(path: str, **_limits: object) -> Study | None:
        return study if path == str(study.path) else None

    monkeypatch.setattr(module, "open", find)
