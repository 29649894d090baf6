"""The column ``sentence`` of ``findings``: what a finding explains, and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from memanalysis import numbers
from memanalysis.evidence.conditions import Evidence
from memanalysis.findings.declaration import Finding
from memanalysis.findings.reasons import UNDECIDED, words
from memanalysis.findings.robustness import VARIANTS, Judged, contradict
from memanalysis.findings.verdicts import Check, Outcome
from memanalysis.rules import CommonRules

POST_HOC: Final = "rule made after these data"


def explained(declared: Finding, outcome: Outcome) -> str:
    """The outcome in words, or why there is none; without a final stop."""
    if _nothing_there(outcome):
        return f"Not decided: {outcome.why()}"
    return declared.explain(outcome)


def headline(declared: Finding, outcome: Outcome) -> str:
    """The result in one short sentence, or that the question cannot be asked and why."""
    if _nothing_there(outcome):
        why = f": {outcome.why()}" if outcome.reason else ""
        return f"Whether {declared.title} cannot be asked here{why}"
    return declared.headline(outcome)


def of_headline(judged: Judged, evidence: Evidence) -> str:
    """Verdict, explanation, and what all findings have in common."""
    common, post_hoc = evidence.rules.common, evidence.post_hoc
    uses_alpha = judged.declared.uses_alpha
    remarks = notes(
        judged.outcome, judged.checked, common, post_hoc=post_hoc, uses_alpha=uses_alpha
    )
    text = explained(judged.declared, judged.outcome)
    return f"{judged.final.verdict.capitalize()}. {text} ({'; '.join(remarks)})."


def notes(
    outcome: Outcome,
    checked: Mapping[str, Outcome],
    common: CommonRules,
    *,
    post_hoc: bool,
    uses_alpha: bool,
) -> list[str]:
    """Under which conditions a finding was decided, and which cross-checks it passed."""
    groups = "group" if outcome.n_groups == 1 else "groups"
    reserve = ", provisional" if outcome.n_groups < common.provisional_below else ""
    if outcome.n_groups < common.minimum_groups:
        reserve = ", too few for a verdict"
    remarks = [f"{outcome.n_groups} {groups} of models{reserve}"]
    if uses_alpha and outcome.alpha is not None:
        remarks.append(f"alpha {numbers.number(outcome.alpha)}, the least change that counts")
    if "saturated_sizes" in checked:
        other = checked["saturated_sizes"]
        saturated = "not checked" if _nothing_there(other) else other.verdict
        remarks.append(f"{VARIANTS['saturated_sizes'].by}: {saturated}")
    unchecked = checked["probability"].reason if "probability" in checked else None
    if unchecked in ("not_recorded", "not_kept"):
        remarks.append(f"a cross-check is missing: {words(unchecked)}")
    against = [VARIANTS[name].by for name, other in checked.items() if contradict(outcome, other)]
    if against:
        remarks.append(f"contradicted {' and '.join(against)}")
    return [*remarks, POST_HOC] if post_hoc else remarks


def of_check(declared: Finding, check: Check, rule: str) -> str:
    """A condition in words, with its verdict and rule."""
    shown = f" (rule: {rule})" if rule else ""
    return f"{declared.explain_check(check)}; {check.verdict}{shown}."


def of_variant(judged: Judged, name: str) -> str:
    """The verdict on other evidence, and whether it agrees."""
    other, outcome = judged.checked[name], judged.outcome
    where = VARIANTS[name].where.capitalize()
    if _nothing_there(other):
        return f"{where}: not checked, as {other.why() or 'nothing can be estimated'}."
    if contradict(outcome, other):
        agreement = "contradicting"
    elif other.verdict == outcome.verdict:
        agreement = "consistent with"
    else:
        agreement = "not contradicting"
    text = explained(judged.declared, other)
    if other.reason == "alpha_unused":
        text = f"{text}; {other.why()}"
    return f"{where}: {other.verdict}, {agreement} the headline. {text}."


def _nothing_there(outcome: Outcome) -> bool:
    """True if there is no estimate, or none that may be read."""
    return outcome.reason in UNDECIDED or not outcome.facts
