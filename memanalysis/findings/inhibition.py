"""F3, ``distillation_inhibits``: students of a teacher memorise less, and generalise better."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis import numbers
from memanalysis.analysis.distillation import (
    Choice,
    Comparison,
    agreement,
    by_score,
    cross_fitted_folds,
)
from memanalysis.analysis.intervals import Floats, Interval, jackknife, leave_one_group_out
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.evidence.conditions import Condition, Evidence, Teacher, alternating
from memanalysis.findings import inhibits_particularly
from memanalysis.findings.decisions import Decision, could_show, shown_from
from memanalysis.findings.declaration import Criterion, Finding, Place, not_decided
from memanalysis.findings.measuring import beyond, reason_of, row_of, undecided
from memanalysis.findings.reasons import Reason
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Bound,
    Check,
    Fact,
    Outcome,
    above,
    at_least,
    check,
    missing_signal,
)
from memanalysis.rules import Rules

NAME: Final = inhibits_particularly.HEADLINE
PARTICULAR: Final = inhibits_particularly.RULE
GAP_ROW: Final = "inhibition_grows_with_gap"
_OBJECTIVES: Final = ("one_hot", "distilled")
# Rows and the facts of the headline's decision that decide them.
_ROWS: Final = {"inhibits": "change", "generalises": "test_gain"}


def decide(evidence: Evidence) -> Outcome:
    """The mean score falls by more than .002 and test accuracy rises, averaged over students."""
    students = student_sizes(evidence)
    a, b, teacher = evidence.one_hot, evidence.distilled, evidence.teacher
    if not students or a is None or b is None or teacher is None:
        return undecided(NAME, evidence, "no_students")
    comparison = evidence.comparison(students)
    if comparison is None:
        lost: Reason = "not_kept" if evidence.probability_lost else "not_recorded"
        return undecided(NAME, evidence, missing_signal(evidence) or lost)
    leaks = teacher.scope != "same_subset"
    decision = inhibits_particularly.decide_headline(
        comparison.a, comparison.b, *_test_accuracies(a.select(students), b.select(students)),
        leaks=leaks, rules=evidence.rules,
    )  # fmt: skip
    if not decision.facts:
        return undecided(NAME, evidence, reason_of(decision) or "too_few_groups")
    change = decision.fact("change")
    particular = _particular(evidence, comparison, students, leaks=leaks)
    checks = (
        *(_row(row, fact, decision, evidence) for row, fact in _ROWS.items()),
        *particular,
        _preserves(evidence, comparison),
        _gap(evidence, comparison, students, teacher),
    )
    return Outcome(
        finding=NAME, verdict=decision.verdict, reason=reason_of(decision),
        estimate=change.estimate, low=change.low, high=change.high,
        bound=Bound("upper", evidence.rules.headline.maximum_change),
        n_groups=comparison.n_groups, alpha=evidence.alpha, checks=checks, signal=evidence.signal,
        facts=(
            *decision.facts,
            Fact("teacher_parameters", teacher.parameters, size=teacher.size),
            *(f for row in particular for f in row.facts if f.name in _SHOWN and not f.size),
        ),
    )  # fmt: skip


_SHOWN: Final = (
    *(f"excess_{by}" for by in inhibits_particularly.SELECTIONS),
    *(f"fit_{by}" for by in inhibits_particularly.SELECTIONS),
)


def _row(row: str, name: str, decision: Decision, evidence: Evidence) -> Check:
    """One condition, held against its bound by itself."""
    limits = evidence.rules.headline
    bound = (
        Bound("upper", limits.maximum_change)
        if row == "inhibits"
        else Bound("lower", limits.minimum_gain)
    )
    fact = decision.fact(name)
    return Check(
        row=row, verdict=beyond(fact, bound), estimate=fact.estimate, low=fact.low,
        high=fact.high, bound=bound, core=True,
    )  # fmt: skip


def _particular(
    evidence: Evidence, comparison: Comparison, students: list[str], *, leaks: bool
) -> tuple[Check, ...]:
    """The row on memorised examples; by right and wrong alone, as the null takes their variance."""
    if evidence.signal != "correctness":
        return ()
    decision = inhibits_particularly.decide(
        comparison.a, comparison.b, students, leaks=leaks, rules=evidence.rules
    )
    names = [f"excess_{by}" for by in inhibits_particularly.SELECTIONS]
    return (row_of(PARTICULAR, decision, names),)


def _test_accuracies(
    a: Condition, b: Condition
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Sums and numbers of test accuracies of the groups of both, [G, S] each."""
    ids = np.intersect1d(a.group_ids, b.group_ids)
    shared = [np.isin(condition.group_ids, ids) for condition in (a, b)]
    first, second = (
        (condition.test_sum[rows], condition.test_n[rows])
        for condition, rows in zip((a, b), shared, strict=True)
    )
    return first, second


