"""Held-out votes on images of which some got a wrong label, drawn with every truth known.

Images come in all degrees of difficulty: the logit of the chance that a model gets one right is
normal, which is no Beta mixture. Nine in ten of its mistakes go to one class, mostly the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.building.build import build
from memanalysis.storage import subsets
from memanalysis.storage.model_files import ModelInfo, ModelRecord
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Manifest, Store, write_model

CLASSES = 10
# How labels are changed: to any other class; of even classes to the one that they are confused
# with; of even classes to one that they are not confused with.
KINDS = ("symmetric", "confused", "other")


@dataclass(frozen=True)
class Crowd:
    """Images: true and given classes int64 [n], chances of each predicted class [n, classes]."""

    true: NDArray[np.int64]
    given: NDArray[np.int64]
    chances: NDArray[np.float64]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Whose label is wrong."""
        return self.true != self.given

    def votes(self, n_out: int, seed: int) -> NDArray[np.int64]:
        """Votes of ``n_out`` models each: int64 [n, classes]."""
        return np.random.default_rng([seed, 1]).multinomial(n_out, self.chances)


def crowd(kind: str, share: float, *, n: int = 2000, seed: int = 0, center: float = 3.0) -> Crowd:
    """``n`` images, ``share`` of them with wrong labels of a kind of ``KINDS``."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, CLASSES, n)
    right = 1 / (1 + np.exp(-rng.normal(center, 2.5, n)))
    confusions = np.full((CLASSES, CLASSES), 0.02)
    for c in range(CLASSES):
        confusions[c, [(c + 1) % CLASSES, (c + 5) % CLASSES]] = 0.6, 0.25
    np.fill_diagonal(confusions, 0)
    confusions /= confusions.sum(axis=1, keepdims=True)
    nearest = np.array([rng.choice(CLASSES, p=confusions[c]) for c in true])
    chances = 0.15 * confusions[true]
    chances[np.arange(n), nearest] += 0.85
    chances *= (1 - right)[:, None]
    chances[np.arange(n), true] = right
    given = true.copy()
    pool = np.arange(n) if kind == "symmetric" else np.flatnonzero(true % 2 == 0)
    changed = rng.choice(pool, round(share * n), replace=False)
    steps = {"confused": 1, "other": 3}.get(kind)
    moved = rng.integers(1, CLASSES, len(changed)) if steps is None else steps
    given[changed] = (true[changed] + moved) % CLASSES
    return Crowd(true, given, chances)


def write(path: Path, made: Crowd, *, groups: int = 4, recorded: bool = True, images=()) -> Store:
    """A built store of models that fit their subsets and vote for others by their chances.

    Without ``recorded`` predicted classes are not there; ``images`` are PNG of the first examples.
    """
    n = len(made.true)
    manifest = Manifest(
        study="mislabelled", title="Labels <of> a crowd", ratio=0.7, group_size=10,
        n_subsets=10 * groups, sizes=["small"], families={"small": "drawn"},
        settings={"subsets": {"design": "balanced"}, "objectives": ["one_hot"]},
        class_names=[f"kind {c}" for c in range(CLASSES)], n_train=n, n_test=0,
        dataset={"name": "crowd"},
    )  # fmt: skip
    store = Store.create(path, manifest)
    columns = {
        "example_id": np.arange(n),
        "split": ["train"] * n,
        "label": made.given.astype(np.int32),
        "source_id": [f"folder/{i:04}.png" for i in range(n)],
        "image": pa.array([*images, *[None] * (n - len(images))], pa.binary()),
    }
    arrays = [columns[f.name] if f.name in columns else pa.nulls(n, f.type) for f in EXAMPLES]
    store.write_table("examples", pa.table(arrays, schema=EXAMPLES))
    store.write_manifest()
    rng = np.random.default_rng(7)
    for group in range(groups):
        for place, in_train in enumerate(subsets.balanced_group(n, group, 0.7, 0)):
            drawn = (rng.random((n, 1)) < made.chances.cumsum(axis=1)).argmax(axis=1)
            predicted = np.where(in_train, made.given, drawn)
            subset = 10 * group + place
            write_model(store, _record(subset, group, made, in_train, predicted, recorded))
    return build(path)


def _record(subset, group, made, in_train, predicted, recorded) -> ModelRecord:
    correct = predicted == made.given
    own = made.chances[np.arange(len(made.true)), made.given]
    info = ModelInfo(
        subset_id=subset, group_id=group, family="drawn", size="small", parameters=10,
        objective="one_hot", seed=subset, epochs=1, accuracy_in=float(correct[in_train].mean()),
        accuracy_out=float(correct[~in_train].mean()), accuracy_test=float("nan"),
        train_seconds=0.0, device="none", evaluation_mode="drawn",
        finished_at="2020-01-01T00:00:00+00:00",
    )  # fmt: skip
    return ModelRecord(
        info=info,
        in_train=in_train,
        correct=correct,
        signals={"probability": own.astype(np.float16)},
        proxies={},
        predicted=predicted.astype(np.uint8) if recorded else None,
    )
