"""Every fault of a store at once: what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import MemanalysisError, StoreError
from memanalysis.sql.checks import violations
from memanalysis.storage import atomic, bits, laid_images
from memanalysis.storage.confinement import COMMIT, outward_links
from memanalysis.storage.manifest import MANIFEST
from memanalysis.storage.model_files import read_model
from memanalysis.storage.parquet import blob_array, count_rows, read_schema
from memanalysis.storage.schema import (
    LATER_COLUMNS,
    LATER_TABLES,
    TABLES,
    is_objective,
    objective_order,
)
from memanalysis.storage.store import FINGERPRINT, SCORES, ManifestError, Store

# Files that may lie in a store and are no part of it.
_BESIDE: Final = frozenset({SCORES, laid_images.FILE})
_ANOTHER: Final = "Get another copy of the store."
_LATER: Final = {TABLES[name][0] for name in LATER_TABLES}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: in which file, and where in it."""

    where: str
    found: str
    expected: str
    action: str

    def __str__(self) -> str:
        """One line for the command line."""
        return f"{self.where}: {self.found}; expected {self.expected}. {self.action}"


def check(path: str | Path) -> list[Fault]:
    """All faults of the store at ``path``; an empty list means that it keeps the contract.

    Raises
    ------
    StoreError
        If there is no store at ``path``.
    """
    try:
        store = Store.open(path, whole=False)
    except ManifestError as error:
        if not (Path(path) / MANIFEST).exists():
            raise
        return [_of_manifest(*problem) for problem in error.problems]
    faults = [*_links(store), *_build_state(store), *_unlisted(store)]
    linked = {fault.where for fault in faults}
    for name in sorted({file for file, _ in TABLES.values()} | store.manifest.files.keys()):
        if name not in linked:
            faults += _looked_into(name, _file(store, name))
    for name in _sound(store, faults):
        faults += _looked_into(TABLES[name][0], _schema(store, name))
    for name in _sound(store, faults):
        faults += _looked_into(TABLES[name][0], _in_order(store, name))
    sound = _sound(store, faults)
    faults += _looked_into("queries/checks", _contents(store, sound))
    if "examples" in sound:
        faults += _looked_into("files beside the tables", _beside(store))
    faults += _looked_into("models", _model_files(store, compare="outcomes" in sound))
    faults += _looked_into("repeats", _repeat_files(store))
    return faults


def _contents(store: Store, sound: Collection[str]) -> Iterator[Fault]:
    """Rows of the relations of ``queries/checks``, which a good store has none of."""
    for found in violations(store, sound):
        what = f"{found.rows} rows, for instance {found.example}" if found.rows else found.example
        yield Fault(found.check, what, "none", f"{found.row} {_rebuild(store)}")


def _beside(store: Store) -> Iterator[Fault]:
    """Exported scores are of these outcomes, and pictures that a reader laid of these examples."""
    action = "Make it anew, or delete it."
    scores = store.path / SCORES
    if scores.is_file():
        stamp = (read_schema(scores).metadata or {}).get(FINGERPRINT, b"")
        if stamp.decode("ascii", "replace") != store.manifest.outcomes_fingerprint:
            yield Fault(SCORES, "scores of other outcomes", "those of outcomes.parquet", action)
    if laid_images.is_laid(store) and (names := laid_images.differing(store)):
        expected = "that of examples.parquet"
        yield Fault(laid_images.FILE, f"another {', '.join(names)}", expected, action)


def _looked_into(where: str, faults: Iterator[Fault]) -> list[Fault]:
    """The faults of a file, or one more for whatever makes it impossible to look for them.

    Everything is caught: what a damaged file makes its reader do cannot be listed.
    """
    listed = []
    try:
        for fault in faults:
            listed.append(fault)  # noqa: PERF402 - those before an error count, too
    except Exception as error:
        found = str(error) if isinstance(error, MemanalysisError) else f"{type(error).__name__}"
        text = found if isinstance(error, MemanalysisError) else f"{found}: {error}"
        listed.append(Fault(where, f"cannot be checked ({text})", "a readable file", _ANOTHER))
    return listed


def _of_manifest(key: str, found: str, expected: str) -> Fault:
    where = f"{MANIFEST}, {key}" if key else MANIFEST
    return Fault(where, found, expected, "Restore it, or get another copy of the store.")


