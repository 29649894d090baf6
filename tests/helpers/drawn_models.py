"""Random model files, and what tests of build ask of the tables made from them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from memanalysis.building.build import build
from memanalysis.errors import StoreError
from memanalysis.storage import bits
from memanalysis.storage.model_files import ModelInfo, ModelRecord
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import EXAMPLES, SIGNALS, TABLES
from memanalysis.storage.store import Manifest, Store, write_model

GROUP_SIZE = 2
CONDITIONS = (("one_hot", "s"), ("one_hot", "m"), ("distilled", "s"))


@dataclass(frozen=True)
class Draw:
    """Numbers to draw; ``missing`` is the share of models that are not there."""

    seed: int = 0
    n_train: int = 12
    n_test: int = 3
    groups: int = 5
    missing: float = 0.0

    @property
    def n_subsets(self) -> int:
        return self.groups * GROUP_SIZE


def records(draw: Draw) -> list[ModelRecord]:
    """Model files in order of condition and subset; masks are shared by the conditions."""
    rng = np.random.default_rng(draw.seed)
    n = draw.n_train + draw.n_test
    masks = rng.random((draw.n_subsets, draw.n_train)) < 0.6
    found = []
    for objective, size in CONDITIONS:
        for subset in range(draw.n_subsets):
            correct = rng.random(n) < 0.5
            signals = {name: rng.normal(0, 3, n).astype(np.float16) for name in SIGNALS}
            values = rng.normal(0, 3, draw.n_train).astype(np.float32)
            seen = np.where(rng.random(draw.n_train) < 0.7, values, np.nan).astype(np.float32)
            proxies = {"aum": seen, "el2n": values}
            info = _info(objective, size, subset, masks[subset], correct)
            if rng.random() >= draw.missing:
                found.append(ModelRecord(info, masks[subset], correct, signals, proxies))
    return found


def _info(
    objective: str, size: str, subset: int, in_train: np.ndarray, correct: np.ndarray
) -> ModelInfo:
    distilled = objective == "distilled"
    right = correct[: len(in_train)]
    return ModelInfo(
        subset_id=subset,
        group_id=subset // GROUP_SIZE,
        family="random",
        size=size,
        parameters=7,
        objective=objective,
        seed=subset,
        epochs=3,
        accuracy_in=float(right[in_train].mean()) if in_train.any() else float("nan"),
        accuracy_out=float(right[~in_train].mean()) if not in_train.all() else float("nan"),
        accuracy_test=0.5,
        train_seconds=0.25,
        device="none",
        evaluation_mode="random",
        finished_at="2024-01-01T00:00:00+00:00",
        teacher_size="m" if distilled else None,
        teacher_scope="same_subset" if distilled else None,
    )


def create(path: Path, draw: Draw) -> Store:
    """Create a store for such records, without any."""
    manifest = Manifest(
        study="random",
        title="Random models",
        settings={"objectives": ["one_hot", "distilled"]},
        group_size=GROUP_SIZE,
        n_subsets=draw.n_subsets,
        sizes=["s", "m"],
        n_train=draw.n_train,
        n_test=draw.n_test,
    )
    store = Store.create(path, manifest)
    n = draw.n_train + draw.n_test
    data = {
        "example_id": pa.array(range(n)),
        "split": pa.array(["train"] * draw.n_train + ["test"] * draw.n_test),
        "label": pa.array([i % 3 for i in range(n)], pa.int32()),
    }
    columns = [data.get(f.name, pa.nulls(n, f.type)) for f in EXAMPLES]
    store.write_table("examples", pa.table(columns, schema=EXAMPLES))
    store.write_manifest()
    return store


def write(store: Store, found: list[ModelRecord]) -> Store:
    """Write the records as model files."""
    for record in found:
        write_model(store, record)
    return store


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a path for a store, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "store"


def bytes_of_tables(store: Store) -> dict[str, bytes]:
    """Return the content of every table's file."""
    present = (name for name in TABLES if store.table_path(name).exists())
    return {name: store.table_path(name).read_bytes() for name in present}


def of_condition(store: Store, name: str, objective: str, size: str) -> pa.Table:
    """Read the rows of one objective and size."""
    return pq.read_table(
        store.table_path(name), filters=[("objective", "=", objective), ("size", "=", size)]
    )


def numbers(table: pa.Table, column: str) -> np.ndarray:
    """A column as float64, NULL as NaN."""
    return np.asarray(table[column].to_numpy(zero_copy_only=False), dtype=np.float64)


draws = st.builds(
    Draw,
    seed=st.integers(0, 10_000),
    n_train=st.integers(1, 12),
    n_test=st.integers(0, 3),
    groups=st.integers(1, 6),
    missing=st.sampled_from([0.0, 0.4, 0.9]),
)
few = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.generate],  # shrinking a failure would build hundreds of stores
)


def assert_bits_equal(table: pa.Table, found: list[ModelRecord], draw: Draw) -> None:
    """Compare BLOBs with bits set one by one."""
    expected = {
        name: np.zeros((draw.n_train + draw.n_test, draw.n_subsets), dtype=bool)
        for name in ("trained", "in_train", "correct")
    }
    for record in found:
        k = record.info.subset_id
        for example in range(draw.n_train + draw.n_test):
            expected["trained"][example, k] = True
            expected["correct"][example, k] = record.correct[example]
            if example < draw.n_train:
                expected["in_train"][example, k] = record.in_train[example]
    for name, wanted in expected.items():
        packed = blob_array(table[name])
        np.testing.assert_array_equal(bits.unpack(packed, draw.n_subsets), wanted)
        np.testing.assert_array_equal(packed, bits.pack(wanted))  # padding too
    assert set(table["n_models"].to_pylist()) == {len(found)}


def refused(store: Store) -> str:
    """The message of the build that fails; the tables stay what they were."""
    before = bytes_of_tables(store)
    with pytest.raises(StoreError) as caught:
        build(store.path)
    assert bytes_of_tables(store) == before
    Store.open(store.path)
    return str(caught.value)
