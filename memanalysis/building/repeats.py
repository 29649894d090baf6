"""Second models of some subsets, by labels alone and other seeds: their files and their bits.

They lie in ``repeats/<size>/``, apart from the models of the study, so that every table keeps one
bit per subset. ``repeats.parquet`` holds their bits in the same order of subsets: where ``trained``
is set, ``correct`` there and in ``outcomes`` are of two models that differ in nothing but seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.building.aggregate import Masks
from memanalysis.errors import StoreError
from memanalysis.storage import bits
from memanalysis.storage.model_files import ModelRecord, read_model
from memanalysis.storage.parquet import blob_array
from memanalysis.storage.schema import OBJECTIVES
from memanalysis.storage.store import Store


@dataclass
class SecondModels:
    """Second models of one size: ``correct`` uint8 [bytes, examples], ``trained`` [bytes]."""

    size: str
    size_rank: int
    correct: NDArray[np.uint8]
    trained: NDArray[np.uint8]
    objective: str = OBJECTIVES[0]


def placed_repeats(store: Store) -> set[tuple[str, int]]:
    """(size, subset_id) of the second models whose bits a packed store holds."""
    if not store.manifest.packed:
        return set()
    return {
        (size, subset)
        for size, trained in _packed_bits(store).items()
        for subset in np.flatnonzero(bits.unpack(trained[0], store.manifest.n_subsets)).tolist()
    }


def has_new(store: Store) -> bool:
    """True if there are files of second models that no table of a packed store holds."""
    placed = placed_repeats(store)
    return any((path.parent.name, int(path.stem)) not in placed for path in store.repeat_paths())


def second_models(store: Store, masks: Masks, report: Callable[[], None]) -> list[SecondModels]:
    """The second models of each size that has some; ``report`` is called after each file.

    Raises
    ------
    StoreError
        If a file is damaged, or contradicts its place, the manifest or another model.
    """
    manifest = store.manifest
    packed = _packed_bits(store) if manifest.packed else {}
    files: dict[str, list[Path]] = {}
    for path in store.repeat_paths():
        files.setdefault(path.parent.name, []).append(path)
    strange = files.keys() - set(manifest.sizes)
    if strange:
        raise StoreError(
            f"'{store.path / 'repeats' / min(strange)}' holds models of no size of the store; it "
            f"knows {', '.join(manifest.sizes)}. Move it away."
        )
    shape = bits.width(manifest.n_subsets), manifest.n_train + manifest.n_test
    found = []
    for rank, size in enumerate(manifest.sizes):
        if size not in files and size not in packed:
            continue
        second = SecondModels(size, rank, np.zeros(shape, np.uint8), np.zeros(shape[0], np.uint8))
        if size in packed:
            trained, correct = packed[size]
            second.trained[: len(trained)], second.correct[: len(correct)] = trained, correct
        for path in files.get(size, []):
            _place(second, _read(store, size, path, masks))
            report()
        found.append(second)
    return found


def _place(second: SecondModels, record: ModelRecord) -> None:
    byte, bit = record.info.subset_id >> 3, np.uint8(0x80 >> (record.info.subset_id & 7))
    second.trained[byte] |= bit
    second.correct[byte] &= ~bit  # a file that was packed before is placed again
    second.correct[byte] |= record.correct * bit


def _read(store: Store, size: str, path: Path, masks: Masks) -> ModelRecord:
    record, manifest = read_model(path), store.manifest
    for what, given, expected in (
        ("objective", record.info.objective, OBJECTIVES[0]),
        ("size", record.info.size, size),
        ("subset_id", f"{record.info.subset_id:05d}", path.stem),
        ("training examples", len(record.in_train), manifest.n_train),
        ("examples", len(record.correct), manifest.n_train + manifest.n_test),
    ):
        if given != expected:
            raise StoreError(
                f"'{path}': {what}: found {given}, expected {expected}. It is not of this study: "
                "move it away, or produce it again."
            )
    if record.info.subset_id >= manifest.n_subsets:
        raise StoreError(
            f"'{path}': subset_id: found {record.info.subset_id}, expected less than the "
            f"{manifest.n_subsets} subsets of the manifest."
        )
    masks.check(record.info.subset_id, record.in_train, path)
    return record


def _packed_bits(store: Store) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """``trained`` [bytes] and ``correct`` [bytes, examples] of each size in the table."""
    if not store.table_path("repeats").exists():
        return {}
    rows = store.read_table("repeats")
    found = {}
    for size in set(rows["size"].to_pylist()):
        of_size = rows.filter(pq.filters_to_expression([("size", "=", size)]))
        found[size] = blob_array(of_size["trained"])[0], blob_array(of_size["correct"]).T
    return found
