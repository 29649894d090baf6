"""A plan into a store, all of it or nothing.

A second store grows in ``.import/`` inside the first: links to everything that is there, the files
of the models that come, the rows of foreign scores. The ordinary ``build`` makes its tables; then
the folder is renamed to ``.commit``, which is how a finished build waits, and its files are moved
into place. Whatever fails before that leaves the store byte for byte as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.building.build import Progress, build, finish_commit, move_commit
from memanalysis.errors import StoreError
from memanalysis.importing.external_scores import copy_imported
from memanalysis.importing.outcomes import Outcome
from memanalysis.importing.planning import Plan
from memanalysis.importing.plausibility import Tally
from memanalysis.importing.problems import fault
from memanalysis.importing.source import Models, Output
from memanalysis.storage import locking
from memanalysis.storage.confinement import COMMIT
from memanalysis.storage.manifest import MANIFEST, read_manifest
from memanalysis.storage.model_arrays import class_dtype
from memanalysis.storage.model_files import ModelInfo, ModelRecord
from memanalysis.storage.parquet import parquet_options
from memanalysis.storage.schema import (
    ADDED,
    DERIVED,
    LATER_TABLES,
    PROXIES,
    RECORDED,
    SIGNALS,
    TABLES,
)
from memanalysis.storage.store import Store, write_model

_STAGING: Final = ".import"
# Tables that `build` reads; the others it computes.
_SOURCES: Final = ("models", "outcomes", *RECORDED)


@contextmanager
def held_store(path: Path, *, writing: bool) -> Iterator[Store | None]:
    """The store at ``path``, held if for ``writing``, None where there is none yet.

    Raises
    ------
    StoreError
        If another process writes to it, or ``path`` is something else than a store.
    """
    if path.exists() and not path.is_dir():
        raise StoreError(f"'{path}' is a file; expected a store or a new folder's name.")
    fresh = not (path / MANIFEST).exists() and not (path / COMMIT).exists()
    if fresh:
        if path.exists() and any(p.name not in (_STAGING, ".lock") for p in path.iterdir()):
            raise StoreError(
                f"'{path}' holds files but no store; expected a store or a new folder's name."
            )
        yield None
        return
    if not writing:
        yield Store.open(path)
        return
    # The manifest moves last, so a new store whose import was interrupted has none yet.
    place = path if (path / MANIFEST).exists() else path / COMMIT
    interrupted = Store(path, read_manifest(place / MANIFEST))
    with interrupted.lock(exclusive=True):
        finish_commit(interrupted)
        yield Store.open(path)


def commit(
    path: Path, store: Store | None, plan: Plan, progress: Progress | None
) -> tuple[Store, list[str]]:
    """Write, build and move into place; ``store`` is the one at ``path``, if there is one.

    Returns the store and notes on its outcomes, which nobody reads before.
    """
    created = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    staging = path / _STAGING
    with ExitStack() as stack:
        if store is None:
            stack.enter_context(locking.held(path, shared=False))
        try:
            shutil.rmtree(staging, ignore_errors=True)
            notes = _stage(staging, store, plan, progress)
            if store is not None and store.manifest.packed and not plan.contents.models:
                _add_to_packed(store, staging, plan)
            else:
                build(staging, progress=progress, locked=True)
            os.replace(staging, path / COMMIT)
        except BaseException:
            shutil.rmtree(path if created else staging, ignore_errors=True)
            raise
        move_commit(path)
    return Store.open(path), notes


def _stage(staging: Path, store: Store | None, plan: Plan, progress: Progress | None) -> list[str]:
    """Write everything that ``build`` reads; return notes on the outcomes."""
    staged = Store(staging, replace(plan.manifest, files=dict(plan.manifest.files)))
    staged.path.mkdir()
    if store is not None:
        _link_all(store, staged)
    staged.write_table("examples", plan.examples)
    ranks = {size: rank for rank, size in enumerate(plan.manifest.sizes)}
    with pq.ParquetWriter(
        staged.table_path("proxies"), PROXIES, **parquet_options(PROXIES)
    ) as writer:
        copy_imported(store, plan.proxies, ranks, writer)
    staged.note_table("proxies")
    present = [store.read_table("influence")] if store is not None else []
    staged.write_table("influence", pa.concat_tables([*present, plan.influence]))
    total = sum(models.n_models for models in plan.contents.models)
    done = 0
    notes: list[str] = []
    for models, places in zip(plan.contents.models, plan.places, strict=True):
        tally = Tally(models.where or plan.contents.source, plan.labels)
        for record in _records(models, places, plan, tally):
            write_model(staged, record)
            done += 1
            if progress:
                progress("importing models", done, total)
        tally.raise_if_impossible()
        notes += tally.notes()
    entry = staged.manifest.imports[-1]
    staged.manifest.imports[-1] = {**entry, "notes": [*entry["notes"], *notes]}
    staged.write_manifest()
    return notes


def _add_to_packed(store: Store, staging: Path, plan: Plan) -> None:
    """Derive only what the scores bring: the rest could not be computed again as well."""
    from memanalysis.relations import derive_foreign  # needs SciPy, which nothing else here does

    staged = Store.open(staging, whole=False)
    for name, schema in DERIVED.items():
        if name in LATER_TABLES and not store.table_path(name).exists():
            staged.write_table(name, schema.empty_table())
            continue
        _link(store, staged, store.table_path(name))
        staged.note_table(name)
    derive_foreign(staged, {scores.name for scores in plan.contents.scores})


def _link_all(store: Store, staged: Store) -> None:
    """Link the model files and tables of ``store`` into ``staged``."""
    files = [*(store.path / "models").rglob("*.safetensors"), *store.repeat_paths()]
    tables = (store.table_path(name) for name in _SOURCES)
    files += [path for path in tables if path.exists()]
    for path in files:
        _link(store, staged, path)
    # What else the manifest lists is computed anew, or stays where it is.
    computed = {TABLES[name][0] for name in TABLES if name not in (*_SOURCES, *ADDED)}
    noted = staged.manifest.files
    staged.manifest.files = {name: value for name, value in noted.items() if name not in computed}


def _link(store: Store, staged: Store, path: Path) -> None:
    name = path.relative_to(store.path)
    store.require_intact(name.as_posix())  # damage must not get a new checksum
    target = staged.path / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)  # some file systems have no hard links


def _records(
    models: Models, places: list[tuple[int, int]], plan: Plan, tally: Tally
) -> Iterator[ModelRecord]:
    """The models of one size and objective as files of a store hold them, counted in ``tally``."""
    outputs = iter(models.outputs())
    for at, (mask, place) in enumerate(zip(models.masks(), places, strict=True)):
        output = next(outputs, None)
        where = f"{models.where or plan.contents.source}, model {at}"
        if output is None:
            raise fault(models.where, f"outputs of {at:,} models", f"{models.n_models:,}")
        record = _record(models, at, place, mask, output, plan, where)
        tally.add(mask, output.train, output.test if plan.takes_test else None)
        yield record
    if next(outputs, None) is not None:
        expected = f"{models.n_models:,}"
        raise fault(models.where, f"outputs of more than {expected} models", expected)


def _record(
    models: Models,
    at: int,
    place: tuple[int, int],
    mask: NDArray[np.bool_],
    output: Output,
    plan: Plan,
    where: str,
) -> ModelRecord:
    n_train, n_test = plan.manifest.n_train, plan.manifest.n_test
    parts = [(output.train, n_train)]
    if plan.takes_test:
        if output.test is None:
            raise fault(where, "no test outcomes", f"outcomes on {n_test:,} test examples")
        parts.append((output.test, n_test))
    for outcome, length in parts:
        if len(outcome.correct) != length:
            raise fault(where, f"{len(outcome.correct):,} outcomes", f"{length:,}")
    correct = np.concatenate([outcome.correct for outcome, _ in parts])
    logits = [outcome.logits for outcome, _ in parts if outcome.logits is not None]
    return ModelRecord(
        info=_info(models, at, place, mask, correct),
        in_train=mask,
        correct=correct,
        signals=_signals(parts),
        proxies={name: values.astype(np.float32) for name, values in output.proxies.items()},
        predicted=_predicted(parts),
        logits=np.concatenate(logits) if len(logits) == len(parts) else None,
    )


def _predicted(parts: list[tuple[Outcome, int]]) -> NDArray[Any] | None:
    """Predicted classes over both splits; None where one of them lacks them."""
    classes = [outcome.predicted for outcome, _ in parts if outcome.predicted is not None]
    if len(classes) < len(parts):
        return None
    joined = np.concatenate(classes)
    return joined.astype(class_dtype(int(joined.max(initial=0)) + 1))


def _signals(parts: list[tuple[Outcome, int]]) -> dict[str, NDArray[np.float16]]:
    """Signals over both splits, NaN over a split that lacks what the other has."""
    present = [name for name in SIGNALS if any(name in outcome.signals for outcome, _ in parts)]
    return {
        name: np.concatenate(
            [o.signals.get(name, np.full(n, np.nan, np.float16)) for o, n in parts]
        ).astype(np.float16)
        for name in present
    }


def _info(
    models: Models,
    at: int,
    place: tuple[int, int],
    mask: NDArray[np.bool_],
    correct: NDArray[np.bool_],
) -> ModelInfo:
    n_train = len(mask)
    values: dict[str, Any] = {
        "family": models.family,
        "parameters": models.parameters,
        "seed": None,
        "epochs": models.epochs,
        "train_seconds": float("nan"),
        "device": "unknown",
        "evaluation_mode": models.evaluation_mode,
        "finished_at": None,
        "teacher_size": models.teacher_size,
        "teacher_scope": models.teacher_scope,
        "temperature": models.temperature,
        "distillation_weight": models.distillation_weight,
        **(models.per_model[at] if models.per_model else {}),
    }
    return ModelInfo(
        subset_id=place[0],
        group_id=place[1],
        size=models.size,
        objective=models.objective,
        accuracy_in=_share(correct[:n_train][mask]),
        accuracy_out=_share(correct[:n_train][~mask]),
        accuracy_test=_share(correct[n_train:]),
        **values,
    )


def _share(outcomes: NDArray[np.bool_]) -> float:
    return float(outcomes.mean()) if len(outcomes) else float("nan")
