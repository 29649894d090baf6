"""The explorer on phones and wide screens, and with many examples."""

from pathlib import Path

import pytest
from crowds import crowd
from explorers import COMPLAINTS, ask, fill, ids, open_page, total, write_page
from playwright.sync_api import Browser

from memanalysis.studies import Study


@pytest.mark.parametrize("width", [375, 1600])
def test_it_fits(browser: Browser, written: Path, width: int) -> None:
    """Opened by a link to an example, nothing is wider than the window."""
    narrow = open_page(browser, written, width, "#example-3")
    narrow.wait_for_selector(".detail .scores svg")
    assert narrow.inner_text(".detail h3") == "Example 3"
    assert narrow.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert (
        narrow.evaluate(
            "(() => { const list = document.querySelector('.list');"
            " return list.scrollWidth - list.clientWidth; })()"
        )
        <= 1
    )
    for name in ("image", "label", "shape", "score", "curve"):
        assert narrow.locator(f"td.col-{name}").first.is_visible(), name
    assert COMPLAINTS[narrow] == []
    narrow.context.close()


def test_a_phone_shows_what_it_sorts_by(browser: Browser, written: Path) -> None:
    """Heads that have no room are chosen from a list; the column chosen takes the curves' place."""
    narrow = open_page(browser, written, 375)
    assert not narrow.locator("td.col-gain").first.is_visible()
    narrow.select_option("select[name=sort]", label="Change by distilling")
    narrow.wait_for_selector("th.col-gain[aria-sort=descending]")
    shown = [
        float(text.replace("−", "-")) for text in narrow.locator("td.col-gain").all_inner_texts()
    ]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) > 1
    assert narrow.locator("td.col-gain").first.is_visible()
    assert not narrow.locator("td.col-curve").first.is_visible()
    room = narrow.evaluate("(() => { const list = document.querySelector('.list');"
                           " return list.clientWidth - list.scrollWidth; })()")  # fmt: skip
    assert room >= -1
    assert narrow.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert COMPLAINTS[narrow] == []
    narrow.context.close()


_DETAIL_IN_VIEW = """() => {
    const { top } = document.querySelector('.detail').getBoundingClientRect();
    return top >= 0 && top < innerHeight / 3;
}"""


def test_a_link_on_a_phone_ends_at_the_example(browser: Browser, simulated_page: Path) -> None:
    """On the whole page, whose charts grow above it, and then from a row of the table."""
    page = open_page(browser, simulated_page, 375, "#example-3")
    page.wait_for_function("document.querySelector('.detail h3').textContent === 'Example 3'")
    page.wait_for_selector(".detail .scores svg")
    page.wait_for_timeout(1000)  # what is near is drawn, and pushes
    assert page.evaluate(_DETAIL_IN_VIEW)
    row = page.locator(".explorer .list tbody tr").nth(4)
    row.locator("td.col-label").click()
    page.wait_for_function("document.querySelector('.detail h3').textContent !== 'Example 3'")
    page.wait_for_function(_DETAIL_IN_VIEW)
    assert page.inner_text(".detail h3") == f"Example {row.locator('a').inner_text()}"
    page.context.close()


@pytest.mark.parametrize("n", [10_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_many_examples_fit_into_a_page(browser: Browser, tmp_path: Path, n: int) -> None:
    """With 10,000 and 50,000 examples of 5 sizes and 2 objectives the page stays below 13 MB, which
    leaves 2 to the other sections; it opens, filters, and draws no row that is not seen.
    """
    many = crowd(tmp_path / "store", n)
    path = write_page(many, tmp_path / "report.html")
    assert path.stat().st_size < 13_000_000
    page = open_page(browser, path)
    assert total(page) == n
    assert len(ids(page)) == 10
    fill(page, "[name=text]", "owl 77")
    study = Study(many)
    count = (
        "select count(*) from examples "
        "where split = 'train' and label = 2 and regexp_matches(source_id, '\\b77\\b')"
    )
    assert total(page) == ask(study, count)[0] > 1
    study.close()
    assert len(ids(page)) <= 10
    assert COMPLAINTS[page] == []
    page.context.close()
