"""Stores that tests share: one typed by hand, one simulated; and the order of the modules."""

import shutil
from pathlib import Path

import kinds_and_partners
import pytest
import tiny_models
import tiny_study
from once import made_once

from memanalysis.building.build import build
from memanalysis.experiments.simulate import simulate
from memanalysis.reporting import report
from memanalysis.storage.store import Store
from memanalysis.studies import Study

# What takes longest goes first, so that several processes end together.
LONGEST = (
    "reporting/test_page_in_browser", "producer/test_run", "producer/test_cluster",
    "reporting/explorer/", "reporting/test_odd_stores", "readme/", "reporting/", "producer/",
    "importing/", "oracles/", "figures/", "queries/",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the modules; tests of a module stay in their order."""

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).as_posix()
        starts = (i for i, start in enumerate(LONGEST) if name.startswith(start))
        return next(starts, len(LONGEST))

    items.sort(key=place)


@pytest.fixture
def tiny_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Store:
    """Six examples and four models typed by hand, built; a test may change it."""
    name = "tiny"
    if "without_derive" in request.fixturenames:  # another store, which is kept apart
        request.getfixturevalue("without_derive")
        name = "tiny-underived"
    built = made_once(tmp_path_factory, name, lambda path: build(tiny_models.create(path).path))
    return Store.open(shutil.copytree(built, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study, trained by one worker process and not built; nobody may change it."""
    return made_once(tmp_path_factory, "trained", tiny_study.train)


@pytest.fixture(scope="session")
def simulated_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A seeded simulation of 200 examples and 360 models, built; nobody may change it."""
    asked = {"n_train": 200, "n_test": 40, "sizes": ("s1", "s2", "s3"), "groups": 6}
    path = made_once(
        tmp_path_factory, "simulated", lambda path: simulate(path, **asked, seed=7, images=200)
    )
    return Store.open(path)


@pytest.fixture(scope="session")
def simulated_page(simulated_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the simulated study, as a file."""

    def write(path: Path) -> None:
        study = Study(simulated_store)
        report(study, path)
        study.close()

    return made_once(tmp_path_factory, "simulated.html", write)


@pytest.fixture(scope="session")
def kinds_store(simulated_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The simulated store with kinds of example and pairs that stand out; nobody may change it."""
    return Store.open(
        made_once(
            tmp_path_factory, "kinds", lambda path: kinds_and_partners.make(path, simulated_store)
        )
    )


@pytest.fixture
def without_derive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let build leave derived tables empty, for tests of everything else."""
    monkeypatch.setattr("memanalysis.building.build._derive", lambda _staged: None)
