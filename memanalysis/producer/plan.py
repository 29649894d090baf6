"""The plan of a study: its trainings, their order and their seeds.

A task is one ensemble: models of one group, size and objective that are trained as one network.
A teacher trained on all examples is a task of its own, one for each group that needs it.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from memanalysis.building.repeats import placed_repeats
from memanalysis.errors import StoreError
from memanalysis.settings import Study
from memanalysis.storage.model_files import read_model
from memanalysis.storage.store import Store

# Stands for the objective of teachers on all examples; no model of the tables has it.
FULL_DATA: Final = "full_data"
# Stands for the objective of second models of a subset, by labels alone and other seeds.
REPEAT: Final = "repeat"
# How messages call what is no objective.
NAMES: Final = {REPEAT: "second one_hot"}

Model = tuple[str, str, int]  # objective, size, subset_id; a full-data teacher has its group last


@dataclass(frozen=True)
class Task:
    """Train the models ``subset_ids`` (ascending, of one group) at one size and objective.

    With the objective ``FULL_DATA`` it is the group's teacher on all examples, and ``subset_ids``
    is the group alone; with ``REPEAT`` the models are second ones of these subsets.
    """

    group: int
    objective: str
    size: str
    subset_ids: tuple[int, ...]

    @property
    def models(self) -> list[Model]:
        """The models that the task trains."""
        return [(self.objective, self.size, subset_id) for subset_id in self.subset_ids]

    def __str__(self) -> str:
        if self.objective == FULL_DATA:
            return f"the teacher {self.size} on all examples, group {self.group}"
        first, last = self.subset_ids[0], self.subset_ids[-1]
        which = f"subset {first}" if first == last else f"subsets {first} to {last}"
        return f"{NAMES.get(self.objective, self.objective)} {self.size}, {which}"

    def to_message(self) -> dict[str, Any]:
        """The task as JSON can carry it."""
        return asdict(self)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Task:
        """The inverse of ``to_message``."""
        return cls(**{**message, "subset_ids": tuple(message["subset_ids"])})


def plan(study: Study, shard: tuple[int, int] | None = None) -> list[Task]:
    """All tasks of a study, group after group; within a group teachers come first.

    Second models of a subset come after all first ones: a study that is stopped has more from
    another group. Where students are trained on fewer subsets than the labels, they come objective
    by objective when their groups are done, and before further groups: a store that is packed in
    between has no teachers left. ``shard`` (i, n), i from 1, takes every n-th group: shards
    share nothing but the store.
    """
    index, count = shard or (1, 1)
    planned = [
        task
        for group in range(index - 1, study.subsets.groups, count)
        for task in _group(study, group)
    ]
    planned.sort(key=lambda task: task.objective == REPEAT)
    if any(study.subsets_of(objective) < study.n_subsets for objective in study.objectives):
        students = [name for name in study.objectives if name != "one_hot"]
        taught = max(study.range_of(name)[-1] for name in students) // study.subsets.group_size
        ranks = {name: rank for rank, name in enumerate(["one_hot", REPEAT, *students])}
        ranks[FULL_DATA] = ranks["one_hot"]
        planned.sort(key=lambda task: (task.group > taught, ranks[task.objective]))
    return planned


def _group(study: Study, group: int) -> list[Task]:
    tasks = []
    first = group * study.subsets.group_size
    ids = range(first, first + study.subsets.group_size)
    repeats = (REPEAT,) if group < study.subsets.repeats else ()
    for objective in (*study.objectives, *repeats):
        if objective != REPEAT and first not in study.range_of(objective):
            continue
        # Largest first: the default teacher, and no long task is left for the end of a group.
        for size in reversed(study.sizes_of(objective)):
            for start in range(0, len(ids), size.ensemble):
                members = tuple(ids[start : start + size.ensemble])
                tasks.append(Task(group, objective, size.name, members))
    settings = study.distillation.by_objective.values() if study.distillation else ()
    teachers = {setting.teacher for setting in settings}
    full = (Task(group, FULL_DATA, size, (group,)) for size in full_data_teachers(study, group))
    tasks = [*full, *tasks]
    labels = ("one_hot", FULL_DATA)
    return sorted(tasks, key=lambda t: (t.objective not in labels, t.size not in teachers))


def full_data_teachers(study: Study, group: int) -> list[str]:
    """The sizes of which a group trains a teacher on all examples."""
    settings = study.distillation.by_objective if study.distillation else {}
    first = group * study.subsets.group_size
    return sorted(
        {
            setting.teacher
            for objective, setting in settings.items()
            if setting.scope == FULL_DATA and first in study.range_of(objective)
        }
    )


def teachers_of(study: Study, task: Task) -> list[Model]:
    """The models whose logits a task needs: one for each of its models, or one for all."""
    setting = study.distillation_of(task.objective)
    if setting is None:
        return []
    if setting.scope == FULL_DATA:
        return [(FULL_DATA, setting.teacher, task.group)]
    return [("one_hot", setting.teacher, subset_id) for subset_id in task.subset_ids]


def keeps_logits(study: Study, task: Task) -> bool:
    """True if the finished models' logits are written: asked for, or read by their students."""
    if study.observe.keep_logits != "none" or task.objective == FULL_DATA:
        return True
    settings = study.distillation.by_objective.values() if study.distillation else ()
    # On all subsets, so that more of them can be taught later.
    taught = {s.teacher for s in settings if s.scope != FULL_DATA}
    return task.objective == "one_hot" and task.size in taught


