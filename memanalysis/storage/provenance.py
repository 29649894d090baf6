"""The origin of a store, for its manifest: code, packages and machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from memanalysis._version import __version__

_PACKAGE: Final = "memanalysis"
# Packages whose version can change a number in a store.
_RELEVANT: Final = (
    "numpy",
    "scipy",
    "pyarrow",
    "safetensors",
    "duckdb",
    "polars",
    "torch",
    "numba",
)


def code() -> dict[str, Any]:
    """Version, git commit (None outside a checkout) and hash of the package's Python sources."""
    return {"version": __version__, "commit": _commit(), "source_sha256": _source_hash()}


def packages() -> dict[str, str]:
    """Installed versions of the packages that can change a number; absent ones are left out."""
    found = {}
    for name in _RELEVANT:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine(threads: int | None = None) -> dict[str, Any]:
    """CPU type, logical CPUs, Python version and ``threads`` that each worker computes with."""
    return {
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": threads,
    }


def _commit() -> str | None:
    """The commit of the checkout that this package lies in, with ``+`` where files were changed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return None
    return commit + ("+" if _git(root, "status", "--porcelain", "--", _PACKAGE) else "")


def _git(root: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _source_hash() -> str:
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # only Linux has the file
    return platform.processor() or platform.machine()
