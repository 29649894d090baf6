"""Model files to example-major tables: one pass, one file in memory, all tables or none.

Each training left one file over all examples. ``build`` turns them into one row per example with a
bit per model, and sums of what is continuous. It works in ``.build/`` beside the tables that are
there; when everything is written, that folder is renamed to ``.commit/`` and its files are moved
into place, the manifest last. A build killed before the rename leaves the old tables as they were,
one killed after it is finished by the next build.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from memanalysis.building import group_sums, packing, repeats, rows
from memanalysis.building.aggregate import Condition, Masks, Tally, tally
from memanalysis.errors import StoreError
from memanalysis.storage import provenance
from memanalysis.storage.confinement import COMMIT, require_no_links, require_own_commit
from memanalysis.storage.model_files import ModelInfo
from memanalysis.storage.parquet import parquet_options, read_schema
from memanalysis.storage.schema import (
    ADDED,
    DERIVED,
    INFLUENCE,
    OBJECTIVES,
    OUTCOMES,
    PROXIES,
    RECORDED,
    TABLES,
    is_objective,
    objective_order,
)
from memanalysis.storage.store import GROUPS, Store

# What is being done, how much of it is done, and how much there is to do.
Progress = Callable[[str, int, int], None]

_STAGING: Final = ".build"
_COMPUTED: Final = ("influence", *DERIVED)  # from the other tables


def build(
    path: str | Path,
    *,
    pack: bool = False,
    proxies: Collection[str] | None = None,
    progress: Progress | None = None,
    locked: bool = False,
) -> Store:
    """Turn the model files of the store at ``path`` into its tables, and compute ``derived/``.

    Parameters
    ----------
    pack
        Also remove the model files of every complete group, the details per group, and the images
        of test examples that no training example helps or nearly repeats, for shipping.
        A packed store can be built again: model files added since are placed beside the packed
        ones, and with nothing added its tables stay as they are.
    proxies
        With ``pack``: of which proxies the values of single examples are kept, all by default; what
        was derived from the others stays.
    progress
        Called after each model file.
    locked
        True where the caller holds the store's lock already.

    Raises
    ------
    StoreError
        If there is nothing to build, a model file is damaged or contradicts the store or another
        model, or another process is writing to the store. The tables are then what they were.
    """
    store = Store.open(path, whole=False)
    with ExitStack() as stack:
        if not locked:
            stack.enter_context(store.lock(exclusive=True))
        else:
            require_no_links(store.path)
        if finish_commit(store):
            store = Store.open(path, whole=False)
        shutil.rmtree(store.path / _STAGING, ignore_errors=True)
        plan = _plan(store)
        if plan.has_new or not store.manifest.packed:
            _replace_tables(store, lambda staged: _write_tables(store, staged, plan, progress))
        elif not _is_derived(store):
            _replace_tables(store, lambda staged: _link_tables(store, staged))
        else:
            _add_missing(store)
        store = Store.open(path)
        if pack:
            _pack(store, proxies)
    return store


# What there is to place


@dataclass(frozen=True)
class _Plan:
    conditions: list[Condition]
    imported: pa.Table  # rows of proxies that come from no model file
    new_repeats: bool

    @property
    def has_new(self) -> bool:
        return self.new_repeats or any(condition.has_new for condition in self.conditions)


def _plan(store: Store) -> _Plan:
    _reject_unknown_folders(store)
    rows = _placed_rows(store)
    conditions = []
    present = {objective for objective, _ in (*rows, *store.conditions())}
    for objective in sorted(present, key=objective_order):
        for rank, size in enumerate(store.manifest.sizes):
            placed = rows.get((objective, size), {})
            files = {_subset_of(path): path for path in store.model_paths(objective, size)}
            if placed or files:
                conditions.append(Condition(objective, size, rank, placed, files))
    imported = _imported_proxies(store)
    if not conditions and not len(imported) and not len(_imported_pairs(store)):
        raise StoreError(
            f"'{store.path}' has nothing to build: no model files under models/ and no imported "
            "scores. `memanalysis produce` and `memanalysis import` write them."
        )
    return _Plan(conditions, imported, repeats.has_new(store))


def _reject_unknown_folders(store: Store) -> None:
    for folder in sorted((store.path / "models").glob("*/*")):
        objective, size = folder.parent.name, folder.name
        if not is_objective(objective) or size not in store.manifest.sizes:
            raise StoreError(
                f"'{folder}' holds models of objective '{objective}' and size '{size}'; the store "
                f"knows objectives {', '.join(OBJECTIVES)}, distilled_<variant> and sizes "
                f"{', '.join(store.manifest.sizes)}. Move it away or correct the manifest."
            )


def _subset_of(path: Path) -> int:
    try:
        return int(path.stem)
    except ValueError as error:
        raise StoreError(
            f"'{path}' is not named after a subset; expected a number such as 00012.safetensors."
        ) from error


def _placed_rows(store: Store) -> dict[tuple[str, str], dict[int, dict[str, Any]]]:
    """Rows of ``models`` whose outcomes a packed store holds, by objective and size."""
    rows: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    if store.manifest.packed:
        for row in store.read_table("models").to_pylist():
            rows.setdefault((row["objective"], row["size"]), {})[row["subset_id"]] = row
    return rows


def _imported_proxies(store: Store) -> pa.Table:
    """Rows that an importer wrote: scores of unknown models, so both counts are NULL."""
    if not _may_have_imports(store, "proxies"):
        return PROXIES.empty_table()
    imported = pc.field("n_in").is_null() & pc.field("n_out").is_null()
    return store.read_table("proxies", filters=imported).cast(PROXIES)


def _may_have_imports(store: Store, name: str) -> bool:
    """True if a table can hold imports; a damaged one that cannot is made anew."""
    if not store.table_path(name).exists():
        return False
    try:
        store.require_intact(TABLES[name][0])
    except StoreError:
        if store.manifest.imports or store.manifest.packed:
            raise
        return False
    return True


def _imported_pairs(store: Store) -> pa.Table:
    """Rows of ``influence`` that an importer wrote: pairs of unknown models, without counts."""
    if not _may_have_imports(store, "influence"):
        return INFLUENCE.empty_table()
    rows = store.read_table("influence", filters=pc.field("n_in").is_null())
    if "split" not in rows.column_names:  # a store of an earlier version
        of_test = pc.greater_equal(rows["test_id"], store.manifest.n_train)
        rows = rows.append_column("split", pc.if_else(of_test, "test", "train"))
    return rows.select(INFLUENCE.names).cast(INFLUENCE)


# Writing


def _replace_tables(store: Store, write: Callable[[Store], None]) -> None:
    """Let ``write`` fill a staged store, derive from it, and put it in the place of ``store``."""
    staged = _stage(store)
    write(staged)
    for name in (*_COMPUTED, *RECORDED):
        if not staged.table_path(name).exists():
            staged.write_table(name, TABLES[name][1].empty_table())
    staged.write_table("influence", _imported_pairs(store))
    _derive(staged)
    _note_origin(store, staged)
    staged.write_manifest()
    _commit(staged, store)


def _commit(staged: Store, store: Store) -> None:
    os.replace(staged.path, store.path / COMMIT)
    move_commit(store.path)


def _stage(store: Store) -> Store:
    """Make a store in ``.build/`` with this one's manifest and examples."""
    store.read_table("examples", ["example_id"])  # a missing file is reported in the store's name
    ours = {file for name, (file, _) in TABLES.items() if name not in ADDED}
    # Other files, such as a simulation's truth or what was added, stay where they are.
    foreign = {name: noted for name, noted in _without_sums(store).items() if name not in ours}
    staged = Store(store.path / _STAGING, replace(store.manifest, files=foreign))
    (staged.path / GROUPS).mkdir(parents=True)
    _link(store, staged, "examples")
    return staged


