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
from memanalysis.evidence.conditions import Condition, Evidence, ProxyEvidence
from memanalysis.evidence.trajectories import trajectories_of
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Check,
    Outcome,
    Verdict,
    at_least,
    number,
    percent,
    percent_interval,
    with_interval,
)
from memanalysis.proxies import find

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
    reason = _too_little(measured, evidence)
    checks = tuple(_check(measured, row, evidence, reason) for row in range(len(measured.names)))
    missing = sum(c.verdict == SUPPORTED for c in checks)
    text = _text(measured, missing) if reason is None else f"Not decided: {reason}"
    known = reason is None and bool(np.isfinite(measured.trends.auc.estimate).any())
    return Outcome(
        FINDING, CLAIM, _decision(checks), text, bound, missing / len(checks) if known else np.nan,
        n_groups=condition.n_groups, alpha=evidence.alpha, checks=checks,
    )  # fmt: skip


def _text(measured: Measured, missing: int) -> str:
    """How many proxies miss the trend, and how far the best one gets."""
    area = measured.trends.auc
    if not np.isfinite(area.estimate).any():
        return "Not decided: the proxies are not kept per group of models"
    best = int(np.nanargmax(area.estimate))
    return (
        f"{missing} of {len(measured.names)} proxies tell which examples are memorised but not "
        f"whose memorisation increases with size. The best at that, {title(measured.names[best])}, "
        f"puts an increasing example above another one in {percent_interval(area[best])} of "
        f"pairs; guessing gives 50 %"
    )


def title(name: str) -> str:
    """A proxy in words, for running text."""
    known = find(name)
    if known is None:
        return name
    words = known.title if known.title.isupper() or known.title[1].isupper() else (
        known.title[0].lower() + known.title[1:]
    )  # fmt: skip
    return f"{words} on clean images" if name.endswith("_clean") else words


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
    if float(auc.low) > follows:
        return "follows"
    return "misses" if float(auc.high) < follows else UNDETERMINED


def _check(measured: Measured, row: int, evidence: Evidence, reason: str | None) -> Check:
    rules = evidence.rules.proxies
    level, auc = measured.level[row], measured.trends.auc[row]
    trend = trend_verdict(auc, rules.follows_auc)
    knows = at_least(level, rules.minimum_level)
    verdict: Verdict = UNDETERMINED
    if reason is None:
        if knows == SUPPORTED and trend == "misses":
            verdict = SUPPORTED
        elif knows == REFUTED or trend == "follows":
            verdict = REFUTED
    name = measured.names[row]
    words = title(name)
    words = words[0].upper() + words[1:]
    return Check(
        f"proxy: {name}", f"{words} knows the level of memorisation and misses its trend", verdict,
        float(auc.estimate), float(auc.low), float(auc.high),
        f"level >= {rules.minimum_level:g} and area < {rules.follows_auc:g}", False,
        f"{words} {_sentence(measured, row, _TREND[trend] if reason is None else _OPEN)}",
    )  # fmt: skip


def _sentence(measured: Measured, row: int, said: str) -> str:
    trends, auc = measured.trends, measured.trends.auc[row]
    if auc.n_groups == 0:
        return "is not kept per group of models: not decided."
    if not np.isfinite(auc.estimate):
        return "meets no increasing example: not decided."
    return (
        f"{said}: it puts an increasing example above another one in "
        f"{percent_interval(auc)} of pairs. Its rank correlation with the score is "
        f"{with_interval(measured.level[row], brief=True)}, it rises for "
        f"{percent(trends.share_rising[row])} of the increasing examples, and its changes in two "
        f"groups of models correlate with r = {number(trends.reproduced[row])}."
    )


_OPEN: Final = "is not decided here"
_TREND: Final = {
    "follows": "follows the trend",
    "misses": "misses the trend",
    UNDETERMINED: "may or may not follow the trend",
}


def _too_little(measured: Measured, evidence: Evidence) -> str | None:
    """Why nothing can be decided, if so."""
    rules = evidence.rules.proxies
    if not measured.reliability >= rules.minimum_reliability:
        return (
            f"the change of the score itself is too noisy (split-half reliability "
            f"{number(measured.reliability)}, needed {rules.minimum_reliability:g})"
        )
    if measured.n_increasing < rules.minimum_increasing:
        return (
            f"only {measured.n_increasing} examples are increasing "
            f"(needed {rules.minimum_increasing})"
        )
    return None


def _decision(checks: tuple[Check, ...]) -> Verdict:
    half = len(checks) / 2
    if sum(c.verdict == SUPPORTED for c in checks) > half:
        return SUPPORTED
    return REFUTED if sum(c.verdict == REFUTED for c in checks) > half else UNDETERMINED


def _undecided(evidence: Evidence, bound: str, reason: str | None) -> Outcome:
    return Outcome(
        FINDING, CLAIM, UNDETERMINED, f"Not decided: {reason}", bound,
        n_groups=evidence.n_groups, alpha=evidence.alpha,
    )  # fmt: skip