def headline(outcome: Outcome) -> str:
    """Say how distillation changes the mean score, and whether most where it is high."""
    change = outcome.fact("change").estimate
    amount = numbers.number(abs(change), 3, missing=numbers.UNKNOWN)
    refuted = {check.row for check in outcome.checks if check.core and check.verdict == REFUTED}
    if outcome.verdict == SUPPORTED:
        most = {check.row: check.verdict for check in outcome.checks}.get(PARTICULAR)
        whom = {
            SUPPORTED: ", that of memorised examples in particular",
            REFUTED: ", but not that of memorised examples in particular",
        }
        return f"Distillation lowers the mean score by {amount}{whom.get(most, '') if most else ''}"
    if "inhibits" in refuted:
        does = "raises it by" if change > 0 else "lowers it by only"
        return f"Distillation does not lower the mean score: it {does} {amount}"
    if outcome.verdict == REFUTED:
        return "Distillation does not improve test accuracy"
    does = "raises" if change > 0 else "lowers"
    return f"Whether distillation inhibits memorisation is open: it {does} the mean by {amount}"


def explain(outcome: Outcome) -> str:
    """The mean change, which of its parts makes it, and what becomes of the memorised."""
    gain = outcome.fact("test_gain")
    parts = [
        f"{_mean_text(outcome)}; test accuracy changes by "
        f"{numbers.points_with_interval(*gain.interval)}"
    ]
    excess = [outcome.fact(name) for name in _SHOWN[:2]]
    if all(math.isfinite(fact.low) for fact in excess):
        parts.append(_excess_text(excess))
    if outcome.reason in ("teacher_leaks",):
        parts.append(outcome.why())
    elif outcome.verdict == UNDETERMINED and outcome.reason != "contradicted":
        parts.append(could_show(_showable(outcome), outcome.n_groups))
    return "; ".join(filter(None, parts))


def _showable(outcome: Outcome) -> list[str]:
    """Effects that would have decided each condition that is open, from which size on."""
    found = []
    for part in outcome.checks:
        least = shown_from(part, outcome.n_groups)
        if not part.core or part.verdict != UNDETERMINED or not math.isfinite(least):
            continue
        if part.row == "inhibits":
            found.append(f"a mean score lower by {numbers.number(-least, 4)}")
        else:
            points = numbers.number(100 * least, 2)
            found.append(f"a test accuracy higher by {points} percentage points")
    return found


def _excess_text(excess: list[Fact]) -> str:
    """By how much memorised examples change beyond what an equal gain for all gives."""
    more = all(fact.high < 0 for fact in excess)
    amounts = _both(excess, falls=more)
    if all(fact.low > 0 for fact in excess):
        return (
            "scores of memorised examples fall less than a gain in held-out accuracy equal for "
            f"all examples would make them, by {amounts}"
        )
    if more:
        return (
            "scores of memorised examples fall more than a gain in held-out accuracy equal for all "
            f"examples would make them, by {amounts}"
        )
    return (
        "beyond what a gain in held-out accuracy equal for all examples would make of them, scores "
        f"of memorised examples change by {amounts}"
    )