def _link(store: Store, staged: Store, name: str) -> None:
    store.require_intact(TABLES[name][0])  # damage must not get a new checksum
    source, target = store.table_path(name), staged.table_path(name)
    target.parent.mkdir(exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)  # some file systems have no hard links
    staged.note_table(name)


def _link_tables(store: Store, staged: Store) -> None:
    """Stage the tables of a packed store, the computed ones too: it has to keep parts of them."""
    for name in ("outcomes", "proxies", "models"):
        _link(store, staged, name)
    for name in (*_COMPUTED, *RECORDED):
        if store.table_path(name).exists():
            _link(store, staged, name)


def _add_missing(store: Store) -> None:
    """Give a packed store from before the tables of what it did not record, with zero rows."""
    missing = [name for name in RECORDED if not store.table_path(name).exists()]
    if not missing:
        return
    staged = Store(store.path / _STAGING, store.manifest)
    for name in missing:
        staged.write_table(name, RECORDED[name].empty_table())
    staged.write_manifest()
    _commit(staged, store)


def _write_tables(store: Store, staged: Store, plan: _Plan, progress: Progress | None) -> None:
    examples = _example_columns(staged)
    n_files = sum(len(condition.files) for condition in plan.conditions)
    report = _counter(progress, n_files + len(store.repeat_paths()))
    masks = Masks()
    infos: list[tuple[Condition, ModelInfo]] = []
    with (
        _writer(staged, "outcomes", OUTCOMES) as outcomes,
        _writer(staged, "proxies", PROXIES) as proxies,
        _recorded_writer(staged) as write_recorded,
    ):
        outcome_rows = rows.RowGroups(outcomes)
        for condition in plan.conditions:
            sums = staged.sums_file(condition.objective, condition.size)
            with group_sums.writing(
                staged.path / sums, condition, store.manifest.n_train
            ) as finish:
                result = tally(store, condition, masks, report, finish)
            if finish:
                staged.note_file(sums)
            for part in rows.outcomes(condition, result, examples):
                outcome_rows.add(part)
            for part in rows.proxies(condition, result, store.manifest.dropped_proxies):
                proxies.write_table(part)
            write_recorded(condition, result)
            infos += [(condition, result.infos[subset]) for subset in sorted(result.infos)]
        outcome_rows.finish()
        proxies.write_table(plan.imported)
    staged.note_table("outcomes")
    staged.note_table("proxies")
    staged.write_table("models", rows.models(infos))
    staged.write_table("repeats", rows.repeats(repeats.second_models(store, masks, report)))


