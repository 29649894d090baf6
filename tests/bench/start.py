"""Start of commands that people wait for, in processor time of a process of their own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from rich.table import Table
from timing import ratio_cells, ratio_table

_ROUNDS = 5
_IMPORTS = ("-c", "import duckdb, polars")
# As installed: a shell may forbid it, and every start would then compile each module anew.
_WITH_BYTECODE = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
_COMMANDS = {
    "--help": ("-m", "memanalysis", "--help"),
    'sql "from accuracy"': ("-m", "memanalysis", "sql", "from accuracy"),
    "tables --brief": ("-m", "memanalysis", "tables", "--brief"),
    "tables accuracy": ("-m", "memanalysis", "tables", "accuracy"),
}


def compare() -> Table:
    """Ratio of each command to the bare imports of duckdb and polars, in turn, A B A B ..."""
    table = ratio_table(
        f"start of commands on the embedded study, processor time of {_ROUNDS} rounds",
        "command",
        "times the imports of duckdb and polars",
        "range",
        "seconds above a bare interpreter, median",
    )
    for name, arguments in _COMMANDS.items():
        ratios, above = [], []
        _seconds(arguments)  # files in the page cache, bytecode written
        for _ in range(_ROUNDS):
            bare, imports, ours = (_seconds(a) for a in (("-c", "pass"), _IMPORTS, arguments))
            ratios.append(ours / imports)
            above.append(ours - bare)
        table.add_row(name, *ratio_cells(ratios), f"{sorted(above)[_ROUNDS // 2]:.2f}")
    return table


def _seconds(arguments: tuple[str, ...]) -> float:
    """Processor time of Python with ``arguments``, its own and the system's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, capture_output=True, env=_WITH_BYTECODE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
