"""A small world of models as plain arrays, and what a folder is to the byte."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from artefacts import World, make_world
from numpy.typing import NDArray

from memanalysis.checking import check
from memanalysis.storage.store import Store
from memanalysis.studies import Study
from memanalysis.studies import open as open_study


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


def scores(store: Store, size: str, objective: str) -> NDArray[np.float64]:
    """Memorisation of the training examples at one size, from the bits of the store."""
    rows = store.read_table("outcomes").to_pylist()
    rows = [
        r for r in rows if (r["size"], r["objective"], r["split"]) == (size, objective, "train")
    ]
    trained, inside, right = (
        np.unpackbits(
            np.array([[*row[name]] for row in rows], np.uint8), axis=1).astype(bool)
        for name in ("trained", "in_train", "correct")
    )  # fmt: skip
    out = trained & ~inside
    return (right & inside).sum(1) / inside.sum(1) - (right & out).sum(1) / out.sum(1)


@pytest.fixture
def memorization() -> Callable[..., NDArray[np.float64]]:
    """The scores of a store's training examples at one size, in order, from its bits."""

    def read(store: Store | Path, size: str, objective: str = "one_hot") -> NDArray[np.float64]:
        return scores(Store.open(store) if isinstance(store, Path) else store, size, objective)

    return read


@pytest.fixture
def is_whole() -> Callable[[Path], Study]:
    """Assert that a store has no faults and answers every relation; return it, opened.

    The relation ``memorization`` says what the bits say.
    """

    def inspect(path: Path) -> Study:
        assert check(path) == []
        study = open_study(path)
        relations = sorted(study._confined.relations | study._confined.macros)
        found = {name: study.table(name) for name in relations}
        assert [name for name in _CHECKS if not found[name].is_empty()] == []
        trained = found["memorization"].filter(split="train").sort("example_id")
        for (objective, size), part in trained.group_by("objective", "size"):
            expected = scores(Store.open(path), size, objective)
            np.testing.assert_array_equal(part["memorization"].to_numpy(), expected)
        return study

    return inspect


_CHECKS = ("bits_outside_trained", "disordered_examples", "duplicate_rows", "impossible_sums",
           "inconsistent_sizes", "missing_outcomes", "orphan_outcomes", "overcounted_proxies",
           "stale_derived", "test_in_train", "unbalanced_subsets", "uneven_bits",
           "unknown_labels", "wrong_n_models")  # fmt: skip
