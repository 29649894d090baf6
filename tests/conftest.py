"""Stores that tests share: one typed by hand, one simulated; and the order of the modules."""

import shutil
from pathlib import Path

import kinds_and_partners
import numpy as np
import pyarrow as pa
import pytest
import tiny_study
from once import made_once

from memanalysis.building.build import build
from memanalysis.experiments.simulate import simulate
from memanalysis.reporting import report
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Manifest, ModelInfo, ModelRecord, Store, write_model
from memanalysis.study import Study

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


# Four training examples (rows) and four subsets (columns), two groups of two: every example is in
# one subset of each group.
TINY_IN_TRAIN = np.array([
    [1, 0, 1, 0],
    [1, 0, 0, 1],
    [0, 1, 1, 0],
    [0, 1, 0, 1],
], dtype=bool)  # fmt: skip
# The same four examples, then two of test. Example 0 is memorised, 1 is always right, 2 is never
# right, 3 is right inside and half the time outside.
TINY_CORRECT = np.array([
    [1, 0, 1, 0],
    [1, 1, 1, 1],
    [0, 0, 0, 0],
    [1, 1, 0, 1],
    [1, 1, 0, 0],
    [0, 0, 0, 1],
], dtype=bool)  # fmt: skip


def write_tiny_models(store: Store) -> None:
    """Write one model file per column of the arrays above."""
    for subset in range(4):
        in_train, correct = TINY_IN_TRAIN[:, subset], TINY_CORRECT[:, subset]
        probability = np.where(correct, 0.75, 0.25)
        signals = {"probability": probability, "margin": 4 * probability - 2, "loss": -probability}
        info = ModelInfo(
            subset_id=subset,
            group_id=subset // 2,
            family="handmade",
            size="small",
            parameters=10,
            objective="one_hot",
            seed=subset,
            epochs=1,
            accuracy_in=float(correct[:4][in_train].mean()),
            accuracy_out=float(correct[:4][~in_train].mean()),
            accuracy_test=float(correct[4:].mean()),
            train_seconds=1.5,
            device="none",
            evaluation_mode="handmade",
            finished_at="2024-05-06T07:08:09+00:00",
        )
        record = ModelRecord(
            info=info,
            in_train=in_train,
            correct=correct,
            signals={name: values.astype(np.float16) for name, values in signals.items()},
            # Each model observes its own examples alone, and gives example i the value i.
            proxies={"el2n": np.where(in_train, np.arange(4), np.nan).astype(np.float32)},
        )
        write_model(store, record)


def create_tiny(path: Path) -> Store:
    """Create the store of six examples and four models, not built yet."""
    manifest = Manifest(
        study="tiny",
        title="Six examples and four models",
        settings={"objectives": ["one_hot"], "subsets": {"design": "balanced"}},
        seed=0,
        ratio=0.5,
        group_size=2,
        n_subsets=4,
        sizes=["small"],
        class_names=["cat", "dog"],
        n_train=4,
        n_test=2,
    )
    store = Store.create(path, manifest)
    examples = {
        "example_id": pa.array(range(6)),
        "split": pa.array(["train"] * 4 + ["test"] * 2),
        "label": pa.array([0, 1, 0, 1, 0, 1], pa.int32()),
    }
    columns = [examples.get(f.name, pa.nulls(6, f.type)) for f in EXAMPLES]
    store.write_table("examples", pa.table(columns, schema=EXAMPLES))
    store.write_manifest()
    write_tiny_models(store)
    return store


@pytest.fixture
def tiny_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Store:
    """Six examples and four models typed by hand, built; a test may change it."""
    name = "tiny"
    if "without_derive" in request.fixturenames:  # another store, which is kept apart
        request.getfixturevalue("without_derive")
        name = "tiny-underived"
    built = made_once(tmp_path_factory, name, lambda path: build(create_tiny(path).path))
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
