"""Slow fixtures that nobody changes, made once for all processes that run tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import portalocker
import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Result of ``make`` at the path that it is given, made by one process for all others.

    The others wait for it. Nobody may change it.
    """
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # a worker's own folder lies in the one of the run
    path, finished = folder / "shared" / name, folder / "shared" / f"{name}.finished"
    path.parent.mkdir(exist_ok=True)
    waiting = portalocker.LockFlags.EXCLUSIVE
    with portalocker.Lock(folder / "shared" / f"{name}.lock", flags=waiting):
        if not finished.exists():
            make(path)
            finished.touch()
    return path
