"""Numbers as text: one minus sign, decimals as the interval asks for, words where nothing is."""

import math

import pytest

from memanalysis import numbers

NAN = math.nan


def test_numbers_have_a_true_minus_and_no_negative_zero() -> None:
    """−0.014 with the sign of print, 0.00 without a sign, thousands apart, a dash for nothing."""
    assert numbers.number(-0.0137, 3) == "−0.014"
    assert numbers.number(-0.001) == "0.00"
    assert numbers.number(-1234.5, 1) == "−1,234.5"
    assert numbers.number(0.1, signed=True) == "+0.10"
    assert numbers.number(None) == numbers.number(NAN) == numbers.NONE
    assert numbers.number(NAN, missing=numbers.UNKNOWN) == "unknown"


def test_shares_are_per_cent() -> None:
    """One decimal below 10 %, none above, as many as asked for; NULL is a dash."""
    assert numbers.percent(0.1234) == "12 %"
    assert numbers.percent(0.0123) == "1.2 %"
    assert numbers.percent(0.5, 1) == "50.0 %"
    assert numbers.percent(None) == numbers.NONE


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.5, 0.4, 0.6), "0.50 (95 % interval 0.40 to 0.60)"),
        ((0.04, 0.03, 0.05), "0.040 (95 % interval 0.030 to 0.050)"),
        ((0.5, NAN, NAN), "0.50 (no interval)"),
        ((NAN, NAN, NAN), "an unknown amount"),
    ],
)
def test_decimals_follow_the_interval(ends: tuple[float, float, float], said: str) -> None:
    """Two digits of the half-width, two to four decimals; words where there is nothing."""
    assert numbers.with_interval(*ends, brief=False) == said


def test_intervals_of_shares_stay_within_0_and_100() -> None:
    """A jackknife knows no ends; a change of a share is in percentage points."""
    assert numbers.share_with_interval(0.01, -0.005, 0.12) == "1.0 % (0.0 % to 12 %)"
    assert numbers.share_with_interval(0.01, None, None) == "1.0 % (no interval)"
    said = numbers.points_with_interval(0.012, 0.004, 0.02)
    assert said == "+1.20 (+0.40 to +2.00) percentage points"
    assert numbers.points_with_interval(NAN, NAN, NAN) == "an unknown amount"


def test_the_zero_before_the_point_can_go() -> None:
    """Of tables of correlations, with the sign left; 1.0 stays."""
    assert [numbers.without_zero(t) for t in ("0.5", "−0.5", "-0.5", "1.0")] == [
        ".5", "−.5", "-.5", "1.0",
    ]  # fmt: skip
    assert numbers.significant(-0.012345) == "−0.01235"
