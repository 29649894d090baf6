"""F1, ``bimodality_grows``: a mode at either end of the scores, and the upper one grows."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from memanalysis import numbers
from memanalysis.analysis.intervals import Interval
from memanalysis.evidence.conditions import Evidence
from memanalysis.findings import bimodality_grows
from memanalysis.findings.decisions import Decision, could_show, detectable, shown_from
from memanalysis.findings.declaration import Criterion, Finding, Place, not_decided
from memanalysis.findings.measuring import (
    beyond,
    counts_of,
    reason_of,
    row_of,
    saturated_places,
    size_facts,
    undecided,
)
from memanalysis.findings.reasons import Reason
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Check,
    Fact,
    Outcome,
    missing_signal,
)
from memanalysis.rules import Rules

NAME: Final = bimodality_grows.RULE
# Rows and the facts that decide them; held-out errors can be missing, but refute nothing.
_ROWS: Final = {
    "upper_mode": "upper_mode",
    "lower_mode": "lower_mode",
    "rise": "rise",
    "held_out_rise": "held_out_rise_saturated",
}


def decide(evidence: Evidence) -> Outcome:
    """Modes at both ends of the largest size, the upper one grown, by held-out errors too."""
    condition = evidence.one_hot
    if condition is None or len(condition.sizes) < 2:
        return undecided(NAME, evidence, "too_few_sizes")
    if (missing := missing_signal(evidence)) is not None:
        return undecided(NAME, evidence, missing)
    counts = counts_of(condition, evidence)
    decision = bimodality_grows.decide(counts, saturated_places(evidence), evidence.rules)
    if not decision.facts:
        return undecided(NAME, evidence, reason_of(decision) or "too_few_groups")
    rise = decision.fact("rise")
    checks = tuple(_row(row, fact, decision) for row, fact in _ROWS.items())
    if evidence.signal == "correctness":
        polarised = bimodality_grows.decide_polarisation(counts, evidence.rules)
        checks += (row_of(bimodality_grows.POLARISATION, polarised, ["polarisation_rise"]),)
    return Outcome(
        finding=NAME, verdict=decision.verdict, reason=reason_of(decision),
        estimate=rise.estimate, low=rise.low, high=rise.high, bound=decision.bounds["rise"],
        n_groups=condition.n_groups, alpha=evidence.alpha, checks=checks, signal=evidence.signal,
        facts=(
            *decision.facts, *_detectable_held_out(decision, evidence), *_empty(decision),
            *size_facts(evidence),
        ),
    )  # fmt: skip


def _row(row: str, name: str, decision: Decision) -> Check:
    """One condition, held against its bound by itself."""
    bound = decision.bounds[name]
    fact = next((fact for fact in decision.facts if fact.name == name), None)
    if fact is None:
        return Check(
            row=row, verdict=UNDETERMINED, bound=bound, core=True,
            reason="too_few_saturated_sizes",
        )  # fmt: skip
    reason: Reason | None = "empty_beside" if math.isinf(fact.estimate) else None
    return Check(
        row=row, verdict=beyond(fact, bound, refutes=row != "held_out_rise"), bound=bound,
        core=True, reason=reason, estimate=fact.estimate, low=fact.low, high=fact.high,
    )  # fmt: skip


def _empty(decision: Decision) -> tuple[Fact, ...]:
    """Ratios to an empty range, which a table of numbers cannot hold."""
    return tuple(
        Fact(f"empty_beside_{fact.name}", 1.0)
        for fact in decision.facts
        if math.isinf(fact.estimate)
    )


def headline(outcome: Outcome) -> str:
    """Say whether a second group of scores grows, and by how much."""
    top, rise = outcome.fact("top_share").estimate, outcome.fact("rise")
    share = f"{numbers.percent(top, missing=numbers.UNKNOWN)} of the examples score above 0.9"
    if outcome.reason == "grows_by_fitting":
        return f"Scores part further, perhaps only because larger models fit more: {share}"
    refuted = {check.row for check in outcome.checks if check.core and check.verdict == REFUTED}
    if "upper_mode" in refuted:
        return f"Scores do not part into two groups: only {share}"
    if "rise" in refuted:
        return f"The group of scores near 1 does not grow: {share}, at the largest size"
    if outcome.verdict == REFUTED:
        return f"Scores do not part into two groups of which the upper one grows: {share}"
    points = numbers.number(100 * abs(rise.estimate), 1, missing=numbers.UNKNOWN)
    more = f"{points} points {'more' if rise.estimate >= 0 else 'fewer'} than at the smallest size"
    if outcome.verdict == SUPPORTED:
        return f"Scores part into two groups, and the upper one grows: {share}, {more}"
    return f"Whether a group of scores near 1 grows with size is open: {share}, {more}"


def explain(outcome: Outcome) -> str:
    """Say whether there are two groups of scores, and how the upper one grows, and by what."""
    ends = [fact.size for fact in outcome.facts_of("accuracy_in")]
    fitted = [fact.size for fact in outcome.facts_of("saturated")]
    parts = [
        f"{_LEADS[outcome.verdict]} From {ends[0]} to {ends[-1]}, {_growth(outcome, '')}",
        f"at {ends[-1]} scores above 0.9 are {_times(outcome, 'upper_mode')} as frequent as those "
        "a little lower (0.6 to 0.8), and scores below 0.1 "
        f"{_times(outcome, 'lower_mode')} as frequent as those a little higher (0.2 to 0.4)",
    ]
    if len(fitted) > 1 and (fitted[0], fitted[-1]) != (ends[0], ends[-1]):
        where = f"among sizes that fit everything ({fitted[0]} to {fitted[-1]})"
        parts.insert(1, f"{where}, {_growth(outcome, '_saturated')}")
    if outcome.reason in ("grows_by_fitting", "too_few_saturated_sizes"):
        parts.append(outcome.why())
    if outcome.verdict == UNDETERMINED:
        parts.append(could_show(_showable(outcome), outcome.n_groups))
    return "; ".join(filter(None, parts))


_LEADS: Final = {
    SUPPORTED: "Scores part into two groups, one near 0 and one near 1, and the upper one grows.",
    REFUTED: "Scores do not part into two groups of which the upper one grows.",
    UNDETERMINED: "Whether scores part into two groups of which the upper one grows is open.",
}


def _growth(outcome: Outcome, suffix: str) -> str:
    rise, held_out = outcome.fact(f"rise{suffix}"), outcome.fact(f"held_out_rise{suffix}")
    return (
        f"the share of scores above 0.9 changes by {numbers.points_with_interval(*rise.interval)}, "
        "and that of examples which nearly no held-out model gets right by "
        f"{numbers.points_with_interval(*held_out.interval, unit=False)}"
    )


def _times(outcome: Outcome, name: str) -> str:
    fact = outcome.fact(name)
    if outcome.facts_of(f"empty_beside_{name}"):
        return "infinitely many times"
    if math.isnan(fact.estimate):
        return "not measurably"
    return f"{numbers.with_interval(*fact.interval)} times"


def _showable(outcome: Outcome) -> list[str]:
    """Effects that would have decided each condition that is open, from which size on."""
    found = []
    for check in outcome.checks:
        least = shown_from(check, outcome.n_groups)
        if not check.core or check.verdict != UNDETERMINED or not math.isfinite(least):
            continue
        points = f"{numbers.number(100 * least, 1)} percentage points"
        if check.row == "rise":
            planted = numbers.number(100 * outcome.fact("planted").estimate, 1)
            found.append(
                f"a rise of the share of scores above 0.9 by {points} (the rule was tried on "
                f"{planted})"
            )
        elif check.row == "held_out_rise":
            found.append(
                f"a rise by {points} of the share of examples that nearly no held-out model gets "
                "right"
            )
        else:
            found.append(f"scores {_ENDS[check.row]} {numbers.number(least)} times as frequent")
    return found


# Which scores are compared, and with which.
_ENDS: Final = {
    "upper_mode": "above 0.9 to be, compared with those from 0.6 to 0.8,",
    "lower_mode": "below 0.1 to be, compared with those from 0.2 to 0.4,",
}


def _detectable_held_out(decision: Decision, evidence: Evidence) -> tuple[Fact, ...]:
    """The rise by held-out errors that the study shows with the power of the rules."""
    facts = [fact for fact in decision.facts if fact.name == _ROWS["held_out_rise"]]
    limits = evidence.rules
    return tuple(
        Fact(
            "detectable_held_out_rise",
            limits.modes.minimum_held_out_rise
            + detectable(_interval(fact, evidence), limits.common.power),
        )
        for fact in facts
    )


def _interval(fact: Fact, evidence: Evidence) -> Interval:
    estimate, low, high = (np.asarray(value) for value in fact.interval)
    return Interval(estimate, low, high, evidence.n_groups)


def explain_check(check: Check) -> str:
    """A condition with its number."""
    if check.reason == "empty_beside":
        return f"{FINDING.criterion(check.row).claim}: {check.why()}"
    if check.reason is not None:
        return not_decided(FINDING.criterion(check.row), check)
    if check.row in _COMPARED:
        return _COMPARED[check.row].format(numbers.with_interval(*check.interval, brief=False))
    if check.row == bimodality_grows.POLARISATION:
        return (
            "From the smallest to the largest size polarisation (0: all examples alike, 1: each "
            "memorised fully or not at all) changes by "
            f"{numbers.with_interval(*check.interval, brief=False, signed=True)}"
        )
    return f"{_SHARES[check.row]} changes by {numbers.points_with_interval(*check.interval)}"


# What is measured, whatever the verdict: a claim that fails would not read true.
_COMPARED: Final = {
    "upper_mode": "At the largest size scores above 0.9 are {} times as frequent as those from 0.6 "
    "to 0.8",
    "lower_mode": "At the largest size scores below 0.1 are {} times as frequent as those from 0.2 "
    "to 0.4",
}
_SHARES: Final = {
    "rise": "From the smallest to the largest size the share of scores above 0.9",
    "held_out_rise": "Among sizes that fit everything the share of examples that nearly no "
    "held-out model gets right",
}


def _rule(rules: Rules) -> str:
    limits = rules.modes
    return (
        "at the largest size scores above 0.9 are more frequent than those from 0.6 to 0.8 and "
        "scores below 0.1 more frequent than those from 0.2 to 0.4; the share of scores above 0.9 "
        f"rises by more than {limits.minimum_rise:g}; between the first and the last size that fit "
        "everything the share of examples that fewer than one in ten held-out models get right "
        "rises; each by its lower 95 % limit"
    )


FINDING: Final = Finding(
    name=NAME,
    title="scores part into two ends as models grow",
    claim="The larger the model, the more its memorisation scores part into 'not at all' and "
    "'entirely'",
    measures="rise of the share of scores above 0.9, smallest to largest size",
    criteria=(
        Criterion(
            "upper_mode", "a mode near 1",
            "At the largest size scores above 0.9 are more frequent than those from 0.6 to 0.8",
            "frequency of scores above 0.9 over that of 0.6 to 0.8",
        ),
        Criterion(
            "lower_mode", "a mode near 0",
            "At the largest size scores below 0.1 are more frequent than those from 0.2 to 0.4",
            "frequency of scores below 0.1 over that of 0.2 to 0.4",
        ),
        Criterion(
            "rise", "the mode near 1 grows", "The share of scores above 0.9 grows",
            "rise of the share of scores above 0.9",
            unit="points",
        ),
        Criterion(
            "held_out_rise", "it grows by held-out errors",
            "Among sizes that fit everything, more examples are got wrong by nearly all held-out "
            "models",
            "rise of the share of examples that nearly no held-out model gets right, among sizes "
            "that fit",
            unit="points",
        ),
        Criterion(
            bimodality_grows.POLARISATION, "scores polarise",
            "Polarisation (0: all examples alike, 1: each memorised fully or not at all) rises "
            "from the smallest to the largest size",
            "polarisation, smallest to largest size",
        ),
    ),
    rule=_rule,
    decide=decide,
    headline=headline,
    explain=explain,
    explain_check=explain_check,
    query=lambda _: (
        "select size, polarisation, low_mass_plain, high_mass_plain, upper_mode_ratio "
        "from bimodality where objective = 'one_hot' order by size_rank"
    ),
    evidence=Place(
        "scores", "How the scores are distributed", ("bimodality", "memorization-histogram")
    ),
    unit="points",
)  # fmt: skip
