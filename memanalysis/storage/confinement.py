"""A store keeps to its folder: nothing in it leads elsewhere, and nothing foreign moves into it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from memanalysis.errors import StoreError
from memanalysis.storage import atomic
from memanalysis.storage.manifest import MANIFEST, Manifest, read_manifest
from memanalysis.storage.names import is_objective, is_size

# A finished build waits here while its files are moved into place.
COMMIT: Final = ".commit"
_MODEL: Final = re.compile(r"[0-9]{5,}\.safetensors")
_SHOWN: Final = 5


def outward_links(root: Path) -> list[str]:
    """Everything below ``root`` that is neither file nor folder, by its path inside: links, pipes.

    ``root`` itself may be a link: where a store lies is its user's choice.
    """
    return sorted(path.relative_to(root).as_posix() for path in _strange(root))


def _strange(folder: Path) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return  # removed by its writer since
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _strange(Path(entry.path))
        elif not entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def require_no_links(root: Path) -> None:
    """Refuse a store in which something leads elsewhere, before anything is written to it.

    Raises
    ------
    StoreError
        Naming the first few links.
    """
    if links := outward_links(root):
        more = f" and {len(links) - _SHOWN} more" if len(links) > _SHOWN else ""
        raise StoreError(
            f"'{root}' holds links: {', '.join(links[:_SHOWN])}{more}. What they lead to may lie "
            "outside of the store, so nothing is written. Replace them by files and folders of "
            "their own."
        )


def require_own_commit(root: Path, manifest: Manifest) -> None:
    """Refuse what lies in ``.commit/`` unless it is what an interrupted build of this store left.

    That is files that builds write, each as the manifest beside them says, which is of the same
    study.

    Raises
    ------
    StoreError
        Naming what is there instead.
    """
    source = root / COMMIT
    staged = read_manifest(source / MANIFEST)
    if (staged.study, staged.created_at) != (manifest.study, manifest.created_at):
        raise _foreign(source, f"of the study '{staged.study}', begun {staged.created_at}")
    for path in sorted(p for p in source.rglob("*") if not p.is_dir()):
        name = path.relative_to(source).as_posix()
        noted = staged.files.get(name)
        if noted is not None:
            if atomic.sha256(path) != noted["sha256"]:
                raise _foreign(source, f"with {name}, which its manifest does not describe")
        elif name != MANIFEST and not _of_models(path.relative_to(source)):
            raise _foreign(source, f"with {name}, which no build writes")


def _of_models(path: Path) -> bool:
    """True for files that a build or an import writes: of models, or sums of their groups."""
    match path.parts:
        case ("groups", objective, name):
            size, _, suffix = name.rpartition(".")
            return is_objective(objective) and is_size(size) and suffix == "safetensors"
        case ("models", objective, size, name):
            fits = is_objective(objective) and is_size(size)
            return fits and _MODEL.fullmatch(name) is not None
        case ("repeats", size, name):
            return is_size(size) and _MODEL.fullmatch(name) is not None
    return False


def _foreign(source: Path, found: str) -> StoreError:
    return StoreError(
        f"'{source}' is not what an interrupted build of this store leaves: it is {found}. Nothing "
        "was moved into place. Delete it, then build."
    )
