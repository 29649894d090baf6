"""One writer at a time on a store, or several that each take a shard of its groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from memanalysis.errors import StoreError
from memanalysis.storage.confinement import require_no_links

_FILE: Final = ".lock"
_TURN: Final = ".turn.lock"
_GROUP: Final = ".group-{}.lock"
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
    refusal = (
        f"Another process is writing to '{store}'. Wait for it or stop it; several can "
        "work on one store only if each of them is a `produce` with a --shard."
    )
    with _locked(store / _FILE, refusal, shared=shared):
        here = store.resolve()
        _held_here.append(here)
        try:
            yield
        finally:
            _held_here.remove(here)


def is_held(store: Path) -> bool:
    """True if another process is writing to the whole directory ``store`` at this moment."""
    if store.resolve() in _held_here or not (store / _FILE).is_file():
        return False
    try:
        import portalocker  # as above
    except ImportError:  # a system without locks: nobody can hold one
        return False

    flags = portalocker.LockFlags.SHARED | portalocker.LockFlags.NON_BLOCKING
    try:
        with (store / _FILE).open("rb") as file:
            portalocker.lock(file, flags)
    except portalocker.AlreadyLocked:
        return True
    except (portalocker.LockException, OSError):  # a file system without locks
        return False
    return False


@contextmanager
def in_turn(store: Path) -> Iterator[None]:
    """Wait for the turn to make or change the manifest, as shards that start together must."""
    with _locked(store / _TURN):
        yield


@contextmanager
def groups_held(store: Path, groups: Iterable[int]) -> Iterator[None]:
    """Hold groups of subsets for training, so that no two shards train the same models.

    Each group has a file of its own, since not every system locks parts of one.

    Raises
    ------
    StoreError
        At once, if another process trains one of them.
    """
    with ExitStack() as stack:
        for group in groups:
            refusal = (
                f"Group {group} of '{store}' is being trained by another process. Give every "
                "process another share: --shard 1/n to --shard n/n, with the same n."
            )
            stack.enter_context(_locked(store / _GROUP.format(group), refusal))
        yield


@contextmanager
def _locked(path: Path, refusal: str = "", *, shared: bool = False) -> Iterator[None]:
    """Hold a lock on a file; where somebody else has it, raise ``refusal``, or wait if empty."""
    import portalocker  # reading needs no lock, and works where the system has none

    flags = portalocker.LockFlags.SHARED if shared else portalocker.LockFlags.EXCLUSIVE
    if refusal:
        flags |= portalocker.LockFlags.NON_BLOCKING
    with path.open("a") as file:
        try:
            portalocker.lock(file, flags)
        except portalocker.AlreadyLocked as error:
            raise StoreError(refusal) from error
        except portalocker.LockException as error:
            raise StoreError(
                f"'{path}' cannot be locked: {error}. Keep the store on a file system with locks."
            ) from error
        yield