def path_of(store: Store, model: Model) -> Path:
    """Path of a model's file."""
    objective, size, number = model
    if objective == FULL_DATA:
        return store.teacher_path(size, number)
    if objective == REPEAT:
        return store.repeat_path(size, number)
    return store.model_path(objective, size, number)


def finished(store: Store, tasks: list[Task]) -> set[Model]:
    """The models that need no training any more.

    Those are the models with a whole file and, in a packed store, those already built in.
    """
    packed: set[Model] = set()
    if store.manifest.packed and store.table_path("models").exists():
        table = store.read_table("models", ["objective", "size", "subset_id"])
        packed = {(r["objective"], r["size"], r["subset_id"]) for r in table.to_pylist()}
        packed |= {(REPEAT, size, subset) for size, subset in placed_repeats(store)}
    wanted = {model for task in tasks for model in task.models}
    return {model for model in wanted if model in packed or is_whole(store, model)}


def missing(study: Study, tasks: list[Task], done: set[Model]) -> list[Task]:
    """The tasks that are left; a teacher on all examples is needed while a student of it is."""
    left = [task for task in tasks if not set(task.models) <= done]
    needed = {model for task in left for model in teachers_of(study, task)}
    return [task for task in left if task.objective != FULL_DATA or task.models[0] in needed]


def is_whole(store: Store, model: Model) -> bool:
    """True if a model's file is there and matches its own checksum."""
    path = path_of(store, model)
    if not path.exists():
        return False
    try:
        read_model(path)
    except StoreError:
        return False
    return True


def seeds(
    study_seed: int, subset_id: int, size: str, objective: str, *purpose: int
) -> tuple[int, np.random.Generator]:
    """Seed of a model's weights and generator of its batch order.

    Both come from ``SeedSequence([study_seed, subset_id, crc32(size), crc32(objective)])``: the
    first 64 bits of its state, less the sign bit, and PCG64 on its first child. A full-data teacher
    has its group in the place of ``subset_id`` and ``full_data`` as objective, a second model of a
    subset ``repeat``. ``purpose`` is
    appended for trainings beside the model's own.
    """
    names = (zlib.crc32(size.encode()), zlib.crc32(objective.encode()))
    key = [study_seed, subset_id, *names, *purpose]
    sequence = np.random.SeedSequence(key)
    start = int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
    return start, np.random.Generator(np.random.PCG64(sequence.spawn(1)[0]))
