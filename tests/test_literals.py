"""SQL literals come back from DuckDB as the values that they were made of."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memanalysis.literals import literal


@pytest.mark.parametrize("value", [None, True, False, 0, -17, 2.5, 1e-300, "", "it's", "';--", "ß"])
def test_values_come_back(value: Any) -> None:
    """Whatever stands in them."""
    assert duckdb.execute(f"select {literal(value)}").fetchone() == (value,)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_no_text_ends_its_quotes(text: str) -> None:
    """Texts of any characters are one literal each."""
    assert duckdb.execute(f"select {literal(text)}").fetchone() == (text,)


@pytest.mark.parametrize(
    ("value", "text"),
    [("it's", "'it''s'"), (None, "null"), (True, "true"), (0.25, "0.25"), (3, "3")],
)
def test_literals_are_plain(value: Any, text: str) -> None:
    """Written out by hand."""
    assert literal(value) == text


def test_other_things_are_refused() -> None:
    """A list has no literal here."""
    with pytest.raises(TypeError, match=r"\[1\] cannot be written in SQL"):
        literal([1])  # type: ignore[arg-type]
