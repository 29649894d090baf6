"""What a study has to train, in which order, and with which seeds.

A task is one ensemble: models of one group, size and objective that are trained as one network.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from memanalysis.errors import StoreError
from memanalysis.settings import Study
from memanalysis.store import Store, read_model


@dataclass(frozen=True)
class Task:
    """Train the models ``subset_ids`` (ascending, of one group) at one size and objective."""

    group: int
    objective: str
    size: str
    subset_ids: tuple[int, ...]

    def __str__(self) -> str:
        first, last = self.subset_ids[0], self.subset_ids[-1]
        which = f"subset {first}" if first == last else f"subsets {first} to {last}"
        return f"{self.objective} {self.size}, {which}"

    def to_message(self) -> dict[str, Any]:
        """The task as JSON can carry it."""
        return asdict(self)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Task:
        """The inverse of ``to_message``."""
        return cls(**{**message, "subset_ids": tuple(message["subset_ids"])})


def plan(study: Study, shard: tuple[int, int] | None = None) -> list[Task]:
    """All tasks of a study, group after group; within a group teachers come first.

    ``shard`` (i, n), i from 1, takes every n-th group: shards share nothing but the store.
    """
    index, count = shard or (1, 1)
    return [
        task
        for group in range(index - 1, study.subsets.groups, count)
        for task in _group(study, group)
    ]


def _group(study: Study, group: int) -> list[Task]:
    tasks = []
    for objective in study.objectives:
        # Largest first: the default teacher, and no long task is left for the end of a group.
        for size in reversed(study.sizes):
            first = group * study.subsets.group_size
            ids = range(first, first + study.subsets.group_size)
            for start in range(0, len(ids), size.ensemble):
                members = tuple(ids[start : start + size.ensemble])
                tasks.append(Task(group, objective, size.name, members))
    teacher = study.distillation.teacher if study.distillation else None
    return sorted(tasks, key=lambda t: (t.objective != "one_hot", t.size != teacher))


def teachers_of(study: Study, task: Task) -> set[tuple[str, int]]:
    """(size, subset_id) of the one-hot models whose logits a task needs."""
    if task.objective != "distilled" or study.distillation is None:
        return set()
    return {(study.distillation.teacher, subset_id) for subset_id in task.subset_ids}


def keeps_logits(study: Study, task: Task) -> bool:
    """Whether a task trains teachers, whose logits their students will read."""
    return (
        study.distillation is not None
        and task.objective == "one_hot"
        and task.size == study.distillation.teacher
    )


def finished(store: Store, tasks: list[Task]) -> set[tuple[str, str, int]]:
    """(objective, size, subset_id) of the models that need no training any more.

    Those are the models with a whole model file and, in a packed store, those already built in.
    """
    packed: set[tuple[str, str, int]] = set()
    if store.manifest.packed and store.table_path("models").exists():
        table = store.read_table("models", ["objective", "size", "subset_id"])
        packed = {(r["objective"], r["size"], r["subset_id"]) for r in table.to_pylist()}
    wanted = {(t.objective, t.size, i) for t in tasks for i in t.subset_ids}
    return {model for model in wanted if model in packed or is_whole(store, *model)}


def is_whole(store: Store, objective: str, size: str, subset_id: int) -> bool:
    """Whether a model's file is there and matches its own checksum."""
    path = store.model_path(objective, size, subset_id)
    if not path.exists():
        return False
    try:
        read_model(path)
    except StoreError:
        return False
    return True


def seeds(
    study_seed: int, subset_id: int, size: str, objective: str
) -> tuple[int, np.random.Generator]:
    """Seed of a model's weights and generator of its batch order.

    Both come from ``SeedSequence([study_seed, subset_id, crc32(size), crc32(objective)])``: the
    first 64 bits of its state, less the sign bit, and PCG64 on its first child.
    """
    key = [study_seed, subset_id, zlib.crc32(size.encode()), zlib.crc32(objective.encode())]
    sequence = np.random.SeedSequence(key)
    start = int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
    return start, np.random.Generator(np.random.PCG64(sequence.spawn(1)[0]))
