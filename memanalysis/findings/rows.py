"""Outcomes as rows of the relations ``findings`` and ``finding_facts``, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from memanalysis.evidence.conditions import Evidence, Signal
from memanalysis.findings import sentences
from memanalysis.findings.reasons import CODES
from memanalysis.findings.robustness import VARIANTS, Judged, contradict, judge
from memanalysis.findings.verdicts import Bound, Check, Fact, Outcome, Result, Side

HEADLINE: Final = "headline"


@dataclass(frozen=True)
class Row:
    """One row of ``findings``; ``row`` is 'headline', a condition or a check on other evidence.

    ``facts`` are its rows of ``finding_facts``.
    """

    finding: str
    row: str
    claim: str
    verdict: str
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
    reason: str | None = None
    bound_side: str | None = None
    bound_value: float | None = None
    post_hoc: bool = False
    facts: tuple[Fact, ...] = field(default=(), compare=False)


def evaluate(evidence: Evidence) -> list[Row]:
    """Every row of every finding: headlines, conditions, checks on other evidence."""
    return [row for judged in judge(evidence) for row in _rows(judged, evidence)]


def _rows(judged: Judged, evidence: Evidence) -> Iterator[Row]:
    declared, outcome = judged.declared, judged.outcome
    query = declared.query(outcome.alpha)
    shared: dict[str, Any] = {
        "finding": declared.name, "query": query, "post_hoc": evidence.post_hoc,
    }  # fmt: skip
    yield Row(
        row=HEADLINE, claim=declared.claim, provisional=judged.provisional,
        bound=declared.rule(evidence.rules), core=True, n_groups=outcome.n_groups,
        alpha=outcome.alpha, sentence=sentences.of_headline(judged, evidence),
        **_numbers(judged.final), **shared,
    )  # fmt: skip
    for check in outcome.checks:
        criterion = declared.criterion(check.row)
        words = criterion.rule(evidence.rules) if criterion.rule else str(check.bound or "")
        yield Row(
            row=check.row, claim=criterion.claim, provisional=judged.provisional, bound=words,
            core=check.core, n_groups=outcome.n_groups, alpha=outcome.alpha,
            sentence=sentences.of_check(declared, check, words), **_numbers(check), **shared,
        )  # fmt: skip
    for name, other in judged.checked.items():
        agreement = "contradicted" if contradict(outcome, other) else "consistent"
        yield Row(
            row=name, claim=f"{declared.claim} ({VARIANTS[name].where})",
            provisional=other.n_groups < evidence.rules.common.provisional_below,
            bound=agreement, core=False, n_groups=other.n_groups, alpha=other.alpha,
            sentence=sentences.of_variant(judged, name), **_numbers(other), **shared,
        )  # fmt: skip


def _numbers(result: Result) -> dict[str, Any]:
    bound = result.bound
    return {
        "verdict": result.verdict, "estimate": result.estimate, "ci_low": result.low,
        "ci_high": result.high, "reason": result.reason, "facts": result.facts,
        "bound_side": bound and bound.side, "bound_value": bound and bound.value,
    }  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A finding as a store tells it: its outcome, and those of the checks on other evidence.

    ``outcome.verdict`` is the final one, after the checks; ``post_hoc`` and the ``version`` of the
    rules as in the relation.
    """

    outcome: Outcome
    checked: Mapping[str, Outcome]
    post_hoc: bool
    version: int | None


def read(rows: Iterable[Mapping[str, Any]], facts: Iterable[Mapping[str, Any]]) -> list[Told]:
    """The findings behind rows of ``findings`` and ``finding_facts``, in their order.

    Stores of version 2 of the rules and before have no facts: theirs are without numbers, and
    ``explain`` must not be asked.
    """
    by_row: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        low, high = _float(fact["ci_low"]), _float(fact["ci_high"])
        by_row.setdefault((fact["finding"], fact["row"]), []).append(
            Fact(fact["fact"], _float(fact["estimate"]), low, high, fact["size"] or "")
        )
    by_finding: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_finding.setdefault(row["finding"], []).append(row)
    return [
        _told(name, lines, {key[1]: tuple(f) for key, f in by_row.items() if key[0] == name})
        for name, lines in by_finding.items()
    ]


def _told(name: str, lines: list[Mapping[str, Any]], facts: Mapping[str, tuple[Fact, ...]]) -> Told:
    head = next((line for line in lines if line["row"] == HEADLINE), lines[0])
    checks = tuple(
        Check(row=line["row"], core=bool(line["core"]), **_read(line, facts.get(line["row"], ())))
        for line in lines
        if line["row"] not in {HEADLINE, *VARIANTS}
    )
    checked = {
        line["row"]: _outcome(name, line, facts.get(line["row"], ()))
        for line in lines
        if line["row"] in VARIANTS
    }
    outcome = replace(_outcome(name, head, facts.get(HEADLINE, ())), checks=checks)
    return Told(outcome, checked, bool(head.get("post_hoc")), head.get("version"))


def _outcome(name: str, line: Mapping[str, Any], facts: tuple[Fact, ...]) -> Outcome:
    signal: Signal = "probability" if line["row"] == "probability" else "correctness"
    return Outcome(
        finding=name, n_groups=line["n_groups"] or 0, alpha=line["alpha"], signal=signal,
        **_read(line, facts),
    )  # fmt: skip


def _read(line: Mapping[str, Any], facts: tuple[Fact, ...]) -> dict[str, Any]:
    side, value = line.get("bound_side"), line.get("bound_value")
    reason = line.get("reason")
    return {
        "verdict": line["verdict"] or "undetermined",
        "estimate": _float(line["estimate"]), "low": _float(line["ci_low"]),
        "high": _float(line["ci_high"]), "facts": facts,
        "bound": Bound(cast("Side", side), value) if side and value is not None else None,
        "reason": reason if reason in CODES else None,
    }  # fmt: skip


def _float(value: float | None) -> float:
    return math.nan if value is None else value