def _both(facts: list[Fact], *, falls: bool = False) -> str:
    """A number by both choices of memorised examples; of a fall how far, without its sign."""
    first, last = (
        numbers.with_interval(*((-e, -high, -low) if falls else (e, low, high)))
        for e, low, high in (fact.interval for fact in facts)
    )
    return f"{first} if chosen with labels alone, {last} if with distillation"


def explain_check(check: Check) -> str:
    """A condition with its number."""
    criterion = FINDING.criterion(check.row)
    if not math.isfinite(check.estimate):
        return not_decided(criterion, check)
    if check.row == GAP_ROW:
        return _gap_text(check)
    if check.row == PARTICULAR:
        return _particular_text(check)
    if check.row == "generalises":
        change = numbers.points_with_interval(*check.interval)
        return f"Averaged over student sizes, distillation changes test accuracy by {change}"
    shown = numbers.with_interval(*check.interval, brief=False, signed=check.row == "inhibits")
    if check.row == "inhibits":
        return f"Averaged over student sizes, distillation changes mean memorisation by {shown}"
    return (
        "One-hot and distilled scores of an example correlate, without noise, with "
        f"{shown}, where 1 is the same order and spacing"
    )


def _particular_text(check: Check) -> str:
    excess, fit = ([check.fact(name) for name in pair] for pair in (_SHOWN[:2], _SHOWN[2:]))
    parts = [_excess_text(excess)]
    if check.reason is not None and check.reason != "memorised_gain_less":
        parts.append(check.why())
    if check.fact("fits_memorised_less").estimate == 1:
        parts.append(f"students fit memorised examples less often, by {_both(fit, falls=True)}")
    if check.verdict == UNDETERMINED:
        least = numbers.number(-check.fact("detectable_excess").estimate, 3)
        parts.append(
            f"four of five studies like this would show a fall by {least} more than that (the rule "
            f"was tried on {numbers.number(check.fact('planted').estimate)})"
        )
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}"


def _gap_text(check: Check) -> str:
    itself = check.facts_of("share_lost_without_gap")
    alike = (
        "; in a student of the teacher's own size the share is "
        f"{numbers.with_interval(*itself[0].interval)}"
        if itself
        else ""
    )
    return (
        "For every 2.7 times as many parameters that the teacher has, compared with the student, "
        "the share of memorisation that distillation removes from memorised examples changes by "
        f"{numbers.with_interval(*check.interval, brief=False)}{alike}"
    )


def _mean_text(outcome: Outcome) -> str:
    """The mean change and which of its two parts makes it."""
    total, inside, outside = (outcome.fact(name) for name in _PARTS)
    by_probability = outcome.signal == "probability"
    rate = "the label's probability" if by_probability else "accuracy"
    teacher = outcome.facts_of("teacher_parameters")[0].size
    return (
        f"In students smaller than their teacher {teacher} distillation changes the mean score by "
        f"{numbers.with_interval(*total.interval, brief=False)}, mostly because students "
        f"{_mostly(outcome)}: {rate} by {numbers.with_interval(*inside.interval)} on examples "
        f"trained on and by {numbers.with_interval(*outside.interval)} on examples held out"
    )


_PARTS: Final = ("change", "change_in", "change_out")


def _mostly(outcome: Outcome) -> str:
    """Name the part that makes the change; one of the other sign only holds it back."""
    change, fitting, outside = (outcome.fact(name).estimate for name in _PARTS)
    if fitting * change > 0 and abs(fitting) > abs(change) / 2:
        return "fit less" if fitting < 0 else "fit more"
    if outside <= 0:
        return "generalise worse"
    if outcome.signal == "probability":
        return "generalise better"
    return "generalise better (a gain in test accuracy is then the same fact)"


