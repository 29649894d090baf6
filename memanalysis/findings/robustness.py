"""Headline verdicts, and the same rules on other evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from memanalysis.evidence.conditions import Evidence
from memanalysis.findings import bimodality, diversity, inhibition, proxy_trends
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Check,
    Outcome,
    Verdict,
    number,
)
from memanalysis.rules import Common


@dataclass(frozen=True)
class Row:
    """One row of the table ``findings``; ``row`` is 'headline', a condition or a check."""

    finding: str
    row: str
    claim: str
    verdict: Verdict
    provisional: bool
    estimate: float
    ci_low: float
    ci_high: float
    bound: str
    core: bool
    n_groups: int
    alpha: float | None
    sentence: str
    query: str


@dataclass(frozen=True)
class _Finding:
    decide: Callable[[Evidence], Outcome]
    query: Callable[[Evidence], str]
    uses_alpha: bool


_FINDINGS: Final = (
    _Finding(bimodality.decide, lambda _: bimodality.QUERY, False),
    _Finding(diversity.decide, lambda evidence: diversity.query(evidence.alpha), True),
    _Finding(inhibition.decide, lambda _: inhibition.QUERY, False),
    _Finding(proxy_trends.decide, lambda _: proxy_trends.QUERY, True),
)

# Checks that overrule a supported headline when they contradict it.
_OVERRULING: Final = ("half_a", "half_b", "probability")


def evaluate(evidence: Evidence) -> list[Row]:
    """Every row of every finding: headlines, conditions, robustness checks."""
    return [row for finding in _FINDINGS for row in _rows(finding, evidence)]


def headlines(evidence: Evidence) -> list[Outcome]:
    """The outcome of every finding on this evidence alone, unchecked."""
    return [headline(finding.decide, evidence) for finding in _FINDINGS]


def headline(decide: Callable[[Evidence], Outcome], evidence: Evidence) -> Outcome:
    """A finding's outcome with the rule for few groups applied."""
    outcome = decide(evidence)
    if outcome.n_groups < evidence.rules.common.minimum_groups:
        return replace(outcome, verdict=UNDETERMINED)
    return outcome


def variants(evidence: Evidence) -> dict[str, Evidence]:
    """The evidence of each robustness check, by the check's name."""
    found = {
        "half_a": evidence.keep_half(0),
        "half_b": evidence.keep_half(1),
        "probability": replace(evidence, signal="probability"),
        "saturated_sizes": evidence.saturated(),
    }
    for name, factor in zip(
        ("alpha_half", "alpha_double"), evidence.rules.alpha_factors, strict=True
    ):
        alpha = None if evidence.alpha is None else evidence.alpha * factor
        found[name] = replace(evidence, alpha=alpha)
    return found


def _rows(finding: _Finding, evidence: Evidence) -> list[Row]:
    outcome = headline(finding.decide, evidence)
    checked = {
        name: outcome
        if name.startswith("alpha") and not finding.uses_alpha
        else headline(finding.decide, variant)
        for name, variant in variants(evidence).items()
    }
    contradicting = [name for name, other in checked.items() if _contradicts(outcome, other)]
    overruled = outcome.verdict == SUPPORTED and any(n in _OVERRULING for n in contradicting)
    # What might have overruled a verdict must not be lost in its favour.
    unchecked = evidence.probability_lost and outcome.verdict == SUPPORTED
    verdict = UNDETERMINED if overruled or unchecked else outcome.verdict
    query = finding.query(evidence)
    common = evidence.rules.common
    few = outcome.n_groups < common.minimum_groups
    provisional = not few and outcome.n_groups < common.provisional_below
    sentence = _sentence(outcome, verdict, checked, contradicting, evidence)
    return [
        Row(
            outcome.finding, "headline", outcome.claim, verdict, provisional, outcome.estimate,
            outcome.low, outcome.high, outcome.bound, True, outcome.n_groups, outcome.alpha,
            sentence, query,
        ),
        *(_condition_row(outcome, part, few, provisional, query) for part in outcome.checks),
        *(
            _robustness_row(finding, outcome, name, other, common, query)
            for name, other in checked.items()
        ),
    ]  # fmt: skip


def _contradicts(outcome: Outcome, other: Outcome) -> bool:
    return {outcome.verdict, other.verdict} == {SUPPORTED, REFUTED}


def _condition_row(outcome: Outcome, part: Check, few: bool, provisional: bool, query: str) -> Row:
    return Row(
        outcome.finding, part.row, part.claim, UNDETERMINED if few else part.verdict, provisional,
        part.estimate, part.low, part.high, part.bound, part.core, outcome.n_groups, outcome.alpha,
        part.sentence, query,
    )  # fmt: skip


def _robustness_row(
    finding: _Finding,
    outcome: Outcome,
    name: str,
    other: Outcome,
    common: Common,
    query: str,
) -> Row:
    consistent = "contradicted" if _contradicts(outcome, other) else "consistent"
    agreement = _AGREEMENT[consistent]
    if consistent == "consistent" and other.verdict != outcome.verdict:
        agreement = "not contradicting"
    said = other.text
    if name.startswith("alpha") and not finding.uses_alpha:
        said = "The rule of this finding does not use alpha"
    elif other.verdict == UNDETERMINED and other.n_groups < common.minimum_groups:
        said = f"{said}; too few models"
    return Row(
        outcome.finding, name, f"{outcome.claim} ({_WHERE[name]})", other.verdict,
        other.n_groups < common.provisional_below, other.estimate, other.low, other.high,
        consistent, False, other.n_groups, other.alpha,
        f"{_WHERE[name].capitalize()}: {other.verdict}, {agreement} the headline. {said}.", query,
    )  # fmt: skip


_BY: Final = {
    "half_a": "by the even groups of models",
    "half_b": "by the odd groups of models",
    "probability": "by the label's probability",
    "saturated_sizes": "among sizes that fit everything",
    "alpha_half": "with half of alpha",
    "alpha_double": "with twice alpha",
}
_AGREEMENT: Final = {"consistent": "consistent with", "contradicted": "contradicting"}
_WHERE: Final = {
    "half_a": "even groups of models only",
    "half_b": "odd groups of models only",
    "probability": "by the label's probability instead of right or wrong",
    "saturated_sizes": "only sizes that fit their training examples",
    "alpha_half": "with half of alpha",
    "alpha_double": "with twice alpha",
}


def _sentence(
    outcome: Outcome,
    verdict: Verdict,
    checked: dict[str, Outcome],
    contradicting: list[str],
    evidence: Evidence,
) -> str:
    common = evidence.rules.common
    groups = "group" if outcome.n_groups == 1 else "groups"
    notes = [f"{outcome.n_groups} {groups} of models"]
    if outcome.n_groups < common.minimum_groups:
        notes[0] += ", too few for a verdict"
    elif outcome.n_groups < common.provisional_below:
        notes[0] += ", provisional"
    notes.append("no alpha" if outcome.alpha is None else f"alpha {number(outcome.alpha)}")
    notes.append(f"among sizes that fit everything: {checked['saturated_sizes'].verdict}")
    if evidence.probability_lost:
        notes.append(
            "not checked by the label's probability, which this packed store keeps no longer per "
            "group: build again from the model files"
        )
    elif not evidence.probability_known:
        notes.append("not checked by the label's probability, which the store does not have")
    if contradicting:
        notes.append(f"contradicted {' and '.join(_BY[name] for name in contradicting)}")
    return f"{verdict.capitalize()}. {outcome.text} ({'; '.join(notes)})."
