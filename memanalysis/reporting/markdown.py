"""The report as Markdown for a repository, a pull request or a notebook: all numbers, no charts.

GitHub shows neither inline SVG nor images in data URIs, and one file must be enough, so a figure is
its caption and its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any, Final

import polars as pl

from memanalysis import wording
from memanalysis._version import __version__
from memanalysis.exporting.print_tables import markdown_text
from memanalysis.reporting import blocks
from memanalysis.reporting.document import Document

# A longer table is cut: nobody reads it here, and its SQL gives the rest.
_ROWS_SHOWN: Final = 60
_BACKTICKS: Final = re.compile("`+")
# What would begin a list, a heading's underline or a numbered line.
_BLOCK_START: Final = re.compile(r"^(\d*)([-+=:.)])")


def render(document: Document) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    opening = document.opening
    parts = [
        f"# {text(opening.title)}",
        text(opening.run),
        f"**{text(opening.answer)}**" if opening.answer else "",
        "\n".join(f"- {text(_result(item))}" for item in opening.results),
        f"{text(opening.definition)} {text(opening.limits)}",
        f"Study {text(document.study)}; written by memanalysis {__version__}. Every number is "
        "here; the charts are in the report as HTML or PDF.",
        *_fold(
            "What was run: data, models, teacher",
            [
                _table(("", ""), opening.facts),
                _table(document.size_columns, opening.sizes, range(1, len(document.size_columns))),
            ],
        ),
    ]
    for section in document.sections:
        parts.append(f"## {text(section.title)}")
        parts += _written(section.blocks)
        if section.fold:
            parts += _fold(section.fold.summary, _written(section.fold.blocks))
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _written(content: Sequence[Any]) -> list[str]:
    return [part for block in content for part in _BLOCKS.get(block.kind, _elsewhere)(block)]


def _fold(summary: str, parts: Sequence[str]) -> list[str]:
    """Parts behind a click, where the reader of the Markdown knows ``<details>``."""
    return [f"<details><summary>{escape(summary)}</summary>", *parts, "</details>"]


def _result(finding: blocks.Finding) -> str:
    return f"{finding.headline} ({verdict(finding)})"


def text(value: str) -> str:
    """``value`` as one line of Markdown in which nothing is markup."""
    return _BLOCK_START.sub(r"\1\\\2", markdown_text(value))


def _paragraph(block: blocks.Text) -> Iterator[str]:
    yield text(block.text)


def _note(block: blocks.Note) -> Iterator[str]:
    yield f"> {text(block.text)}"


def _figure(block: blocks.Figure) -> Iterator[str]:
    yield f"### {text(block.title)}"
    if block.subtitle:
        yield f"*{text(block.subtitle)}*"
    yield text(block.caption)
    yield f"*{text(block.conditions)}*"
    yield from _frame(block.frame)
    yield code(block.sql, "sql")


def _frame(frame: pl.DataFrame) -> Iterator[str]:
    columns, rows = wording.table(frame.head(_ROWS_SHOWN), {})
    numeric = [i for i, name in enumerate(wording.shown(frame)) if frame[name].dtype.is_numeric()]
    yield _table(columns, rows, numeric)
    if frame.height > _ROWS_SHOWN:
        yield (
            f"The first {_ROWS_SHOWN} of {wording.count(frame.height)} rows; the query gives all."
        )


def _plain_table(block: blocks.Table) -> Iterator[str]:
    if block.title:
        yield f"### {text(block.title)}"
    yield _table(block.columns, block.rows[:_ROWS_SHOWN], block.numeric)
    if len(block.rows) > _ROWS_SHOWN:
        yield f"The first {_ROWS_SHOWN} of {wording.count(len(block.rows))} rows."
    if block.caption:
        yield text(block.caption)
    if block.sql:
        yield code(block.sql, "sql")


def _gallery(block: blocks.Gallery) -> Iterator[str]:
    yield f"### {text(block.title)}"
    yield text(block.caption)
    yield f"*{text(block.conditions)}*"
    rows = [
        (row.title, tile.example, tile.label, tile.figures)
        for row in block.rows
        for tile in row.tiles
    ]
    yield _table(("", "example", "label", "score"), rows[:_ROWS_SHOWN])
    if len(rows) > _ROWS_SHOWN:
        yield f"The first {_ROWS_SHOWN} of {wording.count(len(rows))} examples."
    yield code(block.sql, "sql")


def _findings(block: blocks.Findings) -> Iterator[str]:
    yield _table(
        ("finding", "verdict", "estimate", "95 % interval"),
        [(f.claim, verdict(f), f.estimate, f.interval) for f in block.items],
        numeric=(2, 3),
    )
    for finding in block.items:
        yield f"### {text(finding.headline)}"
        yield f"Tested: {text(wording.prose(finding.claim))}."
        yield f"**{text(verdict(finding))}.** {text(wording.prose(finding.meaning))}"
        if finding.settling:
            yield f"What would settle it: {text(finding.settling)}"
        yield text(wording.prose(finding.sentence))
        if finding.bound:
            yield f"Rule: {text(wording.prose(finding.bound))}."
        if finding.evidence_title:
            yield f"Evidence: {text(finding.evidence_title)}."
        if finding.rows:
            yield _conditions(finding.rows)
        if finding.query:
            yield code(finding.query, "sql")


def _conditions(rows: Sequence[blocks.Finding]) -> str:
    columns = ("condition or check", "decides", "verdict", "estimate", "95 % interval", "rule")
    return _table(
        columns,
        [
            (
                row.title,
                "yes" if row.core else "no",
                row.verdict,
                row.estimate,
                row.interval,
                wording.prose(row.bound),
            )
            for row in rows
        ],
        numeric=(3, 4),
    )


def _snippet(block: blocks.Snippet) -> Iterator[str]:
    yield f"### {text(block.title)}"
    if block.caption:
        yield text(block.caption)
    yield code(block.text, block.language)


def _elsewhere(block: Any) -> Iterator[str]:
    """A part that only a page can show."""
    title = getattr(block, "title", "") or "A further part"
    yield f"> {text(title)}: in the report as HTML."


_BLOCKS: Final[dict[str, Callable[[Any], Iterator[str]]]] = {
    "text": _paragraph,
    "note": _note,
    "figure": _figure,
    "table": _plain_table,
    "gallery": _gallery,
    "findings": _findings,
    "snippet": _snippet,
}


def verdict(finding: blocks.Finding) -> str:
    """The verdict with its reservation."""
    return finding.verdict + (" (provisional)" if finding.provisional else "")


def code(content: str, language: str) -> str:
    """A fenced block whose fence is longer than any run of backticks inside."""
    longest = max(map(len, _BACKTICKS.findall(content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()
) -> str:
    if not rows:
        return ""
    head = [markdown_text(column) or " " for column in columns]
    rule = ["---:" if i in numeric else "---" for i in range(len(columns))]
    body = [[markdown_text(value) or wording.NONE for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *body])
