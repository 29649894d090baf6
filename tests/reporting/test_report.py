"""The report: every section on every kind of store, hostile names as text, one file."""

import base64
import gzip
import html
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from page_parts import Elements

from memanalysis.reporting import render, report
from memanalysis.reporting.sections import ORDER
from memanalysis.storage.schema import EXAMPLES
from memanalysis.storage.store import Store
from memanalysis.studies import Study

SECTIONS = [
    "findings", "accuracy", "scores", "trajectories", "examples", "kinds", "influence",
    "distillation", "proxies", "reliability", "controls", "explorer", "methods",
]  # fmt: skip
# Of these the simulated study has nothing to show.
ABSENT = {"kinds", "influence"}
HOSTILE = ["</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(2)>", "🦊 & <b>"]


def specs(page: str) -> dict[str, dict[str, Any]]:
    """The Vega-Lite specifications of a page by their names."""
    packed = re.search(r'<script type="text/plain" id="chart-specs">([^<]*)</script>', page)
    assert packed
    found: dict[str, dict[str, Any]] = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return found


def rewrite_examples(store: Store, **columns: list[Any]) -> None:
    """Replace columns of a store's examples."""
    table = store.read_table("examples")
    for name, values in columns.items():
        place = EXAMPLES.get_field_index(name)
        table = table.set_column(
            place, EXAMPLES.field(name), pa.array(values, EXAMPLES.field(name).type)
        )
    store.write_table("examples", table)
    store.write_manifest()


@pytest.fixture(scope="module")
def page(simulated_page: Path) -> str:
    """The report on the simulated study."""
    return simulated_page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    """The same page, parsed."""
    return Elements(page)


def test_all_sections_come_in_their_order(elements: Elements) -> None:
    """The page has every section once, in the order of the contract, linked from the contents."""
    parts = [a["id"] for a in elements.of("section") if a.get("class") == "part"]
    shown = [name for name in SECTIONS if name not in ABSENT] + ["not_asked"]
    assert parts == shown
    start = [tag for tag, _ in elements.tags].index("nav")
    nav = [a["href"] for tag, a in elements.tags[start:] if tag == "a"]
    assert [f"#{name}" for name in shown] == nav[: len(shown)]
    assert len(ORDER) == len(SECTIONS)


