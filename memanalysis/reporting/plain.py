"""Each finding in one plain sentence, and what would settle an open one: measured values only."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from memanalysis import proxies
from memanalysis.reporting import wording

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Mapping[str, Row]

QUANTITIES: Final = {
    "bimodality_grows": "rise of polarisation, smallest to largest size",
    "trajectories_diverse": "share of examples memorised more by larger models",
    "distillation_inhibits": "mean change of the score in students smaller than their teacher",
    "proxies_miss_trends": "share of proxies that miss the trend",
}
# Findings where a table has no room for the whole claim.
TITLES: Final = {
    "bimodality_grows": "scores part into two ends",
    "trajectories_diverse": "trajectories differ",
    "distillation_inhibits": "distillation inhibits memorisation",
    "proxies_miss_trends": "proxies miss the trend",
}
# What each condition measures, where a card has no room for its claim.
_MEASURED: Final = {
    "polarisation_rises": "polarisation, smallest to largest size",
    "polarisation_slope": "polarisation per step of size",
    "tails_grow": "share of scores near 0 or near 1",
    "increasing": "share memorised more by larger models",
    "fixed": "share memorised equally by all sizes",
    "decreasing_or_cap": "share memorised less, or most in between",
    "inhibits": "mean change of the score",
    "most_where_memorised": "change of memorised examples beyond that of others, mean of both "
    "choices",
    "generalises": "change of test accuracy",
}
_NOT_REFUTED: Final = (
    ", which does not refute it: examples whose shape cannot be told yet may have this one. "
    "Sizes further apart show more shapes"
)
# Rows of a finding that are no condition of its rule.
_CHECKS: Final = {
    "half_a": "on half of the models",
    "half_b": "on the other half of the models",
    "probability": "by the label’s probability",
    "saturated_sizes": "among saturated sizes",
    "alpha_half": "with half of α",
    "alpha_double": "with twice α",
}
_SHARES: Final = ("trajectories_diverse", "proxies_miss_trends")
_SHARE_CONDITIONS: Final = ("increasing", "fixed", "decreasing_or_cap")
# Robustness rows that overrule a supported verdict, as the findings' rules say, in words.
_OVERRULING: Final = {
    "half_a": "in one half of the models",
    "half_b": "in the other half of the models",
    "probability": "by the label’s probability instead of right or wrong",
}
_TOO_FEW: Final = "too few for a verdict"
_LOST: Final = "keeps no longer per group"
_BECAUSE: Final = re.compile(r"They increase because ([^.]*)\.")
# The two ways of choosing memorised examples, each with its interval.
_CHOSEN: Final = re.compile(
    r"by (\S+ \(.*?\)) if chosen with labels alone and by (\S+ \(.*?\)) if chosen with distillation"
)
_LEVEL: Final = re.compile(r"rank correlation with the score is (-?[\d.]+)")
_UNDECIDED: Final = re.compile(r"Not decided: (.*?)(?: \(\d+ groups? of models|\.$|;)")
_BOUND: Final = re.compile(r"^(lower|upper) limit[^<>]*[<>]=? ?(-?[\d.]+)")
_HEADLINE: Final = "headline"
# Beyond this many times the models of the study, a number of models is no advice any more.
_PRACTICAL: Final = 50


def title(row: str) -> str:
    """Return the name of a row of ``findings`` as readers see it."""
    kind, _, proxy = row.partition("proxy: ")
    return f"proxy: {proxies.label(proxy)}" if proxy else _CHECKS.get(kind, kind.replace("_", " "))


def measured(row: str) -> str:
    """Return what a condition measures, its name where that says it."""
    return _MEASURED.get(row) or title(row)


def effect(finding: str, row: Row) -> tuple[str, str]:
    """Return the estimate and interval of a row of a finding, shares as percentages."""
    low, high = row["ci_low"], row["ci_high"]
    if finding not in _SHARES or str(row.get("row")).startswith("proxy: "):
        return wording.number(row["estimate"], 3), wording.interval(low, high)
    # An interval by the jackknife knows nothing of 0 and 1.
    low, high = (None if end is None else min(max(end, 0.0), 1.0) for end in (low, high))
    ends = wording.NONE if low is None or high is None else f"{_share(low)} to {_share(high)}"
    return _share(row["estimate"]), ends


def meaning(finding: str, rows: Rows) -> str:
    """Say in one sentence what a finding means in this study; empty for an unknown finding."""
    reason = undecided(rows[_HEADLINE])
    if reason:
        return f"This study cannot answer the question: {reason}."
    explain = _MEANINGS.get(finding)
    return explain(rows) if explain else ""


def undecided(row: Row) -> str:
    """Return why a finding could not be decided at all, from its headline; empty if it could."""
    reason = _UNDECIDED.search(row["sentence"] or "")
    return reason[1] if reason else ""


def deciding(rows: Rows) -> list[Row]:
    """Return the core conditions, and the checks that overrule them or that could not be made.

    Nothing where one condition decides.
    """
    core = [row for name, row in rows.items() if row["core"] and name != _HEADLINE]
    held = all(row["verdict"] == "supported" for row in core)
    over = [rows[name] for name in _OVERRULING if held and _refutes(rows.get(name))]
    if held and not over and _LOST in (rows[_HEADLINE]["sentence"] or ""):
        over = [rows["probability"]] if "probability" in rows else []
    found = core + over
    return found if len(found) > 1 else []


def settling(rows: Rows, subsets: int) -> str:
    """Say what would decide an undetermined finding, as far as the data say; empty otherwise."""
    head = rows[_HEADLINE]
    if head["verdict"] != "undetermined" or undecided(head):
        return ""
    if _TOO_FEW in (head["sentence"] or ""):
        few = head["n_groups"]
        verb = "is" if few == 1 else "are"
        return f"More models: {wording.plural(few, 'group')} of them {verb} too few."
    left_open = [row for row in rows.values() if _is_open(row)]
    if left_open:
        return _more_models(left_open, subsets)
    against = [name for name in _OVERRULING if _refutes(rows.get(name))]
    if against == ["probability"]:
        return (
            "Not more models: counted as right or wrong the conditions hold, by the label’s "
            "probability one of them is refuted. The two scores measure different things, and the "
            f"claim holds for one of them.{_by_probability(rows['probability'])}"
        )
    if against:
        where = wording.listed([_OVERRULING[name] for name in against])
        return f"More models: the conditions hold on all models together, but not {where}."
    if _LOST in (head["sentence"] or ""):
        return (
            "One cross-check: all conditions hold, but this store no longer keeps the label’s "
            "probability for each group of models, by which they should hold as well. Training "
            "the study again decides it."
        )
    return ""


def _by_probability(row: Row) -> str:
    """What the check by the label's probability found, in the words of the finding."""
    found = (row["sentence"] or "").partition("the headline. ")[2]
    return f" There: {wording.prose(found[0].lower() + found[1:])}" if found else ""