def student_sizes(evidence: Evidence) -> list[str]:
    """Sizes with both objectives that come before the teacher's in the study's order.

    Where the parameters of a size and of the teacher are known, they decide.
    """
    a, b, teacher = evidence.one_hot, evidence.distilled, evidence.teacher
    if a is None or b is None or teacher is None:
        return []
    found = []
    for row, size in enumerate(a.sizes):
        if size not in b.sizes or size == teacher.size:
            continue
        known = np.isfinite(a.parameters[row]) and np.isfinite(teacher.parameters)
        if known and a.parameters[row] >= teacher.parameters:
            continue
        if not known and teacher.size in a.sizes and row > a.sizes.index(teacher.size):
            continue
        found.append(size)
    return found


def _choices(evidence: Evidence, comparison: Comparison, objective: str) -> tuple[Choice, Choice]:
    rules = evidence.rules.particular
    return (
        by_score(comparison, objective, rules.memorised, np.inf),
        by_score(comparison, objective, -np.inf, rules.not_memorised),
    )


def usable_sizes(evidence: Evidence, comparison: Comparison) -> NDArray[np.bool_]:
    """Sizes with enough chosen examples in every fold, whichever objective selects: bool [L]."""
    enough = np.ones(comparison.a.n_in.shape[1], dtype=np.bool_)
    for objective in _OBJECTIVES:
        for choice in _choices(evidence, comparison, objective):
            for group in range(comparison.n_groups):
                chosen = choice(group).sum(axis=-1)
                enough &= chosen >= evidence.rules.common.minimum_selected
    return enough


def accuracy_gains(a: Condition, b: Condition) -> Interval:
    """Paired difference of test accuracy, B less A, per size and their mean: [L + 1], jackknife.

    Over the groups and sizes of both, from the accuracies on all test images.
    """
    ids = np.intersect1d(a.group_ids, b.group_ids)
    kept_a, kept_b = np.isin(a.group_ids, ids), np.isin(b.group_ids, ids)
    parts = (a.test_sum[kept_a], a.test_n[kept_a], b.test_sum[kept_b], b.test_n[kept_b])

    def gain(chosen: NDArray[np.bool_]) -> Floats:
        sum_a, n_a, sum_b, n_b = (part[chosen].sum(axis=0) for part in parts)
        per_size = ratio(sum_b, n_b) - ratio(sum_a, n_a)
        return np.append(per_size, per_size.mean())

    everyone = np.arange(len(ids))
    replicates = np.asarray([gain(everyone != group) for group in everyone])
    return jackknife(gain(everyone >= 0), replicates.reshape(-1, len(a.sizes) + 1))


def _preserves(evidence: Evidence, comparison: Comparison) -> Check:
    """Noise-free Pearson correlation of both scores, opposite halves, mean over sizes."""
    least = evidence.rules.headline.minimum_correlation
    half = alternating(np.arange(comparison.n_groups))
    interval = agreement(comparison, half, averaged=True)[1]
    return check("preserves", interval, at_least(interval, least), Bound("lower", least))


def _gap(
    evidence: Evidence, comparison: Comparison, students: list[str], teacher: Teacher
) -> Check:
    """Slope of the relative inhibition of memorised examples on log(teacher/student parameters)."""
    a = evidence.one_hot
    assert a is not None  # the caller looked
    gap = np.log(teacher.parameters / a.select(students).parameters)
    usable = usable_sizes(evidence, comparison) & np.isfinite(gap)
    bound = Bound("lower", 0.0)
    if usable.sum() < 2 or np.ptp(gap[usable]) == 0:
        return Check(row=GAP_ROW, verdict=UNDETERMINED, bound=bound, reason="one_student_size")
    folds = inhibition_folds(evidence, comparison)[:, usable]
    centred = gap[usable] - gap[usable].mean()
    slope = leave_one_group_out(folds @ centred / (centred**2).sum())
    return check(
        GAP_ROW, slope, above(slope, 0.0), bound, facts=_self_distillation(evidence, teacher)
    )


