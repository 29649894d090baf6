"""Reading a study needs nothing that only Unix has."""

import os
import subprocess
import sys
from pathlib import Path

from memanalysis.store import Store

# A module that is None in `sys.modules` cannot be imported.
READ = """
import sys

for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
import memanalysis as ma

study = ma.open(sys.argv[1])
assert study.sql("select count(*) as n from examples").item() == 240
study.close()
from memanalysis.cli import run

assert run(["sql", sys.argv[1], "from accuracy"]) == 0
assert run(["report", sys.argv[1], "--sections", "accuracy", "--out", "report.html"]) == 0
"""


def test_a_study_is_read_without_what_windows_lacks(simulated_store: Store, tmp_path: Path) -> None:
    """It opens, answers SQL and becomes a report where `fcntl` cannot be imported."""
    subprocess.run(
        [sys.executable, "-c", READ, str(simulated_store.path)],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}, check=True,
    )  # fmt: skip
    assert "<svg" in (tmp_path / "report.html").read_text(encoding="utf-8")
