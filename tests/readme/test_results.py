"""The results in README.md: every number is what its SQL gives on the shipped stores."""

import importlib.util
import re
from types import ModuleType

import pytest
from readme_parts import ROOT, section

TEXT = section("Results")


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
    """Numbers, intervals and verdicts in the text are those of the stores, to the last digit."""
    assert results.numbers() in TEXT
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
        assert _texts(kept) == _texts(path.read_text(encoding="utf-8"))
        assert len(_texts(kept)) > 10


def _texts(svg: str) -> list[str]:
    """What a figure says: its titles, labels and legends."""
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def test_what_the_text_says_of_fitting_is_in_the_findings(results: ModuleType) -> None:
    """The two numbers in the prose that no table has."""
    study = results.ma.open(results.DATA / "planted")
    said = study.sql(
        "select sentence from findings where finding = 'trajectories_diverse' "
        "and row = 'increasing'"
    ).item()
    study.close()
    assert ".653 of a rise of .680" in " ".join(TEXT.split())
    assert "the rise is 0.6797" in said
    assert "changes by 0.6527" in said
