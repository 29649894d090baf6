"""The benchmark's page and its refusal; what it measures is no test."""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "bench"))

import machine


def test_a_busy_machine_gets_no_ratios():
    """The run ends with a sentence that says what to do; a quiet machine goes on."""
    with pytest.raises(SystemExit, match=r"busy: a process gets 60% of a core.*not printed"):
        machine.require_quiet(0.6)
    machine.require_quiet(0.99)


def test_the_share_of_a_core_is_a_share():
    """Of processes that spin on every core at once; clocks may differ a little."""
    assert 0 < machine.share() < 1.1


def test_a_part_takes_the_place_of_its_earlier_table():
    """The page has a section for each part, in the order in which they came."""
    page = machine.with_part("", "start", "Commit a; here.", "one\n")
    page = machine.with_part(page, "scoring", "Commit a; here.", "two\n")
    again = machine.with_part(page, "start", "Commit b; there.", "three\n")
    assert page.startswith("# Benchmarks\n")
    assert again == page.replace("Commit a; here.\n\n```\none", "Commit b; there.\n\n```\nthree")
    assert machine.with_part(again, "start", "Commit b; there.", "three\n") == again


def test_a_run_is_of_a_commit_and_a_machine():
    """Both are named: a hash, and processor, cores and versions."""
    assert re.fullmatch(r"[0-9a-f]{7,}(-dirty)?|unknown", machine.commit())
    assert f"Python {sys.version.split()[0]}" in machine.description()
    assert " cores, " in machine.description()
