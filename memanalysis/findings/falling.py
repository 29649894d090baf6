"""F2's row ``falling``: images with a middling score fall, by generalising, among sizes that fit.

Decided on -p_out between the saturated ends, because a larger net that fits the hardest images a
little less often would look like a fall. Shapes of single images decide nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from memanalysis.analysis.blocks import joined
from memanalysis.analysis.falling import PARTS, selected_change
from memanalysis.analysis.intervals import Interval
from memanalysis.analysis.outcomes import Counts
from memanalysis.findings.decisions import Decision, detectable, undecided
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, UNDETERMINED, Bound, Fact
from memanalysis.rules import Rules, load

RULE: Final = "falling"
SELECTIONS: Final = ("by_first", "by_last")
_MIDDLE: Final = 1  # the bin between both edges


def decide(groups: Counts, saturated: Sequence[int], rules: Rules | None = None) -> Decision:
    """Both selections' mean change by generalising must lie below -.01.

    Parameters
    ----------
    groups
        Counts [G, L, n] of one objective, sizes from the smallest.
    saturated
        Positions of the sizes whose mean p_in is at least .99, from the smallest.
    """
    rules = rules or load()
    if len(saturated) < 2:
        return undecided(RULE, "too_few_saturated_sizes")
    limits, common = rules.falling, rules.common
    ends = joined(groups[:, [saturated[0], saturated[-1]]], common.join_above, common.blocks)
    measured = selected_change(ends, (limits.low, limits.high), common.minimum_selected)
    intervals = measured.interval()
    decisive = {
        name: intervals[selection, _MIDDLE, PARTS.index("generalising")]
        for selection, name in enumerate(SELECTIONS)
    }
    facts = [Fact.of(name, interval) for name, interval in decisive.items()]
    for selection, name in enumerate(SELECTIONS):
        for part in ("change", "fitting"):
            interval = intervals[selection, _MIDDLE, PARTS.index(part)]
            facts.append(Fact.of(f"{part}_{name}", interval))
        number = float(measured.numbers[:, selection, _MIDDLE].mean())
        facts.append(Fact(f"selected_{name}", number))
    facts.append(Fact("planted", limits.planted))
    if measured.n_folds[:, _MIDDLE].min() < common.minimum_folds:
        return undecided(RULE, "too_few_folds", tuple(facts))
    widest = max(detectable(interval, common.power) for interval in decisive.values())
    facts.append(Fact("detectable_change", limits.maximum_change - widest))
    return _verdict(decisive, limits.maximum_change, tuple(facts))


def _verdict(decisive: dict[str, Interval], bound: float, facts: tuple[Fact, ...]) -> Decision:
    bounds = dict.fromkeys(decisive, Bound("upper", bound))
    refuting = tuple(name for name, i in decisive.items() if float(i.low) > bound)
    if refuting:
        return Decision(RULE, REFUTED, "refuted", refuting, bounds, facts)
    missing = tuple(name for name, i in decisive.items() if not float(i.high) < bound)
    if missing:
        return Decision(RULE, UNDETERMINED, "open", missing, bounds, facts)
    return Decision(RULE, SUPPORTED, "shown", tuple(decisive), bounds, facts)
