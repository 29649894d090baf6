"""Beginnings of trials: stores and commands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import artefacts
import numpy as np
import processes
from trials import Table

import memanalysis.building.build as building
from memanalysis.storage.store import Store


@contextlib.contextmanager
def without_derivation(really: bool) -> Iterator[None]:
    """Let builds leave derived tables empty."""
    module: Any = building
    real = module._derive
    if really:
        module._derive = lambda _staged: None
    try:
        yield
    finally:
        module._derive = real


def unbuilt(path: Path) -> Store:
    """Model files of twelve models in three groups."""
    import tiny_models

    return tiny_models.create(path)


def built(path: Path) -> Store:
    """The same with its tables."""
    return building.build(unbuilt(path).path)


def building_line(room: Path) -> list[object]:
    """A store that is changed and not built yet, and the command that builds it."""
    store = built(room / "store")
    store.model_path("one_hot", "small", 3).unlink()
    return ["build", store.path]


def packing(room: Path) -> list[object]:
    """The command that packs a store."""
    return ["build", built(room / "store").path, "--pack"]


def importing(room: Path) -> list[object]:
    """The command that makes a store of arrays."""
    world = artefacts.make_world()
    np.savez(room / "all.npz", **artefacts.zenodo(world))
    return ["import", "npz", room / "all.npz", "--size", "s", "--out", room / "store"]


def adding(room: Path) -> list[object]:
    """The command that adds scores to a store."""
    store = built(room / "store")
    np.save(room / "scores.npy", np.arange(4.0))
    return ["import", "scores", room / "scores.npy", "--hard-is", "high", "--out", store.path]


def kills(table: Table) -> None:
    """Kills of build, pack and both kinds of import."""
    for kind, prepare in _LINES.items():
        processes.kills(table, f"kills of {kind}", 40, prepare)


def disk_full(table: Table) -> None:
    """No room for any of the same commands."""
    for kind, prepare in _LINES.items():
        processes.disk_full(table, f"disk full, {kind}", 10, prepare)


_LINES = {"build": building_line, "pack": packing, "import": importing, "import into": adding}