# The recorded tables that come from the files of the study's own models.
_ROWS_OF: Final = {
    "votes": rows.votes,
    "margins": rows.margins,
    "epoch_outcomes": rows.epoch_outcomes,
}


@contextmanager
def _recorded_writer(staged: Store) -> Iterator[Callable[[Condition, Tally], None]]:
    """Yield what writes the rows of one condition to each table of what was recorded."""
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(_writer(staged, name, RECORDED[name])) for name in _ROWS_OF
        }

        def write(condition: Condition, tally: Tally) -> None:
            for name, rows_of in _ROWS_OF.items():
                writers[name].write_table(rows_of(condition, tally).combine_chunks())

        yield write
    for name in _ROWS_OF:
        staged.note_table(name)


def _writer(staged: Store, name: str, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(staged.table_path(name), schema, **parquet_options(schema))


def _counter(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress:
            progress("reading models", done, total)

    return report


def _example_columns(staged: Store) -> pa.Table:
    """example_id, split and label of every example, checked against the manifest."""
    table = staged.read_table("examples", ["example_id", "split", "label"])
    manifest = staged.manifest
    if not splits_follow(table["split"], manifest.n_train, manifest.n_test):
        counts = Counter(table["split"].to_pylist())
        raise StoreError(
            f"examples.parquet has {counts['train']} training and {counts['test']} test examples; "
            f"the manifest says {manifest.n_train} and {manifest.n_test}, training first."
        )
    if table["example_id"].to_pylist() != list(range(len(table))):
        raise StoreError("examples.parquet: example_id must count from 0, without gaps, in order.")
    return table


def splits_follow(splits: pa.ChunkedArray, n_train: int, n_test: int) -> bool:
    """True if examples are those of training, then those of test, in these numbers."""
    # The lengths first: numbers of a damaged manifest must not take memory.
    if len(splits) != n_train + n_test:
        return False
    return list(splits.to_pylist()) == ["train"] * n_train + ["test"] * n_test


def _derive(staged: Store) -> None:
    from memanalysis.relations import derive  # needs SciPy, which nothing else here does

    derive(staged)


def _is_derived(store: Store) -> bool:
    """True if every computed table is there, of this version and from these outcomes."""
    for name in _COMPUTED:
        path = store.table_path(name)
        if not path.exists() or read_schema(path).remove_metadata() != TABLES[name][1]:
            return False
        if store.stamp_of(name) != store.manifest.outcomes_fingerprint:
            return False
    return True


def _note_origin(store: Store, staged: Store) -> None:
    manifest = staged.manifest
    if manifest.files == store.manifest.files:
        return  # nothing changed, so the manifest stays as it is, to the byte
    manifest.code = {**manifest.code, "build": provenance.code()}
    manifest.packages = manifest.packages or provenance.packages()
    manifest.machine = manifest.machine or provenance.machine()
    manifest.built_at = datetime.now(UTC).isoformat(timespec="seconds")


def finish_commit(store: Store) -> bool:
    """Move what an interrupted build of ``store`` left into place; True if there was any.

    The caller holds the store's lock.

    Raises
    ------
    StoreError
        If ``.commit/`` holds anything else than such a build leaves.
    """
    if not (store.path / COMMIT).exists():
        return False
    require_own_commit(store.path, store.manifest)
    move_commit(store.path)
    return True


def move_commit(root: Path) -> None:
    """Move the files of a build that has just finished into place, each over its namesake."""
    source = root / COMMIT
    if (source / GROUPS).exists():  # as a whole, so that no details of an earlier build stay
        shutil.rmtree(root / GROUPS, ignore_errors=True)
        os.replace(source / GROUPS, root / GROUPS)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    # The manifest describes all others, so it goes last.
    for path in sorted(files, key=lambda p: p == source / "manifest.json"):
        target = root / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    shutil.rmtree(source)


# Packing


def _pack(store: Store, proxies: Collection[str] | None) -> None:
    """Write the tables as they are shipped, then remove what is in them or is not to be shipped.

    The manifest comes first: from then on, what ``models`` lists is known to be in the tables.
    """
    groups = packing.complete_groups(store)
    shipped = None if proxies is None else packing.shipped_proxies(store, proxies)
    store.manifest.packed = True
    store.manifest.files = _without_sums(store)
    staged = Store(store.path / _STAGING, store.manifest)
    staged.path.mkdir()
    staged.write_table("examples", packing.shipped_examples(store))
    if shipped is not None:
        staged.write_table("proxies", shipped)
    staged.write_manifest()
    _commit(staged, store)
    shutil.rmtree(store.path / GROUPS, ignore_errors=True)
    packing.remove_files(store, groups)


def _without_sums(store: Store) -> dict[str, Any]:
    """Notes of the manifest on files but the sums per group, which builds write, packing drops."""
    noted = store.manifest.files
    return {name: value for name, value in noted.items() if not name.startswith(f"{GROUPS}/")}
