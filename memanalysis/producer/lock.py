"""One run at a time on a store, or several that each take a shard of the groups."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from memanalysis.errors import StoreError

_FILE: Final = ".lock"


@contextmanager
def held(store: Path, *, shared: bool) -> Iterator[None]:
    """Hold the store while its models are trained; the system lets go when the process ends.

    Raises
    ------
    StoreError
        If another run holds the store, unless both are ``shared``.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / _FILE).open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"'{store}' is in use by another produce. Wait for it or stop it; several can "
                "work on one store only if each of them has a --shard."
            ) from error
        yield