def _bimodality(rows: Rows) -> str:
    rise, tails = _value(rows, "polarisation_rises"), _value(rows, "tails_grow")
    if rise is None or tails is None:
        return ""
    direction = "further apart" if rise > 0 else "closer together"
    moved = (
        "it cannot be told whether scores move further apart"
        if _is_unsure(rows["polarisation_rises"])
        else f"scores move {direction}"
    )
    return (
        f"From the smallest size to the largest, {moved}: polarisation changes by "
        f"{wording.number(rise, 2, signed=True)}, and the share of examples with a score near 0 or "
        f"near 1 by {_points(tails)}{_tails(rows)}."
    )


def _tails(rows: Rows) -> str:
    """Either end by itself, where the two go different ways."""
    low, high = _value(rows, "low_tail_grows"), _value(rows, "high_tail_grows")
    if low is None or high is None or low * high >= 0:
        return ""
    near_0, near_1 = (wording.number(100 * share, 1, signed=True) for share in (low, high))
    return f" ({near_0} near 0, {near_1} near 1)"


def _diversity(rows: Rows) -> str:
    names = ("increasing", "fixed", "decreasing_or_cap")
    shares = [_value(rows, name) for name in names]
    known = [_hundredths(share) for share in shares if share is not None]
    if len(known) < len(names):
        return ""
    more, equal, less = known
    return (
        f"Of 100 examples, {more} are memorised more by larger models, {equal} equally by all "
        f"sizes, and {less} less by larger models or most at a middle size (counted without the "
        "false discoveries that the rule admits); the others take other turns or cannot be told "
        f"yet.{_fitting(rows)}"
    )


def _fitting(rows: Rows) -> str:
    """Whether what increases does so because larger models fit it, and where they fit it all."""
    said = _BECAUSE.search(rows["increasing"]["sentence"] or "")
    because = f" Those memorised more are so because {said[1]}." if said else ""
    saturated = rows.get("saturated_sizes")
    if saturated is None or saturated["estimate"] in (None, rows["increasing"]["estimate"]):
        return because
    share = _share(saturated["estimate"])
    return f"{because} Among saturated sizes alone (mean p_in of at least 0.99) they are {share}."


def _inhibition(rows: Rows) -> str:
    change, gain = _value(rows, "inhibits"), _value(rows, "generalises")
    extra = _value(rows, "most_where_memorised")
    if change is None or gain is None:
        return ""
    direction = "lowers" if change < 0 else "raises"
    moved = (
        "does not measurably change the mean memorisation score "
        f"({wording.number(change, 3, signed=True)})"
        if _is_unsure(rows["inhibits"])
        else f"{direction} the mean memorisation score by {wording.number(abs(change), 3)}"
    )
    said = f"Learning from a teacher’s outputs {moved} and changes test accuracy by {_points(gain)}"
    if extra is not None and rows["most_where_memorised"]["verdict"] == "not supported":
        return f"{said}; {_beyond(rows['most_where_memorised'])}"
    if extra is None or _is_unsure(rows["most_where_memorised"]):
        return f"{said}."
    compared = "fall" if extra < 0 else "rise"
    return (
        f"{said}; scores of memorised examples {compared} by {wording.number(abs(extra), 3)} "
        "more than those of others."
    )


