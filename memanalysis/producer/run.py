"""Training all models of a study into a store, or whatever of them is still missing."""

from __future__ import annotations

import json
import os
import re
from dataclasses import MISSING, asdict, fields, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from memanalysis import proxies
from memanalysis.errors import MissingDependencyError, StoreError, TrainingError
from memanalysis.producer import data, plan
from memanalysis.producer.engines import Engine, Watchers
from memanalysis.producer.engines.cluster import Cluster
from memanalysis.producer.engines.in_process import Inside
from memanalysis.producer.engines.local import Team
from memanalysis.producer.plan import FULL_DATA, Model, Task
from memanalysis.producer.progress import Watch
from memanalysis.settings import (
    FAMILIES,
    Data,
    Distillation,
    Observe,
    Size,
    Study,
    Subsets,
    Training,
)
from memanalysis.storage import locking, provenance
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Manifest, Store


def produce(
    study: Study,
    out: str | Path,
    *,
    workers: int | None = None,
    device: str = "auto",
    engine: str = "local",
    shard: tuple[int, int] | None = None,
) -> Store:
    """Train every model of ``study`` that the store at ``out`` does not hold yet.

    Parameters
    ----------
    workers
        Worker processes, by default one per processor (on a GPU: one); 0 trains in this process.
        Each trains one ensemble at a time on one thread, so the number of workers changes the
        speed and not one bit.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:<n>``.
    engine
        ``local`` for worker processes of this machine; ``ray`` for the Ray cluster of the study's
        section [ray], whose nodes must see ``out`` under the same path.
    shard
        (i, n), i from 1: only every n-th group, so that n machines can share a store.

    Returns
    -------
    Store
        With model files, to be built.

    Raises
    ------
    StoreError
        If the store belongs to another study or is in use.
    TrainingError
        If a training fails; everything finished before it is intact.
    """
    if find_spec("torch") is None:
        raise MissingDependencyError.for_feature("Training", "producer")
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise TrainingError(f"shard {shard[0]}/{shard[1]}: expected i/n with i from 1 to n.")
    root = Path(out)
    root.mkdir(parents=True, exist_ok=True)
    with locking.held(root, shared=shard is not None):
        store = prepare(study, root)
        if shard is None:
            _remove_leftovers(store)
        planned = plan.plan(study, shard)
        with locking.groups_held(root, sorted({task.group for task in planned})):
            _train(study, store, planned, _engine(study, store, engine, workers, device))
    return store


def prepare(study: Study, root: Path) -> Store:
    """The store of a study: a new one with its examples, or the one at ``root`` if it is the same.

    A study may have grown by further groups since; whatever else differs is an error that lists
    every difference.
    """
    _require_networks(study)
    dataset = data.load(study.data, study.seed)
    root.mkdir(parents=True, exist_ok=True)
    with locking.in_turn(root):
        if not (root / "manifest.json").exists():
            return _create(root, study, dataset)
        return _continued(root, _manifest(study, dataset))


def _continued(root: Path, fresh: Manifest) -> Store:
    store = Store.open(root)
    faults = differences(store.manifest, fresh)
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise StoreError(
            f"'{root}' was made by another study, so it cannot be continued:\n{listed}\n"
            "Give another --out, or undo these changes in the study file."
        )
    if fresh.n_subsets > store.manifest.n_subsets or _repeats(fresh) > _repeats(store.manifest):
        store.manifest.settings, store.manifest.n_subsets = fresh.settings, fresh.n_subsets
        store.write_manifest()
    return store


def require_alike(store: Store, study: Study, *, bits: bool = False) -> None:
    """Refuse a study that would train other models than those of the store.

    What models record of themselves may differ, and without ``bits`` how many are trained together,
    which only changes how numbers are rounded.

    Raises
    ------
    StoreError
        With every difference.
    DataError
        If the data set cannot be read.
    """
    fresh = _manifest(study, data.load(study.data, study.seed))
    harmless = r"observe\." if bits else r"observe\.|sizes\.\d+\.ensemble"
    faults = [
        fault for fault in differences(store.manifest, fresh) if not re.match(harmless, fault)
    ]
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise StoreError(f"'{store.path}' cannot be trained again; things changed:\n{listed}")


