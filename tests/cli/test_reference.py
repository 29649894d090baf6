"""The reference pages are what the declarations say."""

import json
import subprocess
import sys

import pytest

from memanalysis.cli import reference

_MAKE = """
import json
from memanalysis.cli.reference import PAGES, ROOT, filled
print(json.dumps({name: filled((ROOT / name).read_text("utf-8")) for name in PAGES}))
"""


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    """Every page as it is made in a new process: click keeps --help as who asked first named it."""
    made = subprocess.run([sys.executable, "-c", _MAKE], check=True, capture_output=True)
    pages: dict[str, str] = json.loads(made.stdout)
    return pages


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_page_is_what_is_generated(name: str, generated: dict[str, str]) -> None:
    """Every block of the committed page is, to the letter, what is made of the declarations."""
    text = (reference.ROOT / name).read_text("utf-8")
    assert "<!-- begin " in text
    if generated[name] != text:
        pytest.fail(f"{name} is not what the declarations say. Run: make reference")


def test_a_page_that_is_behind_is_made_anew() -> None:
    """Blocks are replaced whole, the prose around them stays."""
    page = "before\n<!-- begin commands -->\nold\n<!-- end -->\nafter\n"
    text = reference.filled(page)
    assert text.startswith("before\n<!-- begin commands -->\n\n| command | what it does |")
    assert text.endswith("|\n\n<!-- end -->\nafter\n")
    assert "[`memanalysis build`](#memanalysis-build)" in text
    assert reference.filled(text) == text


def test_docstrings_become_markdown() -> None:
    """Simple tables of reStructuredText with rows that go on; sections for programmers are left."""
    docstring = """Write ``x``.

    ===== =======
    key   meaning
    ===== =======
    ``a`` first,
          goes on
    b
    ===== =======

    Raises
    ------
    Error
        If it fails.
    """
    assert reference._markdown(docstring) == (
        "Write `x`.\n\n| key | meaning |\n| --- | --- |\n| `a` | first, goes on |\n| b |  |"
    )
