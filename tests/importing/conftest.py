"""A small world of models as plain arrays, and what a folder is to the byte."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memanalysis.check import check
from memanalysis.store import Store
from memanalysis.study import open as open_study

CLASSES = 4


@dataclass(frozen=True)
class World:
    """Models first: masks bool [K, n], logits float32 [K, n, C] and [K, t, C], labels [n], [t]."""

    masks: NDArray[np.bool_]
    logits: NDArray[np.float32]
    test_logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """argmax equals label, [K, n]."""
        return self.logits.argmax(axis=-1) == self.labels

    @property
    def test_correct(self) -> NDArray[np.bool_]:
        """The same on test examples, [K, t]."""
        return self.test_logits.argmax(axis=-1) == self.test_labels

    @property
    def memorization(self) -> NDArray[np.float64]:
        """P[correct | in] - P[correct | out], float64 [n], from the definition."""
        inside, right = self.masks, self.correct
        return (right & inside).sum(0) / inside.sum(0) - (right & ~inside).sum(0) / (~inside).sum(0)


def make_world(
    seed: int = 0, n_models: int = 12, n_train: int = 30, n_test: int = 8, masks=None
) -> World:
    """Random models that do better on what they trained on; every example in and out of some."""
    rng = np.random.default_rng(seed)
    if masks is None:
        order = rng.random((n_models, n_train)).argsort(axis=0)
        masks = order < n_models * 2 // 3
    labels = rng.integers(0, CLASSES, n_train)
    test_labels = rng.integers(0, CLASSES, n_test)
    logits = rng.normal(size=(n_models, n_train, CLASSES)).astype(np.float32)
    logits += 1.5 * masks[..., None] * np.eye(CLASSES, dtype=np.float32)[labels]
    test_logits = rng.normal(size=(n_models, n_test, CLASSES)).astype(np.float32)
    return World(masks, logits, test_logits, labels, test_labels)


@pytest.fixture
def world() -> World:
    """Twelve models of thirty training examples, eight of test and four classes."""
    return make_world()


@pytest.fixture
def worlds() -> Callable[..., World]:
    """Other worlds: ``make_world``."""
    return make_world


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes] | None]:
    """Every file below a path with its bytes, None where there is nothing."""

    def take(root: Path) -> dict[str, bytes] | None:
        if not root.exists():
            return None
        return {
            str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
            for path in sorted(root.rglob("*"))
            if path.name != ".lock"  # an empty file that says who writes
        }

    return take


@pytest.fixture
def memorization() -> Callable[..., NDArray[np.float64]]:
    """The scores of a store's training examples at one size, in order, NaN for NULL."""

    def read(store: Store | Path, size: str, objective: str = "one_hot") -> NDArray[np.float64]:
        study = open_study(store if isinstance(store, Path) else store.path)
        frame = study.sql(
            "select memorization from memorization where split = 'train' "
            f"and size = '{size}' and objective = '{objective}' order by example_id"
        )
        return frame["memorization"].to_numpy().astype(np.float64)

    return read


@pytest.fixture
def is_whole() -> Callable[[Path], None]:
    """Assert that a store has no faults and answers every relation."""

    def inspect(path: Path) -> None:
        assert check(path) == []
        study = open_study(path)
        for name in sorted(study._confined.relations | study._confined.macros):
            study.table(name)
        for name in _CHECKS:
            assert study.table(name).is_empty(), name

    return inspect


_CHECKS = ("bits_outside_trained", "disordered_examples", "duplicate_rows", "impossible_sums",
           "inconsistent_sizes", "missing_outcomes", "orphan_outcomes", "overcounted_proxies",
           "stale_derived", "test_in_train", "unbalanced_subsets", "uneven_bits",
           "unknown_labels", "wrong_n_models")  # fmt: skip
