"""Progress of a run, on standard error: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.progress import Task as Bar
from rich.text import Text

# Seconds until the first line of a log, and between lines.
_FIRST: Final = 15.0
_EVERY: Final = 60.0


def speed(trained: float, left: float, elapsed: float) -> str:
    """``412 models/h, 21 min left``, from the models of this run alone; empty before the first."""
    if elapsed <= 0 or trained <= 0:
        return ""
    per_second = trained / elapsed
    minutes = round(left / per_second / 60)
    time_left = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"{per_second * 3600:.0f} models/h, {time_left} left"


class ModelsPerHour(ProgressColumn):
    """Speed and time left, from the work of this run alone."""

    def render(self, task: Bar) -> Text:
        """``412 models/h, 21 min left``, or nothing before there is something to go by."""
        elapsed = task.finished_time or task.elapsed
        # Epochs of unfinished models count, or nothing could be said for minutes.
        trained = task.completed - task.fields["resumed"]
        return Text(speed(trained, (task.total or 0) - task.completed, elapsed or 0))


class Watch:
    """Shows models done of models in all; a context manager."""

    def __init__(self, total: int, done: int, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.fields[models]} of {task.total:.0f} models"),
            ModelsPerHour(),
            console=console,
            disable=not console.is_terminal,
        )
        self.started = time.monotonic()
        self._total, self._resumed = total, done
        self._done = float(done)
        self._logs = not console.is_terminal
        self._next_line = self.started + _FIRST
        self._bar = self._progress.add_task(
            "models", total=total, completed=done, resumed=done, models=done
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def advance(self, models: float) -> None:
        """Count part of an ensemble's work, in models; negative where it was lost."""
        self._done += models
        # Whole models only in words; a little slack for sums of fractions.
        self._progress.update(self._bar, completed=self._done, models=int(self._done + 1e-6))
        now = time.monotonic()
        if self._logs and now >= self._next_line:
            self._next_line = now + _EVERY
            self._log(now - self.started)

    def _log(self, elapsed: float) -> None:
        """One line for a log file: models done and time left."""
        said = speed(self._done - self._resumed, self._total - self._done, elapsed)
        done = f"{int(self._done + 1e-6)} of {self._total} models trained"
        print(", ".join(filter(None, (done, said))), file=sys.stderr, flush=True)  # noqa: T201
