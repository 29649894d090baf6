"""F4, ``proxies_miss_trends``: proxies that know the level of memorisation miss its trend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis import numbers
from memanalysis.analysis import standardised_change
from memanalysis.analysis.correlations import HalfScores
from memanalysis.analysis.intervals import Floats, Interval
from memanalysis.analysis.standardised_change import TrendAreas, trend_areas
from memanalysis.analysis.trajectories import Trajectories
from memanalysis.evidence.conditions import Condition, Evidence, ProxyEvidence
from memanalysis.evidence.trajectories import by_groups
from memanalysis.findings import proxies_miss_trends
from memanalysis.findings.decisions import Decision
from memanalysis.findings.declaration import Criterion, Finding, Place
from memanalysis.findings.measuring import counts_of, joint, reason_of, undecided
from memanalysis.findings.reasons import UNDECIDED
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Check,
    Fact,
    Outcome,
    missing_signal,
)
from memanalysis.proxies import in_words
from memanalysis.rules import Rules, load

NAME: Final = proxies_miss_trends.RULE
_AREAS: Final = tuple(f"area_{direction}" for direction in proxies_miss_trends.DIRECTIONS)
_SCORE_AREAS: Final = tuple(f"score_{name}" for name in _AREAS)


@dataclass(frozen=True)
class Measured:
    """Data of the finding and of the table ``proxy_trends``, for P proxies of one objective.

    ``scores`` [2, L, n] and ``proxies`` [2, P, L, n] by half of the groups, proxies oriented;
    ``shapes`` by the models of each half; ``level`` [P], mean over sizes.
    """

    scores: Floats
    proxies: Floats
    shapes: tuple[Trajectories, Trajectories]
    level: Interval

    def areas(self) -> TrendAreas:
        """Areas of the proxies' trends, intervals [2, P]."""
        return trend_areas(self.proxies, self.shapes)


def measure(evidence: Evidence, condition: Condition, proxies: ProxyEvidence) -> Measured:
    """Scores, proxies and shapes of both halves of a condition's groups."""
    halves = HalfScores(counts_of(condition, evidence), condition.half)
    oriented = proxies.sums.means() * proxies.signs[:, None, None]
    level = standardised_change.level(oriented, halves.means())
    first, second = (
        _half_shapes(evidence, condition, np.asarray(condition.half == side)) for side in (0, 1)
    )
    return Measured(halves.means(), oriented, (first, second), level)


def _half_shapes(evidence: Evidence, condition: Condition, kept: NDArray[np.bool_]) -> Trajectories:
    """Shapes by one half of the groups, with the alpha of its number of models."""
    n_out = condition.counts[kept].sum(0).n_out
    alpha = proxies_miss_trends.alpha_of_half(n_out, evidence.rules)
    scaled = None if alpha is None else alpha * evidence.alpha_factor
    return by_groups(evidence, condition, scaled, kept)


def decide(evidence: Evidence) -> Outcome:
    """More than half of the registered proxies must know the level and miss the trend."""
    condition = evidence.one_hot
    if condition is None or len(condition.sizes) < 2:
        return undecided(NAME, evidence, "too_few_sizes")
    picked = registered(evidence)
    if picked is None:
        lost = evidence.proxies_lost
        return undecided(NAME, evidence, "proxies_not_kept" if lost else "too_few_proxies")
    if (missing := missing_signal(evidence)) is not None:
        return undecided(NAME, evidence, missing)
    if condition.n_groups < evidence.rules.common.minimum_groups:
        return undecided(NAME, evidence, "too_few_groups")
    measured = measure(evidence, condition, picked)
    decision = proxies_miss_trends.decide(
        measured.scores, measured.proxies, picked.names, measured.shapes, measured.level,
        evidence.rules,
    )  # fmt: skip
    if not decision.facts:
        return undecided(NAME, evidence, reason_of(decision) or "no_alpha")
    share = math.nan
    if decision.reason not in UNDECIDED:
        share = decision.fact("missing").estimate / len(decision.parts)
    checks = tuple(_row(part) for part in decision.parts)
    return Outcome(
        finding=NAME, verdict=decision.verdict, reason=reason_of(decision), estimate=share,
        n_groups=condition.n_groups, alpha=evidence.alpha, checks=checks, signal=evidence.signal,
        facts=(
            *decision.facts,
            *(Fact(f"area {c.row}", *c.interval) for c in checks),
            *(Fact(f"level {c.row}", *c.fact("level").interval) for c in checks),
        ),
    )  # fmt: skip


def _row(decision: Decision) -> Check:
    """One proxy; its area is the mean of both directions, with the limits that both keep."""
    estimate, low, high = joint([fact for fact in decision.facts if fact.name in _AREAS])
    return Check(
        row=decision.rule, verdict=decision.verdict, estimate=estimate, low=low, high=high,
        bound=decision.bounds.get(_AREAS[0]), reason=reason_of(decision), facts=decision.facts,
    )  # fmt: skip


def headline(outcome: Outcome) -> str:
    """Count the proxies that find memorised examples but miss growing memorisation."""
    missing, of = outcome.fact("missing").estimate, outcome.fact("proxies").estimate
    following = outcome.fact("following").estimate
    if outcome.verdict == SUPPORTED:
        return (
            f"{missing:.0f} of {of:.0f} cheap proxies find memorised examples, but not those "
            "whose memorisation grows"
        )
    if outcome.verdict == REFUTED:
        return (
            f"Cheap proxies do not miss the trend: {following:.0f} of {of:.0f} see whose "
            "memorisation grows"
        )
    return f"Whether cheap proxies miss the trend is open: {missing:.0f} of {of:.0f} miss it"


