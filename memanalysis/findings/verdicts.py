"""Verdicts: of one condition, of several joined, and how to say them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from memanalysis.analysis.intervals import Interval

Verdict = Literal["supported", "not supported", "undetermined"]
SUPPORTED: Final[Verdict] = "supported"
REFUTED: Final[Verdict] = "not supported"
UNDETERMINED: Final[Verdict] = "undetermined"


@dataclass(frozen=True)
class Check:
    """One condition of a claim: an estimate with its interval against a bound, and the verdict."""

    row: str
    claim: str
    verdict: Verdict
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    bound: str = ""
    core: bool = False
    sentence: str = ""


@dataclass(frozen=True)
class Outcome:
    """The verdict of one finding on one piece of evidence.

    ``text`` is the sentence without the part that all findings share (groups, alpha, saturated
    sizes); ``checks`` are its conditions.
    """

    finding: str
    claim: str
    verdict: Verdict
    text: str
    bound: str
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n_groups: int = 0
    alpha: float | None = None
    checks: tuple[Check, ...] = field(default=())


def above(interval: Interval, bound: float, *, refutes: bool = True) -> Verdict:
    """Supported if the whole interval lies above the bound, refuted if at or below it.

    ``refutes`` False: the condition can fail, but not refute. An interval that cannot be computed
    decides nothing.
    """
    low, high = float(interval.low), float(interval.high)
    if low > bound:
        return SUPPORTED
    return REFUTED if refutes and high <= bound else UNDETERMINED


def at_least(interval: Interval, bound: float) -> Verdict:
    """``above`` where reaching the bound is enough: refuted only if wholly below it."""
    low, high = float(interval.low), float(interval.high)
    if low >= bound:
        return SUPPORTED
    return REFUTED if high < bound else UNDETERMINED


def below(interval: Interval, bound: float) -> Verdict:
    """``above`` mirrored."""
    return above(-interval, -bound)


def joined(verdicts: Iterable[Verdict]) -> Verdict:
    """All supported: supported; one refuted: not supported; else undetermined."""
    found = list(verdicts)
    if REFUTED in found:
        return REFUTED
    return SUPPORTED if found and all(v == SUPPORTED for v in found) else UNDETERMINED


def check(
    row: str,
    claim: str,
    interval: Interval,
    verdict: Verdict,
    bound: str,
    *,
    core: bool = False,
    sentence: str = "",
) -> Check:
    """A condition from a scalar interval."""
    said = sentence or f"{claim}: {with_interval(interval)}; {verdict} (rule: {bound})."
    return Check(
        row, claim, verdict, float(interval.estimate), float(interval.low), float(interval.high),
        bound, core, said,
    )  # fmt: skip


def with_interval(interval: Interval, *, brief: bool = False) -> str:
    """``0.441 (95 % interval 0.421 to 0.460)``, or ``0.441 (0.421 to 0.460)`` if ``brief``.

    As many decimals as two digits of the half-width need, two to four.
    """
    estimate, low, high = (float(x) for x in (interval.estimate, interval.low, interval.high))
    if not math.isfinite(estimate):
        return "an unknown amount"
    if not math.isfinite(low):
        return f"{number(estimate)} (no interval)"
    half = (high - low) / 2
    digits = min(max(1 - math.floor(math.log10(half)), 2), 4) if half > 0 else 2
    words = "" if brief else "95 % interval "
    return f"{number(estimate, digits)} ({words}{number(low, digits)} to {number(high, digits)})"


def number(value: object, digits: int = 2) -> str:
    """A number with a fixed number of decimals, or ``unknown``; never ``-0.00``."""
    as_float = float(value)  # type: ignore[arg-type]
    if not math.isfinite(as_float):
        return "unknown"
    return f"{round(as_float, digits) + 0.0:.{digits}f}"


def percent(value: object) -> str:
    """A share as per cent, with one decimal below 10 %."""
    as_float = 100 * float(value)  # type: ignore[arg-type]
    if not math.isfinite(as_float):
        return "unknown"
    return f"{as_float:.{1 if abs(as_float) < 9.95 else 0}f} %"


def percent_interval(interval: Interval, *, brief: bool = False) -> str:
    """``12 % (95 % interval 10 % to 15 %)``, the limits within 0 and 100 %."""
    if not math.isfinite(float(interval.low)):
        return f"{percent(interval.estimate)} (no interval)"
    low, high = max(float(interval.low), 0.0), min(float(interval.high), 1.0)
    words = "" if brief else "95 % interval "
    return f"{percent(interval.estimate)} ({words}{percent(low)} to {percent(high)})"
