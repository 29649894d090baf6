"""F3: distillation inhibits memorisation, and its row ``inhibits_particularly``.

The row asks for more than an equal gain for all would give: see ``analysis.equal_gain``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from memanalysis.analysis.blocks import joined
from memanalysis.analysis.distillation import change
from memanalysis.analysis.equal_gain import EqualGain, contrasts
from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.findings.decisions import Decision, detectable, undecided
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Bound,
    Fact,
    above,
    below,
)
from memanalysis.rules import Rules, load

RULE: Final = "inhibits_particularly"
HEADLINE: Final = "distillation_inhibits"
SELECTIONS: Final = ("by_one_hot", "by_distilled")
_PARTS: Final = ("change", "change_in", "change_out")


def decide(
    a: Counts,
    b: Counts,
    students: Sequence[str],
    *,
    leaks: bool = False,
    rules: Rules | None = None,
) -> Decision:
    """Both selections' excess over an equal gain, averaged over students, must lie below -.02.

    Parameters
    ----------
    a, b
        Counts [G, S, n] of the one-hot and the distilled models of the students.
    students
        Their sizes' names, which tell the facts per student apart.
    leaks
        Whether the teacher saw the held-out labels: then nothing is decided.
    """
    rules = rules or load()
    common, limits = rules.common, rules.particular
    if not students:
        return undecided(RULE, "no_students")
    a, b = (joined(c, common.join_above, common.blocks) for c in (a, b))
    measured = contrasts(
        a, b, limits.memorised, limits.not_memorised, common.minimum_selected
    )  # fmt: skip
    facts = _student_facts(measured, students, a, b)
    usable = np.flatnonzero((measured.n_folds >= common.minimum_folds).all(axis=0))
    if len(usable) == 0:
        return undecided(RULE, "too_few_folds", facts)
    average = measured.averaged(usable)
    facts += tuple(
        Fact.of(f"{name}_{selection}", average[name][row])
        for name in ("excess", "fit", "generalise", "null")
        for row, selection in enumerate(SELECTIONS)
    )
    excess, fit = average["excess"], average["fit"]
    widest = max(detectable(excess[row], common.power) for row in range(2))
    facts += (
        Fact("students_used", float(len(usable))),
        Fact("fits_memorised_less", float((fit.high < limits.maximum_fit).all())),
        Fact("detectable_excess", limits.maximum_excess - widest),
        Fact("planted", limits.planted),
    )
    if leaks:
        return undecided(RULE, "teacher_leaks", facts)
    return _verdict(excess, limits.maximum_excess, limits.reversed_excess, facts)


def _verdict(excess: Interval, bound: float, reverse: float, facts: tuple[Fact, ...]) -> Decision:
    names = [f"excess_{selection}" for selection in SELECTIONS]
    bounds = dict.fromkeys(names, Bound("upper", bound))
    refuting = tuple(n for n, low in zip(names, excess.low, strict=True) if low > bound)
    if refuting:
        reason = "memorised_gain_less" if (excess.low > reverse).all() else "refuted"
        return Decision(RULE, REFUTED, reason, refuting, bounds, facts)
    missing = tuple(n for n, high in zip(names, excess.high, strict=True) if not high < bound)
    if missing:
        return Decision(RULE, UNDETERMINED, "open", missing, bounds, facts)
    return Decision(RULE, SUPPORTED, "shown", tuple(names), bounds, facts)


def _student_facts(
    measured: EqualGain, students: Sequence[str], a: Counts, b: Counts
) -> tuple[Fact, ...]:
    """Every term of each student by both selections, and p_in of both objectives."""
    terms = measured.per_student()
    facts = [
        Fact.of(f"{name}_{selection}", interval[row, column], student)
        for column, student in enumerate(students)
        for name, interval in terms.items()
        for row, selection in enumerate(SELECTIONS)
    ]
    for objective, counts in (("one_hot", a), ("distilled", b)):
        p_in = np.nanmean(counts.sum(0).accuracy_in, axis=-1)
        facts += [
            Fact(f"accuracy_in_{objective}", float(value), size=student)
            for student, value in zip(students, p_in, strict=True)
        ]
    return tuple(facts)


def decide_headline(
    a: Counts,
    b: Counts,
    test_a: tuple[Floats, Floats],
    test_b: tuple[Floats, Floats],
    *,
    leaks: bool = False,
    rules: Rules | None = None,
) -> Decision:
    """``distillation_inhibits``: the mean score falls by more than .002 and test accuracy rises.

    ``a`` and ``b`` as in ``decide``; ``test_a``, ``test_b`` are accuracies on the test images
    summed over models, and numbers of models: float64 [G, S] each.
    """
    rules = rules or load()
    limits = rules.headline
    if a.n_in.shape[1] == 0:
        return undecided(HEADLINE, "no_students")
    if len(a.n_in) < rules.common.minimum_folds:
        return undecided(HEADLINE, "too_few_groups")
    overall = _mean_change(a, b)
    gain = _test_gain(test_a, test_b)
    facts = (
        *(Fact.of(name, overall[row]) for row, name in enumerate(_PARTS)),
        Fact.of("test_gain", gain),
        Fact("planted", limits.planted),
    )
    bounds = {
        "change": Bound("upper", limits.maximum_change),
        "test_gain": Bound("lower", limits.minimum_gain),
    }
    verdicts = {
        "change": below(overall[0], limits.maximum_change),
        "test_gain": above(gain, limits.minimum_gain),
    }
    if leaks:
        return undecided(HEADLINE, "teacher_leaks", facts)
    for verdict, reason in ((REFUTED, "refuted"), (UNDETERMINED, "open")):
        names = tuple(name for name, v in verdicts.items() if v == verdict)
        if names:
            return Decision(HEADLINE, verdict, reason, names, bounds, facts)
    return Decision(HEADLINE, SUPPORTED, "shown", tuple(verdicts), bounds, facts)


def _mean_change(a: Counts, b: Counts) -> Interval:
    """Mean over students of the mean change of the score, of p_in and of p_out: [3]."""
    total_a, total_b = a.sum(0), b.sum(0)
    everyone = range(len(a.n_in))
    replicates = [change(total_a - a[g], total_b - b[g]).mean(axis=-1) for g in everyone]
    return jackknife(change(total_a, total_b).mean(axis=-1), np.asarray(replicates))


def _test_gain(test_a: tuple[Floats, Floats], test_b: tuple[Floats, Floats]) -> Interval:
    parts = (*test_a, *test_b)

    def gain(groups: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
        sum_a, n_a, sum_b, n_b = (part[groups].sum(axis=0) for part in parts)
        return np.asarray((ratio(sum_b, n_b) - ratio(sum_a, n_a)).mean())

    everyone = np.arange(len(parts[0]))
    replicates = np.asarray([gain(everyone != group) for group in everyone])
    return jackknife(gain(everyone >= 0), replicates)