def inhibition_folds(evidence: Evidence, comparison: Comparison) -> Floats:
    """Share of memorisation that memorised examples lose, mean over both selections: [G, L]."""
    return np.asarray(
        np.mean([_relative_folds(evidence, comparison, o) for o in _OBJECTIVES], axis=0)
    )


def _relative_folds(evidence: Evidence, comparison: Comparison, objective: str) -> Floats:
    """-change / one-hot score of the memorised examples, measured in the fold's group: [G, L]."""
    memorised = _choices(evidence, comparison, objective)[0]
    lost = -cross_fitted_folds(comparison, memorised)[:, 0]
    level = [
        _mean_where(comparison.a[group], memorised(group)) for group in range(comparison.n_groups)
    ]
    scores = np.asarray(level)
    # A group in which they have no score has no share of it to lose.
    nothing = np.full_like(lost, np.nan)
    return np.divide(lost, scores, out=nothing, where=scores != 0)


def _mean_where(counts: Counts, chosen: NDArray[np.bool_]) -> Floats:
    mem = counts.memorization
    used = chosen & np.isfinite(mem)
    return ratio(np.where(used, mem, 0.0).sum(axis=-1), used.sum(axis=-1))


def _self_distillation(evidence: Evidence, teacher: Teacher) -> tuple[Fact, ...]:
    """The same at gap 0, where the teacher's size was distilled from itself."""
    comparison = evidence.comparison([teacher.size])
    if comparison is None or not usable_sizes(evidence, comparison).all():
        return ()
    folds = inhibition_folds(evidence, comparison)
    return (Fact.of("share_lost_without_gap", leave_one_group_out(folds[:, 0]), teacher.size),)


def _rule(rules: Rules) -> str:
    return (
        f"the mean score changes with an upper limit < {rules.headline.maximum_change:g} and test "
        f"accuracy with a lower limit > {rules.headline.minimum_gain:g}, averaged over the "
        "students smaller than their teacher"
    )


FINDING: Final = Finding(
    name=NAME,
    title="distillation inhibits memorisation",
    claim="Distilled models memorise less than models trained on the labels, and generalise better",
    measures="mean change of the score in students smaller than their teacher",
    criteria=(
        Criterion(
            "inhibits", "inhibits",
            "Distillation changes mean memorisation, averaged over student sizes",
            "mean change of the score",
        ),
        Criterion(
            "generalises", "generalises",
            "Distillation changes test accuracy, averaged over student sizes",
            "change of test accuracy", unit="points",
        ),
        Criterion(
            PARTICULAR, "inhibits particularly what is memorised",
            "Distillation lowers memorised scores by more than a gain equal for all examples would",
            "change of memorised examples beyond what an equal gain for all gives",
        ),
        Criterion(
            "preserves", "preserves",
            "One-hot and distilled scores of an example agree (correlation without noise)",
            "correlation of one-hot and distilled scores",
        ),
        Criterion(
            GAP_ROW, "inhibition grows with gap",
            "The larger the teacher compared with the student, the stronger the inhibition",
            "change of the share lost per unit of log(teacher/student parameters)",
        ),
    ),
    rule=_rule,
    decide=decide,
    headline=headline,
    explain=explain,
    explain_check=explain_check,
    query=lambda _: (
        "select size, category, selected_on, change, change_low, change_high, change_in, "
        "change_out from distillation_effects where objective = 'distilled' and grouping in "
        "('all', 'score') and estimator <> 'naive' order by size_rank, category, selected_on"
    ),
    evidence=Place(
        "distillation", "One-hot against distilled",
        ("distillation-settings", "distillation-change", "distillation-by-score"),
    ),
)  # fmt: skip
