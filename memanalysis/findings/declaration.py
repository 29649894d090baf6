"""The declaration of a finding, once: store, report and CLI make their lists from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from memanalysis import proxies
from memanalysis.evidence.conditions import Evidence
from memanalysis.findings.verdicts import Check, Outcome
from memanalysis.rules import Rules

Unit = Literal["number", "share", "points"]


@dataclass(frozen=True)
class Criterion:
    """One condition of a finding in words.

    ``title`` is for tables, ``claim`` a sentence, ``measures`` what the estimate is, in ``unit``: a
    number, a share of examples, or points, the change of a share. ``rule`` stands where one bound
    does not say it.
    """

    row: str
    title: str
    claim: str
    measures: str
    unit: Unit = "number"
    rule: Callable[[Rules], str] | None = None


def not_decided(criterion: Criterion, check: Check) -> str:
    """That a condition is open for want of something; the claim in quotes, since none is made."""
    return f"“{criterion.claim}”: not decided, as {check.why() or 'it cannot be estimated'}"


@dataclass(frozen=True)
class Place:
    """The section of the report with the evidence, and the figures in it that show it best."""

    section: str
    title: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A question of the study: its rule, and how to say what came out.

    ``title`` is for tables, ``measures`` says what the headline's estimate is. ``rule`` words the
    thresholds; ``decide`` applies them; ``explain`` and ``explain_check`` make sentences of codes
    and numbers alone, without their final stop. ``query`` is SQL that shows the numbers, for an
    alpha or none. ``headline`` says the result in one short sentence without its stop, for each
    verdict another.
    """

    name: str
    title: str
    claim: str
    measures: str
    criteria: tuple[Criterion, ...]
    rule: Callable[[Rules], str]
    decide: Callable[[Evidence], Outcome]
    headline: Callable[[Outcome], str]
    explain: Callable[[Outcome], str]
    explain_check: Callable[[Check], str]
    query: Callable[[float | None], str]
    evidence: Place
    uses_alpha: bool = False
    unit: Unit = "number"

    def criterion(self, row: str) -> Criterion:
        """The declaration of a row, which may be one of a kind: ``proxy: aum``."""
        kind, separator, name = row.partition(": ")
        for criterion in self.criteria:
            if criterion.row == kind and separator:
                words = proxies.in_words(name)
                return Criterion(
                    row, f"{criterion.title}: {words}",
                    criterion.claim.format(name=f"{words[0].upper()}{words[1:]}"),
                    criterion.measures, criterion.unit, criterion.rule,
                )  # fmt: skip
            if criterion.row == row:
                return criterion
        title = row.replace("_", " ")
        return Criterion(row, title, title, title)
