"""A store on disk: its manifest, its tables and the small file that each training leaves.

Plain Parquet, JSON and safetensors; any tool can read it. Every file is written whole or not at
all, so a store can be looked at, copied or continued at any moment.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from memanalysis.errors import StoreError
from memanalysis.storage import atomic, locking
from memanalysis.storage.model_arrays import faults, from_tensors, to_tensors
from memanalysis.storage.schema import (
    CONTRACT_VERSION,
    HALVES,
    OBJECTIVES,
    TABLES,
    is_objective,
    objective_order,
    variant_objective,
)

_MANIFEST: Final = "manifest.json"
# A finished build waits here while its files are moved into place; see build.py.
COMMIT: Final = ".commit"
_FINGERPRINT: Final = b"memanalysis.outcomes_fingerprint"


@dataclass
class Manifest:
    """What a store says of itself; ``manifest.json``.

    ``sizes`` are all that the study plans, trained or not; ``settings`` is the study file as a
    dictionary, where there is one. ``files`` maps each table's path to its SHA-256, size and row
    count. ``layers`` are those that prediction depth probes: for each size, name and numbers per
    image, first to last. ``outcomes_fingerprint`` is the checksum of ``outcomes.parquet``, with
    which derived files are stamped.
    """

    study: str
    title: str
    contract: int = CONTRACT_VERSION
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    ratio: float | None = None
    group_size: int | None = None
    n_subsets: int = 0
    sizes: list[str] = field(default_factory=list)
    families: dict[str, str] = field(default_factory=dict)
    layers: dict[str, dict[str, int]] = field(default_factory=dict)
    class_names: list[str] = field(default_factory=list)
    dataset: dict[str, Any] = field(default_factory=dict)
    n_train: int = 0
    n_test: int = 0
    packed: bool = False
    code: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    created_at: str = ""
    built_at: str = ""
    outcomes_fingerprint: str = ""
    imports: list[dict[str, Any]] = field(default_factory=list)
    proxies: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def objectives(self) -> list[str]:
        """All objectives that the study plans, trained or not; empty where it does not say."""
        return list(self.settings.get("objectives", []))

    def planned_subsets(self, objective: str, size: str) -> int:
        """How many subsets, from the first, the study trains ``size`` on by an objective."""
        main = self.settings.get("distillation") or {}
        by_name = {OBJECTIVES[1]: main} | {
            variant_objective(name): variant
            for name, variant in (main.get("variants") or {}).items()
        }
        setting = by_name.get(objective, {})
        students, subsets = setting.get("students"), setting.get("subsets")
        if students is not None and size not in students:
            return 0
        return self.n_subsets if subsets is None else int(subsets)

    @property
    def design(self) -> str:
        """How subsets were drawn, ``balanced`` or ``independent``; empty where nobody says."""
        return str(self.settings.get("subsets", {}).get("design", ""))


@dataclass(frozen=True)
class ModelInfo:
    """One row of ``models``, less what the store as a whole decides (ids, ranks, halves).

    What nobody knows of an imported model is None or NaN, and NULL in ``models``.
    """

    subset_id: int
    group_id: int
    family: str
    size: str
    parameters: int | None
    objective: str
    seed: int | None
    epochs: int | None
    accuracy_in: float
    accuracy_out: float
    accuracy_test: float
    train_seconds: float
    device: str
    evaluation_mode: str
    finished_at: str | None
    teacher_size: str | None = None
    teacher_scope: str | None = None
    temperature: float | None = None
    distillation_weight: float | None = None


@dataclass(frozen=True)
class ModelRecord:
    """What one training leaves behind.

    Attributes
    ----------
    in_train
        bool [n_train], True where the example was in the training subset.
    correct
        bool [n_train + n_test], argmax equals label; the kept test examples follow the training
        examples, in ``example_id`` order.
    signals
        float16 [n_train + n_test] for each of ``schema.SIGNALS``.
    proxies
        float32 [n_train] by proxy name, NaN where the example was not observed.
    predicted
        uint8 or uint16 [n_train + n_test], the class that the finished model predicts, or None
        where the source says only whether it is right.
    evaluated
        int32 [evaluations], the epochs with a clean evaluation, from 1, or None.
    epoch_correct
        bool [evaluations, n_train], argmax equals label at each of them, or None.
    logits
        float16 [n_train + n_test, classes] of the finished model, or None where they are not kept.
    epoch_logits
        float16 [epochs, n_train + n_test, classes] after each epoch, or None.
    """

    info: ModelInfo
    in_train: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    signals: dict[str, NDArray[np.float16]]
    proxies: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    predicted: NDArray[Any] | None = None
    evaluated: NDArray[np.int32] | None = None
    epoch_correct: NDArray[np.bool_] | None = None
    logits: NDArray[np.float16] | None = None
    epoch_logits: NDArray[np.float16] | None = None


class Store:
    """A store at ``path``, which need not be built yet."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: str | Path, *, whole: bool = True) -> Store:
        """Open an existing store; ``whole=False`` accepts tables of an interrupted build.

        Raises
        ------
        StoreError
            If there is none at ``path``, its manifest cannot be read, or some of its tables are
            not those that the manifest describes.
        """
        root = Path(path)
        if not root.is_dir():
            raise StoreError(
                f"There is no store at '{root}'. A store is a directory with a {_MANIFEST}; "
                "`memanalysis produce` and `memanalysis import` make one."
            )
        store = cls(root, _read_manifest(root / _MANIFEST))
        if whole:
            store._require_whole_build()
        return store

    @classmethod
    def create(cls, path: str | Path, manifest: Manifest) -> Store:
        """Make a new store, or fail if ``path`` holds one already."""
        root = Path(path)
        if (root / _MANIFEST).exists():
            raise StoreError(f"'{root}' already holds a store; give another --out.")
        store = cls(root, manifest)
        store.write_manifest()
        return store

    def lock(self, *, exclusive: bool = True) -> AbstractContextManager[None]:
        """Hold the store for writing; see ``locking.held``."""
        return locking.held(self.path, shared=not exclusive)

    def write_manifest(self) -> None:
        """Write ``manifest.json``."""
        text = json.dumps(asdict(self.manifest), indent=1, ensure_ascii=False) + "\n"
        atomic.write_bytes(self.path / _MANIFEST, text.encode())

    # Tables

    def table_path(self, name: str) -> Path:
        """Where the table ``name`` lies."""
        return self.path / TABLES[name][0]

    def read_table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read one table whole."""
        path = self.table_path(name)
        if not path.exists():
            raise StoreError(
                f"'{self.path}' has no {TABLES[name][0]}: the store is not built. "
                f"Run: memanalysis build {self.path}"
            )
        try:
            return pq.read_table(path, columns=columns)
        except (pa.ArrowInvalid, OSError) as error:
            raise StoreError(f"'{path}' cannot be read as Parquet: {error}") from error

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write one table atomically and note its checksum and row count in the manifest.

        Derived tables are stamped with the fingerprint of the outcomes that they came from. The
        manifest itself is written by ``write_manifest``, once all tables are.
        """
        schema = TABLES[name][1].with_metadata({_FINGERPRINT: self._stamp(name)})
        path = self.table_path(name)
        with atomic.replacing(path) as temporary:
            pq.write_table(
                table.select(schema.names).cast(schema), temporary, **parquet_options(schema)
            )
        self.note_table(name)

    def note_table(self, name: str) -> None:
        """Put the checksum, size and row count of a table's file into the manifest."""
        self.note_file(TABLES[name][0])
        if name == "outcomes":
            self.manifest.outcomes_fingerprint = self.manifest.files[TABLES[name][0]]["sha256"]

    def note_file(self, name: str) -> None:
        """The same for any Parquet file of the store, by its path inside it."""
        path = self.path / name
        self.manifest.files[name] = {
            "sha256": atomic.sha256(path),
            "bytes": path.stat().st_size,
            "rows": pq.read_metadata(path).num_rows,
        }

    def stamp_of(self, name: str) -> str:
        """The outcomes fingerprint that a derived table carries, empty if it carries none."""
        metadata = pq.read_schema(self.table_path(name)).metadata or {}
        return str(metadata.get(_FINGERPRINT, b""), "ascii")

    def _stamp(self, name: str) -> bytes:
        derived = TABLES[name][0].startswith("derived/") or name == "influence"
        return self.manifest.outcomes_fingerprint.encode() if derived else b""

    # Model files

    def model_path(self, objective: str, size: str, subset_id: int) -> Path:
        """Where one training's file lies."""
        return self.path / "models" / objective / size / f"{subset_id:05d}.safetensors"

    def model_paths(self, objective: str, size: str) -> list[Path]:
        """The files of one objective and size, in ``subset_id`` order."""
        return sorted((self.path / "models" / objective / size).glob("*.safetensors"))

    def teacher_path(self, size: str, group: int) -> Path:
        """Where the file of a group's teacher trained on all examples lies."""
        return self.path / "teachers" / "full_data" / size / f"{group:05d}.safetensors"

    def teacher_paths(self) -> list[Path]:
        """The files of all teachers trained on all examples."""
        return sorted((self.path / "teachers" / "full_data").glob("*/*.safetensors"))

    def repeat_path(self, size: str, subset_id: int) -> Path:
        """Where the file of a subset's second model lies, by labels alone and other seeds."""
        return self.path / "repeats" / size / f"{subset_id:05d}.safetensors"

    def repeat_paths(self) -> list[Path]:
        """The files of all second models."""
        return sorted((self.path / "repeats").glob("*/*.safetensors"))

    def conditions(self) -> Iterator[tuple[str, str]]:
        """(objective, size) of every folder that holds model files, sizes in the study's order."""
        folders = (path.name for path in (self.path / "models").glob("*"))
        for objective in sorted(filter(is_objective, folders), key=objective_order):
            for size in self.manifest.sizes:
                if self.model_paths(objective, size):
                    yield objective, size

    def _require_whole_build(self) -> None:
        """Refuse tables of which some are from another build than the manifest."""
        todo = f"Run: memanalysis build {self.path}"
        if (self.path / COMMIT).exists():
            raise StoreError(f"The last build of '{self.path}' was interrupted. {todo}")
        for name, noted in self.manifest.files.items():
            path = self.path / name
            if path.exists() and path.stat().st_size != noted["bytes"]:
                raise StoreError(
                    f"'{path}' has {path.stat().st_size} bytes, its manifest says "
                    f"{noted['bytes']}: it is damaged or from another build. {todo}"
                )


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How a table is written: floats split by byte, ids by difference, the rest by dictionary.

    Splitting floats by byte takes a third off ``outcomes`` and a fifth off ``proxies``; zstd's
    level 15 costs seconds at build time and saves a tenth of a shipped store.
    """
    encodings = {
        **{f.name: "BYTE_STREAM_SPLIT" for f in schema if pa.types.is_floating(f.type)},
        **{f.name: "DELTA_BINARY_PACKED" for f in schema if pa.types.is_int64(f.type)},
    }
    return {
        "compression": "zstd",
        "compression_level": 15,
        "use_dictionary": [f.name for f in schema if f.name not in (*encodings, "image")],
        "column_encoding": encodings,
    }


def blob_array(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """BLOBs of equal length as uint8 [rows, bytes].

    Raises
    ------
    StoreError
        If their lengths differ.
    """
    parts = [_bytes_of(chunk) for chunk in column.chunks if len(chunk)]
    lengths = {int(length) for _, found in parts for length in found}
    if len(lengths) > 1:
        raise StoreError(f"BLOBs of {sorted(lengths)} bytes; expected one length in a store.")
    width = lengths.pop() if lengths else 0
    arrays = [content.reshape(-1, width) for content, _ in parts] if width else []
    return np.concatenate(arrays) if arrays else np.zeros((len(column), 0), dtype=np.uint8)


def _bytes_of(chunk: pa.BinaryArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of all BLOBs, without a copy, and their distinct lengths; NULL has length 0."""
    _, offsets, content = chunk.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    joined = np.frombuffer(content, dtype=np.uint8) if content else np.zeros(0, dtype=np.uint8)
    return joined[bounds[0] : bounds[-1]], np.unique(np.diff(bounds).astype(np.int64))


