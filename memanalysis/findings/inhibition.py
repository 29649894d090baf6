"""F3, ``distillation_inhibits``: distillation lowers memorisation, most where there is most."""

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
    change,
    cross_fitted_folds,
)
from memanalysis.analysis.intervals import Floats, Interval, jackknife, leave_one_group_out
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.findings.declaration import Criterion, Finding, Place
from memanalysis.findings.evidence import Condition, Evidence, Teacher, alternating
from memanalysis.findings.reasons import UNDECIDED, Reason
from memanalysis.findings.rules import Rules
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Bound,
    Check,
    Fact,
    Outcome,
    Verdict,
    above,
    at_least,
    below,
    check,
    joined,
    missing_signal,
)

NAME: Final = "distillation_inhibits"
GAP_ROW: Final = "inhibition_grows_with_gap"
_OBJECTIVES: Final = ("one_hot", "distilled")


def decide(evidence: Evidence) -> Outcome:
    """Mean change below -.002, most among the memorised, and a gain in test accuracy."""
    students = student_sizes(evidence)
    a, b, teacher = evidence.one_hot, evidence.distilled, evidence.teacher
    if not students or a is None or b is None or teacher is None:
        return _undecided(evidence, "no_students")
    comparison = evidence.comparison(students)
    if comparison is None:
        missing = missing_signal(evidence)
        lost = evidence.probability_lost
        return _undecided(evidence, missing or ("not_kept" if lost else "not_recorded"))
    rules = evidence.rules.inhibition
    everything = _overall(comparison)
    checks = (
        check(
            "inhibits", everything[0], below(everything[0], rules.maximum_change),
            Bound("upper", rules.maximum_change), core=True,
        ),
        _most_where_memorised(evidence, comparison, students),
        _generalises(evidence, a.select(students), b.select(students)),
        _preserves(evidence, comparison),
        _gap(evidence, comparison, students, teacher),
    )  # fmt: skip
    verdict = joined(c.verdict for c in checks if c.core)
    leaks = teacher.scope != "same_subset"
    return Outcome(
        finding=NAME, verdict=UNDETERMINED if leaks else verdict,
        reason="held_out_labels_leak" if leaks else None, estimate=checks[0].estimate,
        low=checks[0].low, high=checks[0].high, bound=checks[0].bound,
        n_groups=comparison.n_groups, alpha=evidence.alpha, checks=checks, signal=evidence.signal,
        facts=(*_parts(everything), *_headline_facts(checks, teacher)),
    )  # fmt: skip


def _undecided(evidence: Evidence, reason: Reason) -> Outcome:
    return Outcome(
        finding=NAME, verdict=UNDETERMINED, reason=reason, n_groups=evidence.n_groups,
        alpha=evidence.alpha, signal=evidence.signal,
    )  # fmt: skip


def _parts(changes: Interval) -> tuple[Fact, ...]:
    """The mean change of the score and of both rates, from an interval [3]."""
    names = ("change", "accuracy_in_change", "accuracy_out_change")
    return tuple(Fact.of(name, changes[part]) for part, name in enumerate(names))


def _headline_facts(checks: tuple[Check, ...], teacher: Teacher) -> tuple[Fact, ...]:
    """What the sentence on the whole takes from its conditions, and who taught."""
    most, gains = checks[1:3]
    return (
        Fact("teacher_parameters", teacher.parameters, size=teacher.size),
        *(fact for fact in most.facts if fact.name.startswith("difference_by_")),
        Fact("test_accuracy_change", *gains.interval),
    )


def explain(outcome: Outcome) -> str:
    """The mean change, which of its parts makes it, and what becomes of the memorised."""
    compared = math.isfinite(outcome.fact("difference_by_one_hot").estimate)
    most = (
        f" Scores of memorised examples change, beyond those of others, {_both(outcome)}."
        if compared
        else ""
    )
    leak = f"; {outcome.why()}" if outcome.reason else ""
    gain = outcome.fact("test_accuracy_change")
    return (
        f"{_mean_text(outcome)}.{most} Test accuracy changes by "
        f"{numbers.with_interval(*gain.interval)}{leak}"
    )


def explain_check(check: Check) -> str:
    """A condition with its number."""
    claim = FINDING.criterion(check.row).claim
    if check.reason in UNDECIDED:
        return f"Not decided: {check.why()}"
    if check.row == GAP_ROW:
        return _gap_text(check)
    if check.row != "most_where_memorised":
        return f"{claim}: {numbers.with_interval(*check.interval, brief=False)}"
    left_out = [fact.size for fact in check.facts_of("left_out")]
    omitted = f" ({', '.join(left_out)} left out: too few memorised examples)" if left_out else ""
    high, low = check.fact("memorised"), check.fact("not_memorised")
    return (
        f"Scores from {high.estimate:g} change, beyond those below {low.estimate:g}, "
        f"{_both(check)}{omitted}"
    )


def _both(result: Check | Outcome) -> str:
    """The contrast by either way of choosing the memorised examples."""
    first, second = (result.fact(f"difference_by_{name}") for name in _OBJECTIVES)
    return (
        f"by {numbers.with_interval(*first.interval)} if chosen with labels alone and by "
        f"{numbers.with_interval(*second.interval)} if chosen with distillation"
    )


def _gap_text(check: Check) -> str:
    itself = check.fact("share_lost_without_gap")
    alike = (
        f"; a student of the teacher's own size (gap 0) loses "
        f"{numbers.with_interval(*itself.interval)} of it"
        if "share_lost_without_gap" in {fact.name for fact in check.facts}
        else ""
    )
    return (
        "Per unit of log(teacher/student parameters) the share of memorisation that distillation "
        "removes from memorised examples changes by "
        f"{numbers.with_interval(*check.interval, brief=False)}{alike}"
    )