def _beyond(row: Row) -> str:
    """By how much memorised examples change beyond others where that refutes, by either choice."""
    both = _CHOSEN.search(row["sentence"] or "")
    if both is None:
        low, high = row["ci_low"], row["ci_high"]
        change = (
            f"{wording.number(row['estimate'], 3, signed=True)} ({wording.interval(low, high)})"
        )
        return (
            f"scores of memorised examples change by {change} beyond those of others, less than "
            "the rule asks."
        )
    return wording.prose(
        f"scores of memorised examples change, beyond those of others, by {both[1]} if they are "
        f"chosen on models trained on labels and by {both[2]} if on distilled ones, where the rule "
        "asks for a fall in both."
    )


def _proxies(rows: Rows) -> str:
    tested = [row for name, row in rows.items() if name.startswith("proxy: ")]
    if not tested:
        return ""
    missing = sum(row["verdict"] == "supported" for row in tested)
    areas = [row["estimate"] for row in tested if row["estimate"] is not None]
    levels = [float(found[1]) for row in tested if (found := _LEVEL.search(row["sentence"] or ""))]
    ranked = f" (rank correlation {_reach(levels)}, mean over sizes)" if levels else ""
    told = f" (AUC {_reach(areas)}; 0.50 is guessing, 0.75 would be telling)" if areas else ""
    return (
        f"Of the {wording.plural(len(tested), 'proxy', 'proxies')} that the rule names, {missing} "
        f"rank examples much as the score does{ranked} and yet hardly tell whose memorisation "
        f"grows with the model{told}."
    )


def _reach(values: list[float]) -> str:
    """From the smallest to the largest of several numbers."""
    low, high = (wording.number(end(values), 2) for end in (min, max))
    return low if low == high else f"{low} to {high}"


_MEANINGS: Final[Mapping[str, Callable[[Rows], str]]] = {
    "bimodality_grows": _bimodality,
    "trajectories_diverse": _diversity,
    "distillation_inhibits": _inhibition,
    "proxies_miss_trends": _proxies,
}


def _is_unsure(row: Row) -> bool:
    """Whether the interval leaves open which side of 0 the estimate is on."""
    low, high = row["ci_low"], row["ci_high"]
    return low is None or high is None or low <= 0 <= high


def _is_open(row: Row) -> bool:
    return bool(row["core"]) and row["row"] != _HEADLINE and row["verdict"] == "undetermined"


def _refutes(row: Row | None) -> bool:
    return row is not None and row["verdict"] == "not supported"


def _more_models(rows: list[Row], subsets: int) -> str:
    """Say how many subsets would decide the hardest of the open conditions."""
    needed = {row["claim"]: subsets_needed(row, subsets) for row in rows}
    claim = max(needed, key=lambda name: needed[name] or math.inf)
    count = needed[claim]
    which = f"“{claim}” is open" if len(rows) == 1 else f"the hardest open condition is “{claim}”"
    if count is None and not all(_BOUND.match(row["bound"] or "") for row in rows):
        return f"More models: {which}; how many would decide it cannot be told from its bounds."
    if count is None:
        beyond = f"Hardly more models: {which}, its estimate on the wrong side of the rule’s bound"
        shares = claim in {row["claim"] for row in rows if row["row"] in _SHARE_CONDITIONS}
        return f"{beyond}{_NOT_REFUTED if shares else ''}."
    if count > _PRACTICAL * subsets:
        return f"Very many more models: {which}, its estimate close to the rule’s bound."
    return (
        f"More models: {which}; about {wording.count(count)} subsets instead of "
        f"{wording.count(subsets)} would decide it, if its estimate stays where it is."
    )


def subsets_needed(row: Row, subsets: int) -> int | None:
    """About how many subsets would put an interval on the right side of its bound.

    An interval shrinks with the square root of the number of independent models, so it has to be
    h/d times as narrow: h is its half-width, d the distance from the estimate to the bound. None
    where the estimate is on the wrong side or the row has no such bound. Rounded up to two digits.
    """
    bound = _BOUND.match(row["bound"] or "")
    ends = (row["estimate"], row["ci_low"], row["ci_high"])
    if bound is None or None in ends:
        return None
    estimate, low, high = ends
    sign = 1 if bound[1] == "lower" else -1
    distance = sign * (estimate - float(bound[2]))
    if distance <= 0:
        return None
    exact = subsets * ((high - low) / 2 / distance) ** 2
    step = 10 ** max(math.floor(math.log10(max(exact, 1))) - 1, 0)
    return int(math.ceil(exact / step) * step)


def _value(rows: Rows, name: str) -> float | None:
    row = rows.get(name)
    return None if row is None else row["estimate"]


def _share(value: float | None) -> str:
    return wording.percent(value, 1)


def _points(value: float) -> str:
    """A change of a share in percentage points: +1.2 percentage points."""
    return f"{wording.number(100 * value, 1, signed=True)} percentage points"


def _hundredths(share: float) -> str:
    return "fewer than 1" if 0 < share < 0.01 else f"about {100 * share:.0f}"
