"""F1, ``bimodality_grows``: the scores of larger models are more polarised."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis import numbers
from memanalysis.analysis import mixing
from memanalysis.analysis.extrapolation import extrapolated_interval
from memanalysis.analysis.intervals import Floats, Interval, jackknife, jackknife_of
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.analysis.polarisation import (
    HIGH,
    LOW,
    plain_tails,
    polarisation,
    polarisation_of,
    upper_mode_ratio,
)
from memanalysis.findings.declaration import Criterion, Finding, Place
from memanalysis.findings.evidence import Condition, Evidence
from memanalysis.findings.reasons import Reason
from memanalysis.findings.rules import Rules
from memanalysis.findings.verdicts import (
    UNDETERMINED,
    Bound,
    Check,
    Fact,
    Outcome,
    above,
    check,
    joined,
    missing_signal,
)

NAME: Final = "bimodality_grows"
# Columns of what is jackknifed.
_RISE, _SLOPE, _TAILS, _LOW, _HIGH, _MODE = range(6)


def decide(evidence: Evidence) -> Outcome:
    """Polarisation must rise, rise on average per size, and both tails together must grow."""
    condition = evidence.one_hot
    if condition is None or len(condition.sizes) < 2:
        return _undecided(evidence, "too_few_sizes")
    if (reason := missing_signal(evidence)) is not None:
        return _undecided(evidence, reason)
    per_size, interval = _measure(condition, evidence)
    checks = _checks(interval, evidence)
    first = checks[0]
    facts = (
        *(
            Fact("polarisation", float(value), size=size)
            for size, value in zip(condition.sizes, per_size, strict=True)
        ),
        *(
            Fact.of(name, interval[column])
            for name, column in (
                ("rise", _RISE), ("tails", _TAILS), ("low_tail", _LOW), ("high_tail", _HIGH),
            )
        ),
    )  # fmt: skip
    return Outcome(
        finding=NAME, verdict=joined(c.verdict for c in checks if c.core),
        estimate=first.estimate, low=first.low, high=first.high, bound=first.bound,
        n_groups=condition.n_groups, alpha=evidence.alpha, facts=facts, checks=checks,
        signal=evidence.signal,
    )  # fmt: skip


def _undecided(evidence: Evidence, reason: Reason) -> Outcome:
    return Outcome(
        finding=NAME, verdict=UNDETERMINED, reason=reason, n_groups=evidence.n_groups,
        alpha=evidence.alpha, signal=evidence.signal,
    )  # fmt: skip


def _checks(interval: Interval, evidence: Evidence) -> tuple[Check, ...]:
    """The three conditions that decide, then both tails apart and the second mode."""
    rules = evidence.rules.bimodality
    limits = (
        ("polarisation_rises", _RISE, rules.minimum_rise, True),
        ("polarisation_slope", _SLOPE, rules.minimum_slope, True),
        ("tails_grow", _TAILS, rules.minimum_tail_rise, True),
        ("low_tail_grows", _LOW, rules.minimum_tail_rise, False),
        ("high_tail_grows", _HIGH, rules.minimum_tail_rise, False),
        ("second_mode", _MODE, rules.second_mode, False),
    )
    return tuple(
        check(
            row, interval[column], above(interval[column], least, refutes=column != _SLOPE),
            Bound("lower", least), core=core,
        )
        for row, column, least, core in limits
    )  # fmt: skip


def explain(outcome: Outcome) -> str:
    """What happens to the scores from the smallest size to the largest."""
    sizes = outcome.facts_of("polarisation")
    rise, tails = outcome.fact("rise"), outcome.fact("tails")
    low, high = outcome.fact("low_tail"), outcome.fact("high_tail")
    apart = ""
    if low.estimate * high.estimate < 0:
        near_0, near_1 = (numbers.points_with_interval(*f.interval) for f in (low, high))
        apart = f": near 0 by {near_0}, near 1 by {near_1}"
    return (
        f"From {sizes[0].size} to {sizes[-1].size}, the polarisation of scores (0: all examples "
        "alike, 1: each memorised fully or not at all) goes from "
        f"{numbers.number(sizes[0].estimate, missing=numbers.UNKNOWN)} to "
        f"{numbers.number(sizes[-1].estimate, missing=numbers.UNKNOWN)}, by "
        f"{numbers.with_interval(*rise.interval, brief=False)}; the share of scores near 0 or near "
        f"1 changes by {numbers.points_with_interval(*tails.interval)}{apart}"
    )


def explain_check(check: Check) -> str:
    """A condition with its number."""
    claim = FINDING.criterion(check.row).claim
    return f"{claim}: {numbers.with_interval(*check.interval, brief=False)}"


def _measure(condition: Condition, evidence: Evidence) -> tuple[Floats, Interval]:
    """Polarisation per size [L], and the interval of what ``_summary`` lists."""
    minimum = evidence.rules.bimodality.minimum_mean
    sums = condition.probability
    if evidence.signal == "correctness" or sums is None:

        def statistic(counts: Counts) -> Floats:
            weights = [mixing.fit(counts[row]) for row in (0, -1)]
            tails = [[mixing.mass(w, -2, LOW), mixing.mass(w, HIGH, 2)] for w in weights]
            ratio = upper_mode_ratio(weights[1])
            return _summary(polarisation(counts, minimum), np.array(tails), ratio)

        return polarisation(condition.counts.sum(0), minimum), jackknife_of(
            statistic, condition.counts
        )
    half = condition.half
    estimate = _of_halves(sums, half, minimum)
    everyone = np.arange(condition.n_groups)
    replicates = [
        _of_halves(sums[everyone != group], half[everyone != group], minimum) for group in everyone
    ]
    ends = [_rise_and_slope(values) for values in (estimate, *replicates)]
    polarised = jackknife(ends[0], np.asarray(ends[1:]).reshape(-1, 2))
    return estimate, _below_each_other(polarised, extrapolated_interval(_tail_rises, sums))


def _of_halves(sums: Counts, half: NDArray[np.int64], minimum: float) -> Floats:
    """Polarisation [L] of a continuous score, its noise removed by the covariance of two halves."""
    scores = [sums[half == side].sum(0).memorization for side in (0, 1)]
    known = np.isfinite(scores[0]) & np.isfinite(scores[1])
    n = known.sum(axis=-1)
    filled = [np.where(known, score, 0.0) for score in scores]
    centre = [ratio(score.sum(axis=-1), n) for score in filled]
    product = np.where(
        known, (filled[0] - centre[0][:, None]) * (filled[1] - centre[1][:, None]), 0.0
    )
    covariance = ratio(product.sum(axis=-1), n - 1)
    return polarisation_of((centre[0] + centre[1]) / 2, covariance, minimum)


def _tail_rises(counts: Counts) -> Floats:
    """Rise of both tails, of the low and of the high one, by counting: [3]."""
    low, high = np.diff(plain_tails(counts[[0, -1]]), axis=0)[0]
    return np.array([low + high, low, high])


def _below_each_other(polarised: Interval, tails: Interval) -> Interval:
    """The intervals of both parts in the order of ``_summary``; no mode ratio."""
    return Interval(
        np.concatenate([polarised.estimate, tails.estimate, [np.nan]]),
        np.concatenate([polarised.low, tails.low, [np.nan]]),
        np.concatenate([polarised.high, tails.high, [np.nan]]),
        polarised.n_groups,
    )


def _rise_and_slope(per_size: Floats) -> Floats:
    """Polarisation's change from the first to the last size, and its slope on the rank: [2]."""
    rank = np.arange(len(per_size)) - (len(per_size) - 1) / 2
    return np.array([per_size[-1] - per_size[0], (rank * per_size).sum() / (rank**2).sum()])


