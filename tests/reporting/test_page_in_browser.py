"""The page as its readers meet it: downloads, navigation, themes, accessibility, layout, print."""

import os
import re
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import (
    PATIENCE_MS,
    draw_all,
    layout,
    mark_looks,
    settle,
    text_faults,
    texts_alone,
    uneven_titles,
    unfold,
)
from playwright.sync_api import Browser, Page

from memanalysis.storage.store import Store
from memanalysis.studies import Study

WIDTHS = (375, 1024, 1600)
SNAPSHOTS = Path(__file__).parent / "layout"
# MEMANALYSIS_UPDATE_LAYOUT=1 pytest tests/report/test_page_in_browser.py -k layout
UPDATE = os.environ.get("MEMANALYSIS_UPDATE_LAYOUT") == "1"
# Hundredths of the content's width by which fonts and engines may move an edge.
TOLERANCE = 4
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],  # of all else one node each, or the answer is megabytes
}
# Rules whose answer depends on colours; of all rules the slowest by far.
COLOURS = ["color-contrast", "link-in-text-block"]
OFF = {"enabled": False}
# What axe sees opened: one of each kind; all of them would take it minutes.
OPENED = "#figure-accuracy details, #finding-bimodality_grows details"


@pytest.fixture(scope="module")
def study(simulated_store: Store) -> Iterator[Study]:
    """The simulated study, opened."""
    with closing(Study(simulated_store)) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(browser: Browser, simulated_page: Path) -> Iterator[Page]:
    """The report on the simulated study, its folds open, in one window that all tests share."""
    context = browser.new_context(viewport={"width": 1600, "height": 900}, offline=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.goto(simulated_page.as_uri())
    opened.locator("#explorer").scroll_into_view_if_needed()
    opened.wait_for_selector("[data-open]")
    unfold(opened)
    draw_all(opened)
    yield opened
    context.close()


def saved(page: Page, figure: str, action: str, folder: Path) -> Path:
    """The file that a button of a figure saves, under the name that it suggests."""
    with page.expect_download() as waiting:
        page.click(f"#figure-{figure} button[data-action={action}]")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


@pytest.mark.parametrize("figure", ["accuracy", "trajectory-shares", "distillation-halves"])
def test_a_downloaded_csv_holds_what_its_sql_returns(
    page: Page, study: Study, tmp_path: Path, figure: str
) -> None:
    """The CSV file equals the result of the SQL on the page, to six digits."""
    path = saved(page, figure, "csv", tmp_path)
    expected = study.sql(page.text_content(f"#sql-{figure}") or "")
    found = pl.read_csv(path.read_bytes(), schema=expected.schema)
    assert path.name == f"{study.manifest.study}-{figure}.csv"
    for name, column in expected.to_dict().items():
        if column.dtype.is_float():
            values = found[name].to_numpy()
            assert values == pytest.approx(column.to_numpy(), abs=1e-6, nan_ok=True), name
        else:
            assert found[name].to_list() == column.to_list(), name


def test_a_downloaded_svg_stands_alone(page: Page, tmp_path: Path) -> None:
    """It has plain colours, its light background, its title, conditions and marks."""
    text = saved(page, "accuracy", "svg", tmp_path).read_text(encoding="utf-8")
    assert "var(" not in text
    assert 'fill="#fcfbf8"' in text
    assert "Accuracy and mean memorisation by model size" in text
    assert "n = 200 training examples" in text
    drawn = page.locator("#figure-accuracy .mark-symbol.role-mark path").count()
    marks = re.findall(r'class="mark-symbol role-mark.*?</g>', text, re.DOTALL)
    assert sum(mark.count("<path") for mark in marks) == drawn > 20


def test_the_panels_of_a_downloaded_svg_have_level_titles(page: Page, tmp_path: Path) -> None:
    """Opened by itself, its panels' titles stand as on the page."""
    opened = page.context.new_page()
    opened.goto(saved(page, "distillation-by-score", "svg", tmp_path).as_uri())
    text = opened.locator("svg").inner_html()
    assert all(title in text for title in ("chosen on one-hot", "chosen on distilled"))
    assert uneven_titles(opened) == []
    opened.close()


def test_a_downloaded_png_is_twice_as_fine_and_not_blank(page: Page, tmp_path: Path) -> None:
    """The picture is a PNG about 1,800 pixels wide whose content does not compress to nothing."""
    path = saved(page, "accuracy", "png", tmp_path)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert 1_400 <= width <= 1_900
    assert height > 400
    assert len(data) > 20_000


def test_buttons_copy_sql_and_python(page: Page, study: Study) -> None:
    """By keyboard: what the clipboard holds runs, and the page says that it was copied."""
    page.focus("#figure-trajectories button[data-what=Python]")
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('status').textContent === 'Python copied'")
    python = str(page.evaluate("navigator.clipboard.readText()"))
    scope: dict[str, Any] = {}
    call = python.splitlines()[-1]
    exec(f"import memanalysis\nchart = {call}", {"study": study}, scope)
    title = scope["chart"].to_dict()["title"]
    said = title if isinstance(title, str) else " ".join(title["text"])
    assert said == page.text_content("#figure-trajectories h3")
    page.click("#figure-trajectories button[data-what=SQL]")
    page.wait_for_function("document.getElementById('status').textContent === 'SQL copied'")
    assert study.sql(str(page.evaluate("navigator.clipboard.readText()"))).height > 0


def test_findings_lead_to_their_figures(page: Page) -> None:
    """Every finding links to its evidence: a figure that the link brings into view."""
    links = page.locator(".finding .evidence a")
    assert links.count() >= page.locator(".finding").count() >= 4
    targets = [link.get_attribute("href") or "" for link in links.all()]
    assert sum(target.startswith("#figure-") for target in targets) >= 4
    links.first.click()
    page.wait_for_function(
        "(id) => Math.abs(document.querySelector(id).getBoundingClientRect().top) < 300",
        arg=targets[0],
    )


def test_the_contents_mark_the_section_in_view(page: Page) -> None:
    """Scrolling to a section marks its link and no other."""
    settle(page, 1600)
    page.keyboard.press("Shift")  # whatever an earlier link led to is no longer sought
    for name in ("distillation", "accuracy"):
        page.evaluate(
            "(id) => document.getElementById(id).scrollIntoView({behavior: 'instant'})", name
        )
        page.wait_for_selector(f"nav a[href='#{name}'][aria-current]")
        assert page.locator("nav a[aria-current]").count() == 1


def test_the_theme_switch_overrules_the_system(page: Page) -> None:
    """Dark and light turn page and charts whatever the system asks for; auto follows the system."""
    background = "getComputedStyle(document.body).backgroundColor"
    label = """getComputedStyle(document.querySelector(
        '#figure-accuracy .role-axis-label text')).fill"""
    settle(page, 1600, "light")
    light = page.evaluate(background), page.evaluate(label)
    page.check("#theme input[value=dark]", force=True)
    dark = page.evaluate(background), page.evaluate(label)
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    settle(page, 1600, "dark")
    page.check("#theme input[value=light]", force=True)
    assert (page.evaluate(background), page.evaluate(label)) == light
    page.check("#theme input[value=auto]", force=True)
    assert (page.evaluate(background), page.evaluate(label)) == dark
    settle(page, 1600, "light")


def test_pointing_at_a_mark_fades_the_others_in_every_panel(page: Page) -> None:
    """Over a point of one objective, the points of the other fade, in all four panels alike."""
    settle(page, 1600)
    points = "#figure-accuracy .mark-symbol.role-mark path"
    page.locator(points).first.hover(force=True)
    page.wait_for_function(
        f"[...document.querySelectorAll('{points}')].some((p) => p.getAttribute('opacity') < 0.5)"
    )
    faded = page.eval_on_selector_all(
        points, "(all) => all.filter((p) => p.getAttribute('opacity') < 0.5).length"
    )
    assert faded == page.locator(points).count() / 2
    page.mouse.move(0, 0)


@contextmanager
def details_open(page: Page) -> Iterator[None]:
    """The details that axe sees opened."""
    script = "(all, open) => all.forEach((d) => { d.open = open; })"
    page.eval_on_selector_all(OPENED, script, True)
    yield
    page.eval_on_selector_all(OPENED, script, False)


@pytest.mark.parametrize("width", [375, 1600])
def test_axe_finds_no_violation(page: Page, width: int) -> None:
    """axe-core finds nothing against WCAG 2.1 A and AA, inside a figure's details as well.

    A theme changes colours alone, which have their own test: the page is the same to the letter.
    """
    # Beside it are the contents, which follow the scrolling.
    written = "document.querySelector('main').outerHTML"
    settle(page, width, "dark")
    dark = page.evaluate(written)
    settle(page, width)
    assert page.evaluate(written) == dark
    with details_open(page):
        found = Axe().run(page, options=WCAG | {"rules": dict.fromkeys(COLOURS, OFF)})
    assert len(found.response["passes"]) > 15
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1600])
def test_axe_finds_no_violation_of_colour(
    page: Page, width: int, scheme: Literal["light", "dark"]
) -> None:
    """axe-core's rules on colours pass for texts of every look that the page has."""
    settle(page, width, scheme)
    with details_open(page), texts_alone(page):
        looks = mark_looks(page)
        options = WCAG | {"runOnly": {"type": "rule", "values": COLOURS}}
        found = Axe().run(page, context={"include": [["[data-look]"]]}, options=options)
    assert looks > 40
    assert {rule["id"] for rule in found.response["passes"]} == set(COLOURS)
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_a_chart_is_cut_or_overlaps(page: Page, width: int) -> None:
    """The corners of every text lie inside its chart and outside every other text; the titles of
    panels in a row stand level.
    """
    settle(page, width)
    assert text_faults(page) == []
    assert uneven_titles(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_layout_is_as_it_was(page: Page, width: int) -> None:
    """Each block stands where the snapshot says, with as many panels in a row, and no fault."""
    settle(page, width)
    lines = [" ".join(f"{k}={v}" for k, v in record.items()) for record in layout(page)]
    path = SNAPSHOTS / f"{width}.txt"
    if UPDATE:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert all(line.endswith("flags=none") for line in lines)
    expected = path.read_text(encoding="utf-8").splitlines()
    moved = [
        (was, now)
        for was, now in zip(expected, lines, strict=False)
        if not _alike(_record(was), _record(now))
    ]
    assert (moved, len(lines)) == ([], len(expected)), (
        "meant? then update the snapshots, see UPDATE"
    )


def _record(line: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in line.split(" ") if "=" in part)


def _alike(was: dict[str, str], now: dict[str, str]) -> bool:
    """Equal but for edges, which may differ by the tolerance."""
    edges = ("left", "right", "chart")
    rest = [{k: v for k, v in record.items() if k not in edges} for record in (was, now)]
    near = all(abs(int(was.get(k, 0)) - int(now.get(k, 0))) <= TOLERANCE for k in edges)
    return rest[0] == rest[1] and near


def test_print_is_light_and_leaves_the_machinery_out(page: Page, tmp_path: Path) -> None:
    """Printed from the dark theme, the page is light, without menus, contents, source code and what
    stands in folds, whose summaries say what came out.
    """
    settle(page, 1024, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    ink = page.evaluate("getComputedStyle(document.body).color")
    hidden = page.evaluate(
        """[...document.querySelectorAll('nav, .menu, .themes, .code, details.numbers')]
            .filter((part) => part.getClientRects().length).length"""
    )
    folded = page.evaluate(
        """[...document.querySelectorAll('.fold > :not(summary)')]
            .filter((part) => part.getClientRects().length).length"""
    )
    said = page.evaluate(
        """[...document.querySelectorAll('.part .fold > summary')]
            .filter((part) => part.getClientRects().length).length"""
    )
    printed = page.pdf(path=tmp_path / "page.pdf", format="A4")
    page.emulate_media(media="screen", color_scheme="light")
    assert ink == "rgb(29, 39, 51)"
    assert hidden == 0
    assert folded == 0
    assert said > 5
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 4