def _links(store: Store) -> Iterator[Fault]:
    for name in outward_links(store.path):
        expected = "a file or folder of the store's own"
        yield Fault(name, "a link, or no file at all", expected, "Replace it by what it leads to.")


def _sound(store: Store, faults: list[Fault]) -> list[str]:
    """Tables without a fault so far, which are those that can be looked into."""
    faulty = {fault.where for fault in faults}
    return [
        name
        for name, (file, _) in TABLES.items()
        if file not in faulty and (store.path / file).is_file()
    ]


def _rebuild(store: Store) -> str:
    """Remedy for most faults, where the model files are still there."""
    if any(store.conditions()):
        return f"Run: memanalysis build {store.path}"
    return _ANOTHER


# Files


def _build_state(store: Store) -> Iterator[Fault]:
    if (store.path / COMMIT).exists():
        yield Fault(COMMIT, "an interrupted build", "a finished one", _rebuild(store))


def _file(store: Store, name: str) -> Iterator[Fault]:
    """A file that is missing, not in the manifest, or not what the manifest says."""
    noted = store.manifest.files
    path = store.path / name
    if not path.is_file() and name not in noted and name in _LATER:
        return  # a store of before it came
    if not path.is_file():
        yield Fault(name, "no such file", "every table of the contract", _rebuild(store))
    elif name not in noted:
        yield Fault(name, "not in the manifest", "an entry for every table", _rebuild(store))
    else:
        yield from _content(store, name, noted[name])


def _content(store: Store, name: str, noted: dict[str, Any]) -> Iterator[Fault]:
    path = store.path / name
    if (digest := atomic.sha256(path)) != noted.get("sha256"):
        found = f"SHA-256 {digest[:12]}… of {path.stat().st_size} bytes"
        expected = f"{str(noted.get('sha256'))[:12]}… of {noted.get('bytes')} bytes"
        yield Fault(name, found, expected, _rebuild(store))
    elif path.suffix == ".parquet" and (rows := count_rows(path)) != noted["rows"]:
        yield Fault(name, f"{rows} rows", f"{noted['rows']}, as in the manifest", _rebuild(store))


def _unlisted(store: Store) -> Iterator[Fault]:
    """Data files that no manifest entry accounts for: readers with a glob would take them in."""
    known = store.manifest.files.keys() | {file for file, _ in TABLES.values()} | _BESIDE
    for path in sorted(store.path.rglob("*")):
        name = path.relative_to(store.path).as_posix()
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.suffix == ".parquet" and not hidden and name not in known:
            yield Fault(name, "a file of no table", "no other Parquet files", "Move it away.")
        if path.suffix == ".tmp":
            yield Fault(name, "a half-written file", "none", "Delete it; its writer was killed.")
    for folder in sorted((store.path / "models").glob("*/*")):
        if not is_objective(folder.parent.name) or folder.name not in store.manifest.sizes:
            found = f"models of '{folder.parent.name}', '{folder.name}'"
            name = folder.relative_to(store.path).as_posix()
            expected = f"sizes {', '.join(store.manifest.sizes)}"
            yield Fault(name, found, expected, "Move the folder away.")


def _schema(store: Store, name: str) -> Iterator[Fault]:
    file, wanted = TABLES[name]
    found = read_schema(store.path / file)
    for field in wanted:
        if field.name not in found.names:
            if (name, field.name) in LATER_COLUMNS:
                continue
            yield Fault(file, f"no column {field.name}", f"{field.name} {field.type}", _REWRITE)
        elif found.field(field.name).type != field.type:
            text = f"column {field.name} is {found.field(field.name).type}"
            yield Fault(file, text, str(field.type), _REWRITE)


_REWRITE: Final = "It was written by another version: build again."


# Tables whose readers take the rows of an objective, size and epoch as an array over examples.
_ARRAYS: Final = ("outcomes", "margins", "epoch_outcomes", "repeats")


def _in_order(store: Store, name: str) -> Iterator[Fault]:
    """Rows that do not stand where readers of whole columns expect them."""
    where = TABLES[name][0]
    if name in ("examples", "models"):
        key = "example_id" if name == "examples" else "model_id"
        ids = store.read_table(name, [key])[key].to_pylist()
        if ids != list(range(len(ids))):
            yield Fault(where, f"{key} with gaps or out of order", "0, 1, 2, …", _REWRITE)
    if name == "models":
        rows = store.read_table(name, ["objective", "size", "subset_id"]).to_pylist()
        order = [(_position(store, r["objective"], r["size"]), r["subset_id"]) for r in rows]
        if order != sorted(set(order)):
            expected = "each model once, by objective, size_rank, subset_id"
            yield Fault(where, "rows out of order", expected, _rebuild(store))
    if name in _ARRAYS:
        yield from _arrays_in_order(store, name)


