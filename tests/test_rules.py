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
    """Version 3 of the rules: a change here is a new version with a line in CHANGELOG.md."""
    rules = load()
    assert rules.version == 3
    assert rules.made_after == ("Fashion-MNIST",)
    assert (rules.common.minimum_groups, rules.common.provisional_below) == (5, 10)
    assert (rules.common.level, rules.common.saturated_accuracy_in) == (0.95, 0.99)
    assert (rules.common.join_above, rules.common.blocks) == (40, 20)
    assert (rules.common.minimum_folds, rules.common.minimum_selected) == (5, 20)
    assert rules.trajectories == RuleSettings()
    modes = rules.modes
    assert (modes.minimum_ratio, modes.minimum_share, modes.minimum_rise) == (1.0, 0.01, 0.002)
    assert rules.polarisation.minimum_rise == 0.02
    assert (rules.diversity.minimum_share, rules.diversity.alpha_share) == (0.01, 0.5)
    falling = rules.falling
    assert (falling.low, falling.high, falling.maximum_change) == (0.1, 0.5, -0.01)
    assert (rules.headline.maximum_change, rules.headline.minimum_gain) == (-0.002, 0.0)
    particular = rules.particular
    assert (particular.memorised, particular.not_memorised) == (0.5, 0.25)
    assert (particular.maximum_excess, particular.reversed_excess) == (-0.02, 0.02)
    trends = rules.trends
    assert trends.alpha_by_n_out_of_half == ((60, 0.15), (9, 0.2))
    assert (trends.minimum_level, trends.follows_area) == (0.5, 0.75)
    assert (trends.minimum_reliability, trends.minimum_increasing) == (0.5, 50)
    assert trends.minimum_proxies == 3


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
