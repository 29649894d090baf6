"""Findings in words for readers: from their declarations, codes and numbers.

Stores of an earlier version have neither reasons nor facts. What a finding means is then its
sentence as it was stored, and what would settle it is told from verdicts alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from memanalysis import wording
from memanalysis.findings import FINDINGS, load, sentences
from memanalysis.findings.declaration import Finding, Unit
from memanalysis.findings.reasons import UNDECIDED
from memanalysis.findings.robustness import VARIANTS
from memanalysis.findings.rows import HEADLINE, Told
from memanalysis.findings.sentences import explained, notes
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, UNDETERMINED, Check, Outcome

Row = Mapping[str, Any]
Rows = Mapping[str, Row]

DECLARED: Final[Mapping[str, Finding]] = {finding.name: finding for finding in FINDINGS}
_NOT_REFUTED: Final = (
    ", which does not refute it: examples whose shape cannot be told yet may have this one. "
    "Sizes further apart show more shapes"
)
_NOT_BY_MODELS: Final = {"too_few_saturated_sizes", "teacher_leaks"}
# Beyond this many times the models of the study, a number of models is no advice any more.
_PRACTICAL: Final = 50


def title(finding: str) -> str:
    """A finding where a table has no room for the whole claim."""
    declared = DECLARED.get(finding)
    return declared.title if declared else finding.replace("_", " ")


def of_version(finding: str, version: int | None) -> Finding | None:
    """The declaration that rows of that version go by; None for rows of other rules.

    A row of the same name may have measured something else.
    """
    return DECLARED.get(finding) if version == load().version else None


def row_title(row: Row) -> str:
    """A row of ``findings`` as readers see it."""
    if row["row"] in VARIANTS:
        return VARIANTS[row["row"]].title
    declared = of_version(row["finding"], row["version"])
    return declared.criterion(row["row"]).title if declared else row["row"].replace("_", " ")


def quantity(row: Row) -> str:
    """Quantity that the estimate of a row measures; empty where that is not known."""
    declared = of_version(row["finding"], row["version"])
    if declared is None or row["row"] in VARIANTS:
        return ""
    headline = row["row"] == HEADLINE
    return declared.measures if headline else declared.criterion(row["row"]).measures


def effect(row: Row) -> tuple[str, str]:
    """Return the estimate and interval of a row of a finding, shares in per cent."""
    low, high = row["ci_low"], row["ci_high"]
    unit = _unit(row)
    if unit == "number":
        return wording.number(row["estimate"], 3), wording.interval(low, high)
    if unit == "share":
        # An interval by the jackknife knows nothing of 0 and 1.
        low, high = (None if end is None else min(max(end, 0.0), 1.0) for end in (low, high))
    signed = unit == "points"
    ends = wording.NONE
    if low is not None and high is not None:
        limits = (wording.percent(end, signed=signed) for end in (low, high))
        ends = " to ".join(limits)
    return wording.percent(row["estimate"], signed=signed), ends


def _unit(row: Row) -> Unit:
    declared = of_version(row["finding"], row["version"])
    if declared is None:
        return "number"
    of_headline = row["row"] == HEADLINE or row["row"] in VARIANTS
    return declared.unit if of_headline else declared.criterion(row["row"]).unit


def headline(told: Told, claim: str) -> str:
    """The result of a finding in one short sentence; the claim, where rules are unknown."""
    declared = of_version(told.outcome.finding, told.version)
    if declared is None:
        return f"{claim}: {told.outcome.verdict}"
    before = told.outcome
    if before.reason == "contradicted":
        supported = declared.headline(replace(before, verdict=SUPPORTED))
        return f"{supported}, but a cross-check disagrees"
    return sentences.headline(declared, before)


def meaning(told: Told, sentence: str) -> str:
    """Meaning of a finding in this study; ``sentence`` is what the store says itself."""
    outcome = told.outcome
    if outcome.reason in UNDECIDED:
        return f"This study cannot answer the question: {outcome.why()}."
    declared = of_version(outcome.finding, told.version)
    if declared is None or not outcome.facts:
        return sentence
    return f"{explained(declared, outcome)}."


def conditions(told: Told) -> str:
    """Under which conditions a finding was decided; empty where its own sentence says so."""
    if told.outcome.reason is None and not told.outcome.facts:
        return ""
    # What a check contradicts was supported before the check.
    overruled = told.outcome.reason == "contradicted"
    before = replace(told.outcome, verdict=SUPPORTED) if overruled else told.outcome
    declared = DECLARED.get(told.outcome.finding)
    remarks = notes(
        before, told.checked, load().common, post_hoc=told.post_hoc,
        uses_alpha=declared is None or declared.uses_alpha,
    )  # fmt: skip
    text = "; ".join(remarks)
    return f"{text[0].upper()}{text[1:]}."


def deciding(told: Told, rows: Rows) -> list[Row]:
    """The core conditions, and the checks that overrule them. Nothing where one decides."""
    core = [check for check in told.outcome.checks if check.core]
    names = [check.row for check in core]
    if all(check.verdict == SUPPORTED for check in core):
        names += _against(told)
    return [rows[name] for name in names] if len(names) > 1 else []


def settling(told: Told, subsets: int) -> str:
    """Say what would decide an undetermined finding, as far as the data say; empty otherwise."""
    outcome = told.outcome
    if outcome.verdict != UNDETERMINED or outcome.reason in UNDECIDED | _NOT_BY_MODELS:
        return ""
    groups = outcome.n_groups
    if groups < load().common.minimum_groups:
        verb = "is" if groups == 1 else "are"
        return f"More models: {wording.plural(groups, 'group')} of them {verb} too few."
    undecided = [c for c in outcome.checks if c.core and c.verdict == UNDETERMINED]
    if undecided:
        return _more_models(outcome.finding, undecided, subsets)
    against = _against(told)
    if against == ["probability"]:
        return (
            "Not more models: counted as right or wrong the conditions hold, by the label’s "
            "probability one of them is refuted. The two scores measure different things, and the "
            f"claim holds for one of them.{_there(told.checked['probability'])}"
        )
    if against:
        where = wording.listed([VARIANTS[name].by for name in against])
        return f"More models: the conditions hold on all models together, but not {where}."
    return ""


def _there(other: Outcome) -> str:
    """Result of a check on other evidence, where the store has its numbers."""
    declared = DECLARED.get(other.finding)
    return f" There: {explained(declared, other)}." if declared and other.facts else ""


def _against(told: Told) -> list[str]:
    """Checks that overrule a supported verdict and refute it."""
    return [
        name
        for name, variant in VARIANTS.items()
        if variant.overrules and name in told.checked and told.checked[name].verdict == REFUTED
    ]


def _more_models(finding: str, undecided: Sequence[Check], subsets: int) -> str:
    """Say how many subsets would decide the hardest of the open conditions."""
    needed = {check.row: subsets_needed(check, subsets) for check in undecided}
    row = max(needed, key=lambda name: needed[name] or math.inf)
    count = needed[row]
    claim = DECLARED[finding].criterion(row).claim if finding in DECLARED else row
    one = len(undecided) == 1
    which = f"“{claim}” is open" if one else f"the hardest open condition is “{claim}”"
    if count is None and any(check.bound is None for check in undecided):
        return f"More models: {which}; how many would decide it cannot be told from its bounds."
    if count is None:
        beyond = f"Hardly more models: {which}, its estimate on the wrong side of the rule’s bound"
        shapes = finding in DECLARED and DECLARED[finding].criterion(row).unit == "share"
        return f"{beyond}{_NOT_REFUTED if shapes else ''}."
    if count > _PRACTICAL * subsets:
        return f"Very many more models: {which}, its estimate close to the rule’s bound."
    return (
        f"More models: {which}; about {wording.count(count)} subsets instead of "
        f"{wording.count(subsets)} would decide it, if its estimate stays where it is."
    )


def subsets_needed(check: Check, subsets: int) -> int | None:
    """About how many subsets would put an interval on the right side of its bound.

    An interval shrinks with the square root of the number of independent models, so it has to be
    h/d times as narrow: h is its half-width, d the distance from the estimate to the bound. None
    where the estimate is on the wrong side or the row has no such bound. Rounded up to two digits.
    """
    if check.bound is None or not all(map(math.isfinite, check.interval)):
        return None
    sign = 1 if check.bound.side == "lower" else -1
    distance = sign * (check.estimate - check.bound.value)
    if distance <= 0:
        return None
    exact = subsets * ((check.high - check.low) / 2 / distance) ** 2
    step = 10 ** max(math.floor(math.log10(max(exact, 1))) - 1, 0)
    return int(math.ceil(exact / step) * step)
