"""The results page: every table, figure and number is what its SQL gives on the shipped stores."""

import importlib.util
import re
from types import ModuleType

import pytest
from readme_parts import ROOT, TEXTS

PAGE = "data/results/README.md"
TEXT = TEXTS[PAGE]
FRONT = TEXTS["README.md"].partition("\n## Results\n")[2].partition("\n## ")[0]
# Of the rules, the ways of teaching and the subsets, which the text names beside the numbers; and
# the level at which false alarms are counted.
BOUNDS = {".04", ".02", ".1", ".15", ".20", ".25", ".5", ".6", ".9", "1 %", "70 %"}
_NUMBER = r"(?<![\w.])−?(?:\d+(?:\.\d+)? (?:%|points)|\d*\.\d+)(?![\d])"


@pytest.fixture(scope="module")
def results() -> ModuleType:
    """The script that `make results` runs."""
    spec = importlib.util.spec_from_file_location("results", ROOT / "data/results/results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_computed(results: ModuleType) -> None:
    """Numbers, intervals and verdicts in the page are those of the stores, to the last digit."""
    assert len(re.findall("<!-- begin ", TEXT)) == TEXT.count("<!-- end -->") == 18
    for page in ("data/results/README.md", "data/cifar10/README.md"):
        assert results.filled(TEXTS[page]) == TEXTS[page]


def test_figures_are_drawn_from_the_stores(results: ModuleType, tmp_path) -> None:
    """Four figures, all shown with words for who cannot see them, and drawn anew the same."""
    results.draw(tmp_path)
    shown = dict(re.findall(r"!\[(.+)\]\((.+)\)", TEXT, re.MULTILINE))
    assert len(shown) == 4
    assert {path.name for path in tmp_path.iterdir()} == set(shown.values())
    assert all(len(words) > 30 for words in shown)
    for path in tmp_path.iterdir():
        kept = (ROOT / "data/results" / path.name).read_text(encoding="utf-8")
        assert _said(kept) == _said(path.read_text(encoding="utf-8"))
        assert len(_said(kept)) > 40


def _said(svg: str) -> list[str]:
    """The titles, labels and legends of a figure, and the values of its marks."""
    return re.findall(r'<text[^>]*>([^<]+)</text>|aria-label="([^"]+)"', svg)


SECTIONS = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
WITH_NUMBERS = {title: text for title, text in SECTIONS if "<!-- begin numbers" in text}


@pytest.mark.parametrize("title", WITH_NUMBERS)
def test_numbers_in_the_prose_are_in_the_tables(title: str) -> None:
    """Every share, score and change that a section mentions is one of its tables, rounded."""
    text = WITH_NUMBERS[title]
    mentioned = _mentioned(text)
    assert len(mentioned) >= 2
    missing = [number for number in mentioned if not _is_in(number, _tables(text))]
    assert missing == []


def test_numbers_of_the_front_page_are_in_the_results() -> None:
    """The sentences of README.md mention no number that no study gives."""
    mentioned = _mentioned(FRONT)
    assert len(mentioned) >= 6
    assert [number for number in mentioned if not _is_in(number, _tables(TEXT))] == []


def _mentioned(text: str) -> list[str]:
    """Numbers with a point or a unit outside tables, figures and code, but for those of rules."""
    prose = re.sub(r"^\|.*$|^!.*$|^<.*$|`[^`]*`|\]\([^)]*\)", "", text, flags=re.MULTILINE)
    return sorted(set(re.findall(_NUMBER, " ".join(prose.split()))) - BOUNDS)


def _tables(text: str) -> list[float]:
    """Every number in the cells of tables."""
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    return [_value(number) for number in re.findall(r"(?<![\w.])−?\d*\.\d{3}\b", rows)]


def _is_in(number: str, table: list[float]) -> bool:
    """True if a cell rounds to the number; a fall may be given without its sign."""
    digits, _, unit = number.partition(" ")
    decimals = len(digits.partition(".")[2])
    scale = 100 if unit else 1
    target = abs(_value(digits))
    # Cells are rounded themselves: half of their last digit may be missing.
    reach = 0.5 * 10**-decimals + 0.0005 * scale
    return any(abs(abs(cell) * scale - target) <= reach + 1e-9 for cell in table)


def _value(number: str) -> float:
    return float(number.replace("−", "-").replace(",", ""))
