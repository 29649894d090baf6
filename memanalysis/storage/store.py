"""A store on disk: its manifest, its tables and the small file that each training leaves.

Plain Parquet, JSON and safetensors; any tool can read it. Every file is written whole or not at
all, so a store can be looked at, copied or continued at any moment.

Libraries of Parquet and safetensors are imported where a file is read or written by them: a query
asks DuckDB and does without.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memanalysis.errors import StoreError
from memanalysis.storage import atomic, locking
from memanalysis.storage.confinement import COMMIT
from memanalysis.storage.manifest import MANIFEST, Manifest, ManifestError, read_manifest
from memanalysis.storage.names import HALVES, is_objective, objective_order, table_file

if TYPE_CHECKING:
    import pyarrow as pa

    from memanalysis.storage.model_files import ModelRecord

__all__ = [
    "FINGERPRINT",
    "GROUPS",
    "SCORES",
    "Manifest",
    "ManifestError",
    "Store",
    "half_of_group",
    "is_stamped",
    "write_model",
]

# The key in a Parquet file's metadata under which it says from which outcomes it came.
FINGERPRINT: Final = b"memanalysis.outcomes_fingerprint"
# Scores that were exported may lie beside the tables that they came from.
SCORES: Final = "scores.parquet"
# Moving the files of a finished build into place takes milliseconds; a reader waits this long.
GROUPS: Final = "groups"  # the folder of sums per group of models
_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05

_Signature = tuple[int, int, int]  # what changes with a file: inode, bytes, time of last change


class Store:
    """A store at ``path``, which need not be built yet."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._intact: dict[str, _Signature] = {}  # files whose content the manifest describes

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
                f"There is no store at '{root}'. A store is a directory with a {MANIFEST}; "
                "`memanalysis produce` and `memanalysis import` make one."
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            was_held = locking.is_held(root)  # a build may end while its traces are looked at
            store = cls(root, read_manifest(root / MANIFEST))
            fault = store._fault_of_build() if whole else ""
            if not fault:
                return store
            if not (was_held or locking.is_held(root)):
                raise StoreError(fault)
            if time.monotonic() > deadline:
                raise StoreError(
                    f"A build of '{root}' is under way, and its tables are being replaced. Open "
                    "it again when the build has ended."
                )
            time.sleep(_PAUSE_SECONDS)

    @classmethod
    def create(cls, path: str | Path, manifest: Manifest) -> Store:
        """Make a new store, or fail if ``path`` holds one already."""
        root = Path(path)
        if (root / MANIFEST).exists():
            raise StoreError(f"'{root}' already holds a store; give another --out.")
        store = cls(root, manifest)
        store.write_manifest()
        return store

    def lock(self, *, exclusive: bool = True) -> AbstractContextManager[None]:
        """Hold the store for writing; see ``locking.held``."""
        return locking.held(self.path, shared=not exclusive)

    def write_manifest(self) -> None:
        """Write ``manifest.json``."""
        atomic.write_bytes(self.path / MANIFEST, self.manifest.to_json())

    # Tables

    def table_path(self, name: str) -> Path:
        """Path of the table ``name``."""
        return self.path / table_file(name)

    def read_table(
        self, name: str, columns: list[str] | None = None, filters: Any = None
    ) -> pa.Table:
        """Read one table, or some columns and rows of it; its file must be the manifest's.

        Raises
        ------
        StoreError
            If it is missing, damaged or of another build.
        """
        path = self.table_path(name)
        if not path.exists():
            raise StoreError(
                f"'{self.path}' has no {table_file(name)}: the store is not built. "
                f"Run: memanalysis build {self.path}"
            )
        self.require_intact(table_file(name))
        from memanalysis.storage.parquet import read_parquet

        return read_parquet(path, columns, filters)

    def require_intact(self, file: str) -> None:
        """Compare a file with its checksum in the manifest, unless it was and is unchanged since.

        A file that the manifest does not list passes; ``check`` names it.

        Raises
        ------
        StoreError
            If it is damaged, a link, or of another build than the manifest.
        """
        noted = self.manifest.files.get(file)
        path = self.path / file
        if noted is None:
            return
        if path.is_symlink():
            raise StoreError(f"'{path}' is a link; expected a file of the store's own.")
        try:
            signature = _signature(path)
            if self._intact.get(file) == signature:
                return
            digest = atomic.sha256(path)
        except OSError as error:
            raise StoreError(f"'{path}' cannot be read: {error.strerror}.") from error
        if digest != noted["sha256"]:
            raise StoreError(self._explain(file, digest))
        self._intact[file] = signature

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write one table atomically and note its checksum and row count in the manifest.

        Derived tables are stamped with the fingerprint of the outcomes that they came from. The
        manifest itself is written by ``write_manifest``, once all tables are.
        """
        import pyarrow.parquet as pq

        from memanalysis.storage.parquet import parquet_options
        from memanalysis.storage.schema import TABLES

        schema = TABLES[name][1].with_metadata({FINGERPRINT: self._stamp(name)})
        path = self.table_path(name)
        with atomic.replacing(path) as temporary:
            pq.write_table(
                table.select(schema.names).cast(schema), temporary, **parquet_options(schema)
            )
        self.note_table(name)

    def note_table(self, name: str) -> None:
        """Put the checksum, size and row count of a table's file into the manifest."""
        self.note_file(table_file(name))
        if name == "outcomes":
            self.manifest.outcomes_fingerprint = self.manifest.files[table_file(name)]["sha256"]

    def note_file(self, name: str) -> None:
        """The same for any file of the store, by its path inside it; only tables have rows."""
        from memanalysis.storage.parquet import count_rows

        path = self.path / name
        self.manifest.files[name] = {
            "sha256": atomic.sha256(path),
            "bytes": path.stat().st_size,
            "rows": count_rows(path) if path.suffix == ".parquet" else 0,
        }
        self._intact[name] = _signature(path)

    def stamp_of(self, name: str) -> str:
        """The outcomes fingerprint that a derived table carries, empty if it carries none."""
        from memanalysis.storage.parquet import read_schema

        metadata = read_schema(self.table_path(name)).metadata or {}
        return str(metadata.get(FINGERPRINT, b""), "ascii", errors="replace")

    def _stamp(self, name: str) -> bytes:
        return self.manifest.outcomes_fingerprint.encode() if is_stamped(name) else b""

    # Model files

    def model_path(self, objective: str, size: str, subset_id: int) -> Path:
        """Path of one training's file."""
        return self.path / "models" / objective / size / f"{subset_id:05d}.safetensors"

    def model_paths(self, objective: str, size: str) -> list[Path]:
        """The files of one objective and size, in ``subset_id`` order."""
        return sorted((self.path / "models" / objective / size).glob("*.safetensors"))

    def teacher_path(self, size: str, group: int) -> Path:
        """Path of a group's teacher trained on all examples."""
        return self.path / "teachers" / "full_data" / size / f"{group:05d}.safetensors"

    def teacher_paths(self) -> list[Path]:
        """The files of all teachers trained on all examples."""
        return sorted((self.path / "teachers" / "full_data").glob("*/*.safetensors"))

    @staticmethod
    def sums_file(objective: str, size: str) -> str:
        """Path inside the store of the sums per group of models, which packing drops."""
        return f"{GROUPS}/{objective}/{size}.safetensors"

    def intact_sums(self, objective: str, size: str) -> Path | None:
        """The same file where there is one; stores of earlier versions noted no checksum of it.

        Raises
        ------
        StoreError
            If it is damaged or of another build.
        """
        name = self.sums_file(objective, size)
        if not (self.path / name).exists():
            return None
        self.require_intact(name)
        return self.path / name

    def repeat_path(self, size: str, subset_id: int) -> Path:
        """Path of a subset's second model, by labels alone and other seeds."""
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

    # Whether it is whole

    def _fault_of_build(self) -> str:
        """Difference of the tables from those of one finished build, empty for none."""
        todo = f"Run: memanalysis build {self.path}"
        if (self.path / COMMIT).exists():
            return f"The last build of '{self.path}' was interrupted. {todo}"
        for name, noted in self.manifest.files.items():
            path = self.path / name
            if path.exists() and path.stat().st_size != noted["bytes"]:
                return (
                    f"'{path}' has {path.stat().st_size} bytes, its manifest says "
                    f"{noted['bytes']}: it is damaged or from another build. {todo}"
                )
        return ""

    def _explain(self, file: str, digest: str) -> str:
        """Why a file is not the one that the manifest of this open store describes."""
        path, noted = self.path / file, self.manifest.files[file]
        was_held = locking.is_held(self.path)  # before: the manifest is what a build writes last
        try:
            present = read_manifest(self.path / MANIFEST).files.get(file, {})
        except StoreError:
            present = noted
        if present.get("sha256") == digest or present.get("sha256") != noted["sha256"]:
            return f"'{self.path}' was built anew since it was opened. Open it again."
        if was_held:
            return f"A build of '{self.path}' is under way. Open it again when it has ended."
        return (
            f"'{path}' is damaged: its SHA-256 is {digest[:12]}…, its manifest says "
            f"{noted['sha256'][:12]}…. Run: memanalysis check {self.path}"
        )


def is_stamped(name: str) -> bool:
    """True if the table ``name`` says from which outcomes it was computed."""
    return table_file(name).startswith("derived/") or name == "influence"


def half_of_group(group_id: int) -> str:
    """The fixed half that a group belongs to: even groups ``a``, odd groups ``b``."""
    return HALVES[group_id % 2]


def write_model(store: Store, record: ModelRecord, path: Path | None = None) -> None:
    """Write one training's file atomically; its header carries the model's row and a checksum.

    ``path`` is by default the model's own place in the store.
    """
    from memanalysis.storage.model_files import write_model_file

    info = record.info
    write_model_file(record, path or store.model_path(info.objective, info.size, info.subset_id))


def _signature(path: Path) -> _Signature:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
