"""The browser that reports are opened in."""

from collections.abc import Iterator

import pytest
from pages import launched
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser, one for each module of tests."""
    with launched() as browser:
        yield browser
