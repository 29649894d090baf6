"""The report: one HTML file that shows a study and opens anywhere, without a network."""

from __future__ import annotations

from pathlib import Path

from memanalysis import atomic
from memanalysis.report.html import render
from memanalysis.study import Study

__all__ = ["render", "report"]


def report(study: Study, out: str | Path) -> Path:
    """Write the report on ``study`` to the file ``out`` and return its path.

    The file needs nothing but itself: scripts, styles, images and data are all inside.
    """
    path = Path(out)
    atomic.write_bytes(path, render(study).encode())
    return path
