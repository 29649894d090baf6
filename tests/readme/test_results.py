"""The results in README.md: every number is what its SQL gives on the shipped stores."""

import importlib.util
import re
from types import ModuleType

import pytest
from readme_parts import ROOT, section

TEXT = section("Results")
# Of the rules, which the text names beside the numbers.
BOUNDS = {".02", ".15", ".20", ".25", ".30", ".75"}


@pytest.fixture(scope="module")
def results() -> ModuleType:
    """The script that `make results` runs."""
    spec = importlib.util.spec_from_file_location("results", ROOT / "data/results/results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def numbers(results: ModuleType) -> str:
    """The table of numbers."""
    table: str = results.numbers()
    return table


def test_the_tables_are_computed(results: ModuleType, numbers: str) -> None:
    """Numbers, intervals and verdicts in the text are those of the stores, to the last digit."""
    assert numbers in TEXT
    assert results.halves() in TEXT
    assert results.verdicts() in TEXT


def test_figures_are_drawn_from_the_stores(results: ModuleType, tmp_path) -> None:
    """Four figures, all shown with words for who cannot see them, and drawn anew the same."""
    results.draw(tmp_path)
    shown = dict(re.findall(r"!\[(.+)\]\((.+)\)", TEXT, re.MULTILINE))
    assert len(shown) == 4
    assert {f"data/results/{path.name}" for path in tmp_path.iterdir()} == set(shown.values())
    assert all(len(words) > 30 for words in shown)
    for path in tmp_path.iterdir():
        kept = (ROOT / "data/results" / path.name).read_text(encoding="utf-8")
        assert _said(kept) == _said(path.read_text(encoding="utf-8"))
        assert len(_said(kept)) > 40


def _said(svg: str) -> list[str]:
    """What a figure says: its titles, labels and legends, and the values of its marks."""
    return re.findall(r'<text[^>]*>([^<]+)</text>|aria-label="([^"]+)"', svg)


def test_numbers_in_the_prose_are_in_the_table(numbers: str) -> None:
    """Every number with a leading point that the text mentions is one of the table, rounded."""
    prose = re.sub(r"^\|.*$|^!.*$|`[^`]*`", "", TEXT, flags=re.MULTILINE)
    mentioned = set(re.findall(r"(?<![\d.])\.\d{2,3}", prose)) - BOUNDS
    table = [float(number) for number in re.findall(r"\| −?(\.\d{3}) \|", numbers)]
    assert len(mentioned) >= 5
    for number in mentioned:
        digits = len(number) - 1
        assert float(number) in [round(value, digits) for value in table], number
