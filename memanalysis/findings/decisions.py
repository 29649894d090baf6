"""Decisions in codes and numbers: what a rule of version 3 says, without a sentence.

Report and command line turn ``reason`` and ``facts`` into words; nothing here is prose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memanalysis.analysis.intervals import Interval
from memanalysis.analysis.quantiles import quantile
from memanalysis.findings.verdicts import UNDETERMINED, Bound, Fact, Verdict


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


def mean_fact(name: str, values: Any) -> Fact:
    """The mean of some numbers as a fact without limits; NaN of none."""
    array = np.asarray(values, dtype=np.float64)
    return Fact(name, float(array.mean()) if array.size else math.nan)
