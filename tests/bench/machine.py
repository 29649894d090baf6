"""The machine of a benchmark: what it is, whether it is busy, and the page of its tables."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "data" / "results" / "bench.md"
QUIET = 0.95  # share of its wall time that a process gets on a quiet machine
_HEAD = """# Benchmarks

Ratios against named alternatives, measured side by side in one run: `make bench`, or one part of
it (`make bench PART=scoring`). Each part says of which commit and machine it is; nothing is kept of
a busy one. Absolute times are of that machine.
"""
_SPIN = """
import time
wall, processor = time.perf_counter(), time.process_time()
while time.perf_counter() - wall < 0.5:
    pass
print((time.process_time() - processor) / (time.perf_counter() - wall))
"""


def description() -> str:
    """Processor, cores, system, and the versions of what does the work."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "numpy", "polars"))
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {packages}"
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # systems that are no Linux
        text = ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.processor() or platform.machine()


def commit() -> str:
    """The commit that is checked out, with ``-dirty`` where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def share() -> float:
    """What a process gets of its wall time, at the least, with one on every core at once."""
    command = [sys.executable, "-c", _SPIN]
    spinning = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for _ in range(os.cpu_count() or 1)
    ]
    return min(float(process.communicate()[0]) for process in spinning)


def require_quiet(given: float) -> None:
    """End the run, with nothing printed or kept of the part at hand, unless ``share`` is high."""
    if given < QUIET:
        sys.exit(
            f"This machine is busy: a process gets {given:.0%} of a core, {QUIET:.0%} is needed. "
            "Ratios would be noise and are not printed. Stop what else runs, and start again."
        )


def with_part(page: str, part: str, about: str, tables: str) -> str:
    """``page`` with the section of one part in the place of an earlier one, or at the end."""
    section = f"## {part}\n\n{about}\n\n```\n{tables.rstrip()}\n```\n"
    head, *sections = re.split(r"^(?=## )", page or _HEAD + "\n", flags=re.MULTILINE)
    by_part = {
        text.partition("\n")[0].removeprefix("## "): text.rstrip() + "\n" for text in sections
    }
    by_part[part] = section
    return "\n".join([head.rstrip() + "\n", *by_part.values()])


def keep(part: str, tables: str) -> None:
    """Put the tables of one part on the page, with the commit, the machine and the day."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    about = f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {description()}."
    PAGE.write_text(with_part(page, part, about, tables), encoding="utf-8")
