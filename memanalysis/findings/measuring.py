"""Common ground of all findings' rules, and decisions as rows of ``findings``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from memanalysis.analysis.outcomes import Counts
from memanalysis.evidence.conditions import Condition, Evidence
from memanalysis.findings.decisions import Decision
from memanalysis.findings.reasons import CODES, Reason
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Bound,
    Check,
    Fact,
    Outcome,
    Verdict,
)


def counts_of(condition: Condition, evidence: Evidence) -> Counts:
    """Counts [G, L, n] of a condition, or sums of the signal that a check asks for."""
    if evidence.signal == "correctness" or condition.probability is None:
        return condition.counts
    return condition.probability


def saturated_places(evidence: Evidence) -> list[int]:
    """Positions of the sizes whose one-hot models fit their training examples, smallest first."""
    sizes = () if evidence.one_hot is None else evidence.one_hot.sizes
    saturated = set(evidence.saturated_sizes())
    return [place for place, size in enumerate(sizes) if size in saturated]


def size_facts(evidence: Evidence) -> tuple[Fact, ...]:
    """Mean p_in of each size (``accuracy_in``), and again of those that fit (``saturated``)."""
    condition = evidence.one_hot
    if condition is None:
        return ()
    rates = dict(zip(condition.sizes, condition.accuracy_in().tolist(), strict=True))
    return (
        *(Fact("accuracy_in", rate, size=size) for size, rate in rates.items()),
        *(Fact("saturated", rates[size], size=size) for size in evidence.saturated_sizes()),
    )


def undecided(finding: str, evidence: Evidence, reason: Reason) -> Outcome:
    """An outcome without numbers."""
    return Outcome(
        finding=finding, verdict=UNDETERMINED, reason=reason, n_groups=evidence.n_groups,
        alpha=evidence.alpha, signal=evidence.signal,
    )  # fmt: skip


def reason_of(decision: Decision) -> Reason | None:
    """The reason of a decision where it says more than the verdict does."""
    return cast("Reason", decision.reason) if decision.reason in CODES else None


def joint(facts: Sequence[Fact]) -> tuple[float, float, float]:
    """Mean, least lower and greatest upper limit of facts that have to agree.

    A limit of the joint interval clears a bound if, and only if, those of all facts do.
    """
    if not facts or any(math.isnan(limit) for fact in facts for limit in fact.interval):
        mean = float(np.mean([fact.estimate for fact in facts])) if facts else math.nan
        return mean, math.nan, math.nan
    estimate = float(np.mean([fact.estimate for fact in facts]))
    return estimate, min(fact.low for fact in facts), max(fact.high for fact in facts)


def beyond(fact: Fact, bound: Bound, *, refutes: bool = True) -> Verdict:
    """A fact against its bound: beyond it with the whole interval, wholly short of it, or open."""
    low, high, value = fact.low, fact.high, bound.value
    if bound.side == "upper":
        low, high, value = -high, -low, -value
    if low > value:
        return SUPPORTED
    return REFUTED if refutes and high < value else UNDETERMINED


def row_of(
    name: str,
    decision: Decision,
    deciding: Sequence[str],
    *,
    core: bool = False,
) -> Check:
    """A decision as a row of its own, its estimate the joint one of the facts that decide."""
    facts = [fact for fact in decision.facts if fact.name in deciding and not fact.size]
    estimate, low, high = joint(facts)
    return Check(
        row=name, verdict=decision.verdict, estimate=estimate, low=low, high=high, core=core,
        bound=decision.bounds.get(deciding[0]), reason=reason_of(decision), facts=decision.facts,
    )  # fmt: skip
