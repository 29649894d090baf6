"""F4, ``proxies_miss_trends``: proxies that know the level of memorisation miss its trend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from memanalysis import numbers
from memanalysis.analysis.correlations import HalfScores, correlate, opposite_halves, spearman_brown
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.trends import (
    Trends,
    proxy_polarisation,
    proxy_trends,
)
from memanalysis.findings.courses import trajectories_of
from memanalysis.findings.declaration import Criterion, Finding, Place
from memanalysis.findings.evidence import Condition, Evidence, ProxyEvidence
from memanalysis.findings.reasons import Reason
from memanalysis.findings.rules import Rules
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Bound,
    Check,
    Fact,
    Outcome,
    Verdict,
    at_least,
    check,
    missing_signal,
)
from memanalysis.proxies import in_words

NAME: Final = "proxies_miss_trends"


@dataclass(frozen=True)
class Measured:
    """Everything about the proxies of one objective that the finding and its table need."""

    names: tuple[str, ...]
    level: Interval  # [P], mean over sizes
    trends: Trends
    polarisation: Floats  # [P, L], NaN unless the proxy lies within [0, 1]
    n_increasing: int
    reliability: float  # of the score's change


def decide(evidence: Evidence) -> Outcome:
    """More than half of the registered proxies must know the level and miss the trend."""
    condition = evidence.one_hot
    if condition is None or len(condition.sizes) < 2:
        return _undecided(evidence, "too_few_sizes")
    picked = registered(evidence)
    if picked is None:
        return _undecided(evidence, "too_few_proxies")
    if evidence.alpha is None:
        return _undecided(evidence, "too_few_held_out")
    if (missing := missing_signal(evidence)) is not None:
        return _undecided(evidence, missing)
    measured = measure(evidence, condition, picked)
    reason = _too_little(measured, evidence)
    checks = tuple(_check(measured, row, evidence, reason) for row in range(len(measured.names)))
    missing_trend = sum(c.verdict == SUPPORTED for c in checks)
    return Outcome(
        finding=NAME, verdict=_decision(checks), reason=reason,
        estimate=missing_trend / len(checks) if reason is None else np.nan,
        n_groups=condition.n_groups, alpha=evidence.alpha, checks=checks, signal=evidence.signal,
        facts=(
            Fact("n_proxies", len(checks)),
            Fact("n_missing", missing_trend),
            Fact("n_increasing", measured.n_increasing),
            Fact("reliability", measured.reliability),
            *(Fact(f"area {c.row}", *c.interval) for c in checks),
            *(Fact(f"level {c.row}", *c.fact("level").interval) for c in checks),
        ),
    )  # fmt: skip


def _undecided(evidence: Evidence, reason: Reason) -> Outcome:
    return Outcome(
        finding=NAME, verdict=UNDETERMINED, reason=reason, n_groups=evidence.n_groups,
        alpha=evidence.alpha, signal=evidence.signal,
    )  # fmt: skip


def explain(outcome: Outcome) -> str:
    """How many proxies miss the trend, how well they rank, and how far the best one gets."""
    areas = [fact for fact in outcome.facts if fact.name.startswith("area ")]
    levels = [fact.estimate for fact in outcome.facts if fact.name.startswith("level ")]
    best = max(areas, key=lambda fact: np.nan_to_num(fact.estimate, nan=-1))
    name = in_words(best.name.partition(": ")[2])
    return (
        f"{outcome.fact('n_missing').estimate:.0f} of {outcome.fact('n_proxies').estimate:.0f} "
        "proxies tell which examples are memorised (rank correlation with the score "
        f"{numbers.number(min(levels))} to {numbers.number(max(levels))}) but not whose "
        f"memorisation increases with size. The best at that, {name}, puts an increasing example "
        f"above another one in {numbers.share_with_interval(*best.interval, brief=False)} of "
        "pairs; guessing gives 50 %"
    )


def explain_check(check: Check) -> str:
    """What one proxy knows of the level and of the trend."""
    name = in_words(check.row.partition(": ")[2])
    name = f"{name[0].upper()}{name[1:]}"
    if check.reason == "proxies_not_kept":
        return f"{name} is not decided: {check.why()}"
    level, rising = check.fact("level"), check.fact("share_rising")
    follows = check.bound.value if check.bound else np.nan
    trend = "is not decided here" if check.reason else _TREND[_trend(check.interval, follows)]
    return (
        f"{name} {trend}: it puts an increasing example above another one in "
        f"{numbers.share_with_interval(*check.interval, brief=False)} of pairs. Its rank "
        f"correlation with the score is {numbers.with_interval(*level.interval)}, it rises for "
        f"{numbers.percent(rising.estimate, missing=numbers.UNKNOWN)} of the increasing examples, "
        "and its changes in two groups of models correlate with r = "
        f"{numbers.number(check.fact('reproduced').estimate, missing=numbers.UNKNOWN)}"
    )


_TREND: Final = {
    "follows": "follows the trend",
    "misses": "misses the trend",
    UNDETERMINED: "may or may not follow the trend",
}


def registered(evidence: Evidence) -> ProxyEvidence | None:
    """The registered proxies that are present and oriented; None if there are too few."""
    proxies = evidence.proxies
    if proxies is None:
        return None
    rules = evidence.rules.proxies
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


def measure(evidence: Evidence, condition: Condition, proxies: ProxyEvidence) -> Measured:
    """Level, trend and polarisation of every proxy."""
    counts = condition.counts
    if evidence.signal == "probability" and condition.probability is not None:
        counts = condition.probability
    scores = HalfScores(counts, condition.half)
    whole, folds = trajectories_of(evidence, condition)
    ends = scores.means()[:, [0, -1]]
    between = correlate("pearson", (ends[0, 1] - ends[0, 0])[None], ends[1, 1] - ends[1, 0])
    return Measured(
        proxies.names,
        level_interval(proxies, scores),
        proxy_trends(proxies.sums, proxies.signs, folds),
        proxy_polarisation(proxies.sums.means()),
        int(whole.is_shape("increasing").sum()),
        float(spearman_brown(between)[0]),
    )


def level_interval(proxies: ProxyEvidence, scores: HalfScores) -> Interval:
    """Spearman of the oriented proxy with the score, opposite halves, mean over sizes: [P]."""

    def level(without: int | None) -> Floats:
        x = proxies.sums.means(without) * proxies.signs[:, None, None]
        y = scores.means(without)
        per_size = [
            opposite_halves("spearman", x[:, :, size], y[:, size]) for size in range(y.shape[1])
        ]
        return np.asarray(np.mean(per_size, axis=0))

    replicates = [level(group) for group in range(proxies.sums.n_groups)]
    return jackknife(level(None), np.asarray(replicates).reshape(-1, len(proxies.names)))


def trend_verdict(auc: Interval, follows: float) -> str:
    """``follows``, ``misses`` or ``undetermined``, by one proxy's area and its interval."""
    return _trend((float(auc.estimate), float(auc.low), float(auc.high)), follows)


