import numpy as np
import pytest

from memanalysis.analysis.intervals import Interval
from memanalysis.analysis.trajectories import RuleSettings
from memanalysis.findings import load
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    above,
    at_least,
    below,
    joined,
)


def _interval(estimate: float, low: float, high: float) -> Interval:
    return Interval(np.array(estimate), np.array(low), np.array(high), 10)


def test_registered_thresholds() -> None:
    """Version 2 of the rules: a change here is a new version with a line in CHANGELOG.md."""
    rules = load()
    assert rules.version == 2
    assert (rules.common.minimum_groups, rules.common.provisional_below) == (5, 10)
    assert (rules.common.level, rules.common.saturated_accuracy_in) == (0.95, 0.99)
    assert rules.trajectories == RuleSettings()
    assert rules.bimodality.minimum_rise == 0.02
    assert rules.diversity.minimum_share == 0.01
    inhibition = rules.inhibition
    assert (inhibition.maximum_change, inhibition.maximum_difference) == (-0.002, -0.02)
    assert (inhibition.memorised, inhibition.not_memorised) == (0.5, 0.25)
    proxies = rules.proxies
    assert (proxies.minimum_level, proxies.follows_auc) == (0.5, 0.75)
    assert (proxies.minimum_reliability, proxies.minimum_increasing) == (0.5, 50)
    assert proxies.minimum_proxies == 3


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.03, 0.05, SUPPORTED),
        (0.01, 0.05, UNDETERMINED),
        (-0.1, 0.01, REFUTED),
        (0.0, 0.02, REFUTED),
        (float("nan"), float("nan"), UNDETERMINED),
    ],
)
def test_verdict_against_a_bound(low: float, high: float, expected: str) -> None:
    """Above .02: supported, refuted at or below it, otherwise undetermined; mirrored for below."""
    assert above(_interval(0.02, low, high), 0.02) == expected
    assert below(_interval(-0.02, -high, -low), -0.02) == expected
    if expected == REFUTED:
        assert above(_interval(0, low, high), 0.02, refutes=False) == UNDETERMINED


def test_conjunction() -> None:
    """One refuted condition refutes; all must hold to support; nothing decides nothing."""
    assert joined([SUPPORTED, SUPPORTED]) == SUPPORTED
    assert joined([SUPPORTED, UNDETERMINED]) == UNDETERMINED
    assert joined([UNDETERMINED, REFUTED]) == REFUTED
    assert joined([]) == UNDETERMINED


def test_reaching_a_bound() -> None:
    """A limit on the bound itself is enough where the rule says "at least"."""
    assert at_least(_interval(0.9, 0.8, 0.95), 0.8) == SUPPORTED
    assert at_least(_interval(0.8, 0.7, 0.8), 0.8) == UNDETERMINED
    assert at_least(_interval(0.7, 0.6, 0.79), 0.8) == REFUTED
