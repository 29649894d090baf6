"""One writer at a time on a store, or several that each take a shard of its groups."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from memanalysis.errors import StoreError
from memanalysis.storage.confinement import require_no_links

_FILE: Final = ".lock"
_TURN: Final = ".turn.lock"
_GROUPS: Final = ".groups.lock"  # its n-th byte stands for group n
_held_here: Final[list[Path]] = []  # what this process holds


@contextmanager
def held(store: Path, *, shared: bool) -> Iterator[None]:
    """Hold the directory ``store`` for writing; ``shared`` lets other shards write beside this one.

    The lock belongs to the process and goes with it, however it ends.

    Raises
    ------
    StoreError
        At once, if another process holds the store, unless both are ``shared``, or something in
        the store leads elsewhere.
    """
    require_no_links(store)
    with (store / _FILE).open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"Another process is writing to '{store}'. Wait for it or stop it; several can "
                "work on one store only if each of them is a `produce` with a --shard."
            ) from error
        here = store.resolve()
        _held_here.append(here)
        try:
            yield
        finally:
            _held_here.remove(here)


def is_held(store: Path) -> bool:
    """Whether another process is writing to the whole directory ``store`` at this moment."""
    if store.resolve() in _held_here:
        return False
    try:
        with (store / _FILE).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no such file, or a file system without locks
        return False
    return False


@contextmanager
def in_turn(store: Path) -> Iterator[None]:
    """Wait for the turn to make or change the manifest, as shards that start together must."""
    with (store / _TURN).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def groups_held(store: Path, groups: Iterable[int]) -> Iterator[None]:
    """Hold groups of subsets for training, so that no two shards train the same models.

    The locks are on single bytes of one file, which network file systems know how to share.

    Raises
    ------
    StoreError
        At once, if another process trains one of them.
    """
    with (store / _GROUPS).open("a") as file:
        for group in groups:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, group)
            except OSError as error:
                raise StoreError(
                    f"Group {group} of '{store}' is being trained by another process. Give every "
                    "process another share: --shard 1/n to --shard n/n, with the same n."
                ) from error
        yield
