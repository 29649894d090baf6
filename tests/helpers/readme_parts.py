"""The pages of documentation by their parts, so that tests run what they say, not a copy."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "data/README.md",
    "data/cifar10/README.md",
    "data/results/README.md",
    "memanalysis/analysis/README.md",
    "memanalysis/cli/README.md",
    "memanalysis/exporting/README.md",
    "memanalysis/findings/README.md",
    "memanalysis/importing/README.md",
    "memanalysis/producer/README.md",
    "memanalysis/settings/README.md",
    "memanalysis/storage/README.md",
    "queries/README.md",
    "queries/relations.md",
)
TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
TEXT = "\n".join(TEXTS.values())


class Row(NamedTuple):
    """A row of a table of three columns: what there is, the command, what comes of it."""

    have: str
    command: str
    get: str


def section(heading: str) -> str:
    """The text below a heading, up to the next one of its level or above in the same page."""
    pattern = rf"^(#+) {re.escape(heading)}$"
    matches = [(text, re.search(pattern, text, re.MULTILINE)) for text in TEXTS.values()]
    ((text, start),) = [(text, match) for text, match in matches if match]
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def table(text: str, first_header: str) -> list[list[str]]:
    """Cells of the table whose first column is headed so, without header and rule."""
    lines = text[text.index(f"| {first_header} |") :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def rows(heading: str, first_header: str) -> list[Row]:
    """The rows of a table whose second column holds a command."""
    found = [Row(*cells) for cells in table(section(heading), first_header)]
    return [row._replace(command=row.command.strip("`")) for row in found]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[str]:
    """Inline code outside fenced blocks, in order, with line breaks as spaces."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def commands(text: str) -> list[str]:
    """Lines of indented blocks that run memanalysis, without their comments."""
    lines = re.findall(r"^    (memanalysis .*)$", text, re.MULTILINE)
    return [re.sub(r"\s{2,}#.*", "", line) for line in lines]


def words(command: str) -> list[str]:
    """The arguments of ``memanalysis``, as a shell splits them."""
    program, *arguments = shlex.split(command)
    assert program == "memanalysis"
    return arguments
