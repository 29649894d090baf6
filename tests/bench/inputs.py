"""The same random outcomes in several layouts, made with NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.storage import bits
from memanalysis.storage.model_files import utc
from memanalysis.storage.parquet import parquet_options
from memanalysis.storage.schema import DERIVED, MODELS, OUTCOMES, TABLES
from memanalysis.storage.store import Manifest, Store, half_of_group

Bits = NDArray[np.bool_]
GROUP = 10


CLASSES = 100  # pairs of one class are what influence compares


@dataclass(frozen=True)
class Scale:
    """Numbers of examples, models per objective and size, sizes and objectives."""

    examples: int
    models: int
    sizes: int = 5
    objectives: tuple[str, ...] = ("one_hot", "distilled")

    @property
    def conditions(self) -> list[tuple[str, int]]:
        """Every objective with every size rank."""
        return [(objective, rank) for objective in self.objectives for rank in range(self.sizes)]

    def __str__(self) -> str:
        """The numbers in words."""
        return (
            f"{self.examples:,} examples × {len(self.conditions)} (size, objective) × "
            f"{self.models:,} models"
        )


CIFAR100 = Scale(50_000, 400)
IMAGENET = Scale(1_281_167, 2_000, sizes=1, objectives=("one_hot",))


def draw(scale: Scale, condition: int) -> tuple[Bits, Bits]:
    """in_train (rate .7, the same at every condition) and correct: bool [models, examples].

    Right at .97 in train; held out at a rate of the example's own, from 0 to 1.
    """
    shape = (scale.models, scale.examples)
    in_train = np.random.default_rng(0).random(shape, dtype=np.float32) < np.float32(0.7)
    rate = np.random.default_rng(1).beta(1.5, 0.5, scale.examples).astype(np.float32)
    drawn = np.random.default_rng([2, condition]).random(shape, dtype=np.float32)
    return in_train, drawn < np.where(in_train, np.float32(0.97), rate)


def write_store(path: Path, scale: Scale) -> Store:
    """A packed store of ``scale`` with every table; only models and outcomes have rows."""
    store = _empty_store(path, scale)
    with pq.ParquetWriter(store.table_path("outcomes"), OUTCOMES, **_options()) as writer:
        for condition, (objective, rank) in enumerate(scale.conditions):
            in_train, correct = draw(scale, condition)
            packed = (np.packbits(in_train.T, axis=1), np.packbits(correct.T, axis=1))
            writer.write_table(_outcomes(scale, objective, rank, 0, *packed))
    return _sealed(store, scale)


def write_large_store(path: Path, scale: Scale) -> Store:
    """The same from random bytes, block by block: rates .75 in train, then .97 and .5 correct."""
    store = _empty_store(path, scale)
    width, step = bits.width(scale.models), 100_000
    generator = np.random.default_rng(0)

    def coins(n: int) -> NDArray[np.uint8]:
        return np.frombuffer(generator.bytes(n * width), np.uint8).reshape(n, width)

    with pq.ParquetWriter(store.table_path("outcomes"), OUTCOMES, **_options()) as writer:
        for objective, rank in scale.conditions:
            for start in range(0, scale.examples, step):
                n = min(step, scale.examples - start)
                in_train = coins(n) | coins(n)
                correct = coins(n) | in_train & (coins(n) | coins(n) | coins(n))
                writer.write_table(_outcomes(scale, objective, rank, start, in_train, correct))
    return _sealed(store, scale)


def write_long(path: Path, scale: Scale) -> None:
    """One row per model and example; objective, size, model and example are small integers."""
    n = scale.models * scale.examples
    ids = {
        "model": np.repeat(np.arange(scale.models, dtype=np.int16), scale.examples),
        "example_id": np.tile(np.arange(scale.examples, dtype=np.int32), scale.models),
    }
    kinds = {"condition": pa.int8(), "model": pa.int16(), "example_id": pa.int32(),
             "in_train": pa.bool_(), "correct": pa.bool_()}  # fmt: skip
    with pq.ParquetWriter(path, pa.schema(kinds.items())) as writer:
        for condition in range(len(scale.conditions)):
            in_train, correct = draw(scale, condition)
            writer.write_table(
                pa.table({
                    "condition": np.full(n, condition, np.int8), **ids,
                    "in_train": in_train.ravel(), "correct": correct.ravel(),
                })
            )  # fmt: skip


def write_npz(folder: Path, scale: Scale) -> None:
    """One file per model, as the published demonstration writes them."""
    for condition in range(len(scale.conditions)):
        (folder / str(condition)).mkdir(parents=True)
        in_train, correct = draw(scale, condition)
        for model in range(scale.models):
            file = folder / str(condition) / f"{model}.npz"
            np.savez(file, mask=in_train[model], correctness=correct[model])


def _options() -> dict[str, object]:
    """Random bits do not compress, so the store's compression level would only cost time here."""
    return parquet_options(OUTCOMES) | {"compression_level": 1}