def test_headings_are_in_order(elements: Elements) -> None:
    """There is one h1, and no heading skips a level."""
    levels = [int(tag[1]) for tag, _ in elements.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_landmarks_and_language_are_there(elements: Elements) -> None:
    """The page has its landmarks once each and names its language."""
    for landmark in ("header", "nav", "main", "footer"):
        assert len(elements.of(landmark)) == 1
    assert elements.of("html") == [{"lang": "en"}]


def test_nothing_is_fetched(page: str, elements: Elements) -> None:
    """Every link, image and script is inside the file or points into it."""
    for tag, attributes in elements.tags:
        for name in ("src", "href"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, value)
    assert "@import" not in page.split("</style>")[0]
    assert "url(" not in page.split("</style>")[0]


def test_ids_are_unique_and_links_lead_somewhere(elements: Elements) -> None:
    """No id occurs twice, and every link inside the page has its target.

    Links to single examples lead into the explorer, whose rows the browser makes.
    """
    ids = [a["id"] for _, a in elements.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    targets = {(a.get("href") or "")[1:] for a in elements.of("a") if a.get("href", "#")[:1] == "#"}
    assert {name for name in targets if not re.fullmatch(r"example-\d+", name)} <= set(ids)


def test_each_chart_has_its_words_sql_and_data(page: str, elements: Elements) -> None:
    """Each chart has alternative text, a menu of five, its texts to copy and its CSV inside; the
    first screen's has a picture to take along.
    """
    charts = [a for a in elements.of("div") if a.get("class") == "chart"]
    assert len(charts) == len(specs(page)) >= 14
    assert all(a["role"] == "img" and len(a["aria-label"] or "") > 15 for a in charts)
    actions = [a.get("data-action") for a in elements.of("button")]
    for action in ("csv", "png", "svg"):
        assert actions.count(action) == len(charts) - 1
    assert actions.count("poster") == 1
    ids = {a["id"] for _, a in elements.tags if a.get("id")}
    sources = {a.get("data-source") for a in elements.of("button")} - {None}
    assert sources <= ids
    for name in set(specs(page)) - {"opening"}:
        assert {f"sql-{name}", f"python-{name}", f"csv-{name}"} <= ids


def test_the_sql_that_is_shown_runs(simulated_store: Store, page: str) -> None:
    """Every query on the page gives rows on the study it was made from."""
    study = Study(simulated_store)
    shown = re.findall(r'<code id="sql-[^"]+">(.*?)</code>', page, re.DOTALL)
    queries = {html.unescape(text) for text in shown}
    assert len(queries) > 15
    for query in queries:
        assert study.sql(query).width > 0
    study.close()


def test_the_first_screen_names_the_teacher_and_what_it_saw(elements: Elements) -> None:
    """The teacher is told once, in words; no code of the store stands in what people read."""
    assert elements.text.count("trained on the same subset as its student") >= 1
    assert "teacher_scope" not in elements.text


def test_charts_follow_the_page_theme(page: str) -> None:
    """Charts name the page's colours, so that dark mode and print reach into them."""
    text = json.dumps(specs(page))
    assert "var(--one-hot)" in text
    assert re.search(r'"#[0-9a-f]{6}"', text) is None


def test_images_are_inside(elements: Elements) -> None:
    """Examples show as PNG in data URIs with a description."""
    images = elements.of("img")
    assert len(images) > 20
    for image in images:
        assert (image["src"] or "").startswith("data:image/png;base64,")
        assert base64.b64decode((image["src"] or "").partition(",")[2]).startswith(b"\x89PNG")
        assert "labelled class" in (image["alt"] or "")


def test_no_number_is_called_the_papers(elements: Elements) -> None:
    """The methods say that no number is the paper's, and what undetermined means."""
    assert "No number here is that paper’s" in elements.text
    assert "undetermined" in elements.text


def test_the_page_is_small(page: str) -> None:
    """A page of 200 examples stays below 2.6 MB: Vega is 0.9, the explorer's table 0.24."""
    assert len(page.encode()) < 2_600_000


def test_hostile_names_show_as_text(tiny_store: Store, tmp_path: Path) -> None:
    """Markup in class names, titles and source ids is shown, never run."""
    tiny_store.manifest.class_names = HOSTILE[:2]
    tiny_store.manifest.title = HOSTILE[0]
    tiny_store.manifest.dataset = {"name": HOSTILE[2], HOSTILE[1]: HOSTILE[0]}
    rewrite_examples(tiny_store, source_id=[*HOSTILE, *HOSTILE])
    path = report(Study(tiny_store), tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    found = Elements(text)
    for name in HOSTILE:
        assert name in found.text
    assert not [a for a in found.of("img") if a.get("src") == "x"]
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert "alert(1)</script>" not in text


def test_one_size_and_one_objective_say_why(tiny_store: Store) -> None:
    """What a store cannot be asked is one list, each question with what it would take."""
    text = Elements(render(Study(tiny_store))).text
    assert "Not asked here, and what it would take" in text
    assert "models of at least two sizes" in text
    assert "distilled models beside models trained on labels" in text
    assert "keeps no images" in text


@pytest.mark.usefixtures("without_derive")
def test_a_store_without_derived_tables_has_a_report(tiny_store: Store) -> None:
    """Where no derived table has a row, the report says so and shows the rest."""
    found = Elements(render(Study(tiny_store)))
    assert "holds no findings" in found.text
    assert len(found.of("table")) > 3


def test_a_store_without_proxies_or_labels_has_a_report(tiny_store: Store) -> None:
    """Without proxies, labels and provenance the page still says what it can."""
    proxies = tiny_store.read_table("proxies")
    tiny_store.write_table("proxies", proxies.slice(0, 0))
    tiny_store.manifest.settings, tiny_store.manifest.dataset = {}, {}
    tiny_store.manifest.class_names = []
    rewrite_examples(tiny_store, label=[None] * 6)
    text = Elements(render(Study(tiny_store))).text
    assert "proxies, recorded while models train" in text
    assert "nothing is recorded in this store" in text


def test_report_replaces_a_file_whole(tiny_store: Store, tmp_path: Path) -> None:
    """report() writes the file it is told to, over an old one, and returns its path."""
    out = tmp_path / "page.html"
    out.write_text("old")
    assert report(Study(tiny_store), str(out)) == out
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
