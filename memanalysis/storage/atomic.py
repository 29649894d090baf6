"""A file is there whole or not at all: temporary name, sync, rename."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from memanalysis.errors import StoreError

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the last: `ulimit -f`
INTACT: Final = "What was finished before is intact; make room and give the same command again."


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success sync it and rename it to ``path``.

    The temporary file is removed if the body raises, and a reader never sees half a file. Two
    writers of the same path do not disturb each other: the later rename wins.

    Raises
    ------
    StoreError
        If the disk is full; whatever was there before is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreError(
                f"There is no room on the disk for '{path}' ({error.strerror}). {INTACT}"
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if path.is_file():
        with path.open("rb+") as file:  # Windows syncs what is open for writing
            os.fsync(file.fileno())
        return
    # Some network file systems refuse to sync a folder, and Windows to open one; the rename is
    # still atomic there.
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
