"""A study with all that the explorer can show, and its page, open."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from crowds import png, replace_examples
from explorers import COMPLAINTS, HOSTILE, LARGEST, open_page, sort_by, write_page
from once import made_once
from playwright.sync_api import Browser, Page

from memanalysis.storage.schema import INFLUENCE
from memanalysis.storage.store import Store
from memanalysis.studies import Study


@pytest.fixture(scope="session")
def store(simulated_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The simulated study with hostile names, planted kinds and pairs of influence."""
    path = made_once(tmp_path_factory, "rich", lambda path: _enrich(simulated_store, path))
    return Store.open(path)


def _enrich(simulated_store: Store, path: Path) -> None:
    rich = Store.open(shutil.copytree(simulated_store.path, path))
    n = rich.manifest.n_train + rich.manifest.n_test
    rich.manifest.class_names[: len(HOSTILE)] = HOSTILE
    labels = rich.read_table("examples")["label"].to_numpy()
    flipped = np.arange(n) % 7 == 0
    rng = np.random.default_rng(3)
    images = rich.read_table("examples")["image"].to_pylist()
    images[rich.manifest.n_train] = png(rng, 8, "L")  # a test partner with its image
    replace_examples(
        rich,
        source_id=[f"{HOSTILE[i % 3]}{i}" for i in range(n)],
        kind=np.where(flipped, "flipped", "clean").tolist(),
        clean_label=np.where(flipped, (labels + 1) % 10, labels).tolist(),
        image=images,
    )
    rich.write_table("influence", _pairs(rich.manifest.n_train))
    rich.write_manifest()


def _pairs(n_train: int) -> pa.Table:
    rows = {
        "train_id": [5, 5, 5, 9],
        "test_id": [n_train, n_train + 1, 9, 5],
        "objective": ["one_hot"] * 4,
        "size": ["s1", LARGEST, LARGEST, LARGEST],
        "split": ["test", "test", "train", "train"],
        "influence": [0.75, 0.5, 0.25, 0.3],
        "n_in": [42] * 4,
        "n_out": [18] * 4,
        "std_error": [0.1] * 4,
        "q_value": [0.01] * 4,
    }
    return pa.table({f.name: pa.array(rows[f.name], f.type) for f in INFLUENCE}, INFLUENCE)


@pytest.fixture(scope="module")
def study(store: Store) -> Iterator[Study]:
    """The same store, to be asked by SQL."""
    with closing(Study(store)) as asked:
        yield asked


@pytest.fixture(scope="session")
def written(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the rich store, as a file."""
    return made_once(tmp_path_factory, "rich.html", lambda path: write_page(store, path))


@pytest.fixture(scope="module")
def opened(browser: Browser, written: Path) -> Page:
    """The explorer of the rich store, open."""
    return open_page(browser, written)


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """The same page with all filters cleared, sorted by score, nothing complained of."""
    opened.evaluate("""() => {
        document.querySelector('.explorer form').reset();
        document.querySelector('.explorer .detail').hidden = true;
        document.querySelectorAll('.range:not(:first-child)').forEach((range) => range.remove());
    }""")
    opened.wait_for_function("document.querySelector('.dt-info').textContent.includes('of 200 ex')")
    if opened.get_attribute("th.col-score", "aria-sort") != "descending":
        sort_by(opened, "score", "descending")
    yield opened
    assert COMPLAINTS[opened] == []
    assert opened.title() == "Simulated study, world 'planted' · memanalysis"