def _mean_text(outcome: Outcome) -> str:
    """The mean change and which of its two parts makes it."""
    total, inside, outside = (
        outcome.fact(name) for name in ("change", "accuracy_in_change", "accuracy_out_change")
    )
    by_probability = outcome.signal == "probability"
    rate = "the label's probability" if by_probability else "accuracy"
    teacher = outcome.fact("teacher_parameters").size
    return (
        f"In students smaller than their teacher {teacher} distillation changes the mean score by "
        f"{numbers.with_interval(*total.interval, brief=False)}, mostly because students "
        f"{_mostly(outcome)}: {rate} by {numbers.with_interval(*inside.interval)} on examples "
        f"trained on and by {numbers.with_interval(*outside.interval)} on examples held out"
    )


def _mostly(outcome: Outcome) -> str:
    """Which part makes the change; one of the other sign only holds it back."""
    change, fitting, outside = (
        outcome.fact(name).estimate
        for name in ("change", "accuracy_in_change", "accuracy_out_change")
    )
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


def _overall(comparison: Comparison) -> Interval:
    """Mean over sizes of the mean change, of mem, p_in and p_out: [3], jackknife."""
    replicates = [
        change(*comparison.totals(group)).mean(axis=1) for group in range(comparison.n_groups)
    ]
    return jackknife(
        change(*comparison.totals()).mean(axis=1), np.asarray(replicates).reshape(-1, 3)
    )


def _most_where_memorised(evidence: Evidence, comparison: Comparison, students: list[str]) -> Check:
    """D_s = change of the memorised minus change of the rest, selected on either objective."""
    rules = evidence.rules.inhibition
    used = usable_sizes(evidence, comparison)
    facts = [
        Fact("memorised", rules.memorised),
        Fact("not_memorised", rules.not_memorised),
        *(Fact("left_out", 1, size=s) for s, use in zip(students, used, strict=True) if not use),
    ]
    if not used.any():
        return Check(
            row="most_where_memorised", verdict=UNDETERMINED, core=True,
            reason="too_few_memorised", facts=tuple(facts),
        )  # fmt: skip
    folds = [_difference_folds(evidence, comparison, o)[:, used].mean(axis=1) for o in _OBJECTIVES]
    each = [leave_one_group_out(fold) for fold in folds]
    mean = leave_one_group_out((folds[0] + folds[1]) / 2)
    both = all(float(interval.high) < 0 for interval in each)
    verdict: Verdict = UNDETERMINED
    if both and float(mean.estimate) <= rules.maximum_difference:
        verdict = SUPPORTED
    elif float(mean.low) > rules.maximum_difference:
        verdict = REFUTED
    facts += [
        Fact.of(f"difference_by_{name}", interval)
        for name, interval in zip(_OBJECTIVES, each, strict=True)
    ]
    return check("most_where_memorised", mean, verdict, None, core=True, facts=facts)


def _choices(evidence: Evidence, comparison: Comparison, objective: str) -> tuple[Choice, Choice]:
    rules = evidence.rules.inhibition
    return (
        by_score(comparison, objective, rules.memorised, np.inf),
        by_score(comparison, objective, -np.inf, rules.not_memorised),
    )


def _difference_folds(evidence: Evidence, comparison: Comparison, objective: str) -> Floats:
    """D_s of every fold: [G, L]."""
    high, low = (
        cross_fitted_folds(comparison, choice)[:, 0]
        for choice in _choices(evidence, comparison, objective)
    )
    return np.asarray(high - low)


def usable_sizes(evidence: Evidence, comparison: Comparison) -> NDArray[np.bool_]:
    """Sizes with enough chosen examples in every fold, whichever objective selects: bool [L]."""
    enough = np.ones(comparison.a.n_in.shape[1], dtype=np.bool_)
    for objective in _OBJECTIVES:
        for choice in _choices(evidence, comparison, objective):
            for group in range(comparison.n_groups):
                chosen = choice(group).sum(axis=-1)
                enough &= chosen >= evidence.rules.inhibition.minimum_selected
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


def _generalises(evidence: Evidence, a: Condition, b: Condition) -> Check:
    least = evidence.rules.inhibition.minimum_gain
    interval = accuracy_gains(a, b)[-1]
    return check("generalises", interval, above(interval, least), Bound("lower", least), core=True)


def _preserves(evidence: Evidence, comparison: Comparison) -> Check:
    """Noise-free Pearson correlation of both scores, opposite halves, mean over sizes."""
    least = evidence.rules.inhibition.minimum_correlation
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
    limits = rules.inhibition
    return (
        f"mean change < {limits.maximum_change:g}; memorised minus not memorised < 0 whichever "
        f"objective selects, on average <= {limits.maximum_difference:g}; test accuracy rises"
    )


FINDING: Final = Finding(
    name=NAME,
    title="distillation inhibits memorisation",
    claim="Distilled models memorise less than models trained on the labels, above all what those "
    "memorise most, and generalise better",
    measures="mean change of the score in students smaller than their teacher",
    criteria=(
        Criterion(
            "inhibits", "inhibits",
            "Distillation changes mean memorisation, averaged over student sizes",
            "mean change of the score",
        ),
        Criterion(
            "most_where_memorised", "most where memorised",
            "Distillation changes memorised examples more than others",
            "change of memorised examples beyond that of others, mean of both choices",
            rule=lambda rules: "both upper limits < 0 and their mean <= "
            f"{rules.inhibition.maximum_difference:g}",
        ),
        Criterion(
            "generalises", "generalises",
            "Distillation changes test accuracy, averaged over student sizes",
            "change of test accuracy",
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
