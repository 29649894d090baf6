"""The report as Markdown, data and PDF: the same numbers, text that is text, pages that are set."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
import typst
from odd_stores import HOSTILE

from memanalysis.errors import MissingDependencyError
from memanalysis.reporting import blocks, check, data, markdown
from memanalysis.reporting.document import Document, compose
from memanalysis.reporting.pdf import typesetting
from memanalysis.reporting.pdf.document import Contents, breakable
from memanalysis.storage.store import Store
from memanalysis.studies import Study

_BREAK = "\u200b"


@pytest.fixture(scope="module")
def document(simulated_store: Store) -> Iterator[Document]:
    """The report on the simulated study."""
    study = Study(simulated_store)
    yield compose(study, page=False)
    study.close()


@pytest.fixture(scope="module")
def content(document: Document) -> dict[str, Any]:
    """The same as data."""
    loaded: dict[str, Any] = json.loads(data.render(document))
    return loaded


def figures(content: dict[str, Any]) -> list[dict[str, Any]]:
    """All figures of the data."""
    return [b for s in content["sections"] for b in s["blocks"] if b["kind"] == "figure"]


def test_data_are_what_sql_gives(document: Document, content: dict[str, Any]) -> None:
    """Each figure's rows are the result of its query, its types and NULLs kept."""
    assert len(figures(content)) >= 14
    for figure in figures(content):
        frame = document.reading.sql(figure["sql"])
        assert [column["name"] for column in figure["columns"]] == frame.columns
        # DuckDB's sums of whole numbers are decimals without places.
        frame = frame.with_columns(pl.col(pl.Decimal).cast(pl.Int64))
        found = pl.DataFrame(figure["data"], schema=frame.schema)
        assert found.equals(frame), figure["name"]
        assert figure["vega_lite"]["$schema"].startswith("https://vega.github.io/schema/vega-lite")
    findings = document.reading.table("findings")
    assert content["findings"] == findings.to_dicts()
    assert content["provenance"]["seed"] == document.reading.manifest.seed


def test_the_schema_holds_and_refuses(content: dict[str, Any]) -> None:
    """The shipped schema is a schema, fits the report, and refuses what a reader could not use."""
    validator = jsonschema.Draft202012Validator(data.schema())
    validator.check_schema(data.schema())
    validator.validate(content)
    for broken in (
        {key: value for key, value in content.items() if key != "findings"},
        content | {"layout_version": 2},
        content | {"sections": [{"name": "a", "title": "b", "blocks": [{"kind": "figure"}]}]},
        content | {"extra": 1},
    ):
        assert not validator.is_valid(broken)


def test_what_is_no_number_is_null() -> None:
    """NaN and infinities become null, times text, bytes hexadecimal digits."""
    frame = pl.DataFrame({"a": [float("nan"), float("inf"), None, 1.5]})
    assert data._plain(data._frame(frame)["data"]) == [
        {"a": None}, {"a": None}, {"a": None}, {"a": 1.5}
    ]  # fmt: skip
    assert data._plain({1: b"\x01", "t": datetime(2024, 1, 2)}) == {
        "1": "01",
        "t": "2024-01-02T00:00:00",
    }


def test_markdown_has_every_figure_and_its_numbers(document: Document) -> None:
    """Each section and figure is a heading; long tables are cut at 60 rows and say so."""
    text = markdown.render(document)
    headings = re.findall(r"^#{1,3} (.*)$", text, re.M)
    for section in document.sections:
        assert markdown.text(section.title) in headings
        for block in section.every:
            if isinstance(block, blocks.Figure):
                assert markdown.text(block.title) in headings
                assert f"```sql\n{block.sql}\n```" in text
                assert (f"of {block.frame.height:,} rows" in text) or block.frame.height <= 60
    row = document.reading.table("accuracy").row(0, named=True)
    line = next(part for part in text.splitlines() if part.startswith("| one-hot labels | s1"))
    assert f"{row['parameters']:,}" in line
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert max(len(table) for table in tables) <= 62
    for table in tables:
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
        assert len(columns) == 1, table[:3]


def test_a_fence_is_longer_than_what_it_holds() -> None:
    """Backticks in SQL do not end its block."""
    assert markdown.code("a ```` b", "sql") == "`````sql\na ```` b\n`````"


@pytest.mark.parametrize("start", ["- a", "1. a", "12) a", "+ a", "=== a", "# a", "> a", "~~~"])
def test_a_line_begins_no_list_or_heading(start: str) -> None:
    """Text at the beginning of a line stays a paragraph with these words."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(markdown.text(start))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    shown = "".join(child.content for child in tokens[1].children or [])
    assert shown == start


@pytest.fixture(scope="module")
def small(document: Document) -> Document:
    """A few blocks of each kind, and the names that would break a template."""
    kinds: dict[type, Any] = {}
    for section in document.sections:
        for block in section.every:
            kinds.setdefault(type(block), block)
    names = [
        blocks.Table(f"{i} {name}", ("a", name), [(name, str(i))] * 90, numeric=(1,))
        for i, name in enumerate(HOSTILE)
    ]
    text = [blocks.Text(name) for name in HOSTILE] + [blocks.Note(HOSTILE[2])]
    parts = [
        blocks.Section("findings", "Findings", list(kinds.values())),
        blocks.Section("hostile", HOSTILE[2], [*names, *text]),
    ]
    opening = replace(document.opening, title=HOSTILE[0] + HOSTILE[4])
    return replace(document, sections=parts, opening=opening)


def test_a_pdf_is_set_whatever_names_say(small: Document, tmp_path: Path) -> None:
    """Headings are names as they are (asked of the compiler), tables run over pages."""
    made = typesetting.render(small)
    assert made.startswith(b"%PDF-")
    assert b"%%EOF" in made[-32:]
    pages = typesetting.typeset(small, "png", ppi=20)
    assert len(pages) >= 12  # six tables of 90 rows
    assert all(page.startswith(b"\x89PNG") for page in pages)
    assert list(tmp_path.iterdir()) == []


def test_a_chart_is_drawn_whatever_its_words_hold(document: Document, tmp_path: Path) -> None:
    """Characters that XML lacks, which would end the process, are left out of charts."""
    figure = next(
        block
        for section in document.sections
        for block in section.every
        if isinstance(block, blocks.Figure) and block.name == "memorization-by-class"
    )
    named = json.loads(json.dumps(figure.spec).replace("class 1", "a\\u0000\\ud800\\ufffeb"))
    made = Contents(tmp_path).block(replace(figure, spec=named))
    assert (tmp_path / made["chart"]).read_bytes().startswith(b"%PDF-")


def test_headings_are_the_names(small: Document, tmp_path: Path) -> None:
    """The compiler's own list of headings, with breaks taken out, is that of the blocks."""
    typesetting.lay_out(small, tmp_path)
    found = json.loads(typst.query(tmp_path / "report.typ", "heading", field="body"))
    shown = {body.get("text", "").replace(_BREAK, "") for body in found}
    for i, name in enumerate(HOSTILE):
        line = breakable(f"{i} {name}").replace(_BREAK, "")
        assert line in shown
    assert breakable(HOSTILE[2]).replace(_BREAK, "") in shown


def test_without_typst_one_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing compiler is named before anything is read, with the command that installs it."""
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'memanalysis\[pdf\]'"):
        check(Path("a.pdf"))
    assert check(Path("a.html"))[0] == "html"
