"""Oracles report the figures that they assert bounds of."""

import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Show a measured figure (with -s or -rP) and put it into a junit report."""

    def say(text: str) -> None:
        record_property("measured", text)
        sys.stdout.write(f"{text}\n")

    return say
