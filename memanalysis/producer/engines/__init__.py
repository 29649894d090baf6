"""Engines, which keep processes busy with tasks: ``local`` ones, or a Ray cluster's.

Whichever engine trains, a task is the same computation on one thread, and gives the same bits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from memanalysis.producer.plan import Task

# One thread per worker, for the libraries that torch does not speak for; and glibc keeps freed
# memory, since giving back and faulting in the activations of every step costs a tenth of the time.
_VARIABLES: Final = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "200000000",
}

# Where this package lies, so that a worker finds the same one; and, after it, whatever modules of
# the user's this process finds.
_ROOT: Final = str(Path(__file__).resolve().parents[3])


def variables() -> dict[str, str]:
    """The environment variables that a worker needs besides those of its parent."""
    paths = [_ROOT, *filter(None, sys.path)]
    return {**_VARIABLES, "PYTHONPATH": os.pathsep.join(paths)}


@dataclass
class Watchers:
    """Callbacks of a run: epochs trained, epochs lost with a worker, tasks done."""

    epoch: Callable[[Task], None]
    lost: Callable[[Task, int], None]
    done: Callable[[Task, int], None]


class Engine(Protocol):
    """A context manager that trains tasks; leaving it ends every worker."""

    def __enter__(self) -> Self:
        """Make ready."""
        ...

    def __exit__(self, *exc: object) -> None:
        """End every worker."""
        ...

    def work(self, tasks: list[Task], may_start: Callable[[Task], bool], watch: Watchers) -> None:
        """Do all tasks, in order as far as ``may_start`` allows.

        Raises
        ------
        TrainingError
            If a task fails, or costs too many workers their lives.
        """
        ...
