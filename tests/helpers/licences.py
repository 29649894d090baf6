"""Licences of everything installed: `make licences`. Fails on one that is not permissive."""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, distributions
from typing import Final

_PERMISSIVE: Final = re.compile(
    r"^\(*(MIT|BSD|0BSD|\d-Clause BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|CC0|BSL-1\.0)"
)
_JOINED: Final = re.compile(r"\s+(?:AND|WITH)\s+")
_NVIDIA: Final = "NVIDIA's libraries, which torch needs for GPUs"
# What nothing permissive replaces: used as it is, and no part of what memanalysis hands on.
EXCEPTIONS: Final = {
    "axe-playwright-python": "MIT, which its metadata do not say; for tests",
    "certifi": "MPL-2.0: Mozilla's list of authorities, for requests",
    "cuda-toolkit": _NVIDIA,
    "fqdn": "MPL-2.0: of JupyterLab",
    "hypothesis": "MPL-2.0: for tests",
    "pathspec": "MPL-2.0: of mypy and hatchling",
    "pdoc": "MIT-0, which its classifiers call public domain; for the API reference",
}


def licence(distribution: Distribution) -> str:
    """The licence by its expression, else its classifiers, else the first line of its text."""
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = metadata.get_all("Classifier") or ()
    names = [text.split(" :: ")[-1] for text in classifiers if text.startswith("License ::")]
    lines = (metadata.get("License") or "").strip().splitlines()
    return " AND ".join(names) or (lines[0] if lines else "unknown")


def is_permissive(text: str) -> bool:
    """True if every part of an expression is permissive; of alternatives one is enough."""
    if " OR " in text:
        return any(is_permissive(part) for part in text.split(" OR "))
    parts = [part for part in _JOINED.split(text) if not part.endswith("-exception")]
    return all(_PERMISSIVE.match(part) for part in parts)


def main() -> None:
    """Print name, version and licence of each package; exit with 1 if any is not permissive."""
    refused = []
    for one in sorted(distributions(), key=lambda one: one.metadata["Name"].lower()):
        name, text = one.metadata["Name"], licence(one)
        said = ""
        if not is_permissive(text):
            reason = EXCEPTIONS.get(name, _NVIDIA if name.startswith("nvidia-") else "")
            said = f" ({reason})"
            refused += [] if reason else [f"{name}: {text}"]
        sys.stdout.write(f"{name} {one.version}: {text}{said}\n")
    if refused:
        sys.exit(f"Not permissive: {'; '.join(refused)}. Replace it, or give it a reason.")


if __name__ == "__main__":
    main()
