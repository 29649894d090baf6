"""Numbers, intervals and small pictures of the report."""

import re

import polars as pl
import pytest

from memanalysis import wording
from memanalysis.reporting import inline_svg


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0142, "−0.014"), (0.5, "0.500"), (None, "–"), (float("nan"), "–")]
)
def test_numbers_have_true_minus_signs_and_dashes_for_null(value: float | None, text: str) -> None:
    """NULL and NaN are a dash, never 0."""
    assert wording.number(value) == text


def test_an_interval_with_a_missing_end_is_a_dash() -> None:
    """An interval is shown whole or not at all."""
    assert wording.interval(0.1, None) == "–"
    assert wording.interval(-0.1, 0.25) == "−0.100 to 0.250"


def test_lists_and_plurals() -> None:
    """Lists end with and; one thing is singular."""
    assert wording.listed(["a", "b", "c"]) == "a, b and c"
    assert wording.plural(1, "size") == "1 size"
    assert wording.plural(4000, "model") == "4,000 models"


def test_cells_keep_false_and_zero_apart_from_null() -> None:
    """0 and False are values; only None is a dash."""
    assert [wording.cell(value) for value in (0, False, None, 0.123456)] == [
        "0", "no", "–", "0.1235",
    ]  # fmt: skip


def test_prose_turns_minus_signs_but_not_hyphens() -> None:
    """Only a hyphen before a number becomes a minus sign."""
    assert wording.prose("a one-hot change of -0.02 (-.1 to 3-4)") == (
        "a one-hot change of −0.02 (−0.1 to 3-4)"
    )


def test_curves_place_higher_scores_higher() -> None:
    """A rising score is a line whose y coordinates fall, and gaps are left out."""
    svg = inline_svg.curve([0.0, None, 1.0], "increasing")
    (first, last) = re.findall(r'cy="([\d.]+)"', svg)
    assert float(first) > float(last)
    assert "var(--increasing)" in svg
    assert inline_svg.curve([None], "ink") == ""


def test_whiskers_show_zero_between_or_beside_the_interval() -> None:
    """The zero line is inside the picture wherever the interval lies; without one it is empty."""
    svg = inline_svg.whisker(-0.2, -0.3, -0.1)
    zero = float(re.findall(r'class="zero" x1="([\d.]+)"', svg)[0])
    assert 0 < zero < 240
    assert inline_svg.whisker(0.1, None, 0.2) == ""


def test_tables_are_in_words() -> None:
    """Columns and codes read as words, a column's numbers have equal decimals, an id no comma."""
    frame = pl.DataFrame(
        {
            "objective": ["one_hot", None], "size": ["s8", "s16"], "size_rank": [0, 1],
            "memorization": [0.5, -0.0123], "ci_low": [0.25, None], "n_models": [1200.0, 3.0],
            "example_id": [4001, 7], "score_low": [0.0, 0.0], "kind": ["flipped", "rotated"],
        }
    )  # fmt: skip
    columns, rows = wording.table(frame, {"s8": "width 8"})
    assert columns == [
        "trained with", "size", "score", "95 % from", "models", "example", "score from", "kind",
    ]  # fmt: skip
    assert rows == [
        ["one-hot labels", "width 8", "0.5000", "0.2500", "1,200", "4001", "0", "wrong label"],
        ["–", "s16", "−0.0123", "–", "3", "7", "0", "rotated"],
    ]


def test_no_two_columns_of_a_figure_have_the_same_words() -> None:
    """What the limits of different numbers are called names the numbers."""
    names = ["low", "auc_low", "auc_high", "share_low", "score_low", "score_high", "one_hot_low"]
    words = [wording.column(name) for name in names]
    assert words == [
        "95 % from", "AUC, 95 % from", "AUC, 95 % to", "share, 95 % from", "score from",
        "score to", "one-hot from",
    ]  # fmt: skip
