"""F4, ``proxies_miss_trends``: proxies know the level of memorisation and miss its trend.

The score itself goes through the same measurement as positive control: where it does not follow
its own trend, nothing is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import correlate, spearman_brown
from memanalysis.analysis.intervals import Floats, Interval
from memanalysis.analysis.standardised_change import TrendAreas, level, trend_areas
from memanalysis.analysis.trajectories import Trajectories
from memanalysis.findings.decisions import Decision, mean_fact, undecided
from memanalysis.findings.verdicts import REFUTED, SUPPORTED, UNDETERMINED, Bound, Fact
from memanalysis.rules import Rules, load

RULE: Final = "proxies_miss_trends"
DIRECTIONS: Final = ("a_to_b", "b_to_a")


def alpha_of_half(n_out: NDArray[np.integer], rules: Rules | None = None) -> float | None:
    """Alpha for shapes by one half of the groups: .15 from 60 models without an image, .20 from 9.

    ``n_out`` [L, n] of that half; its median decides. None below 9.
    """
    steps = (rules or load()).trends.alpha_by_n_out_of_half
    median = float(np.median(n_out)) if n_out.size else 0.0
    return next((alpha for least, alpha in steps if median >= least), None)


def decide(
    scores: Floats,
    proxies: Floats,
    names: Sequence[str],
    shapes: Sequence[Trajectories],
    levels: Interval | None = None,
    rules: Rules | None = None,
) -> Decision:
    """More than half of the registered proxies must know the level and miss the trend.

    Parameters
    ----------
    scores
        Memorisation by each half of the groups, float64 [2, L, n].
    proxies
        Means over the models of each half, high meaning hard, float64 [2, P, L, n].
    names
        The P registered proxies; one decision each becomes a part.
    shapes
        Trajectories by each half, with the alpha of ``alpha_of_half``.
    levels
        Intervals [P] of the level correlation, if better ones than over images are known.
    """
    rules = rules or load()
    limits = rules.trends
    if scores.shape[1] < 2:
        return undecided(RULE, "too_few_sizes")
    if len(names) < limits.minimum_proxies:
        return undecided(RULE, "too_few_proxies")
    if any(sorting.alpha is None for sorting in shapes):
        return undecided(RULE, "no_alpha")
    areas = trend_areas(np.concatenate([scores[:, None], proxies], axis=1), shapes)
    levels = level(proxies, scores) if levels is None else levels
    reliability = _reliability(scores)
    reason = _too_little(areas, reliability, rules)
    control = _area_facts(areas, 0, "score_")
    facts = (
        *control, Fact("reliability", reliability),
        Fact("increasing", float(areas.n_increasing.min())),
    )  # fmt: skip
    parts = tuple(
        _decide_proxy(name, row + 1, areas, levels[row], reason, rules)
        for row, name in enumerate(names)
    )
    missing, following = (sum(p.verdict == v for p in parts) for v in (SUPPORTED, REFUTED))
    facts += (Fact("proxies", float(len(parts))),)
    if reason is not None:
        return Decision(RULE, UNDETERMINED, reason, facts=facts, parts=parts)
    facts += (Fact("missing", float(missing)), Fact("following", float(following)))
    if missing > len(parts) / 2:
        return Decision(RULE, SUPPORTED, "shown", ("missing",), facts=facts, parts=parts)
    if following > len(parts) / 2:
        return Decision(RULE, REFUTED, "refuted", ("following",), facts=facts, parts=parts)
    return Decision(RULE, UNDETERMINED, "open", ("missing", "following"), facts=facts, parts=parts)


def trend(area: Interval, follows: float) -> str:
    """``follows``, ``misses`` or ``undetermined`` by the areas [2] in both directions."""
    if (area.low > follows).all():
        return "follows"
    return "misses" if (area.high < follows).all() else UNDETERMINED


def _decide_proxy(
    name: str, row: int, areas: TrendAreas, known: Interval, reason: str | None, rules: Rules
) -> Decision:
    limits = rules.trends
    rule = f"proxy: {name}"
    facts = (*_area_facts(areas, row), Fact.of("level", known))
    decisive = tuple(f"area_{d}" for d in DIRECTIONS)
    bounds = dict.fromkeys(decisive, Bound("upper", limits.follows_area))
    bounds["level"] = Bound("lower", limits.minimum_level)
    if reason is not None:
        return Decision(rule, UNDETERMINED, reason, bounds=bounds, facts=facts)
    found = trend(areas.standardised[:, row], limits.follows_area)
    if float(known.high) < limits.minimum_level:
        return Decision(rule, REFUTED, "level_unknown", ("level",), bounds, facts)
    if found == "follows":
        return Decision(rule, REFUTED, "follows", decisive, bounds, facts)
    if found == "misses" and float(known.low) >= limits.minimum_level:
        return Decision(rule, SUPPORTED, "misses", ("level", *decisive), bounds, facts)
    open_facts = decisive if found == UNDETERMINED else ("level",)
    return Decision(rule, UNDETERMINED, "open", open_facts, bounds, facts)


def _area_facts(areas: TrendAreas, row: int, prefix: str = "") -> tuple[Fact, ...]:
    kinds = (("area", areas.standardised), ("raw_area", areas.raw), ("first", areas.first_size))
    return (
        *(
            Fact.of(f"{prefix}{kind}_{direction}", interval[d, row])
            for kind, interval in kinds
            for d, direction in enumerate(DIRECTIONS)
        ),
        mean_fact(f"{prefix}share_rising", areas.share_rising[:, row]),
    )


def _reliability(scores: Floats) -> float:
    """Split-half reliability of the score's change from the first to the last size."""
    change = scores[:, -1] - scores[:, 0]
    r = correlate("pearson", change[:1], change[1])
    return float(spearman_brown(r)[0])


def _too_little(areas: TrendAreas, reliability: float, rules: Rules) -> str | None:
    """Code of the reason why nothing can be decided, if there is one."""
    limits = rules.trends
    if areas.n_increasing.min() < limits.minimum_increasing:
        return "too_few_increasing"
    if not reliability >= limits.minimum_reliability:
        return "change_too_noisy"
    if trend(areas.standardised[:, 0], limits.follows_area) != "follows":
        return "score_does_not_follow"
    return None