def _empty_store(path: Path, scale: Scale) -> Store:
    sizes = [f"size{rank}" for rank in range(scale.sizes)]
    manifest = Manifest(
        study="bench",
        title="Random bits",
        group_size=GROUP,
        n_subsets=scale.models,
        sizes=sizes,
        class_names=[f"class{label}" for label in range(CLASSES)],
        n_train=scale.examples,
        packed=True,
    )
    return Store.create(path, manifest)


def _outcomes(
    scale: Scale, objective: str, rank: int, start: int, in_train: NDArray[np.uint8],
    correct: NDArray[np.uint8],
) -> pa.Table:  # fmt: skip
    n = len(in_train)
    trained = bits.pack(np.ones(scale.models, dtype=np.bool_)).tobytes()
    data = {
        "objective": pa.array([objective]).take(pa.array(np.zeros(n, np.int8))),
        "size": pa.array([f"size{rank}"]).take(pa.array(np.zeros(n, np.int8))),
        "size_rank": np.full(n, rank, np.int32),
        "example_id": np.arange(start, start + n),
        "split": pa.array(["train"]).take(pa.array(np.zeros(n, np.int8))),
        "label": np.arange(start, start + n, dtype=np.int32) % CLASSES,
        "n_models": np.full(n, scale.models, np.int32),
        "trained": pa.array([trained], pa.binary()).take(pa.array(np.zeros(n, np.int8))),
        "in_train": _blobs(in_train),
        "correct": _blobs(correct),
    }
    columns = [data[f.name] if f.name in data else pa.nulls(n, f.type) for f in OUTCOMES]
    return pa.table(columns, names=OUTCOMES.names).cast(OUTCOMES)


def _blobs(packed: NDArray[np.uint8]) -> pa.Array:
    kind, content = pa.binary(packed.shape[1]), pa.py_buffer(packed.tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(packed), [None, content])


def _sealed(store: Store, scale: Scale) -> Store:
    store.note_table("outcomes")
    store.write_table("models", pa.Table.from_pylist(list(_models(scale)), MODELS))
    n = scale.examples
    examples = {
        "example_id": np.arange(n),
        "split": pa.array(["train"] * n),
        "label": np.arange(n, dtype=np.int32) % CLASSES,
    }
    schema = TABLES["examples"][1]
    columns = [examples.get(f.name, pa.nulls(n, f.type)) for f in schema]
    store.write_table("examples", pa.table(columns, schema=schema))
    for name in ("proxies", "influence", *DERIVED):
        store.write_table(name, TABLES[name][1].empty_table())
    store.write_manifest()
    return store


def _models(scale: Scale) -> Iterator[dict[str, object]]:
    for objective, rank in scale.conditions:
        for subset in range(scale.models):
            row = {
                "subset_id": subset,
                "group_id": subset // GROUP,
                "half": half_of_group(subset // GROUP),
                "size": f"size{rank}",
                "size_rank": rank,
                "parameters": 10 ** (3 + rank),
                "objective": objective,
                "accuracy_test": 0.8,
                "finished_at": utc("2024-01-01T00:00:00+00:00"),
            }
            yield {name: row.get(name) for name in MODELS.names}
