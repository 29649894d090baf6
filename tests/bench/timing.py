"""Side by side: ratios of wall times within one run, and the memory of a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

ROUNDS = 3
MOST_MEMORY = 4 * 2**30


def paired_ratios(
    ours: Callable[[], object], other: Callable[[], object], rounds: int = ROUNDS
) -> list[float]:
    """Time of ``other`` as a multiple of ``ours``, pair by pair, A B A B ..."""
    ours(), other()  # a warm-up of both: files in the page cache, code compiled
    return [1 / (seconds(ours) / seconds(other)) for _ in range(rounds)]


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def exponent(numbers: Sequence[float], times: Sequence[float]) -> float:
    """Slope of log time on log number: 1 where time grows in proportion."""
    return float(np.polyfit(np.log(numbers), np.log(times), 1)[0])


def apart(code: str, *arguments: str) -> tuple[float, float]:
    """Seconds and peak GiB of ``code`` in a process of its own; it sets ``took``.

    Arguments are in ``arguments``. The peak is what the process held at once, libraries and all.
    """
    program = (
        "import json, resource, sys, time\narguments = sys.argv[1:]\n"
        f"{code}\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "print(json.dumps([took, peak / 2**30]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
    )
    took, peak = json.loads(done.stdout.splitlines()[-1])
    return took, peak


def ratio_table(title: str, *columns: str) -> Table:
    """An empty table of ratios."""
    table = Table(title=title, width=96, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def ratio_cells(ratios: Sequence[float]) -> tuple[str, str]:
    """Median and range of ratios."""
    spread = f"{min(ratios):.3g}–{max(ratios):.3g}"
    return f"{statistics.median(ratios):.3g}", spread


def size_of(path: Path) -> str:
    """Size on disk of a file or of a folder's files."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:,.0f} MB"
