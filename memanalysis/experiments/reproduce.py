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
from memanalysis.producer.plan import REPEAT
from memanalysis.settings import Study
from memanalysis.storage import bits, provenance
from memanalysis.storage.model_files import ModelRecord, read_model
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import OBJECTIVES
from memanalysis.storage.store import Store

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
        One row per objective and size, and per size of second models (objective ``repeat``):
        ``models`` of the group, ``identical`` ones, whose every outcome, also after each evaluated
        epoch, is that of the store, the share of outcomes that differ, and for each accuracy the
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
        if first in study.range_of(objective)
    ]
    repeats = (_compared_repeats(store, trained, size.name, subsets) for size in study.sizes)
    return pl.DataFrame([*rows, *(row for row in repeats if row is not None)])


def same_machine(store: Store) -> bool:
    """True if bits can be expected: the processor type and training libraries are the store's."""
    manifest, packages = store.manifest, provenance.packages()
    if manifest.machine.get("cpu") != provenance.machine()["cpu"]:
        return False
    training = ["torch"]
    # Stores say Numba's version since soon after the first was trained with it.
    if manifest.settings.get("training", {}).get("kernels") == "numba":
        training += [name for name in ("numba",) if name in manifest.packages]
    return all(manifest.packages.get(name) == packages.get(name) for name in training)


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
    outcomes = np.stack([_recorded(record) for record in records])
    differing = np.stack(list(_outcomes(store, objective, size, subsets, records))) != outcomes
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


def _recorded(record: ModelRecord) -> Flags:
    """True for each right example, bool [n_train + n_test], then at each evaluated epoch."""
    epochs = [] if record.epoch_correct is None else [*record.epoch_correct]
    return np.concatenate([record.correct, *epochs])


def _outcomes(
    store: Store, objective: str, size: str, subsets: range, records: list[ModelRecord]
) -> Iterator[Flags]:
    """The same of the store, for one subset after the other; epochs that it lacks are as given."""
    final = _packed(store, "outcomes", objective, size)
    assert final is not None  # its models are there
    epochs = _packed_epochs(store, objective, size)
    for subset, record in zip(subsets, records, strict=True):
        parts = [bits.column(final, subset)]
        for at, epoch in enumerate([] if record.evaluated is None else record.evaluated.tolist()):
            given = record.epoch_correct
            assert given is not None
            parts.append(bits.column(epochs[epoch], subset) if epoch in epochs else given[at])
        yield np.concatenate(parts)


def _packed(store: Store, name: str, objective: str, size: str) -> NDArray[np.uint8] | None:
    """Bits ``correct`` uint8 [examples, bytes] of a table; None where it has none."""
    if not store.table_path(name).is_file():
        return None
    table = store.read_table(name, ["objective", "size", "example_id", "correct"])
    mine = pc.and_(pc.equal(table["objective"], objective), pc.equal(table["size"], size))
    table = table.filter(mine).sort_by("example_id")
    return blob_array(table["correct"]) if len(table) else None


def _packed_epochs(store: Store, objective: str, size: str) -> dict[int, NDArray[np.uint8]]:
    """Bits ``correct`` uint8 [n_train, bytes] by epoch."""
    if not store.table_path("epoch_outcomes").is_file():
        return {}
    table = store.read_table("epoch_outcomes")
    mine = pc.and_(pc.equal(table["objective"], objective), pc.equal(table["size"], size))
    table = table.filter(mine).sort_by("example_id")
    return {
        epoch: blob_array(table.filter(pc.equal(table["epoch"], epoch))["correct"])
        for epoch in pc.unique(table["epoch"]).to_pylist()
    }


def _compared_repeats(
    store: Store, trained: Store, size: str, subsets: range
) -> dict[str, Any] | None:
    """The row of the second models of a size, None where the store has none of the group."""
    packed = _packed(store, "repeats", OBJECTIVES[0], size)
    paths = [trained.repeat_path(size, subset) for subset in subsets]
    if packed is None or not all(path.is_file() for path in paths):
        return None
    differing = np.stack(
        [
            read_model(path).correct != bits.column(packed, subset)
            for path, subset in zip(paths, subsets, strict=True)
        ]
    )
    nothing = {name: None for accuracy in _ACCURACIES for name in (accuracy, f"{accuracy}_error")}
    return {
        "objective": REPEAT,
        "size": size,
        "models": len(paths),
        "identical": int((~differing.any(axis=1)).sum()),
        "differing": float(differing.mean()),
        **nothing,
    }
