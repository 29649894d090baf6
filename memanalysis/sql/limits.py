"""Bounds on what one query may take of the machine."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from memanalysis.errors import QueryError

try:
    import resource
except ImportError:  # systems that are no Unix
    resource = None  # type: ignore[assignment]

_GIB: Final = 1 << 30
# How long DuckDB is given to stop, once told; it looks between vectors of rows.
_GRACE_SECONDS: Final = 10.0
_TICK_SECONDS: Final = 0.2  # how often Ctrl-C is looked for
# The process may grow by this many times the limit: DuckDB's own accounting covers what it keeps,
# and neither the values that a function makes in one go nor the copy that Polars gets.
_OVERHEAD: Final = 2

Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """Limits of one query.

    Attributes
    ----------
    memory
        Bytes in memory, of the query and of its result; what can, moves to disk before that.
    disk
        Bytes that may be moved to the temporary folder.
    seconds
        Time; None for as long as it takes.
    """

    memory: int
    disk: int
    seconds: float | None

    @classmethod
    def default(cls) -> Limits:
        """4 GiB of memory or half of the machine's, 16 GiB on disk, ten minutes."""
        return cls(min(4 * _GIB, _memory() // 2), 16 * _GIB, 600.0)

    def __post_init__(self) -> None:
        """Refuse limits that no query could keep to."""
        if self.memory < 1 << 20 or self.disk < 0:
            raise QueryError(
                f"Limits of {self.memory:,} bytes in memory and {self.disk:,} on disk: expected at "
                "least 1 MiB and 0."
            )
        if self.seconds is not None and not 0 < self.seconds < threading.TIMEOUT_MAX:
            raise QueryError(f"A time limit of {self.seconds} seconds: expected a number above 0.")


def run_interruptibly(
    work: Callable[[], Result],
    interrupt: Callable[[], None],
    seconds: float | None,
    ended: Callable[[], None],
) -> Result:
    """The result of ``work``, which another thread does, so that it can be told to stop.

    ``ended`` is called when it has, if need be long after it was told.

    Raises
    ------
    QueryError
        If it takes more than ``seconds``.
    KeyboardInterrupt
        If the user asks for it meanwhile.
    """
    results: list[Result] = []
    errors: list[BaseException] = []
    # Not Thread.join: interrupted by Ctrl-C, it takes a running thread for one that has ended.
    done = threading.Event()

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            ended()
            _running.discard(done)
            done.set()

    _running.add(done)
    threading.Thread(target=do, name="memanalysis query", daemon=True).start()
    try:
        if not _wait(done, seconds, lambda: None):
            _wait(done, _GRACE_SECONDS, interrupt)
            raise QueryError(
                f"The query was stopped after {seconds:g} seconds. Ask for less, or give it more "
                "time: --timeout on the command line, ma.open(limits=...) in Python."
            )
    except KeyboardInterrupt:
        _wait(done, _GRACE_SECONDS, interrupt)
        raise
    if errors:
        raise errors[0]
    return results[0]


def is_query_left() -> bool:
    """True if a query that could not be stopped runs on; Python cannot end in an orderly way."""
    return bool(_running)


def _wait(done: threading.Event, seconds: float | None, meanwhile: Callable[[], None]) -> bool:
    """True if something is done within some seconds, ``meanwhile`` called at every tick.

    Short waits let Ctrl-C through. DuckDB is told to stop at every tick: it forgets what it is told
    before a query has begun.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    while not done.is_set() and (left := deadline - time.monotonic()) > 0:
        meanwhile()
        done.wait(min(left, _TICK_SECONDS))
    return done.is_set()


_running: Final[set[threading.Event]] = set()  # queries that have not ended
_bounds = threading.Lock()
_bounded = 0  # queries that run under a bound at this moment
_before = (0, 0)


@contextmanager
def bounded_memory(limits: Limits) -> Iterator[None]:
    """Let the process grow by a multiple of the limit at most; a larger allocation fails.

    Where the system does not say how large the process is, nothing is bounded here.
    """
    global _bounded, _before
    present = _data_bytes()
    if present is None or resource is None:
        yield
        return
    with _bounds:
        if not _bounded:
            _before = resource.getrlimit(resource.RLIMIT_DATA)
            wanted = present + _OVERHEAD * limits.memory
            others = [limit for limit in _before if limit != resource.RLIM_INFINITY]
            resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *others]), _before[1]))
        _bounded += 1
    try:
        yield
    finally:
        with _bounds:
            _bounded -= 1
            if not _bounded:
                resource.setrlimit(resource.RLIMIT_DATA, _before)


def _data_bytes() -> int | None:
    """Bytes of private memory that the process has asked for; None where nobody says."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(sizes[0]) << 10 if sizes else None


def _memory() -> int:
    """Bytes of the machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # systems that do not say
        return 8 * _GIB