def half_of_group(group_id: int) -> str:
    """The fixed half that a group belongs to: even groups ``a``, odd groups ``b``."""
    return HALVES[group_id % 2]


def write_model(store: Store, record: ModelRecord, path: Path | None = None) -> None:
    """Write one training's file atomically; its header carries the model's row and a checksum.

    ``path`` is by default the model's own place in the store.
    """
    tensors = to_tensors(record)
    header = {
        "info": json.dumps(asdict(record.info)),
        "n_train": str(len(record.in_train)),
        "n_examples": str(len(record.correct)),
        "sha256": _tensors_digest(tensors),
    }
    info = record.info
    place = path or store.model_path(info.objective, info.size, info.subset_id)
    with atomic.replacing(place) as temporary:
        try:
            save_file(tensors, temporary, metadata=header)
        except SafetensorError as error:
            # safetensors hides what the system said; a full disk must look like one.
            if f"os error {errno.ENOSPC}" in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise


def read_model(path: Path, *, with_logits: bool = False) -> ModelRecord:
    """Read one training's file, verifying its checksum.

    Raises
    ------
    StoreError
        If the file is truncated, altered or no model file.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise StoreError(f"'{path}' is not a whole model file ({error}); delete it.") from error
    if header.get("sha256") != _tensors_digest(tensors):
        raise StoreError(f"'{path}' does not match its own checksum; delete it and produce again.")
    n_train, n_examples = int(header["n_train"]), int(header["n_examples"])
    for fault in faults(tensors, n_train, n_examples):
        raise StoreError(f"'{path}' is not a model file: {fault}; delete it and produce again.")
    arrays = from_tensors(tensors, n_train, n_examples, with_logits=with_logits)
    return ModelRecord(info=ModelInfo(**json.loads(header["info"])), **arrays)


def read_model_info(path: Path) -> ModelInfo:
    """Read a model file's header alone, without its tensors and without verifying them."""
    try:
        with safe_open(path, framework="numpy") as file:
            return ModelInfo(**json.loads((file.metadata() or {})["info"]))
    except (SafetensorError, OSError, KeyError) as error:
        raise StoreError(f"'{path}' is not a whole model file ({error}); delete it.") from error


def utc(text: str | None) -> datetime | None:
    """The time that an ISO 8601 text names; None for none."""
    return None if text is None else datetime.fromisoformat(text)


def _tensors_digest(tensors: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"{name}:{tensor.dtype}:{tensor.shape};".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def _read_manifest(path: Path) -> Manifest:
    if not path.exists():
        raise StoreError(f"'{path.parent}' is not a store: it has no {_MANIFEST}.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"'{path}' is not valid JSON: {error}") from error
    if not isinstance(content, dict) or content.get("contract") != CONTRACT_VERSION:
        found = content.get("contract") if isinstance(content, dict) else None
        raise StoreError(
            f"'{path}' follows contract version {found}; this program reads {CONTRACT_VERSION}."
        )
    known = {f.name for f in fields(Manifest)}
    missing = {"study", "title"} - content.keys()
    if missing:
        raise StoreError(f"'{path}' lacks {', '.join(sorted(missing))}.")
    return Manifest(**{key: value for key, value in content.items() if key in known})
