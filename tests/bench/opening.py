"""Opening the embedded study's report: pictures at once, or every chart drawn by Vega."""

from __future__ import annotations

from pathlib import Path

from pages import PATIENCE_MS, draw_all, launched
from playwright.sync_api import Browser, Page
from rich.table import Table
from timing import paired_ratios, ratio_cells, ratio_table, size_of

import memanalysis
from memanalysis.reporting import report

_WINDOW = {"width": 1280, "height": 900}


def compare(root: Path) -> Table:
    """Ratio of both ways, from asking for the page to all charts being there to be seen."""
    study = memanalysis.open()
    path = report(study, root / "report.html")
    study.close()
    with launched() as browser:
        ratios = paired_ratios(lambda: _pictures(browser, path), lambda: _drawn(browser, path))
    table = ratio_table(
        f"opening the report of the embedded study ({size_of(path)}) in headless Chromium",
        "all charts there as pictures, against",
        "times faster",
        "range",
    )
    table.add_row("all charts drawn by Vega in the page", *ratio_cells(ratios))
    return table


def _pictures(browser: Browser, path: Path) -> None:
    page = _opened(browser, path)
    page.screenshot()
    page.close()


def _drawn(browser: Browser, path: Path) -> None:
    page = _opened(browser, path)
    draw_all(page)
    page.screenshot()
    page.close()


def _opened(browser: Browser, path: Path) -> Page:
    page = browser.new_page(viewport=_WINDOW)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(path.as_uri())
    return page
