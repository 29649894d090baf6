"""Six examples and four models typed by hand: a store of model files that is not built yet."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from memanalysis.storage.model_files import ModelInfo, ModelRecord
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Manifest, Store, write_model

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
        signals = {
            "probability": probability,
            "margin": 4 * probability - 2,
            "loss": 1 - probability,
        }
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


def create(path: Path) -> Store:
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
