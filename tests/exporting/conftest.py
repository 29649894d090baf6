"""Stores to export: random bits whose arrays are known, and models that keep logits."""

from dataclasses import replace

import handmade
import numpy as np
import pytest
from numpy.typing import NDArray

from memanalysis.building.build import build
from memanalysis.storage.model_files import read_model
from memanalysis.storage.store import Store, write_model
from memanalysis.studies import Study
from memanalysis.studies import open as open_study

N_TRAIN, N_TEST, N_SUBSETS = 40, 6, 21


@pytest.fixture(scope="package")
def random_bits() -> list[handmade.Condition]:
    """Two objectives at two sizes, some subsets untrained, one example never held out."""
    conditions = handmade.random_conditions(
        ("small", "large"), n_train=N_TRAIN, n_test=N_TEST, n_subsets=N_SUBSETS, untrained=0.2
    )
    for condition in conditions:
        condition.in_train[3] = condition.trained
        condition.in_train[4] = False
    return conditions


@pytest.fixture(scope="package")
def study(random_bits, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The same in a store; nobody may change it."""
    path = tmp_path_factory.mktemp("exporting") / "store"
    return open_study(handmade.write(path, random_bits, n_test=N_TEST).path)


def add_logits(store: Store, seed: int = 0) -> dict[int, NDArray[np.float16]]:
    """Give every model file of the tiny store logits that agree with its correct bits.

    Returns logits float16 [examples, 3 classes] by subset.
    """
    generator = np.random.default_rng(seed)
    labels = np.array([0, 1, 0, 1, 0, 1])
    found = {}
    for path in store.model_paths("one_hot", "small"):
        record = read_model(path)
        logits = generator.normal(size=(6, 3)).astype(np.float16)
        top = np.where(record.correct, labels, (labels + 1) % 3)
        logits[np.arange(6), top] = 5
        # A tie that float16 made: the bit alone says who won.
        logits[5] = 1
        write_model(store, replace(record, logits=logits))
        found[record.info.subset_id] = logits
    return found


@pytest.fixture
def with_logits(
    without_derive: None, tiny_store: Store
) -> tuple[Study, dict[int, NDArray[np.float16]]]:
    """The tiny store with logits, nothing derived, and the logits."""
    del without_derive
    logits = add_logits(tiny_store)
    return open_study(build(tiny_store.path).path), logits


@pytest.fixture(scope="package")
def simulated(simulated_store: Store) -> Study:
    """200 training examples with images and 40 of test without; nobody may change them."""
    return open_study(simulated_store.path)
