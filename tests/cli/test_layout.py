"""Rows of text in lines of a bounded width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memanalysis.cli import layout
from memanalysis.cli.layout import Column


def test_a_grid_aligns_numbers_right() -> None:
    """What fits has a name, a rule and its cells under each other."""
    columns = [Column("a", ("x", "yy"), numeric=False), Column("n", ("1", "10"), numeric=True)]
    assert layout.lines(columns, 80) == ["a    n", "--  --", "x    1", "yy  10"]


def test_intervals_fold_only_where_columns_do_not_fit() -> None:
    """Limits stay columns of their own while there is room, and NULL is said once."""
    names = ("score", "score_low", "score_high")
    columns = [Column(name, (f"0.{i}", "NULL"), numeric=True) for i, name in enumerate(names)]
    assert layout.lines(columns, 80)[0] == "score  score_low  score_high"
    assert layout.lines(columns, 20) == [
        "score [low, high]",
        "-" * 17,
        "   0.0 [0.1, 0.2]",
        "NULL".rjust(17),
    ]


def test_wide_characters_take_two_places() -> None:
    """Columns stay aligned beside texts of wide characters and of combined ones."""
    columns = [Column("a", ("漢字", "é", "x"), False), Column("b", ("1", "2", "3"), False)]
    assert layout.lines(columns, 80)[2:] == ["漢字  1", "é     2", "x     3"]


_FIELDS = st.tuples(st.text("ab", min_size=1, max_size=30), st.text("cd ", max_size=90))
_ROWS = st.lists(_FIELDS, min_size=1, max_size=9, unique_by=lambda field: field[0])


@pytest.mark.parametrize("width", [20, 40, 80])
@given(pairs=_ROWS, rows=st.integers(1, 4))
def test_nothing_is_left_out(width: int, pairs: list[tuple[str, str]], rows: int) -> None:
    """At any width every letter of every cell is there, and lines keep to it from 40 on."""
    columns = [Column(name, (text,) * rows, numeric=False) for name, text in pairs]
    lines = layout.lines(columns, width)
    printed = "".join(lines)
    assert all(printed.count(c) >= rows * sum(t.count(c) for _, t in pairs) for c in "cd")
    if width >= 40:
        assert max(map(len, lines)) <= width
