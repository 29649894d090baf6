"""Headline verdicts, and the same rules on other evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from memanalysis.evidence.conditions import Evidence
from memanalysis.findings import bimodality, diversity, inhibition, proxy_trends
from memanalysis.findings.declaration import Finding
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, UNDETERMINED, Outcome

# In the order of tables and pages.
FINDINGS: Final = (
    bimodality.FINDING, diversity.FINDING, inhibition.FINDING, proxy_trends.FINDING,
)  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """A robustness check: how a table calls it, how a sentence does, and whether it overrules.

    A supported headline that an overruling check contradicts becomes undetermined.
    """

    title: str
    where: str
    by: str
    overrules: bool = False


VARIANTS: Final[Mapping[str, Variant]] = {
    "half_a": Variant(
        "on half of the models", "even groups of models only", "by the even groups of models",
        overrules=True,
    ),
    "half_b": Variant(
        "on the other half of the models", "odd groups of models only",
        "by the odd groups of models", overrules=True,
    ),
    "probability": Variant(
        "by the label's probability", "by the label's probability instead of right or wrong",
        "by the label's probability", overrules=True,
    ),
    "saturated_sizes": Variant(
        "among saturated sizes", "only sizes that fit their training examples",
        "among sizes that fit everything",
    ),
    "alpha_half": Variant("with half of alpha", "with half of alpha", "with half of alpha"),
    "alpha_double": Variant("with twice alpha", "with twice alpha", "with twice alpha"),
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A finding on all evidence, with its verdict after the checks on other evidence."""

    declared: Finding
    outcome: Outcome
    checked: Mapping[str, Outcome]
    few: bool
    provisional: bool

    @property
    def contradicting(self) -> list[str]:
        """The checks whose verdict is the opposite one."""
        return [name for name, other in self.checked.items() if contradict(self.outcome, other)]

    @property
    def final(self) -> Outcome:
        """The outcome, undetermined where a check overrules it."""
        overruled = self.outcome.verdict == SUPPORTED and any(
            VARIANTS[name].overrules for name in self.contradicting
        )
        if not overruled:
            return self.outcome
        return replace(self.outcome, verdict=UNDETERMINED, reason="contradicted")


def judge(evidence: Evidence) -> list[Judged]:
    """Every finding, decided on the evidence and on each of its variants."""
    return [_judge(finding, evidence) for finding in FINDINGS]


def headlines(evidence: Evidence) -> list[Outcome]:
    """The outcome of every finding on this evidence alone, unchecked."""
    return [headline(finding, evidence) for finding in FINDINGS]


def headline(finding: Finding, evidence: Evidence) -> Outcome:
    """A finding's outcome with the rule for few groups applied."""
    outcome = finding.decide(evidence)
    if outcome.n_groups >= evidence.rules.common.minimum_groups:
        return outcome
    checks = tuple(replace(check, verdict=UNDETERMINED) for check in outcome.checks)
    reason = outcome.reason or "too_few_groups"
    return replace(outcome, verdict=UNDETERMINED, reason=reason, checks=checks)


def variants(evidence: Evidence) -> dict[str, Evidence]:
    """The evidence of each robustness check, by the check's name."""
    parts = {
        "half_a": evidence.keep_half(0),
        "half_b": evidence.keep_half(1),
        "probability": replace(evidence, signal="probability"),
        "saturated_sizes": evidence.saturated(),
    }
    for name, factor in zip(
        ("alpha_half", "alpha_double"), evidence.rules.alpha_factors, strict=True
    ):
        alpha = None if evidence.alpha is None else evidence.alpha * factor
        parts[name] = replace(evidence, alpha=alpha, alpha_factor=factor)
    return parts


def contradict(outcome: Outcome, other: Outcome) -> bool:
    """True if one is supported and the other one refuted."""
    return {outcome.verdict, other.verdict} == {SUPPORTED, REFUTED}


def _judge(finding: Finding, evidence: Evidence) -> Judged:
    outcome = headline(finding, evidence)
    checked = {
        name: replace(outcome, reason=outcome.reason or "alpha_unused")
        if name.startswith("alpha") and not finding.uses_alpha
        else headline(finding, variant)
        for name, variant in variants(evidence).items()
    }
    common = evidence.rules.common
    few = outcome.n_groups < common.minimum_groups
    provisional = not few and outcome.n_groups < common.provisional_below
    return Judged(finding, outcome, checked, few, provisional)