def _summary(per_size: Floats, tails: Floats, mode_ratio: float) -> Floats:
    """What is jackknifed, [6]: rise, slope on rank, rise of both tails, of each, mode ratio.

    ``per_size`` is the polarisation [L], ``tails`` [2, 2] the low and high tail of both end sizes.
    """
    low, high = tails[1] - tails[0]
    return np.array([*_rise_and_slope(per_size), low + high, low, high, mode_ratio])


def _rule(rules: Rules) -> str:
    return (
        f"polarisation rises by more than {rules.bimodality.minimum_rise:g}, its slope and the "
        "rise of both tails together lie above 0, each by its lower 95 % limit"
    )


FINDING: Final = Finding(
    name=NAME,
    title="scores part into two ends",
    claim="The larger the model, the more its memorisation scores part into 'not at all' and "
    "'entirely'",
    measures="rise of polarisation, smallest to largest size",
    criteria=(
        Criterion(
            "polarisation_rises", "polarisation rises",
            "Polarisation rises from the smallest to the largest size",
            "polarisation, smallest to largest size",
        ),
        Criterion(
            "polarisation_slope", "polarisation slope", "Polarisation rises per step of size",
            "polarisation per step of size",
        ),
        Criterion(
            "tails_grow", "tails grow", "The share of scores near 0 or near 1 grows",
            "share of scores near 0 or near 1",
        ),
        Criterion(
            "low_tail_grows", "low tail grows", "The share of scores near 0 grows",
            "share of scores near 0",
        ),
        Criterion(
            "high_tail_grows", "high tail grows", "The share of scores near 1 grows",
            "share of scores near 1",
        ),
        Criterion(
            "second_mode", "second mode",
            "At the largest size more scores lie in (.9, 1] than in (.7, .8]: a second mode",
            "share of scores in (.9, 1] over that in (.7, .8]",
        ),
    ),
    rule=_rule,
    decide=decide,
    explain=explain,
    explain_check=explain_check,
    query=lambda _: (
        "select size, polarisation, polarisation_low, polarisation_high, low_mass, high_mass "
        "from bimodality where objective = 'one_hot' order by size_rank"
    ),
    evidence=Place(
        "scores", "How the scores are distributed", ("bimodality", "memorization-histogram")
    ),
)  # fmt: skip
