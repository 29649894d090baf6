"""F4, ``proxies_miss_trends``: proxies that know the level of memorisation miss its trend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from memanalysis.analysis.correlations import HalfScores, correlate, opposite_halves, spearman_brown
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.trends import (
    Trends,
    proxy_polarisation,
    proxy_trends,
)
from memanalysis.findings.courses import trajectories_of_halves, whole_trajectories
from memanalysis.findings.evidence import Condition, Evidence, ProxyEvidence
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Check,
    Outcome,
    Verdict,
    above,
    number,
    percent,
    with_interval,
)

FINDING: Final = "proxies_miss_trends"
CLAIM: Final = (
    "Proxies that tell which examples are memorised do not tell whose memorisation increases"
)
QUERY: Final = (
    "select proxy, level, level_low, level_high, auc, auc_low, auc_high, share_rising, verdict "
    "from proxy_trends where objective = 'one_hot' order by proxy"
)


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
    rules = evidence.rules.proxies
    bound = (
        f"more than half of the registered proxies have a level correlation >= "
        f"{rules.minimum_level:g} and separate increasing examples with an area < "
        f"{rules.follows_auc:g}"
    )
    chosen = registered(evidence)
    condition = evidence.one_hot
    reason = None
    if condition is None or len(condition.sizes) < 2:
        reason = "it takes at least two sizes of one-hot models"
    elif chosen is None:
        reason = f"fewer than {rules.minimum_proxies} registered proxies are in this store"
    elif evidence.alpha is None:
        reason = "too few models hold each example out to tell shapes apart (fewer than 18)"
    elif evidence.signal == "probability" and condition.probability is None:
        reason = "this signal is not kept per group of models"
    if reason is not None or condition is None or chosen is None:
        return _undecided(evidence, bound, reason)
    measured = measure(evidence, condition, chosen)
    checks = tuple(_check(measured, row, evidence) for row in range(len(measured.names)))
    verdict, reason = _decision(measured, checks, evidence)
    missing = [
        name for name, c in zip(measured.names, checks, strict=True) if c.verdict == SUPPORTED
    ]
    share = len(missing) / len(checks)
    areas = ", ".join(
        f"{name} {with_interval(measured.trends.auc[row], 2)}"
        for row, name in enumerate(measured.names)
    )
    text = (
        f"{len(missing)} of {len(checks)} proxies tell which examples are memorised but not whose "
        f"memorisation increases{': ' + ', '.join(missing) if missing else ''}. Chance that the "
        f"proxy of an increasing example climbs more ranks than that of another (0.5: no better "
        f"than guessing): {areas}" + (f". Undetermined because {reason}" if reason else "")
    )
    return Outcome(
        FINDING, CLAIM, verdict, text.rstrip("."), bound, share, n_groups=condition.n_groups,
        alpha=evidence.alpha, checks=checks,
    )  # fmt: skip


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
    shapes = trajectories_of_halves(evidence, condition)
    whole = whole_trajectories(evidence, condition)
    ends = scores.means()[:, [0, -1]]
    between = correlate("pearson", (ends[0, 1] - ends[0, 0])[None], ends[1, 1] - ends[1, 0])
    return Measured(
        proxies.names,
        level_interval(proxies, scores),
        proxy_trends(proxies.sums, proxies.signs, shapes),
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
    if float(auc.low) > follows:
        return "follows"
    return "misses" if float(auc.high) < follows else UNDETERMINED


def _check(measured: Measured, row: int, evidence: Evidence) -> Check:
    rules = evidence.rules.proxies
    level, auc = measured.level[row], measured.trends.auc[row]
    trend = trend_verdict(auc, rules.follows_auc)
    knows = above(level, rules.minimum_level)
    verdict: Verdict = UNDETERMINED
    if float(level.low) >= rules.minimum_level and trend == "misses":
        verdict = SUPPORTED
    elif knows == REFUTED or trend == "follows":
        verdict = REFUTED
    name = measured.names[row]
    sentence = (
        f"{name} {_TREND[trend]}: area {with_interval(auc, 2)}, level correlation "
        f"{with_interval(level, 2)}, and it rises for "
        f"{percent(measured.trends.share_rising[row])} of the increasing examples."
    )
    return Check(
        f"proxy: {name}", f"{name} knows the level of memorisation and misses its trend", verdict,
        float(auc.estimate), float(auc.low), float(auc.high),
        f"level >= {rules.minimum_level:g} and area < {rules.follows_auc:g}", False, sentence,
    )  # fmt: skip


_TREND: Final = {
    "follows": "follows the trend",
    "misses": "misses the trend",
    UNDETERMINED: "may or may not follow the trend",
}


def _decision(
    measured: Measured, checks: tuple[Check, ...], evidence: Evidence
) -> tuple[Verdict, str]:
    rules = evidence.rules.proxies
    if not measured.reliability >= rules.minimum_reliability:
        return UNDETERMINED, (
            f"the change of the score itself is too noisy (reliability "
            f"{number(measured.reliability, 2)}, needed {rules.minimum_reliability:g})"
        )
    if measured.n_increasing < rules.minimum_increasing:
        return UNDETERMINED, (
            f"only {measured.n_increasing} examples are increasing "
            f"(needed {rules.minimum_increasing})"
        )
    half = len(checks) / 2
    if sum(c.verdict == SUPPORTED for c in checks) > half:
        return SUPPORTED, ""
    return (REFUTED if sum(c.verdict == REFUTED for c in checks) > half else UNDETERMINED), ""


def _undecided(evidence: Evidence, bound: str, reason: str | None) -> Outcome:
    return Outcome(
        FINDING, CLAIM, UNDETERMINED, f"Not decided: {reason}", bound,
        n_groups=evidence.n_groups, alpha=evidence.alpha,
    )  # fmt: skip