def differences(old: Manifest, new: Manifest) -> list[str]:
    """Obstacles to continuing a store, one line each; more groups or repeats are none."""
    before, after = _flat(_completed(old.settings)), _flat(new.settings)
    # Words and places change no number.
    harmless = {"name", "title", "text", "data.folder", "data.file", "subsets.groups"}
    harmless |= {key for key in {*before, *after} if _GROWING.fullmatch(key)}
    harmless |= {"subsets.repeats"}
    faults = [
        f"{key}: the store has {before.get(key)!r}, the study {after.get(key)!r}"
        for key in sorted({*before, *after} - harmless)
        if before.get(key) != after.get(key) and not key.startswith("ray.")
    ]
    if new.n_subsets < old.n_subsets:
        faults.append(f"subsets: the store has {old.n_subsets}, the study only {new.n_subsets}")
    if _repeats(new) < _repeats(old):
        faults.append(
            f"subsets.repeats: the store has {_repeats(old)}, the study only {_repeats(new)}"
        )
    if old.dataset.get("fingerprint") != new.dataset["fingerprint"]:
        faults.append(
            f"data set: the store's images and labels have the fingerprint "
            f"{old.dataset.get('fingerprint')}, the study's {new.dataset['fingerprint']}"
        )
    return faults


def _repeats(manifest: Manifest) -> int:
    return int(manifest.settings.get("subsets", {}).get("repeats", 0))


def examples_table(dataset: data.Dataset, *, images: bool = True) -> pa.Table:
    """The table ``examples``: training examples in their order, then the kept test examples.

    Without ``images`` the column of pictures is NULL.
    """
    n_train, n_test = len(dataset.train_labels), dataset.test_kept
    n = n_train + n_test
    labels = [*dataset.train_labels, *dataset.test_labels[:n_test]]
    clean_labels, kinds = pa.nulls(n, pa.int32()), pa.nulls(n, pa.string())
    if dataset.planted is not None:
        clean_labels = pa.array([*dataset.planted.clean_labels, *labels[n_train:]], pa.int32())
        kinds = pa.array([*dataset.planted.kinds.tolist(), *["clean"] * n_test])
    return pa.table(
        {
            "example_id": pa.array(range(n), pa.int64()),
            "split": pa.array(["train"] * n_train + ["test"] * n_test),
            "label": pa.array(labels, pa.int32()),
            "clean_label": clean_labels,
            "kind": kinds,
            "image": pa.array(dataset.thumbnails() if images else [None] * n, pa.binary()),
            "source_id": pa.array(dataset.source_ids),
        },
        schema=EXAMPLES,
    )


def _train(study: Study, store: Store, planned: list[Task], engine: Engine) -> None:
    done = plan.finished(store, planned)
    missing = plan.missing(study, planned, done)
    _require_teachers(study, store, planned, missing, done)
    total = sum(len(task.subset_ids) for task in planned)
    left = sum(len(task.subset_ids) for task in missing)
    epochs = study.training.epochs

    def may_start(task: Task) -> bool:
        return set(plan.teachers_of(study, task)) <= done

    def finish(task: Task, epochs_seen: int) -> None:
        done.update(task.models)
        watch.advance(len(task.subset_ids) * (epochs - epochs_seen) / epochs)

    with Watch(total, total - left) as watch, engine:
        engine.work(
            missing,
            may_start,
            Watchers(
                epoch=lambda task: watch.advance(len(task.subset_ids) / epochs),
                lost=lambda task, seen: watch.advance(-len(task.subset_ids) * seen / epochs),
                done=finish,
            ),
        )


def _engine(study: Study, store: Store, name: str, workers: int | None, device: str) -> Engine:
    path = str(store.path.resolve())
    if name == "ray":
        # This machine may have no GPU where the nodes have one, so the study says which it is.
        return Cluster(
            (json.dumps(study.to_message()), path, "cuda" if study.ray.gpus else "cpu"), study.ray
        )
    if name != "local":
        raise TrainingError(f"engine '{name}' is unknown; there are: local, ray.")
    device = _device(device)
    if workers == 0:
        return Inside(study, store, device)
    count = workers or (1 if device.startswith("cuda") else _processors())
    return Team({"study": study.to_message(), "store": path, "device": device}, count)


def _processors() -> int:
    """Number of processors that this process may use; not every system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _require_teachers(
    study: Study, store: Store, planned: list[Task], missing: list[Task], done: set[Model]
) -> None:
    """A packed store has no teachers' logits left, so half a group of it cannot be continued."""
    if not store.manifest.packed:
        return
    # Another training of a full-data teacher would not be the one that its other students heard.
    heard = {
        teacher
        for task in planned
        if done & set(task.models)
        for teacher in plan.teachers_of(study, task)
    }
    for task in missing:
        for teacher in plan.teachers_of(study, task):
            gone = teacher in done or (teacher[0] == FULL_DATA and teacher in heard)
            path = plan.path_of(store, teacher)
            if gone and not path.exists():
                raise StoreError(
                    f"{task} cannot be trained: its teacher is done, but the file '{path}' with "
                    "the teacher's logits was removed when the store was packed. Only whole "
                    "groups can be added to a packed store; produce into another --out."
                )