def _trend(area: tuple[float, float, float], follows: float) -> str:
    _, low, high = area
    if low > follows:
        return "follows"
    return "misses" if high < follows else UNDETERMINED


def _check(measured: Measured, row: int, evidence: Evidence, reason: Reason | None) -> Check:
    rules = evidence.rules.proxies
    level, area = measured.level[row], measured.trends.auc[row]
    knows, trend = at_least(level, rules.minimum_level), trend_verdict(area, rules.follows_auc)
    verdict: Verdict = UNDETERMINED
    if reason is None and knows == SUPPORTED and trend == "misses":
        verdict = SUPPORTED
    elif reason is None and (knows == REFUTED or trend == "follows"):
        verdict = REFUTED
    return check(
        f"proxy: {measured.names[row]}", area, verdict, Bound("upper", rules.follows_auc),
        reason=reason,
        facts=(
            Fact.of("level", level),
            Fact("share_rising", float(measured.trends.share_rising[row])),
            Fact("reproduced", float(measured.trends.reproduced[row])),
        ),
    )  # fmt: skip


def _too_little(measured: Measured, evidence: Evidence) -> Reason | None:
    """Why nothing can be decided, if so."""
    rules = evidence.rules.proxies
    if measured.trends.auc.n_groups == 0:
        return "proxies_not_kept"
    if not measured.reliability >= rules.minimum_reliability:
        return "noisy_change"
    few = measured.n_increasing < rules.minimum_increasing
    return "too_few_increasing" if few else None


def _decision(checks: tuple[Check, ...]) -> Verdict:
    half = len(checks) / 2
    if sum(c.verdict == SUPPORTED for c in checks) > half:
        return SUPPORTED
    return REFUTED if sum(c.verdict == REFUTED for c in checks) > half else UNDETERMINED


def _rule(rules: Rules) -> str:
    limits = rules.proxies
    return (
        "more than half of the registered proxies have a level correlation >= "
        f"{limits.minimum_level:g} and separate increasing examples with an area < "
        f"{limits.follows_auc:g}"
    )


FINDING: Final = Finding(
    name=NAME,
    title="proxies miss the trend",
    claim="Proxies that tell which examples are memorised do not tell whose memorisation increases",
    measures="share of proxies that miss the trend",
    criteria=(
        Criterion(
            "proxy", "proxy", "{name} knows the level of memorisation and misses its trend",
            "chance to tell an increasing example from another one",
            rule=lambda rules: f"level >= {rules.proxies.minimum_level:g} and area < "
            f"{rules.proxies.follows_auc:g}",
        ),
    ),
    rule=_rule,
    decide=decide,
    explain=explain,
    explain_check=explain_check,
    query=lambda _: (
        "select proxy, level, level_low, level_high, auc, auc_low, auc_high, share_rising, verdict "
        "from proxy_trends where objective = 'one_hot' order by proxy"
    ),
    evidence=Place("proxies", "Proxies against the score", ("proxy-trends",)),
    uses_alpha=True,
    share=True,
)  # fmt: skip
