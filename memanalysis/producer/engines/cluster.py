"""A Ray cluster as the engine: every ensemble is a Ray task, retried when its worker is lost.

Files come to the store by a folder that all nodes share; Ray carries only the names of the tasks.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

from memanalysis.errors import MissingDependencyError, TrainingError
from memanalysis.producer.engines import Watchers, ray_worker, variables
from memanalysis.producer.plan import Task
from memanalysis.settings import Ray

_PATIENCE: Final = 10.0  # seconds to wait for a connection
_PER_PROCESSOR: Final = 2  # tasks handed over at once, so that no processor waits for the driver


@dataclass
class Cluster:
    """Trains tasks on an existing Ray cluster; a context manager.

    Parameters
    ----------
    greeting
        The study's message as JSON, the store's path and the device.
    settings
        Where the cluster is and what one ensemble needs of it.
    """

    greeting: tuple[str, str, str]
    settings: Ray
    _running: dict[Any, Task] = field(default_factory=dict)

    def __enter__(self) -> Cluster:
        if find_spec("ray") is None:
            raise MissingDependencyError.for_feature("--engine ray", "ray")
        import ray

        address = self.settings.address
        try:
            _require_listener(address)
            ray.init(
                address=address,
                runtime_env={"env_vars": variables()},
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (OSError, ValueError, ray.exceptions.RayError) as error:
            raise TrainingError(
                f"There is no Ray cluster at '{address}'. Start one with `ray start --head` (and "
                "`ray start --address=...` on further nodes), or name it in ray.address of the "
                f"study file. What went wrong: {error}"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        for reference in self._running:
            ray.cancel(reference, force=True)
        self._running.clear()
        ray.shutdown()

    def work(self, tasks: list[Task], may_start: Callable[[Task], bool], watch: Watchers) -> None:
        """Do all tasks; one that is lost more often than ``retries`` allows is an error."""
        import ray

        train = ray.remote(
            num_cpus=self.settings.cpus,
            num_gpus=self.settings.gpus,
            max_retries=self.settings.retries,
        )(ray_worker.train)
        pending = list(tasks)
        while pending or self._running:
            for task in self._next(pending, may_start):
                pending.remove(task)
                message = (*self.greeting, task.to_message())
                self._running[train.remote(*message)] = task
            finished, _ = ray.wait(list(self._running), num_returns=1)
            self._finish(finished[0], watch)

    def _next(self, pending: list[Task], may_start: Callable[[Task], bool]) -> list[Task]:
        """Tasks to hand over, as many as keep the cluster, of whatever size by then, busy."""
        import ray

        have = ray.cluster_resources()  # type: ignore[no-untyped-call]
        slots = have.get("CPU", 0) / self.settings.cpus
        if self.settings.gpus:
            slots = min(slots, have.get("GPU", 0) / self.settings.gpus)
        if slots < 1 and not self._running:
            raise TrainingError(
                f"No node of the Ray cluster can train: one ensemble asks for "
                f"{self.settings.cpus:g} CPU and {self.settings.gpus:g} GPU, the cluster has "
                f"{have.get('CPU', 0):g} and {have.get('GPU', 0):g}. Change [ray] of the study "
                "file or add nodes."
            )
        room = max(1, int(_PER_PROCESSOR * slots)) - len(self._running)
        return [task for task in pending if may_start(task)][: max(0, room)]

    def _finish(self, reference: Any, watch: Watchers) -> None:
        import ray

        task = self._running.pop(reference)
        try:
            fault = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise TrainingError(f"Training {task}: {type(cause).__name__}: {cause}") from error
        except ray.exceptions.RayError as error:
            raise TrainingError(
                f"Training {task} was lost with its worker {self.settings.retries + 1} times: "
                f"{str(error).splitlines()[0]}\nIf the system killed it for memory, reserve more "
                "cpus for an ensemble in [ray] of the study file, or make ensembles smaller."
            ) from error
        if fault is not None:
            raise TrainingError(fault)
        watch.done(task, 0)


def _require_listener(address: str) -> None:
    """Fail in seconds where nothing listens at host:port; Ray itself tries for ten minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), _PATIENCE).close()
