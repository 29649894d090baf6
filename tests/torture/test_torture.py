"""The short part of `make torture`: a few trials of each kind that needs no network to train."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
KINDS = {
    "stores": ("files", "manifests", "strange", "read-only"),
    "inputs": ("formats", "studies", "images", "bombs"),
    "processes": ("kills", "full"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_and_nothing_confuses(kind: str) -> None:
    """Every trial survives: the right answer, or one message and the store as it was."""
    line = [sys.executable, str(FOLDER), *KINDS[kind], "--size", "0.01", "--seed", "1"]
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, total = done.stdout.splitlines()
    tried, survived, lost, confusing = map(int, total.split()[1:])
    assert tried == survived > 0
    assert lost == confusing == 0
