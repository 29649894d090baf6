"""Stores written row by row, without the simulator and without build: for tests of what reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.storage import bits
from memanalysis.storage.model_files import utc
from memanalysis.storage.schema import TABLES
from memanalysis.storage.store import Manifest, Store, half_of_group

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Condition:
    """All models of one objective and size.

    Attributes
    ----------
    in_train, correct
        bool [n_train + n_test, subsets]; columns of untrained subsets are all False.
    trained
        bool [subsets].
    signals
        float [n_train + n_test, subsets] by signal name, zero where untrained.
    """

    objective: str
    size: str
    size_rank: int
    in_train: Bools
    correct: Bools
    trained: Bools
    signals: dict[str, NDArray[np.float64]]


def random_conditions(
    sizes: tuple[str, ...] = ("small", "middle", "large"),
    objectives: tuple[str, ...] = ("one_hot", "distilled"),
    *,
    n_train: int = 40,
    n_test: int = 6,
    n_subsets: int = 21,
    untrained: float = 0.0,
    balanced: bool = False,
    seed: int = 0,
) -> list[Condition]:
    """Conditions with random bits: nothing in them is balanced unless ``balanced``."""
    generator = np.random.default_rng(seed)
    shape = (n_train + n_test, n_subsets)
    drawn = generator.random(shape) < 0.7
    if balanced:
        drawn = (np.arange(shape[0])[:, None] + np.arange(n_subsets)) % 10 < 7
    drawn[n_train:] = False
    conditions = []
    for objective in objectives:
        for rank, size in enumerate(sizes):
            trained = generator.random(n_subsets) >= untrained
            correct = (generator.random(shape) < generator.random((shape[0], 1))) & trained
            names = ("probability", "margin", "loss")
            signals = {name: generator.random(shape) * trained for name in names}
            in_train = drawn & trained
            conditions.append(Condition(objective, size, rank, in_train, correct, trained, signals))
    return conditions


def write(
    path: Path,
    conditions: list[Condition],
    *,
    n_test: int = 6,
    group_size: int = 10,
    design: str = "independent",
) -> Store:
    """Write a whole store of ``conditions``; every derived table has zero rows."""
    first = conditions[0]
    n_all, n_subsets = first.in_train.shape
    sizes = sorted({(c.size_rank, c.size) for c in conditions})
    manifest = Manifest(
        study="handmade",
        title="A store made by hand",
        ratio=0.7,
        group_size=group_size,
        settings={
            "subsets": {"design": design},
            "objectives": sorted({c.objective for c in conditions}, reverse=True),
        },
        n_subsets=n_subsets,
        sizes=[size for _, size in sizes],
        class_names=["cat", "dog", "owl"],
        n_train=n_all - n_test,
        n_test=n_test,
    )
    store = Store.create(path, manifest)
    tables = {
        "examples": _examples(n_all, n_all - n_test),
        "models": _models(conditions, group_size, n_all - n_test),
        "outcomes": pa.concat_tables([_outcomes(c, n_all - n_test) for c in conditions]),
        "proxies": _proxies(conditions, n_all - n_test),
    }
    for name in TABLES:
        schema = TABLES[name][1]
        store.write_table(name, tables.get(name, schema.empty_table()))
    store.write_manifest()
    return store


def labels(n_all: int) -> NDArray[np.int32]:
    """Class of each example: int32 [n_all]."""
    return (np.arange(n_all) % 3).astype(np.int32)


def splits(n_all: int, n_train: int) -> list[str]:
    """Split of each example."""
    return ["train"] * n_train + ["test"] * (n_all - n_train)


def _table(name: str, columns: dict[str, Any], n_rows: int) -> pa.Table:
    schema = TABLES[name][1]
    return pa.table(
        {f.name: pa.array(columns.get(f.name, [None] * n_rows), f.type) for f in schema}, schema
    )


def _examples(n_all: int, n_train: int) -> pa.Table:
    columns = {
        "example_id": np.arange(n_all),
        "split": splits(n_all, n_train),
        "label": labels(n_all),
    }
    return _table("examples", columns, n_all)


def _models(conditions: list[Condition], group_size: int, n_train: int) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for c in conditions:
        for subset in np.flatnonzero(c.trained):
            group = int(subset) // group_size
            distilled = c.objective.startswith("distilled")
            inside, right = c.in_train[:n_train, subset], c.correct[:, subset]
            row = {
                "model_id": len(rows),
                "subset_id": int(subset),
                "group_id": group,
                "half": half_of_group(group),
                "family": "hand",
                "size": c.size,
                "size_rank": c.size_rank,
                "parameters": 10 ** (c.size_rank + 2),
                "objective": c.objective,
                "teacher_size": max(conditions, key=lambda o: o.size_rank).size
                if distilled
                else None,
                "teacher_scope": "same_subset" if distilled else None,
                "accuracy_in": _share(right[:n_train][inside]),
                "accuracy_out": _share(right[:n_train][~inside]),
                "accuracy_test": _share(right[n_train:]),
                "finished_at": utc("2024-01-01T00:00:00+00:00"),
            }
            rows.append({name: row.get(name) for name in TABLES["models"][1].names})
    return pa.Table.from_pylist(rows, TABLES["models"][1])


def _share(values: Bools) -> float | None:
    return float(values.mean()) if len(values) else None


def _outcomes(c: Condition, n_train: int) -> pa.Table:
    n_all = len(c.in_train)
    columns: dict[str, Any] = {
        "objective": [c.objective] * n_all,
        "size": [c.size] * n_all,
        "size_rank": [c.size_rank] * n_all,
        "example_id": np.arange(n_all),
        "split": splits(n_all, n_train),
        "label": labels(n_all),
        "n_models": [int(c.trained.sum())] * n_all,
        "trained": [bits.pack(c.trained).tobytes()] * n_all,
        "in_train": [row.tobytes() for row in bits.pack(c.in_train)],
        "correct": [row.tobytes() for row in bits.pack(c.correct)],
    }
    for signal, values in c.signals.items():
        for side, mask in (("in", c.in_train), ("out", c.trained & ~c.in_train)):
            columns[f"{signal}_{side}_sum"] = (values * mask).sum(axis=1)
            columns[f"{signal}_{side}_sumsq"] = (values**2 * mask).sum(axis=1)
    return _table("outcomes", columns, n_all)


def _proxies(conditions: list[Condition], n_train: int) -> pa.Table:
    tables = []
    for c in conditions:
        columns = {
            "objective": [c.objective] * n_train,
            "size": [c.size] * n_train,
            "size_rank": [c.size_rank] * n_train,
            "example_id": np.arange(n_train),
            "proxy": ["aum"] * n_train,
            "value_in": np.linspace(0, 1, n_train),
            "n_in": c.in_train[:n_train].sum(axis=1),
            "value_out": np.linspace(0, 1, n_train),
            "n_out": (c.trained & ~c.in_train[:n_train]).sum(axis=1),
        }
        tables.append(_table("proxies", columns, n_train))
    return pa.concat_tables(tables)


def without(condition: Condition, untrained: Callable[[int], bool]) -> Condition:
    """The same condition, less the subsets for which ``untrained`` is true."""
    kept = np.array([not untrained(k) for k in range(len(condition.trained))])
    return Condition(
        condition.objective,
        condition.size,
        condition.size_rank,
        condition.in_train & kept,
        condition.correct & kept,
        condition.trained & kept,
        {name: values * kept for name, values in condition.signals.items()},
    )