def _require_networks(study: Study) -> None:
    """Find the user's function, if there is one, before anything is written."""
    if study.family not in FAMILIES:
        from memanalysis.producer import families  # torch takes seconds to import

        families.require(study)


def _device(name: str) -> str:
    if name == "cpu":
        return name
    import torch  # seconds that a run on the processor does not need

    available = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if available else "cpu"
    if name.partition(":")[0] != "cuda" or not available:
        found = "auto, cpu" + (", cuda" if available else "")
        raise TrainingError(f"device '{name}' is not available here; there are: {found}.")
    return name


def _create(root: Path, study: Study, dataset: data.Dataset) -> Store:
    manifest = _manifest(study, dataset)
    store = Store(root, manifest)
    if "prediction_depth" in study.observe.proxies:
        from memanalysis.producer.recorders.depth import layers  # torch takes seconds to import

        manifest.layers = layers(
            study.sizes,
            channels=dataset.train_images.shape[3],
            classes=len(dataset.class_names),
            image_size=dataset.train_images.shape[1:3],
        )
    # The manifest comes last: a store without one is none, and is made again from the start.
    store.write_table("examples", examples_table(dataset, images=study.data.images))
    return Store.create(root, store.manifest)


def _manifest(study: Study, dataset: data.Dataset) -> Manifest:
    subsets = study.subsets
    # Places are no settings; the text has them as they were written.
    data_settings = replace(study.data, folder=None, file=None)
    plain = replace(study, text="", folder=None, changes={}, data=data_settings)
    return Manifest(
        study=study.name,
        title=study.title,
        settings=asdict(plain) | {"text": study.text},
        seed=study.seed,
        ratio=subsets.ratio,
        group_size=subsets.group_size,
        n_subsets=study.n_subsets,
        sizes=[size.name for size in study.sizes],
        families={size.name: study.family for size in study.sizes},
        class_names=list(dataset.class_names),
        dataset={
            "name": dataset.name,
            "licence": dataset.licence,
            "citation": dataset.citation,
            "fingerprint": dataset.fingerprint,
            "label_fingerprint": dataset.label_fingerprint,
            "first_labels": list(dataset.first_labels),
            "planted": dataset.planted.counts() if dataset.planted is not None else {},
            "test_examples": len(dataset.test_labels),
            **({} if dataset.official is None else {"official": dataset.official}),
            **({"md5": dict(dataset.md5)} if dataset.md5 else {}),
        },
        n_train=len(dataset.train_labels),
        n_test=dataset.test_kept,
        proxies=proxies.declarations(study.observe.proxies),
        code=provenance.code(),
        packages=provenance.packages(),
        machine=provenance.machine(threads=1),
        created_at=datetime.now(UTC).isoformat(),
    )


# The sections whose settings can have come after a store; the default of each such setting, in its
# class, is what was done before there was a choice.
_SECTIONS: Final[dict[str, type]] = {
    "data": Data,
    "subsets": Subsets,
    "training": Training,
    "distillation": Distillation,
    "observe": Observe,
}


# How many subsets students are trained on; like more groups, more of them change no model.
_GROWING: Final = re.compile(r"distillation\.(variants\.\w+\.)?(subsets|first_subset)")


def _completed(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of a store with those that it does not say."""
    completed = dict(settings)
    for name, kind in _SECTIONS.items():
        if isinstance(settings.get(name), dict):
            completed[name] = _defaults(kind) | settings[name]
    completed["sizes"] = [_defaults(Size) | size for size in settings.get("sizes", [])]
    return completed


def _defaults(kind: Any) -> dict[str, Any]:
    return {f.name: f.default for f in fields(kind) if f.default is not MISSING}


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys; lists and tuples are the same thing to JSON."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat |= _flat({str(i): v for i, v in enumerate(value)}, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _remove_leftovers(store: Store) -> None:
    """Temporary files of a run that was killed while writing."""
    for folder in ("models", "teachers", "repeats"):
        for path in (store.path / folder).rglob(".*.tmp"):
            path.unlink(missing_ok=True)
