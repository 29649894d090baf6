"""Studies under ``data/``, which come with memanalysis besides code."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from memanalysis.errors import StoreError

_PACKAGE: Final = Path(__file__).parent
_EMBEDDED: Final = "fashion-mnist"


def places(name: str) -> list[Path]:
    """Possible places of ``data/<name>``: beside the package in a checkout, else inside it.

    A checkout comes first: an editable install may leave a stale copy in site-packages.
    """
    installed = _PACKAGE / "data" / name
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        return [_PACKAGE.parent / "data" / name, installed]
    return [installed]


def find(name: str, file: str) -> Path | None:
    """The folder ``data/<name>`` that holds ``file``, or None."""
    return next((place for place in places(name) if (place / file).is_file()), None)


def studies() -> list[str]:
    """Names of the studies whose ``study.toml`` comes with memanalysis."""
    files = (file for root in places(".") for file in root.glob("*/study.toml"))
    return sorted({file.parent.name for file in files})


def embedded_path() -> Path:
    """Path of the embedded study: beside the package in a checkout, else inside it.

    Raises
    ------
    StoreError
        If this installation has none.
    """
    folder = find(_EMBEDDED, "manifest.json")
    if folder is None:
        looked = " and ".join(f"'{place}'" for place in places(_EMBEDDED))
        raise StoreError(
            f"The embedded study is not installed: looked in {looked}. Give the path of a store."
        )
    return folder
