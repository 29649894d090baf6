"""Outcomes in codes and numbers, and the verdict of one condition or of several joined.

No words here: whoever decides writes an ``Outcome``, and each finding's ``explain`` makes the
sentence from it, at once or from the relations ``findings`` and ``finding_facts`` later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from memanalysis.analysis.intervals import Interval
from memanalysis.evidence.conditions import Evidence, Signal
from memanalysis.findings.reasons import Reason, words

Verdict = Literal["supported", "not supported", "undetermined"]
SUPPORTED: Final[Verdict] = "supported"
REFUTED: Final[Verdict] = "not supported"
UNDETERMINED: Final[Verdict] = "undetermined"

Side = Literal["lower", "upper"]


@dataclass(frozen=True)
class Bound:
    """Bound that a 95 % limit has to clear: lower limit above ``value``, or upper one below."""

    side: Side
    value: float

    def __str__(self) -> str:
        return f"{self.side} limit {'>' if self.side == 'lower' else '<'} {self.value:g}"


@dataclass(frozen=True)
class Fact:
    """A named number behind an outcome; limits NaN where it is no estimate.

    ``size`` is the size that it is about, empty where it is about no single one.
    """

    name: str
    estimate: float
    low: float = math.nan
    high: float = math.nan
    size: str = ""

    @classmethod
    def of(cls, name: str, interval: Interval, size: str = "") -> Fact:
        """A fact from a scalar interval."""
        ends = (float(interval.estimate), float(interval.low), float(interval.high))
        return cls(name, *ends, size)

    @property
    def interval(self) -> tuple[float, float, float]:
        """Estimate, lower and upper limit."""
        return self.estimate, self.low, self.high


@dataclass(frozen=True, kw_only=True)
class Result:
    """A row of ``findings``: an estimate with its interval, a bound and the verdict.

    ``reason`` says why nothing could be decided, or what is unusual about the estimate; ``facts``
    are the other numbers that a sentence on it needs.
    """

    verdict: Verdict
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    bound: Bound | None = None
    reason: Reason | None = None
    facts: tuple[Fact, ...] = ()

    @property
    def interval(self) -> tuple[float, float, float]:
        """Estimate, lower and upper limit."""
        return self.estimate, self.low, self.high

    def fact(self, name: str) -> Fact:
        """The fact of that name about no single size; one without numbers where there is none."""
        facts = (fact for fact in self.facts if fact.name == name and not fact.size)
        return next(facts, Fact(name, math.nan))

    def facts_of(self, name: str) -> list[Fact]:
        """Every fact of that name, one per size."""
        return [fact for fact in self.facts if fact.name == name]

    def why(self) -> str:
        """The reason in words, empty without one."""
        if self.reason is None:
            return ""
        return words(self.reason, {fact.name: fact.estimate for fact in self.facts})


@dataclass(frozen=True, kw_only=True)
class Check(Result):
    """One condition of a claim; ``core`` conditions decide the headline."""

    row: str
    core: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome(Result):
    """The verdict of one finding on one piece of evidence; ``checks`` are its conditions."""

    finding: str
    n_groups: int = 0
    alpha: float | None = None
    checks: tuple[Check, ...] = ()
    signal: Signal = "correctness"


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
    verdicts = list(verdicts)
    if REFUTED in verdicts:
        return REFUTED
    return SUPPORTED if verdicts and all(v == SUPPORTED for v in verdicts) else UNDETERMINED


def check(
    row: str,
    interval: Interval,
    verdict: Verdict,
    bound: Bound | None,
    *,
    core: bool = False,
    reason: Reason | None = None,
    facts: Iterable[Fact] = (),
) -> Check:
    """A condition from a scalar interval."""
    return Check(
        row=row, verdict=verdict, bound=bound, core=core, reason=reason, facts=tuple(facts),
        estimate=float(interval.estimate), low=float(interval.low), high=float(interval.high),
    )  # fmt: skip


def missing_signal(evidence: Evidence) -> Reason | None:
    """Why the signal that a check asks for cannot be looked at; None where it can."""
    condition = evidence.one_hot
    if evidence.signal == "correctness" or condition is None or condition.probability is not None:
        return None
    return "not_kept" if evidence.probability_lost else "not_recorded"
