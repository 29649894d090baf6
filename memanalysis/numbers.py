"""Numbers, shares and intervals as text for people.

One minus sign (U+2212), no negative zero, and a word where a number is missing. ``None`` and NaN
both mean missing, as NULL does in a store.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

NONE: Final = "–"
UNKNOWN: Final = "unknown"
_LEAST, _MOST = 2, 4  # decimals of a number with an interval


def is_missing(value: float | None) -> bool:
    """True if there is no finite number."""
    return value is None or not math.isfinite(value)


def number(
    value: float | None, digits: int = 2, *, signed: bool = False, missing: str = NONE
) -> str:
    """A number with a fixed number of decimals and thousands separated: −1,234.50."""
    if value is None or not math.isfinite(value):
        return missing
    sign = "+" if signed else ""
    return f"{value:{sign}z,.{digits}f}".replace("-", "−")


def significant(value: float, digits: int = 4, *, minus: str = "−") -> str:
    """A number with at most ``digits`` significant digits: −0.0123, 1.2e+05."""
    return f"{value:.{digits}g}".replace("-", minus)


def percent(
    value: float | None, digits: int | None = None, *, signed: bool = False, missing: str = NONE
) -> str:
    """A share as per cent; by default one decimal below 10 %, none above."""
    if value is None or not math.isfinite(value):
        return missing
    shown = 100 * value
    decimals = (1 if abs(shown) < 9.95 else 0) if digits is None else digits
    return f"{number(shown, decimals, signed=signed)} %"


def decimals(low: float | None, high: float | None) -> int:
    """As many decimals as two digits of an interval's half-width need, at most four.

    At least two where it is below 1, as rates and scores are.
    """
    if low is None or high is None or not math.isfinite(low) or not math.isfinite(high):
        return _LEAST
    half = (high - low) / 2
    if half <= 0:
        return _LEAST
    digits = 1 - math.floor(math.log10(half))
    return min(max(digits, 0 if half >= 1 else _LEAST), _MOST)


def with_interval(
    estimate: float | None,
    low: float | None,
    high: float | None,
    *,
    brief: bool = True,
    signed: bool = False,
) -> str:
    """``0.441 (0.421 to 0.460)``; ``0.441 (95 % interval 0.421 to 0.460)`` unless ``brief``."""
    if is_missing(estimate):
        return "an unknown amount"
    if is_missing(low) or is_missing(high):
        return f"{number(estimate, signed=signed)} (no interval)"
    digits = decimals(low, high)
    words = "" if brief else "95 % interval "
    ends = f"{words}{number(low, digits)} to {number(high, digits)}"
    return f"{number(estimate, digits, signed=signed)} ({ends})"


def share_with_interval(
    estimate: float | None,
    low: float | None,
    high: float | None,
    *,
    brief: bool = True,
    digits: int | None = None,
) -> str:
    """``12 % (10 % to 15 %)``: a share, its limits within 0 and 100 %."""
    share = percent(estimate, digits, missing=UNKNOWN)
    if low is None or high is None or is_missing(low) or is_missing(high):
        return f"{share} (no interval)"
    words = "" if brief else "95 % interval "
    return f"{share} ({words}{percent(max(low, 0.0), digits)} to {percent(min(high, 1.0), digits)})"


def points_with_interval(
    estimate: float | None, low: float | None, high: float | None, *, unit: bool = True
) -> str:
    """``+1.2 (+0.4 to +2.0) percentage points``: the change of a share."""
    digits = decimals(*(None if end is None else 100 * end for end in (low, high)))
    digits = min(max(digits, 1), 2)
    words = " percentage points" if unit else ""
    if estimate is None or is_missing(estimate):
        return "an unknown amount"
    shown = number(100 * estimate, digits, signed=True)
    if low is None or high is None or is_missing(low) or is_missing(high):
        return f"{shown}{words} (no interval)"
    ends = (number(100 * end, digits, signed=True) for end in (low, high))
    return f"{shown} ({' to '.join(ends)}){words}"


def without_zero(text: str) -> str:
    """Drop the zero before the decimal point: −.014."""
    for sign in ("", "−", "-"):
        if text.startswith(f"{sign}0."):
            return f"{sign}{text[len(sign) + 1 :]}"
    return text


def limits(names: Collection[str]) -> dict[str, tuple[str, str]]:
    """The limits' columns of each estimate: ``x_low``, ``x_high``, or ``ci_low``, ``ci_high``."""
    pairs = {
        name: (f"{name}_low", f"{name}_high")
        for name in names
        if {f"{name}_low", f"{name}_high"} <= set(names)
    }
    if {"ci_low", "ci_high"} <= set(names):
        # Where a row has one estimate, it is called so or is the score.
        for name in ("estimate", "memorization"):
            if name in names and name not in pairs:
                return {**pairs, name: ("ci_low", "ci_high")}
    return pairs
