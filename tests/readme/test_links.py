"""Links within the documentation lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest
from readme_parts import PAGES, ROOT, TEXTS

import memanalysis as ma

_CODE = re.compile(r"^```.*?^```$|^    [^\n]*$|`[^`\n]*`(?!\])", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)", re.DOTALL)


def links(text: str) -> list[str]:
    """Targets of links outside code, those to other sites left out."""
    return [link for link in _LINK.findall(_CODE.sub("", text)) if not re.match("https?:", link)]


def anchors(page: Path) -> set[str]:
    """Names that headings of a page get on code hosts: lower case, hyphens, no punctuation."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link names a file or folder of the repository, and a heading if it has a #."""
    for link in links(TEXTS[page]):
        path, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_no_page_stands_alone() -> None:
    """Every page under version control is tested, and README.md leads to each."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    pages = ["*README.md", "CHANGELOG.md", "CONTRIBUTING.md", "queries/*.md"]
    listed = subprocess.run(
        [*command, *pages], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert sorted({*listed.stdout.split()}) == sorted(PAGES)
    reached = {"README.md"}
    waiting = ["README.md"]
    while waiting:
        page = waiting.pop()
        for link in links(TEXTS[page]):
            target = ((ROOT / page).parent / link.partition("#")[0]).resolve()
            name = str(target.relative_to(ROOT))
            if name in PAGES and name not in reached:
                reached.add(name)
                waiting.append(name)
    assert reached == set(PAGES)


def test_the_front_page_is_short() -> None:
    """A reader comes to every page within 180 lines."""
    assert len(TEXTS["README.md"].splitlines()) <= 180


def test_the_citation_is_of_this_version() -> None:
    """CITATION.cff has the keys that its format asks for, and the version of the package."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    citation = dict(re.findall(r"^([\w-]+): ?(.*)$", text, re.MULTILINE))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == ma.__version__
    assert citation["license"] == "MIT"
