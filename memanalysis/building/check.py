"""Every fault of a store at once: what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.building import check_recorded
from memanalysis.building.build import splits_follow
from memanalysis.errors import MemanalysisError, StoreError
from memanalysis.storage import atomic, bits, subsets
from memanalysis.storage.confinement import outward_links
from memanalysis.storage.manifest import MANIFEST
from memanalysis.storage.schema import (
    LATER_COLUMNS,
    LATER_TABLES,
    TABLES,
    is_objective,
    objective_order,
)
from memanalysis.storage.store import (
    COMMIT,
    ManifestError,
    Store,
    blob_array,
    count_rows,
    half_of_group,
    read_model,
    read_schema,
)

# Accuracies are means of up to some ten thousand bits, which a producer may take in float32.
_TOLERANCE: Final = 1e-5
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
    sound = {*_sound(store, faults)}
    for needed, where, looked in _contents(store, sound):
        if needed <= sound:
            faults += _looked_into(where, looked())
    for name in sorted(sound):
        faults += _looked_into(TABLES[name][0], _stamp(store, name))
    faults += _looked_into("models", _model_files(store, compare="outcomes" in sound))
    faults += _looked_into("repeats", _repeat_files(store))
    return faults


_Look = Callable[[], Iterator[Fault]]


def _contents(store: Store, sound: set[str]) -> Iterator[tuple[set[str], str, _Look]]:
    """Tables that must be sound, the file to look into, and how."""
    yield {"examples"}, TABLES["examples"][0], lambda: _examples(store)
    yield {"examples", "outcomes"}, TABLES["outcomes"][0], lambda: _outcomes(store)
    yield {"outcomes", "models"}, TABLES["models"][0], lambda: _models(store)
    proxies = _faults(check_recorded.proxy_faults(store), _rebuild(store))
    yield {"proxies"}, TABLES["proxies"][0], lambda: proxies
    beside = _faults(check_recorded.beside_faults(store), "Make it anew, or delete it.")
    yield {"examples"}, "files beside the tables", lambda: beside
    annotations = _faults(check_recorded.annotation_faults(store), "Import them again.")
    yield {"annotations"}, TABLES["annotations"][0], lambda: annotations
    recorded = _faults(check_recorded.recorded_faults(store, sound), _rebuild(store))
    yield {"examples", "outcomes"}, "tables of what was recorded", lambda: recorded


def _faults(broken: Iterator[check_recorded.Broken], action: str) -> Iterator[Fault]:
    return (Fault(*one, action) for one in broken)


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
    listed = (
        store.manifest.files.keys() | {file for file, _ in TABLES.values()} | check_recorded.BESIDE
    )
    for path in sorted(store.path.rglob("*")):
        name = path.relative_to(store.path).as_posix()
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.suffix == ".parquet" and not hidden and name not in listed:
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
    stored = read_schema(store.path / file)
    for field in wanted:
        if field.name not in stored.names:
            if (name, field.name) in LATER_COLUMNS:
                continue
            yield Fault(file, f"no column {field.name}", f"{field.name} {field.type}", _REWRITE)
        elif stored.field(field.name).type != field.type:
            text = f"column {field.name} is {stored.field(field.name).type}"
            yield Fault(file, text, str(field.type), _REWRITE)


_REWRITE: Final = "It was written by another version: build again."


def _stamp(store: Store, name: str) -> Iterator[Fault]:
    if name != "influence" and not TABLES[name][0].startswith("derived/"):
        return
    stamp, expected = store.stamp_of(name), store.manifest.outcomes_fingerprint
    if stamp != expected:
        found = f"computed from outcomes {stamp[:12] or 'unknown'}"
        yield Fault(TABLES[name][0], found, f"from outcomes {expected[:12]}", _rebuild(store))


# Tables


def _examples(store: Store) -> Iterator[Fault]:
    table = store.read_table("examples", ["example_id", "split", "label"])
    manifest = store.manifest
    where = TABLES["examples"][0]
    if table["example_id"].to_pylist() != list(range(len(table))):
        yield Fault(where, "example_id with gaps or out of order", "0, 1, 2, …", _REWRITE)
    if not splits_follow(table["split"], manifest.n_train, manifest.n_test):
        expected = f"{manifest.n_train} of train, then {manifest.n_test} of test"
        yield Fault(where, "other splits", expected, _REWRITE)
    labels = set(table["label"].to_pylist()) - {None}
    n_classes = len(manifest.class_names)
    if n_classes and labels and not (min(labels) >= 0 and max(labels) < n_classes):
        found = f"labels from {min(labels)} to {max(labels)}"
        yield Fault(where, found, f"0 to {n_classes - 1}, one for each class name", _REWRITE)


def _outcomes(store: Store) -> Iterator[Fault]:
    columns = ["objective", "size", "size_rank", "example_id", "split", "label", "n_models"]
    table = store.read_table("outcomes", [*columns, "trained", "in_train", "correct"])
    examples = store.read_table("examples", ["split", "label"])
    order = []
    for objective, size, rows in _by_condition(table):
        where = f"outcomes.parquet ({objective}, {size})"
        order.append(_position(store, objective, size))
        yield from _rows(store, where, size, rows, examples)
        yield from _bits(store, where, rows)
    if order != sorted(set(order)):
        expected = "each objective and size once, in order"
        yield Fault("outcomes.parquet", "rows out of order", expected, _rebuild(store))


def _position(store: Store, objective: str, size: str) -> tuple[tuple[int, str], int]:
    sizes = store.manifest.sizes
    return (
        objective_order(objective),
        sizes.index(size) if size in sizes else len(sizes),
    )


def _by_condition(table: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    """Runs of rows with equal objective and size."""
    keys = np.array(table["objective"].to_pylist()), np.array(table["size"].to_pylist())
    changes = (keys[0][1:] != keys[0][:-1]) | (keys[1][1:] != keys[1][:-1])
    bounds = [0, *(np.flatnonzero(changes) + 1), len(table)]
    for first, last in pairwise(bounds):
        if last > first:
            yield str(keys[0][first]), str(keys[1][first]), table.slice(first, last - first)


def _rows(
    store: Store, where: str, size: str, rows: pa.Table, examples: pa.Table
) -> Iterator[Fault]:
    action = _rebuild(store)
    sizes = store.manifest.sizes
    rank = sizes.index(size) if size in sizes else None
    if rows["example_id"].to_pylist() != list(range(len(examples))):
        yield Fault(where, "other example_id", f"0 to {len(examples) - 1}, in order", action)
    elif any(rows[name].to_pylist() != examples[name].to_pylist() for name in ("split", "label")):
        yield Fault(where, "other splits or labels", "those of examples.parquet", action)
    if set(rows["size_rank"].to_pylist()) != {rank}:
        yield Fault(where, "another size_rank", f"{rank}, its place in the manifest", action)


def _bits(store: Store, where: str, rows: pa.Table) -> Iterator[Fault]:
    action = _rebuild(store)
    n_subsets = store.manifest.n_subsets
    try:
        trained, in_train, correct = (
            blob_array(rows[name]) for name in ("trained", "in_train", "correct")
        )
    except StoreError as error:
        yield Fault(where, str(error), f"{bits.width(n_subsets)} bytes each", action)
        return
    lengths = {packed.shape[1] for packed in (trained, in_train, correct)}
    if lengths != {bits.width(n_subsets)}:
        expected = f"{bits.width(n_subsets)} for {n_subsets} subsets"
        yield Fault(where, f"BLOBs of {sorted(lengths)} bytes", expected, action)
        return
    padding = np.packbits(np.arange(8 * bits.width(n_subsets)) >= n_subsets)
    test = np.array(rows["split"].to_pylist()) == "test"
    n_models = rows["n_models"].to_numpy()
    claims = {
        "trained is the same in every row": trained == trained[:1],
        "padding bits are zero": (trained & padding) == 0,
        "in_train lies within trained": (in_train & ~trained) == 0,
        "correct lies within trained": (correct & ~trained) == 0,
        "test examples are in no subset": in_train[test] == 0,
        "n_models is bit_count(trained)": n_models == bits.count(trained),
    }
    for claim, holds in claims.items():
        if not holds.all():
            yield Fault(where, f"{_n_rows(~holds)} rows break it", claim, action)
    yield from _balance(store, where, trained[0], in_train[~test])


def _n_rows(broken: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(broken.reshape(len(broken), -1).any(axis=1)))


def _balance(
    store: Store, where: str, trained: NDArray[np.uint8], in_train: NDArray[np.uint8]
) -> Iterator[Fault]:
    """In a balanced design every example is out of equally many models of each whole group."""
    manifest = store.manifest
    design = subsets.design(manifest.ratio, manifest.group_size) if manifest.ratio else None
    if manifest.design != "balanced" or design is None:
        return
    size, dropped = design
    present = bits.unpack(trained, manifest.n_subsets)
    for group in range(manifest.n_subsets // size):
        members = np.arange(manifest.n_subsets) // size == group
        if present[members].all():
            inside = bits.count(in_train & bits.pack(members))
            if (inside != size - dropped).any():
                found = f"group {group} has {_n_rows(inside != size - dropped)} unequal examples"
                expected = f"each out of {dropped} of its {size} subsets"
                yield Fault(where, found, expected, "Its model files are of another study.")


def _models(store: Store) -> Iterator[Fault]:
    """Rows of ``models`` against the bits, and against each other."""
    models = store.read_table("models").to_pylist()
    where = TABLES["models"][0]
    if [row["model_id"] for row in models] != list(range(len(models))):
        yield Fault(where, "model_id with gaps or out of order", "0, 1, 2, …", _rebuild(store))
    order = [(*_position(store, r["objective"], r["size"]), r["subset_id"]) for r in models]
    if order != sorted(set(order)):
        expected = "each model once, by objective, size_rank, subset_id"
        yield Fault(where, "rows out of order", expected, _rebuild(store))
    for row in models:
        yield from _model_row(store, where, row, models)
    table = store.read_table("outcomes", _BIT_COLUMNS)
    for objective, size, rows in _by_condition(table):
        of_condition = [r for r in models if (r["objective"], r["size"]) == (objective, size)]
        yield from _against_bits(store, f"{where} ({objective}, {size})", of_condition, rows)


_BIT_COLUMNS: Final = ["objective", "size", "trained", "in_train", "correct"]


def _model_row(
    store: Store, where: str, row: dict[str, Any], models: list[dict[str, Any]]
) -> Iterator[Fault]:
    who = f"{where}, model_id {row['model_id']}"
    if row["half"] != half_of_group(row["group_id"]):
        found = f"half '{row['half']}'"
        yield Fault(who, found, f"'{half_of_group(row['group_id'])}'", _rebuild(store))
    teacher = row["teacher_model_id"]
    if teacher is None:
        return
    if not 0 <= teacher < len(models):
        expected = "the model_id of its teacher"
        yield Fault(who, f"teacher_model_id {teacher}", expected, _rebuild(store))
    elif models[teacher]["subset_id"] != row["subset_id"]:
        found = f"a teacher of subset {models[teacher]['subset_id']}"
        yield Fault(who, found, f"one of subset {row['subset_id']}", _rebuild(store))


def _against_bits(
    store: Store, where: str, models: list[dict[str, Any]], rows: pa.Table
) -> Iterator[Fault]:
    """The models are those that ``trained`` marks, and their accuracies those of their bits."""
    try:
        unpacked = [
            bits.unpack(blob_array(rows[name]), store.manifest.n_subsets)
            for name in ("trained", "in_train", "correct")
        ]
    except (StoreError, ValueError):
        return  # reported with the outcomes
    n_train = store.manifest.n_train
    trained, in_train, correct = unpacked[0][0], unpacked[1][:n_train], unpacked[2][:n_train]
    marked, listed = set(np.flatnonzero(trained)), {row["subset_id"] for row in models}
    if marked != listed:
        found = f"subsets {_some(marked ^ listed)} in one of models and outcomes only"
        yield Fault(where, found, "the same models in both", _rebuild(store))
    for row in models:
        subset = row["subset_id"]
        if subset not in marked:
            continue
        right, inside = correct[:, subset], in_train[:, subset]
        for name, side in (("accuracy_in", inside), ("accuracy_out", ~inside)):
            value = right[side].mean() if side.any() else None
            if not _close(row[name], value):
                found = f"{name} {row[name]}"
                expected = f"{value}, as its bits say"
                yield Fault(f"{where}, subset {subset}", found, expected, _rebuild(store))


def _close(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= _TOLERANCE


def _some(values: set[Any]) -> str:
    first = sorted(int(value) for value in values)[:5]
    return ", ".join(map(str, first)) + (", …" if len(values) > len(first) else "")


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
    condition = [("objective", "=", objective), ("size", "=", size)]
    rows = store.read_table("outcomes", filters=condition)
    if not len(rows):
        return None
    try:
        packed = blob_array(rows["in_train"]), blob_array(rows["correct"])
    except StoreError:
        return None
    right = bits.width(store.manifest.n_subsets)
    return packed if all(p.shape[1] == right for p in packed) else None
