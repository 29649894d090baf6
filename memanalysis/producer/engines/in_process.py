"""Training in this very process: for functions that no other process can import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from memanalysis.producer.engines import Watchers
from memanalysis.producer.plan import Task
from memanalysis.settings import Study
from memanalysis.storage.store import Store


class Inside:
    """Does what a ``Team`` of one worker does, without a worker; a context manager."""

    def __init__(self, study: Study, store: Store, device: str) -> None:
        self.study, self.store, self.device = study, store, device

    def __enter__(self) -> Inside:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def work(self, tasks: list[Task], may_start: Callable[[Task], bool], watch: Watchers) -> None:
        """Do all tasks, in order as far as ``may_start`` allows."""
        from memanalysis.producer.worker import Trainer  # imports torch

        if not tasks:
            return
        trainer = Trainer(self.study, self.store, self.device)
        pending = list(tasks)
        with _as_in_a_worker():
            while pending:
                task = next(task for task in pending if may_start(task))
                pending.remove(task)
                epochs = 0

                def epoch_done(task: Task = task) -> None:
                    nonlocal epochs
                    epochs += 1
                    watch.epoch(task)

                trainer.run(task, epoch_done)
                watch.done(task, epochs)


@contextmanager
def _as_in_a_worker() -> Iterator[None]:
    """One thread, as workers have, or bits would differ; what was set before comes back."""
    import torch

    from memanalysis.producer.worker import limit_threads

    before = torch.get_num_threads()
    limit_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)
