"""Decisions in codes and numbers: what a rule of version 3 says, without a sentence.

Report and command line turn ``reason`` and ``facts`` into words; nothing here is prose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memanalysis.analysis.intervals import Interval
from memanalysis.analysis.quantiles import quantile
from memanalysis.findings.verdicts import UNDETERMINED, Bound, Check, Fact, Verdict
from memanalysis.rules import load


@dataclass(frozen=True)
class Decision:
    """The verdict of one rule.

    Attributes
    ----------
    rule
        The finding or row.
    verdict
        Supported, not supported or undetermined.
    reason
        Code of the reason: ``shown``, ``refuted``, ``open``, or why nothing could be decided.
    decided_by
        Names of the facts whose bounds decided; for an undetermined verdict those that are open.
    bounds
        What each deciding fact was held against, by name of the fact.
    facts
        Everything that was measured.
    parts
        Decisions of the rows that this one is made of.
    """

    rule: str
    verdict: Verdict
    reason: str
    decided_by: tuple[str, ...] = ()
    bounds: dict[str, Bound] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    parts: tuple[Decision, ...] = ()

    def fact(self, name: str, size: str = "") -> Fact:
        """The fact of that name, about a size or about none.

        Raises
        ------
        KeyError
            If the decision has no such fact.
        """
        for fact in self.facts:
            if (fact.name, fact.size) == (name, size):
                return fact
        raise KeyError(f"{self.rule} has no fact '{name}', only {[f.name for f in self.facts]}")


def undecided(rule: str, reason: str, facts: tuple[Fact, ...] = ()) -> Decision:
    """An undetermined decision for want of something that ``reason`` names."""
    return Decision(rule, UNDETERMINED, reason, facts=facts)


def detectable(interval: Interval, power: float, level: float = 0.95) -> float:
    """Distance from a bound at which an effect is shown with this power, by the interval's error.

    (t(.5 + level/2) + t(power)) SE with G - 1 degrees of freedom: the interval's half-width is the
    first term times SE. NaN without an interval.
    """
    half = (float(interval.high) - float(interval.low)) / 2
    if not (math.isfinite(half) and interval.n_groups >= 2):
        return math.nan
    seen, excluded = (float(quantile(p, interval.n_groups - 1)) for p in (power, 0.5 + level / 2))
    return half * (1 + seen / excluded)


def shown_from(check: Check, n_groups: int) -> float:
    """The size from which an effect would be shown four times in five, by the check's interval.

    NaN without an interval or a bound.
    """
    if check.bound is None:
        return math.nan
    estimate, low, high = (np.asarray(value) for value in check.interval)
    distance = detectable(Interval(estimate, low, high, n_groups), load().common.power)
    return check.bound.value + (distance if check.bound.side == "lower" else -distance)


def could_show(effects: Sequence[str], n_groups: int) -> str:
    """Effects that a study of so many groups would have shown, in words; empty without any."""
    if not effects:
        return ""
    groups = f"{n_groups} {'group' if n_groups == 1 else 'groups'} of models"
    return f"four of five studies with {groups} would show {' and '.join(effects)}"


def mean_fact(name: str, values: Any) -> Fact:
    """The mean of some numbers as a fact without limits; NaN of none."""
    array = np.asarray(values, dtype=np.float64)
    return Fact(name, float(array.mean()) if array.size else math.nan)