def _arrays_in_order(store: Store, name: str) -> Iterator[Fault]:
    where = TABLES[name][0]
    keys = [key for key in ("objective", "size", "epoch") if key in TABLES[name][1].names]
    table = store.read_table(name, [*keys, "size_rank", "example_id"])
    in_train = name in ("margins", "epoch_outcomes")
    n = store.manifest.n_train + (0 if in_train else store.manifest.n_test)
    if not len(table):
        return
    ids = table["example_id"].to_numpy()
    starts = np.flatnonzero(ids == 0)
    if len(ids) != n * len(starts) or not (ids.reshape(-1, n) == np.arange(n)).all():
        expected = f"0 to {n - 1}, in order, for each {', '.join(keys)}"
        yield Fault(where, "other example_id", expected, _rebuild(store))
        return
    heads = [tuple(row.values()) for row in table.select(keys).take(starts).to_pylist()]
    for key, values in zip(keys, zip(*heads, strict=True), strict=True):
        if (table[key].to_numpy() != np.repeat(np.array(values, object), n)).any():
            yield Fault(where, f"several {key} in one run of examples", "one", _rebuild(store))
    order = [(*_position(store, *head[:2]), *head[2:]) for head in heads]
    if order != sorted(set(order)):
        expected = f"each {', '.join(keys)} once, in order"
        yield Fault(where, "rows out of order", expected, _rebuild(store))
    ranks = np.repeat([_position(store, *head[:2])[1] for head in heads], n)
    if (table["size_rank"].to_numpy() != ranks).any():
        expected = "its place among the sizes of the manifest"
        yield Fault(where, "another size_rank", expected, _rebuild(store))


def _position(store: Store, objective: str, size: str) -> tuple[tuple[int, str], int]:
    sizes = store.manifest.sizes
    return objective_order(objective), sizes.index(size) if size in sizes else len(sizes)


# Model files


def _model_files(store: Store, *, compare: bool) -> Iterator[Fault]:
    """Each file against its own checksum, its place and, where they are sound, the outcomes."""
    for objective, size in store.conditions():
        packed = _condition_bits(store, objective, size) if compare else None
        for path in store.model_paths(objective, size):
            name = path.relative_to(store.path).as_posix()
            try:
                record = read_model(path)
            except StoreError as error:
                found = str(error).removeprefix(f"'{path}' ")
                yield Fault(name, found, "a whole model file", "Delete it and produce it again.")
                continue
            info = record.info
            wanted = (objective, size, path.stem)
            if (info.objective, info.size, f"{info.subset_id:05d}") != wanted:
                found = f"the model {info.objective}, {info.size}, {info.subset_id}"
                yield Fault(name, found, ", ".join(wanted), "Move it to its place.")
            elif packed is not None:
                in_train, correct = (bits.column(p, info.subset_id) for p in packed)
                same = np.array_equal(in_train[: store.manifest.n_train], record.in_train)
                if not (same and np.array_equal(correct, record.correct)):
                    expected = "those in outcomes.parquet"
                    yield Fault(name, "other bits than in the tables", expected, _rebuild(store))
    for path in store.teacher_paths():
        try:
            read_model(path)
        except StoreError as error:
            name, found = path.relative_to(store.path).as_posix(), str(error)
            expected = "a whole teacher file"
            yield Fault(name, found.removeprefix(f"'{path}' "), expected, "Delete it.")


def _repeat_files(store: Store) -> Iterator[Fault]:
    for path in store.repeat_paths():
        try:
            read_model(path)
        except StoreError as error:
            name, found = path.relative_to(store.path).as_posix(), str(error)
            yield Fault(name, found.removeprefix(f"'{path}' "), "a whole model file", "Delete it.")


def _condition_bits(
    store: Store, objective: str, size: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    chosen = [("objective", "=", objective), ("size", "=", size)]
    rows = store.read_table("outcomes", filters=chosen)
    if not len(rows):
        return None
    try:
        packed = blob_array(rows["in_train"]), blob_array(rows["correct"])
    except StoreError:
        return None
    right = bits.width(store.manifest.n_subsets)
    return packed if all(p.shape[1] == right for p in packed) else None
