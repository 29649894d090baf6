"""How far a run is, on standard error; nothing is written where that is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.progress import Task as Bar
from rich.text import Text


class ModelsPerHour(ProgressColumn):
    """Speed and time left, from the work of this run alone."""

    def render(self, task: Bar) -> Text:
        """``412 models/h, 1:23 h left``, or nothing before there is something to go by."""
        elapsed = task.finished_time or task.elapsed
        # Epochs of unfinished models count, or nothing could be said for minutes.
        trained = task.completed - task.fields["resumed"]
        if not elapsed or not trained or task.total is None:
            return Text("")
        per_second = trained / elapsed
        minutes = round((task.total - task.completed) / per_second / 60)
        left = f"{minutes // 60}:{minutes % 60:02} h left"
        return Text(f"{per_second * 3600:.0f} models/h, {left}")


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
        self._done = float(done)
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
