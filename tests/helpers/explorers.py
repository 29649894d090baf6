"""The explorer of a report in a browser: a page with nothing else, how it is asked and answers."""

from pathlib import Path

from pages import PATIENCE_MS
from playwright.sync_api import Browser, Page

from memanalysis.reporting import render
from memanalysis.reporting.options import Options
from memanalysis.storage.store import Store
from memanalysis.studies import Study

HOSTILE = [
    "</script><script>document.title='hacked'</script>",
    "\"'><img src=x onerror=document.title='hacked'>&amp;",
    "🦊 שלום <b>",
    "x" * 500,
]
LARGEST = "s3"
# What each page says on its console.
COMPLAINTS: dict[Page, list[str]] = {}


def write_page(store: Store, path: Path) -> Path:
    """A page with nothing but the explorer: the other sections have their own tests."""
    asked = Study(store)
    path.write_text(render(asked, Options(sections=("explorer",))), encoding="utf-8")
    asked.close()
    return path


def open_page(browser: Browser, path: Path, width: int = 1300, end: str = "#explorer") -> Page:
    """The page from disk with the network off."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, offline=True, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints = COMPLAINTS.setdefault(page, [])
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda text: complaints.append(text.text) if text.type != "log" else None)
    page.goto(path.as_uri() + end, wait_until="commit")
    page.wait_for_selector("[data-open]")
    page.eval_on_selector(".more", "(more) => { more.open = true; }")
    return page


def sort_by(page: Page, column: str, direction: str) -> None:
    """Click a column's title and wait for its order: the table sorts after the click's event."""
    page.click(f"th.col-{column} .dt-column-title")
    page.wait_for_selector(f"th.col-{column}[aria-sort={direction}]")


def ids(page: Page) -> list[int]:
    """Example ids of the rows in the DOM, from the top."""
    return [int(text) for text in page.locator(".list tbody td.col-id").all_inner_texts()]


def total(page: Page) -> int:
    """Number of examples that match, as the live region says."""
    words = page.inner_text(".dt-info").replace(",", "").split()
    noun = next(word for word in words if word.startswith("example"))
    return int(words[words.index(noun) - 1])


def fill(page: Page, selector: str, value: str) -> None:
    """Fill a filter and wait until the table has followed."""
    target = page.locator(f".filters {selector}").last
    if target.evaluate("element => element.tagName") == "SELECT":
        target.select_option(value)
    else:
        target.fill(value)
    page.wait_for_selector(".list:not([aria-busy])")


def ask(study: Study, sql: str) -> list:
    """First column of a query."""
    return study.sql(sql).to_series(0).to_list()
