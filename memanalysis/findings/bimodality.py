"""F1, ``bimodality_grows``: the scores of larger models are more polarised."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
from memanalysis.evidence.conditions import Condition, Evidence
from memanalysis.findings.verdicts import (
    UNDETERMINED,
    Check,
    Outcome,
    above,
    check,
    joined,
    number,
    with_interval,
)

FINDING: Final = "bimodality_grows"
CLAIM: Final = (
    "The larger the model, the more its memorisation scores part into 'not at all' and 'entirely'"
)
QUERY: Final = (
    "select size, polarisation, polarisation_low, polarisation_high, low_mass, high_mass "
    "from bimodality where objective = 'one_hot' order by size_rank"
)
# Columns of what is jackknifed.
_RISE, _SLOPE, _TAILS, _LOW, _HIGH, _MODE = range(6)


def decide(evidence: Evidence) -> Outcome:
    """Polarisation must rise, rise on average per size, and both tails together must grow."""
    rules = evidence.rules.bimodality
    bound = (
        f"polarisation rises by more than {rules.minimum_rise}, its slope and the rise of both "
        "tails together lie above 0, each by its lower 95 % limit"
    )
    condition = evidence.one_hot
    if condition is None or len(condition.sizes) < 2:
        return _undecided(evidence, bound, "it takes at least two sizes of one-hot models")
    measured = _measure(condition, evidence)
    if measured is None:
        return _undecided(evidence, bound, "this signal is not kept per group of models")
    per_size, interval = measured
    rise, both = interval[_RISE], interval[_TAILS]
    checks = _checks(interval, evidence)
    first, last = condition.sizes[0], condition.sizes[-1]
    text = (
        f"From {first} to {last}, the polarisation of scores (0: all examples alike, 1: each "
        f"memorised fully or not at all) goes from {number(per_size[0])} to {number(per_size[-1])}"
        f", by {with_interval(rise)}; the share of scores near 0 or near 1 changes by "
        f"{with_interval(both, brief=True)}"
    )
    return Outcome(
        FINDING, CLAIM, joined(c.verdict for c in checks if c.core), text, bound,
        checks[0].estimate, checks[0].low, checks[0].high, condition.n_groups, evidence.alpha,
        checks,
    )  # fmt: skip


def _checks(interval: Interval, evidence: Evidence) -> tuple[Check, ...]:
    """The three conditions that decide, then both tails apart and the second mode."""
    rules = evidence.rules.bimodality
    rise, slope, both = interval[_RISE], interval[_SLOPE], interval[_TAILS]
    low, high, mode = interval[_LOW], interval[_HIGH], interval[_MODE]
    return (
        check(
            "polarisation_rises", "Polarisation rises from the smallest to the largest size",
            rise, above(rise, rules.minimum_rise), f"lower limit > {rules.minimum_rise}", core=True,
        ),
        check(
            "polarisation_slope", "Polarisation rises per step of size", slope,
            above(slope, rules.minimum_slope, refutes=False),
            f"lower limit > {rules.minimum_slope:g}", core=True,
        ),
        check(
            "tails_grow", "The share of scores near 0 or near 1 grows", both,
            above(both, rules.minimum_tail_rise),
            f"lower limit > {rules.minimum_tail_rise:g}", core=True,
        ),
        check(
            "low_tail_grows", "The share of scores near 0 grows", low,
            above(low, rules.minimum_tail_rise), f"lower limit > {rules.minimum_tail_rise:g}",
        ),
        check(
            "high_tail_grows", "The share of scores near 1 grows", high,
            above(high, rules.minimum_tail_rise), f"lower limit > {rules.minimum_tail_rise:g}",
        ),
        check(
            "second_mode",
            "At the largest size more scores lie in (.9, 1] than in (.7, .8]: a second mode", mode,
            above(mode, rules.second_mode), f"lower limit of the ratio > {rules.second_mode:g}",
        ),
    )  # fmt: skip


def _undecided(evidence: Evidence, bound: str, reason: str) -> Outcome:
    return Outcome(
        FINDING, CLAIM, UNDETERMINED, f"Not decided: {reason}", bound,
        n_groups=evidence.n_groups, alpha=evidence.alpha,
    )  # fmt: skip


def _measure(condition: Condition, evidence: Evidence) -> tuple[Floats, Interval] | None:
    """Polarisation per size [L], and the interval of what ``_summary`` lists."""
    minimum = evidence.rules.bimodality.minimum_mean
    if evidence.signal == "correctness":

        def statistic(counts: Counts) -> Floats:
            weights = [mixing.fit(counts[row]) for row in (0, -1)]
            tails = [[mixing.mass(w, -2, LOW), mixing.mass(w, HIGH, 2)] for w in weights]
            ratio = upper_mode_ratio(weights[1])
            return _summary(polarisation(counts, minimum), np.array(tails), ratio)

        return polarisation(condition.counts.sum(0), minimum), jackknife_of(
            statistic, condition.counts
        )
    if condition.probability is None:
        return None
    sums, half = condition.probability, condition.half
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
