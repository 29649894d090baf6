"""F3, ``distillation_inhibits``: distillation lowers memorisation, most where there is most."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

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
from memanalysis.evidence.conditions import Condition, Evidence, Teacher, alternating
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Check,
    Outcome,
    Verdict,
    above,
    at_least,
    below,
    check,
    joined,
    with_interval,
)

FINDING: Final = "distillation_inhibits"
GAP_ROW: Final = "inhibition_grows_with_gap"
CLAIM: Final = (
    "Distilled models memorise less than models trained on the labels, above all what those "
    "memorise most, and generalise better"
)
QUERY: Final = (
    "select size, category, selected_on, change, change_low, change_high, change_in, change_out "
    "from distillation_effects where objective = 'distilled' and grouping in ('all', 'score') "
    "and estimator <> 'naive' "
    "order by size_rank, category, selected_on"
)
_OBJECTIVES: Final = ("one_hot", "distilled")


def decide(evidence: Evidence) -> Outcome:
    """Mean change below -.002, most among the memorised, and a gain in test accuracy."""
    rules = evidence.rules.inhibition
    bound = (
        f"mean change < {rules.maximum_change:g}; memorised minus not memorised < 0 whichever "
        f"objective selects, on average <= {rules.maximum_difference:g}; test accuracy rises"
    )
    students = student_sizes(evidence)
    comparison = evidence.comparison(students) if students else None
    teacher = evidence.teacher
    if (
        comparison is None
        or teacher is None
        or evidence.one_hot is None
        or evidence.distilled is None
    ):
        return Outcome(
            FINDING, CLAIM, UNDETERMINED,
            "Not decided: there are no distilled models smaller than their teacher with one-hot "
            "models of the same size beside them (or this signal is not kept per group)",
            bound, n_groups=evidence.n_groups, alpha=evidence.alpha,
        )  # fmt: skip
    everything = _overall(comparison)
    inhibits = check(
        "inhibits", "Distillation changes mean memorisation, averaged over student sizes",
        everything[0], below(everything[0], rules.maximum_change),
        f"upper limit < {rules.maximum_change:g}", core=True,
    )  # fmt: skip
    most = _most_where_memorised(evidence, comparison, students)
    gains = _generalises(evidence, evidence.one_hot.select(students),
                         evidence.distilled.select(students))  # fmt: skip
    checks = (inhibits, most, gains, _preserves(evidence, comparison))
    verdict = joined(c.verdict for c in checks if c.core)
    leak = ""
    if teacher.scope != "same_subset":
        verdict = UNDETERMINED
        leak = "; held-out labels leak, because the teacher saw all examples"
    mean = _mean_text(everything, teacher, evidence.signal)
    text = f"{mean}. {most.sentence} {gains.sentence}{leak}"
    return Outcome(
        FINDING, CLAIM, verdict, text.rstrip("."), bound, inhibits.estimate, inhibits.low,
        inhibits.high, comparison.n_groups, evidence.alpha,
        (*checks, _gap(evidence, comparison, students, teacher)),
    )  # fmt: skip


def _mean_text(everything: Interval, teacher: Teacher, signal: str = "correctness") -> str:
    """The mean change and which of its two parts makes it."""
    total, inside, outside = (everything[part] for part in range(3))
    change, fitting = float(total.estimate), float(inside.estimate)
    by_probability = signal == "probability"
    # A part of the other sign only holds the change back.
    if fitting * change > 0 and abs(fitting) > abs(change) / 2:
        why = "fit less" if fitting < 0 else "fit more"
    elif float(outside.estimate) <= 0:
        why = "generalise worse"
    elif by_probability:
        why = "generalise better"
    else:
        why = "generalise better (a gain in test accuracy is then the same fact)"
    rate = "the label's probability" if by_probability else "accuracy"
    return (
        f"In students smaller than their teacher {teacher.size} distillation changes the mean "
        f"score by {with_interval(total)}, mostly because students {why}: {rate} by "
        f"{with_interval(inside, brief=True)} on examples trained on and by "
        f"{with_interval(outside, brief=True)} on examples held out"
    )


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
    claim = "Distillation changes memorised examples more than others"
    bound = f"both upper limits < 0 and their mean <= {rules.maximum_difference:g}"
    used = usable_sizes(evidence, comparison)
    left_out = [size for size, keep in zip(students, used, strict=True) if not keep]
    said = f" ({', '.join(left_out)} left out: too few memorised examples)" if left_out else ""
    if not used.any():
        return Check(
            "most_where_memorised", claim, UNDETERMINED, bound=bound, core=True,
            sentence=f"No size has {rules.minimum_selected} memorised examples in every fold.",
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
    sentence = (
        f"Scores from {rules.memorised:g} change, beyond those below {rules.not_memorised:g}, by "
        f"{with_interval(each[0], brief=True)} if chosen with labels alone and by "
        f"{with_interval(each[1], brief=True)} if chosen with distillation{said}."
    )
    return check("most_where_memorised", claim, mean, verdict, bound, core=True, sentence=sentence)


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
    bound = f"lower limit > {evidence.rules.inhibition.minimum_gain:g}"
    interval = accuracy_gains(a, b)[-1]
    return check(
        "generalises", "Distillation changes test accuracy, averaged over student sizes", interval,
        above(interval, evidence.rules.inhibition.minimum_gain), bound, core=True,
        sentence=f"Test accuracy changes by {with_interval(interval, brief=True)}.",
    )  # fmt: skip


def _preserves(evidence: Evidence, comparison: Comparison) -> Check:
    """Noise-free Pearson correlation of both scores, opposite halves, mean over sizes."""
    bound = f"lower limit >= {evidence.rules.inhibition.minimum_correlation:g}"
    half = alternating(np.arange(comparison.n_groups))
    interval = agreement(comparison, half, averaged=True)[1]
    return check(
        "preserves", "One-hot and distilled scores of an example agree (correlation without noise)",
        interval, at_least(interval, evidence.rules.inhibition.minimum_correlation), bound,
    )  # fmt: skip


def _gap(
    evidence: Evidence, comparison: Comparison, students: list[str], teacher: Teacher
) -> Check:
    """Slope of the relative inhibition of memorised examples on log(teacher/student parameters)."""
    claim = "The larger the teacher compared with the student, the stronger the inhibition"
    bound = "lower limit of the slope > 0"
    a = evidence.one_hot
    assert a is not None  # the caller looked
    gap = np.log(teacher.parameters / a.select(students).parameters)
    usable = usable_sizes(evidence, comparison) & np.isfinite(gap)
    if usable.sum() < 2 or np.ptp(gap[usable]) == 0:
        return Check(
            GAP_ROW, claim, UNDETERMINED, bound=bound,
            sentence="Not decided: it takes two student sizes with enough memorised examples.",
        )  # fmt: skip
    folds = inhibition_folds(evidence, comparison)[:, usable]
    centred = gap[usable] - gap[usable].mean()
    slope = leave_one_group_out(folds @ centred / (centred**2).sum())
    itself = _self_distillation(evidence, teacher)
    sentence = (
        f"Per unit of log(teacher/student parameters) the share of memorisation that distillation "
        f"removes from memorised examples changes by {with_interval(slope)}{itself}."
    )
    return check(GAP_ROW, claim, slope, above(slope, 0.0), bound, sentence=sentence)


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


def _self_distillation(evidence: Evidence, teacher: Teacher) -> str:
    """The same at gap 0, in words, where the teacher's size was distilled from itself."""
    comparison = evidence.comparison([teacher.size])
    if comparison is None or not usable_sizes(evidence, comparison).all():
        return ""
    folds = inhibition_folds(evidence, comparison)
    share = leave_one_group_out(folds[:, 0])
    return f"; a student of the teacher's own size (gap 0) loses {with_interval(share)} of it"
