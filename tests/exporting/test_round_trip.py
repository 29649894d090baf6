"""Export, then import: the same masks, correctness, labels and scores."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import handmade
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memanalysis.exporting import write_npz
from memanalysis.importing import import_source
from memanalysis.studies import open as open_study

KEYS = ("trainset_mask", "trainset_correctness", "testset_correctness", "labels", "test_labels",
        "memorization", "class_names", "objective", "size", "total_runs")  # fmt: skip


def load(path: Path) -> dict[str, np.ndarray]:
    """An archive, its runs ordered by mask and outcome: ids of subsets are the store's own."""
    with np.load(path, allow_pickle=False) as archive:
        found = dict(archive)
    runs = [key for key in KEYS if key.startswith(("trainset", "testset")) and key in found]
    order = np.lexsort(np.hstack([found[key] for key in runs]).T)
    return {**found, **{key: found[key][order] for key in runs}}


def groups(path: Path) -> set[frozenset[bytes]]:
    """Masks that belong together."""
    with np.load(path, allow_pickle=False) as archive:
        masks, ids = archive["trainset_mask"], archive["group_id"]
    return {frozenset(row.tobytes() for row in masks[ids == g]) for g in np.unique(ids)}


STUDIES = st.fixed_dictionaries({
    "sizes": st.sampled_from([("small",), ("small", "large")]),
    "objectives": st.sampled_from([("one_hot",), ("one_hot", "distilled")]),
    "n_train": st.integers(24, 40),
    "n_test": st.integers(0, 7),
    "n_subsets": st.integers(7, 30),
    "untrained": st.sampled_from([0.0, 0.3]),
    "balanced": st.booleans(),
    "seed": st.integers(0, 2**16),
})  # fmt: skip


@pytest.mark.usefixtures("without_derive")
@given(study=STUDIES)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_import_after_export_is_the_identity(
    study: dict[str, Any],
) -> None:
    """Every array survives both ways, and so do groups: equal, or parts of what they were."""
    conditions = handmade.random_conditions(**study)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        made = open_study(handmade.write(root / "made", conditions, n_test=study["n_test"]).path)
        files = write_npz(made, root / "first")
        for file in files:
            import_source("npz", file, root / "imported")
        again = write_npz(open_study(root / "imported"), root / "second")
        assert [path.name for path in again] == [path.name for path in files]
        for one, other in zip(files, again, strict=True):
            before, after = load(one), load(other)
            assert before.keys() == after.keys()
            for key in KEYS:
                if key in before:
                    assert before[key].dtype == after[key].dtype
                    assert np.array_equal(
                        before[key], after[key], equal_nan=key == "memorization"
                    ), key
            if not study["untrained"]:
                assert groups(one) == groups(other)
            # Sizes that share no subset of a group cannot tell that it is one, and of equal masks
            # (the balanced design repeats after ten) nobody knows which was in which group.
            repeated = study["balanced"] and study["n_subsets"] > 10
            assert repeated or all(any(g <= whole for whole in groups(one)) for g in groups(other))
