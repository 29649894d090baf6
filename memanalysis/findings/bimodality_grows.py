"""F1, ``bimodality_grows``: a mode at either end of the scores, and the upper one grows.

Version 3: modes by plain counting at the largest size, growth of the upper one between the first
and the last size, and, so that fitting alone is no growth, between the saturated ends too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from memanalysis.analysis import modes, polarisation
from memanalysis.analysis.blocks import joined
from memanalysis.analysis.intervals import Floats, Interval, jackknife_of
from memanalysis.analysis.outcomes import Counts
from memanalysis.findings.decisions import Decision, detectable, undecided
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Bound,
    Fact,
    Verdict,
    above,
)
from memanalysis.rules import Rules, load

RULE: Final = "bimodality_grows"
POLARISATION: Final = "scores_polarise"
_CONDITIONS: Final = ("upper_mode", "lower_mode", "rise", "held_out_rise_saturated")


def decide(groups: Counts, saturated: Sequence[int], rules: Rules | None = None) -> Decision:
    """A mode at both ends of the largest size, the upper one risen, also by held-out errors.

    Parameters
    ----------
    groups
        Counts [G, L, n] of one objective, sizes from the smallest.
    saturated
        Positions of the sizes whose mean p_in is at least .99.
    """
    rules = rules or load()
    if groups.n_in.shape[1] < 2:
        return undecided(RULE, "too_few_sizes")
    groups = joined(groups, rules.common.join_above, rules.common.blocks)
    if len(groups.n_in) < rules.common.minimum_folds:
        return undecided(RULE, "too_few_groups")
    measured = modes.measure(groups)
    m = rules.modes
    intervals = {
        "upper_mode": measured.ratio_beside(modes.TOP, minimum_share=m.minimum_share),
        "lower_mode": measured.ratio_beside(modes.BOTTOM, minimum_share=m.minimum_share),
        "rise": measured.rise(modes.TOP),
        "held_out_rise": measured.rise(modes.HELD_OUT),
    }
    least = (m.minimum_ratio, m.minimum_ratio, m.minimum_rise, m.minimum_held_out_rise)
    bounds = {name: Bound("lower", value) for name, value in zip(_CONDITIONS, least, strict=True)}
    if len(saturated) >= 2:
        first, last = saturated[0], saturated[-1]
        intervals["rise_saturated"] = measured.rise(modes.TOP, first, last)
        intervals["held_out_rise_saturated"] = measured.rise(modes.HELD_OUT, first, last)
    facts = [Fact.of(name, interval) for name, interval in intervals.items()]
    facts += [Fact("top_share", float(measured.shares[-1, modes.TOP])), Fact("planted", m.planted)]
    facts.append(
        Fact("detectable_rise", m.minimum_rise + detectable(intervals["rise"], rules.common.power))
    )
    return _verdict(intervals, bounds, tuple(facts))


def _verdict(
    intervals: dict[str, Interval], bounds: dict[str, Bound], facts: tuple[Fact, ...]
) -> Decision:
    shape = {name: _holds(intervals[name], bounds[name].value) for name in _CONDITIONS[:3]}
    refuting = tuple(name for name, verdict in shape.items() if verdict == REFUTED)
    if refuting:
        return Decision(RULE, REFUTED, f"{refuting[0]}_refuted", refuting, bounds, facts)
    missing = tuple(name for name, verdict in shape.items() if verdict != SUPPORTED)
    if missing:
        return Decision(RULE, UNDETERMINED, "open", missing, bounds, facts)
    growth = intervals.get("held_out_rise_saturated")
    if growth is None:
        return Decision(RULE, UNDETERMINED, "too_few_saturated_sizes", (), bounds, facts)
    name = _CONDITIONS[3]
    if float(growth.low) > bounds[name].value:
        return Decision(RULE, SUPPORTED, "shown", _CONDITIONS, bounds, facts)
    return Decision(RULE, UNDETERMINED, "grows_by_fitting", (name,), bounds, facts)


def _holds(interval: Interval, bound: float) -> Verdict:
    """Supported above the bound, refuted wholly below it."""
    if float(interval.high) < bound:
        return REFUTED
    return SUPPORTED if float(interval.low) > bound else UNDETERMINED


def decide_polarisation(groups: Counts, rules: Rules | None = None) -> Decision:
    """The row ``scores_polarise``: polarisation of the last minus that of the first size."""
    rules = rules or load()
    limits = rules.polarisation
    if groups.n_in.shape[1] < 2:
        return undecided(POLARISATION, "too_few_sizes")
    groups = joined(groups, rules.common.join_above, rules.common.blocks)
    if len(groups.n_in) < rules.common.minimum_folds:
        return undecided(POLARISATION, "too_few_groups")

    def rise(counts: Counts) -> Floats:
        ends = polarisation.polarisation(counts[[0, -1]], limits.minimum_mean)
        return np.asarray(ends[1] - ends[0])

    interval = jackknife_of(rise, groups)
    facts = (Fact.of("polarisation_rise", interval),)
    if not np.isfinite(interval.estimate):
        return undecided(POLARISATION, "hardly_anything_memorised", facts)
    verdict = above(interval, limits.minimum_rise)
    reason = {SUPPORTED: "shown", REFUTED: "refuted"}.get(verdict, "open")
    bounds = {"polarisation_rise": Bound("lower", limits.minimum_rise)}
    return Decision(POLARISATION, verdict, reason, ("polarisation_rise",), bounds, facts)
