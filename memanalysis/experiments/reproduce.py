"""Training a group of a finished study again: the same bits, or the same accuracies within error?

Bits are the same on the same processor type, torch version and one thread per worker. Elsewhere
rounding differs and training amplifies it, so that only means can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.errors import SettingsError, StoreError
from memanalysis.producer import run
from memanalysis.settings import Study
from memanalysis.storage import bits, provenance
from memanalysis.storage.store import Store, blob_array, read_model

_ACCURACIES: Final = ("accuracy_in", "accuracy_out", "accuracy_test")

Flags = NDArray[np.bool_]


def reproduce(
    store: Store,
    study: Study,
    group: int,
    work: str | Path,
    *,
    workers: int | None = None,
    device: str = "auto",
) -> pl.DataFrame:
    """Train one group of ``study`` into ``work`` and compare it with the built ``store``.

    ``work`` is a store of its own that a second call continues.

    Returns
    -------
    polars.DataFrame
        One row per objective and size: ``models`` of the group, ``identical`` ones, whose every
        outcome is that of the store, the share of outcomes that differ, and for each accuracy the
        mean difference between the new models and the store's (``accuracy_test`` and so on) with
        its standard error over the group's models, paired by subset.

    Raises
    ------
    StoreError
        If the store is of another study, is not built or does not have this group whole.
    SettingsError
        If the study has no such group.
    """
    if not 0 <= group < study.subsets.groups:
        raise SettingsError(
            f"group {group}: the study has the groups 0 to {study.subsets.groups - 1}."
        )
    run.require_alike(store, study, bits=True)
    trained = run.produce(
        study, work, workers=workers, device=device, shard=(group + 1, study.subsets.groups)
    )
    first = group * study.subsets.group_size
    subsets = range(first, first + study.subsets.group_size)
    rows = [
        _compared(store, trained, objective, size.name, subsets)
        for objective, size in study.conditions
    ]
    return pl.DataFrame(rows)


def same_machine(store: Store) -> bool:
    """Whether bits can be expected: processor type and torch version are the store's."""
    manifest = store.manifest
    return manifest.machine.get("cpu") == provenance.machine()["cpu"] and manifest.packages.get(
        "torch"
    ) == provenance.packages().get("torch")


def _compared(
    store: Store, trained: Store, objective: str, size: str, subsets: range
) -> dict[str, Any]:
    kept = _models(store, objective, size)
    absent = [subset for subset in subsets if subset not in kept]
    if absent:
        raise StoreError(
            f"'{store.path}' has no model of {objective} {size}, subset {absent[0]}: the group is "
            "not whole there. Give another --group."
        )
    records = [read_model(trained.model_path(objective, size, subset)) for subset in subsets]
    outcomes = np.stack([record.correct for record in records])
    differing = np.stack(list(_outcomes(store, objective, size, subsets))) != outcomes
    row: dict[str, Any] = {
        "objective": objective,
        "size": size,
        "models": len(records),
        "identical": int((~differing.any(axis=1)).sum()),
        "differing": float(differing.mean()),
    }
    for name in _ACCURACIES:
        change = [
            getattr(record.info, name) - kept[subset][name]
            for record, subset in zip(records, subsets, strict=True)
        ]
        row[name] = float(np.mean(change))
        row[f"{name}_error"] = float(np.std(change, ddof=1) / np.sqrt(len(change)))
    return row


def _models(store: Store, objective: str, size: str) -> dict[int, dict[str, Any]]:
    columns = ["objective", "size", "subset_id", *_ACCURACIES]
    table = store.read_table("models", columns)
    mine = pc.and_(pc.equal(table["objective"], objective), pc.equal(table["size"], size))
    return {row["subset_id"]: row for row in table.filter(mine).to_pylist()}


def _outcomes(store: Store, objective: str, size: str, subsets: range) -> Iterator[Flags]:
    """Whether each example was right, bool [n_train + n_test], for one subset after the other."""
    table = store.read_table("outcomes", ["objective", "size", "example_id", "correct"])
    mine = pc.and_(pc.equal(table["objective"], objective), pc.equal(table["size"], size))
    table = table.filter(mine).sort_by("example_id")
    packed = blob_array(table["correct"])
    for subset in subsets:
        yield bits.column(packed, subset)
