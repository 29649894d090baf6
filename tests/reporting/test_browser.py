"""The report in a real browser, opened from disk with the network off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import PATIENCE_MS, draw_all, unfold
from playwright.sync_api import Browser, Page


@pytest.fixture
def messages() -> list[str]:
    """Complaints of the page."""
    return []


@pytest.fixture
def opened(
    browser: Browser, simulated_page: Path, messages: list[str], request: Any
) -> Iterator[Page]:
    """The page in a window of the width that a test asks for."""
    context = browser.new_context(
        viewport={"width": request.param, "height": 900}, offline=True, color_scheme="dark"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on(
        "console",
        lambda text: messages.append(text.text) if text.type in ("error", "warning") else None,
    )
    page.goto(simulated_page.as_uri())
    unfold(page)
    draw_all(page)
    yield page
    context.close()


@pytest.mark.parametrize("opened", [375, 1600], indirect=True)
def test_every_chart_draws_and_fits(opened: Page, messages: list[str]) -> None:
    """On a phone and on a desk every chart draws, nothing overflows, the console stays empty."""
    charts = opened.evaluate(
        """() => [...document.querySelectorAll('.chart')].map((chart) => ({
            name: chart.dataset.chart,
            marks: chart.querySelectorAll('.mark-group [aria-roledescription], .mark-rect path, '
                + '.mark-symbol path, .mark-line path, .mark-trail path, .mark-rule line').length,
            wide: chart.scrollWidth - chart.clientWidth,
        }))"""
    )
    assert len(charts) >= 14
    assert [chart["name"] for chart in charts if chart["marks"] < 2] == []
    assert [chart["name"] for chart in charts if chart["wide"] > 2] == []
    assert opened.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert messages == []


def test_a_link_leads_to_its_figure_though_charts_above_grow(
    browser: Browser, simulated_page: Path
) -> None:
    """On a phone, charts that are drawn on the way do not push the target out of view."""
    page = browser.new_page(viewport={"width": 375, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(simulated_page.as_uri())
    for name in ("distillation-gap", "trajectory-sweep"):
        page.evaluate("(name) => { location.hash = `#figure-${name}`; }", name)
        page.wait_for_selector(f"#figure-{name} .chart[data-width]")
        page.wait_for_function(
            "(name) => Math.abs(document.getElementById(`figure-${name}`)"
            ".getBoundingClientRect().top) < 300",
            arg=name,
        )
    page.close()


def test_the_same_link_leads_back_to_its_figure(browser: Browser, simulated_page: Path) -> None:
    """A reader who scrolled away from a figure and follows its link again sees it again."""
    page = browser.new_page(viewport={"width": 375, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(simulated_page.as_uri())
    link = page.locator(".finding .evidence a[href^='#figure-']").first
    at_figure = (
        "(id) => Math.abs(document.querySelector(id).getBoundingClientRect().top) < 300"
        " && scrollY > 0"
    )
    for _ in range(2):
        link.click()
        page.wait_for_function(at_figure, arg=link.get_attribute("href"))
        page.wait_for_timeout(500)  # what is near is drawn, and pushes
        assert page.evaluate(at_figure, link.get_attribute("href"))
        page.mouse.wheel(0, -100_000)
        page.wait_for_function("scrollY === 0")
    page.close()


def test_back_is_not_pulled_forward_again(browser: Browser, simulated_page: Path) -> None:
    """The browser's place holds, nothing scrolls on its own for ever, and a link that is opened
    elsewhere, with Ctrl, moves nothing here.
    """
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(simulated_page.as_uri())
    page.evaluate("location.hash = '#scores'")
    page.wait_for_function(
        "Math.abs(document.getElementById('scores').getBoundingClientRect().top) < 300"
    )
    page.wait_for_timeout(1500)  # what is near is drawn
    page.mouse.move(800, 450)
    page.mouse.wheel(0, 1200)
    page.wait_for_timeout(1500)
    page.locator("nav a[href='#reliability']").click()
    page.wait_for_function(
        "Math.abs(document.getElementById('reliability').getBoundingClientRect().top) < 300"
    )
    page.go_back()
    page.wait_for_timeout(1500)
    assert (
        abs(page.evaluate("document.getElementById('scores').getBoundingClientRect().top")) < 1500
    )
    page.evaluate("addEventListener('scrollend', () => { window.ends = (window.ends ?? 0) + 1; })")
    page.wait_for_timeout(500)
    assert page.evaluate("window.ends ?? 0") < 5  # that of the navigation, for one
    here = page.evaluate("scrollY")
    with page.context.expect_page():
        page.locator("nav a[href='#reliability']").click(modifiers=["Control"])
    page.wait_for_timeout(500)
    page.evaluate("scrollBy({ top: 150, behavior: 'instant' })")
    page.wait_for_timeout(1000)
    assert abs(page.evaluate("scrollY") - here - 150) < 100
    page.context.close()


def test_an_opened_rule_does_not_widen_a_phone(browser: Browser, simulated_page: Path) -> None:
    """The table of a finding's conditions scrolls within itself."""
    page = browser.new_page(viewport={"width": 375, "height": 900})
    page.goto(simulated_page.as_uri())
    opened = page.evaluate(
        """() => [...document.querySelectorAll('.finding details')]
            .map((details) => { details.open = true; return details.scrollHeight; }).length"""
    )
    assert opened >= 4
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.close()
