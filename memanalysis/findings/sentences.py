"""The column ``sentence`` of ``findings``: what a finding explains, and under which conditions."""

from __future__ import annotations

from memanalysis import numbers
from memanalysis.evidence.conditions import Evidence
from memanalysis.findings.declaration import Finding
from memanalysis.findings.reasons import UNDECIDED, words
from memanalysis.findings.robustness import VARIANTS, Judged, contradict
from memanalysis.findings.verdicts import Check, Outcome

_POST_HOC = "rule made after these data"


def explained(declared: Finding, outcome: Outcome) -> str:
    """The outcome in words, or why there is none; without a final stop."""
    if outcome.reason in UNDECIDED or not outcome.facts:
        return f"Not decided: {outcome.why()}"
    return declared.explain(outcome)


def of_headline(judged: Judged, evidence: Evidence) -> str:
    """Verdict, explanation, and what all findings have in common."""
    notes = "; ".join(_notes(judged, evidence))
    text = explained(judged.declared, judged.outcome)
    return f"{judged.final.verdict.capitalize()}. {text} ({notes})."


def of_check(declared: Finding, check: Check, rule: str) -> str:
    """A condition in words, with its verdict and rule."""
    shown = f" (rule: {rule})" if rule else ""
    return f"{declared.explain_check(check)}; {check.verdict}{shown}."


def of_variant(judged: Judged, name: str) -> str:
    """The verdict on other evidence, and whether it agrees."""
    other, outcome = judged.checked[name], judged.outcome
    if contradict(outcome, other):
        agreement = "contradicting"
    elif other.verdict == outcome.verdict:
        agreement = "consistent with"
    else:
        agreement = "not contradicting"
    text = explained(judged.declared, other)
    if other.reason == "alpha_unused":
        text = f"{text}; {other.why()}"
    where = VARIANTS[name].where.capitalize()
    return f"{where}: {other.verdict}, {agreement} the headline. {text}."


def _notes(judged: Judged, evidence: Evidence) -> list[str]:
    outcome = judged.outcome
    groups = "group" if outcome.n_groups == 1 else "groups"
    reserve = ", too few for a verdict" if judged.few else ""
    reserve = ", provisional" if judged.provisional else reserve
    alpha = "no alpha" if outcome.alpha is None else f"alpha {numbers.number(outcome.alpha)}"
    saturated = judged.checked["saturated_sizes"].verdict
    notes = [
        f"{outcome.n_groups} {groups} of models{reserve}",
        alpha,
        f"{VARIANTS['saturated_sizes'].by}: {saturated}",
    ]
    unchecked = judged.checked["probability"].reason
    if unchecked in ("not_recorded", "not_kept"):
        notes.append(f"a cross-check is missing: {words(unchecked)}")
    if judged.contradicting:
        by = " and ".join(VARIANTS[name].by for name in judged.contradicting)
        notes.append(f"contradicted {by}")
    return [*notes, _POST_HOC] if evidence.post_hoc else notes
