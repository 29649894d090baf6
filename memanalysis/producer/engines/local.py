"""Worker processes that are watched: one that dies is replaced and its task given out again.

Pools of the standard library lose everything when one worker is killed, and torch's own kill the
others, so these are plain child processes that talk in JSON lines.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, Final

from memanalysis.errors import TrainingError
from memanalysis.producer.engines import Watchers, variables
from memanalysis.producer.plan import Task

ATTEMPTS: Final = 3  # how often one task may cost a worker its life
_COMMAND: Final = (sys.executable, "-m", "memanalysis.producer.worker")

Answers = queue.SimpleQueue["tuple[Worker, dict[str, Any] | None]"]


class Worker:
    """One child process; ``task`` is what it is working on."""

    def __init__(self, greeting: dict[str, Any], answers: Answers) -> None:
        self.task: Task | None = None
        self.ready = False
        self.epochs = 0
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **variables()},
            # Ctrl-C in a terminal is for the parent; it ends its workers by closing their input.
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()
        self.send(greeting)

    def send(self, message: dict[str, Any]) -> None:
        """Write one line to the worker; one that has just died is noticed by its silence."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def assign(self, task: Task) -> None:
        """Give the worker its next task."""
        self.task, self.epochs = task, 0
        self.send(task.to_message())

    def stop(self) -> None:
        """End the worker and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self._errors.close()

    def last_words(self) -> str:
        """End of the worker and the last lines that it wrote to standard error."""
        code = self.process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()[-5:]
        ended = f"signal {-code}" if code < 0 else f"exit status {code}"
        return "\n".join([f"(ended with {ended})", *lines])

    def _listen(self, answers: Answers) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                answers.put((self, json.loads(line)))
        except ValueError:
            pass  # half a line of a killed worker, or a stream closed by stop()
        answers.put((self, None))


class Team:
    """Keeps ``count`` workers busy until all tasks are done; a context manager.

    Parameters
    ----------
    greeting
        The first line for every worker.
    count
        How many workers.
    """

    def __init__(self, greeting: dict[str, Any], count: int) -> None:
        self.greeting, self.count = greeting, count
        self.answers: Answers = queue.SimpleQueue()
        self.workers: list[Worker] = []
        self.deaths: Counter[Task | None] = Counter()

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        while self.workers:
            self.workers.pop().stop()

    def work(self, tasks: list[Task], may_start: Callable[[Task], bool], watch: Watchers) -> None:
        """Do all tasks; one that costs ``ATTEMPTS`` workers their lives is an error."""
        pending = list(tasks)
        running = 0
        for _ in range(min(self.count, len(pending))):
            self._hire()
        while pending or running:
            self._assign(pending, may_start)
            worker, answer = self.answers.get()
            if worker in self.workers:
                self._hear(worker, answer, pending, watch)
            running = sum(worker.task is not None for worker in self.workers)

    def _assign(self, pending: list[Task], may_start: Callable[[Task], bool]) -> None:
        for worker in self.workers:
            if worker.ready and worker.task is None:
                task = next((task for task in pending if may_start(task)), None)
                if task is None:
                    return
                pending.remove(task)
                worker.assign(task)

    def _hear(
        self,
        worker: Worker,
        answer: dict[str, Any] | None,
        pending: list[Task],
        watch: Watchers,
    ) -> None:
        task = worker.task
        if answer is None:
            self._replace(worker, pending, watch)
        elif "error" in answer:
            raise TrainingError(str(answer["error"]))
        elif "ready" in answer:
            worker.ready = True
        elif task is not None and "epoch" in answer:
            worker.epochs += 1
            watch.epoch(task)
        elif task is not None and "done" in answer:
            worker.task = None
            watch.done(task, worker.epochs)

    def _hire(self) -> None:
        self.workers.append(Worker(self.greeting, self.answers))

    def _replace(self, worker: Worker, pending: list[Task], watch: Watchers) -> None:
        task, words = worker.task, worker.last_words()
        self.workers.remove(worker)
        worker.stop()
        self.deaths[task] += 1
        if self.deaths[task] >= ATTEMPTS:
            what = f"training {task}" if task else "starting up"
            raise TrainingError(
                f"A worker process died {ATTEMPTS} times while {what} {words}\n"
                "If the system killed it for memory, use fewer --workers or smaller ensembles."
            )
        if task is not None:
            watch.lost(task, worker.epochs)
            pending.insert(0, task)
        self._hire()
