"""Reports on stores that lack something: every section, as page, Markdown and data."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema
import odd_stores
import pytest
from markdown_it import MarkdownIt
from page_parts import Elements

from memanalysis.exporting.print_tables import markdown_text
from memanalysis.reporting import blocks, data, html, markdown
from memanalysis.reporting.document import SECTIONS, Document, compose
from memanalysis.studies import Study

# Sections that a store cannot fill, with what each would take.
ASKED = {
    "one_size": {"trajectories": "at least two sizes"},
    "one_objective": {"distillation": "distilled models", "proxies": "proxies, recorded"},
    "one_group": {"distillation": "distilled models"},
    "variants": {},
    "no_labels": {},
    "thousand_classes": {"distillation": "distilled models"},
    "scores_only": {
        "findings": "models",
        "accuracy": "models",
        "scores": "trained on",
        "trajectories": "two sizes",
        "examples": "trained on",
        "distillation": "distilled models",
    },
    "masks_without_test": {"trajectories": "two sizes", "proxies": "proxies, recorded"},
    "hostile": {},
}
# What Python, NumPy and JSON call a missing number, and what no reader should see.
_LEAKED = re.compile(r"(?<![\w'’])(?:None|nan|NaN|inf|Infinity|undefined)(?![\w'’])|Traceback")
_FOLD = re.compile(r"<details><summary>[^<>]*</summary>|</details>")
_MARKUP = ("html_block", "html_inline", "link_open", "image", "em_open", "s_open")


@dataclass(frozen=True)
class Made:
    """A report on one odd store."""

    name: str
    document: Document
    page: Elements
    markdown: str
    data: dict[str, Any]

    def blocks(self, kind: type) -> list[Any]:
        return [b for s in self.document.sections for b in s.every if isinstance(b, kind)]


@pytest.fixture(scope="module", params=sorted(odd_stores.BUILDERS))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    """The report on one store, in three formats."""
    store = odd_stores.BUILDERS[request.param](tmp_path_factory.mktemp("odd") / "store")
    study = Study(store)
    document = compose(study)
    yield Made(
        request.param,
        document,
        Elements(html.render(document)),
        markdown.render(document),
        json.loads(data.render(document)),
    )
    study.close()


def test_a_section_is_there_or_says_what_it_would_take(made: Made) -> None:
    """Sections come in their order and none is empty; what cannot be asked is one list at the end,
    a line for each.
    """
    names = [section.name for section in made.document.sections]
    taken = {part.section(made.document.reading).title: name for name, part in SECTIONS.items()}
    table = [section for section in made.document.sections if section.name == "not_asked"]
    rows = [row for section in table for row in section.blocks[0].rows]
    asked = {taken[title]: words for title, words in rows}
    assert [name for name in SECTIONS if name not in asked] == [
        n for n in names if n != "not_asked"
    ]
    assert all(section.every for section in made.document.sections)
    for section, words in ASKED[made.name].items():
        assert words in asked[section]
    assert not any("\n" in words for words in asked.values())


def test_no_chart_is_empty_and_none_has_a_thousand_parts(made: Made) -> None:
    """Every figure has numbers and at most 60 panels, every gallery at most 40 rows."""
    for figure in made.blocks(blocks.Figure):
        assert not figure.frame.is_empty(), figure.name
        assert figure.title != "Nothing to draw"
        assert figure.spec["usermeta"]["count"] <= 60, figure.name
        drawn = json.dumps(figure.spec).count('"class_name": "class ')
        assert drawn <= 20_000, figure.name
    for gallery in made.blocks(blocks.Gallery):
        assert 0 < len(gallery.rows) <= 40
        assert all(row.tiles for row in gallery.rows)


def test_missing_values_show_as_dashes(made: Made) -> None:
    """Neither the page nor the Markdown shows Python's words for what is missing."""
    for text in (made.page.text, made.markdown):
        found = _LEAKED.search(text)
        assert found is None, text[max(found.start() - 80, 0) : found.end() + 40]


def test_the_data_fit_their_schema(made: Made) -> None:
    """The JSON Schema that is shipped describes what is written."""
    jsonschema.validate(made.data, data.schema(), jsonschema.Draft202012Validator)


def test_conditions_are_those_of_the_store(made: Made) -> None:
    """Captions name objectives that have models, the number of examples and no others."""
    reading = made.document.reading
    models = reading.table("models")
    for block in [*made.blocks(blocks.Figure), *made.blocks(blocks.Gallery)]:
        assert f"n = {reading.manifest.n_train:,} training" in block.conditions
        named = {"one_hot": "one-hot labels" in block.conditions}
        named["distilled"] = "distilled" in block.conditions
        for objective, there in named.items():
            assert not there or objective in set(models["objective"]), block.name


def test_the_paper_says_what_is_unknown(made: Made) -> None:
    """No store of these names its data's source; the paragraph says so and invents nothing."""
    paragraph = next(b.text for b in made.blocks(blocks.Snippet) if b.name == "paragraph")
    if made.name != "hostile":
        assert "Not known from the store: the name of the data set" in paragraph
        assert "Every model was trained for" not in paragraph
    if made.name == "scores_only":
        assert "Scores were imported from scores.csv" in paragraph
        assert "no models of its own" in paragraph
    if made.name == "one_group":
        assert "1 balanced group of 10" in paragraph


def test_names_are_text_in_every_format(made: Made) -> None:
    """Whatever a store says shows as text: as a parser of HTML and one of Markdown see it."""
    handlers = {name for _, attributes in made.page.tags for name in attributes}
    assert not any(name.startswith("on") for name in handlers)
    assert not [a for a in made.page.of("img") if a.get("src") == "x"]
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(made.markdown)
    leaves = [leaf for token in tokens for leaf in [token, *(token.children or [])]]
    markup = {leaf.type for leaf in leaves} & set(_MARKUP)
    assert markup <= {"em_open", "html_block"}  # conditions are in italics; folds are ours
    for leaf in leaves:
        assert leaf.type != "html_block" or _FOLD.fullmatch(leaf.content.strip()), leaf.content
    if made.name != "hostile":
        return
    cells = "".join(leaf.content for leaf in leaves if leaf.type in ("text", "text_special"))
    for name in odd_stores.HOSTILE[:5]:
        assert name in made.page.text
        assert name in cells
    assert made.data["title"] == made.document.reading.manifest.title
    assert odd_stores.HOSTILE[5] in json.dumps(made.data, ensure_ascii=False).replace(
        "\\n", "\n"
    ).replace("\\t", "\t").replace("\\u0000", "\x00")


def test_a_line_of_markdown_is_one_line() -> None:
    """Line breaks, tabs and control characters cannot end a table's row."""
    assert markdown_text(odd_stores.HOSTILE[5]) == "two lines andnull"