def explain(outcome: Outcome) -> str:
    """Say how many proxies miss the trend, how well they rank, and what the score does."""
    areas, levels = (
        [fact.estimate for fact in outcome.facts if fact.name.startswith(kind)]
        for kind in ("area ", "level ")
    )
    score = joint([outcome.fact(name) for name in _SCORE_AREAS])
    missing, following, of = (
        outcome.fact(name).estimate for name in ("missing", "following", "proxies")
    )
    others = (
        f"; {following:.0f} see it or do not know which are memorised, and of "
        f"{of - missing - following:.0f} it cannot be told"
        if missing < of
        else ""
    )
    return (
        f"{missing:.0f} of {of:.0f} proxies tell which examples are memorised, while their own "
        f"change with size does not tell whose memorisation increases{others}. Of all "
        f"{len(areas)}: rank correlation with the score {_reach(levels)}; of an increasing example "
        "and another one, the proxy's change names the increasing one with a chance of "
        f"{_reach(areas)}, where guessing gives 0.50, the rule asks for "
        f"{numbers.number(load().trends.follows_area)} and the score of other models reaches "
        f"{numbers.with_interval(*score)}"
    )


def _reach(values: list[float]) -> str:
    """From the smallest to the largest of several numbers."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return numbers.UNKNOWN
    low, high = numbers.number(min(finite)), numbers.number(max(finite))
    return low if low == high else f"{low} to {high}"


def explain_check(check: Check) -> str:
    """Say how well one proxy knows the level and the trend."""
    name = in_words(check.row.partition(": ")[2])
    name = f"{name[0].upper()}{name[1:]}"
    if check.reason in UNDECIDED:
        return f"{name}: not decided, as {check.why()}"
    level, rising = check.fact("level"), check.fact("share_rising")
    raw = joint([check.fact(f"raw_{area}") for area in _AREAS])
    first = joint([check.fact(area.replace("area", "first")) for area in _AREAS])
    follows = check.bound.value if check.bound else math.nan
    trend = _TREND[trend_verdict(check.interval, follows)]
    if check.reason == "level_unknown":
        trend = f"{trend}, but does not tell either which examples are memorised"
    return (
        f"{name}: {trend}. Of an increasing example and another one, its change, standardised "
        "within each size, names the increasing one with a chance of "
        f"{numbers.with_interval(*check.interval)}, where guessing gives 0.50 and the rule asks "
        f"for {numbers.number(follows)}; its value at the smallest size does so with "
        f"{numbers.number(first[0])}. (Its plain change: {numbers.number(raw[0])}. That of "
        "anything whose scale shrinks with size is near 0.) Its rank correlation with the score is "
        f"{numbers.with_interval(*level.interval)}, and it rises for "
        f"{numbers.percent(rising.estimate, missing=numbers.UNKNOWN)} of the increasing "
        "examples"
    )


_TREND: Final = {
    "follows": "follows the trend",
    "misses": "misses the trend",
    UNDETERMINED: "may or may not follow the trend",
}


def trend_verdict(area: tuple[float, float, float], follows: float) -> str:
    """``follows``, ``misses`` or ``undetermined``, by a proxy's joint area and its limits."""
    _, low, high = area
    if low > follows:
        return "follows"
    return "misses" if high < follows else UNDETERMINED


def registered(evidence: Evidence) -> ProxyEvidence | None:
    """The registered proxies that are present and oriented; None if there are too few."""
    proxies = evidence.proxies
    if proxies is None:
        return None
    rules = evidence.rules.trends
    rows = [
        row for row, name in enumerate(proxies.names)
        if name in rules.registered and proxies.signs[row] != 0
    ]  # fmt: skip
    return only_rows(proxies, rows) if len(rows) >= rules.minimum_proxies else None


def only_rows(proxies: ProxyEvidence, rows: list[int]) -> ProxyEvidence:
    """Some of the proxies, by position."""
    sums = proxies.sums
    picked = type(sums)(
        sums.total[:, rows], sums.n[:, rows],
        None if sums.groups is None else sums.groups[:, rows],
        None if sums.groups_n is None else sums.groups_n[:, rows],
        sums.half,
    )  # fmt: skip
    return ProxyEvidence(
        tuple(proxies.names[row] for row in rows), proxies.signs[rows], picked, proxies.group_ids
    )


def _rule(rules: Rules) -> str:
    limits = rules.trends
    return (
        "more than half of the registered proxies have a level correlation >= "
        f"{limits.minimum_level:g} and, by both halves of the models, separate increasing examples "
        f"from others with an area < {limits.follows_area:g}, where the score of other models "
        f"reaches more than {limits.follows_area:g}"
    )


FINDING: Final = Finding(
    name=NAME,
    title="proxies miss whose memorisation grows",
    claim="Of proxies that tell which examples are memorised, the change with size does not tell "
    "whose memorisation increases",
    measures="share of proxies that miss the trend",
    criteria=(
        Criterion(
            "proxy", "proxy", "{name} knows the level of memorisation and misses its trend",
            "chance to tell an increasing example from another one",
            rule=lambda rules: f"level >= {rules.trends.minimum_level:g} and area < "
            f"{rules.trends.follows_area:g} by both halves",
        ),
    ),
    rule=_rule,
    decide=decide,
    headline=headline,
    explain=explain,
    explain_check=explain_check,
    query=lambda _: (
        "select proxy, level, level_low, level_high, auc, auc_low, auc_high, share_rising, verdict "
        "from proxy_trends where objective = 'one_hot' order by proxy"
    ),
    evidence=Place("proxies", "Proxies against the score", ("proxy-trends",)),
    uses_alpha=True,
    unit="share",
)  # fmt: skip
