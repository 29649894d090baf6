"""F2, ``trajectories_diverse``: some examples increase, some stay, some fall."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from memanalysis import numbers
from memanalysis.analysis.falling import TOLERANCE
from memanalysis.analysis.intervals import Floats, Interval, jackknife, leave_one_group_out
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.trajectories import Trajectories, points_towards
from memanalysis.analysis.true_changes import (
    LEAST,
    changes_with_errors,
    distribution_of_changes,
    shares_changing,
    variance_of_changes,
)
from memanalysis.evidence.conditions import Condition, Evidence
from memanalysis.evidence.trajectories import trajectories_of
from memanalysis.findings import falling
from memanalysis.findings.decisions import could_show, shown_from
from memanalysis.findings.declaration import Criterion, Finding, Place, not_decided
from memanalysis.findings.measuring import (
    counts_of,
    row_of,
    saturated_places,
    size_facts,
    undecided,
)
from memanalysis.findings.reasons import UNDECIDED, Reason
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Bound,
    Check,
    Fact,
    Outcome,
    Verdict,
    check,
    joined,
    missing_signal,
)
from memanalysis.rules import Rules, load

NAME: Final = "trajectories_diverse"
# Shapes of single images decide these two rows; the images that fall are chosen by their score.
_SHAPES: Final = ("increasing", "fixed")
_RISES: Final = ("effect", "accuracy_in_change")
# A mean score below this is near 0: the lower mode of ``bimodality_grows``.
_NEAR_0: Final = 0.1


def decide(evidence: Evidence) -> Outcome:
    """Some increase and some stay, each by more than 1 %, and those with a middling score fall."""
    condition = evidence.one_hot
    if condition is None or len(condition.sizes) < 2:
        return undecided(NAME, evidence, "too_few_sizes")
    if (missing := missing_signal(evidence)) is not None:
        return undecided(NAME, evidence, missing)
    checks = (
        *_shape_rows(evidence, condition),
        _falling_row(evidence, condition),
    )
    first, falling = checks[0], checks[-1]
    return Outcome(
        finding=NAME, verdict=joined(c.verdict for c in checks), reason=_reason(checks),
        estimate=first.estimate, low=first.low, high=first.high, bound=first.bound,
        n_groups=condition.n_groups, alpha=evidence.alpha, checks=checks, signal=evidence.signal,
        facts=(
            *(Fact(f"share_{c.row}", *c.interval) for c in checks[:-1]),
            *(replace(fact, name=f"{fact.name}_{c.row}") for c in checks[:1] for fact in c.facts
              if fact.name in _RISES),
            *(replace(fact, name=f"fixed_{fact.name}") for c in checks[1:2] for fact in c.facts
              if fact.name == "near_0"),
            *(replace(fact, name=f"falling_{fact.name}") for fact in falling.facts),
            *size_facts(evidence),
        ),
    )  # fmt: skip


def _reason(checks: tuple[Check, ...]) -> Reason | None:
    """Why the claim cannot be decided, if any of its conditions cannot."""
    return next((c.reason for c in checks if c.reason is not None), None)


def _shape_rows(evidence: Evidence, condition: Condition) -> tuple[Check, ...]:
    if evidence.alpha is None:
        return tuple(
            Check(row=row, verdict=UNDETERMINED, core=True, reason="no_alpha") for row in _SHAPES
        )
    whole, folds = trajectories_of(evidence, condition)
    measured = counts_of(condition, evidence)
    return tuple(_shape_row(row, evidence, whole, folds, measured) for row in _SHAPES)


def _shape_row(
    row: str,
    evidence: Evidence,
    whole: Trajectories,
    folds: list[Trajectories],
    measured: Counts,
) -> Check:
    rules = evidence.rules.diversity
    changing = row != "fixed"
    admitted = evidence.rules.trajectories.false_discovery_rate if changing else 0.0
    share = jackknife(*_shares(row, whole, folds, admitted, possible=False))
    possible = jackknife(*_shares(row, whole, folds, admitted, possible=True))
    least = rules.alpha_share * (evidence.alpha or 0.0)
    effect = leave_one_group_out(_effects(row, folds, measured))
    verdict = _row_verdict(share, possible, effect[0] if changing else None,
                           rules.minimum_share, least)  # fmt: skip
    facts: tuple[Fact, ...] = (
        Fact.of("effect", effect[0]),
        Fact.of("accuracy_in_change", effect[1]),
        Fact.of("accuracy_out_change", effect[2]),
        Fact("minimum_effect", least),
    )
    if not changing:
        alpha = math.nan if evidence.alpha is None else evidence.alpha
        facts = (*_of_fixed(whole, measured, rules.minimum_mean), Fact("alpha", alpha))
    bound = Bound("lower", rules.minimum_share)
    return check(row, share, verdict, bound, core=True, facts=facts)


def _of_fixed(whole: Trajectories, measured: Counts, least: float) -> tuple[Fact, ...]:
    """Share of fixed ones among those that score at all, and of fixed ones with a score near 0.

    By the mean score over all sizes: from ``least`` on an example scores at all.
    """
    mean, fixed = measured.sum(0).memorization.mean(axis=0), whole.is_shape("fixed")
    with np.errstate(invalid="ignore"):
        scored, near_0 = whole.tested & (mean >= least), mean < _NEAR_0
    return (
        Fact("share_of_scored", float(fixed[scored].mean()) if scored.any() else math.nan),
        Fact("near_0", float(near_0[fixed].mean()) if fixed.any() else math.nan),
    )


def _falling_row(evidence: Evidence, condition: Condition) -> Check:
    """Examples with a middling score, by generalising between the sizes that fit everything."""
    counts, saturated = counts_of(condition, evidence), saturated_places(evidence)
    decision = falling.decide(counts, saturated, evidence.rules)
    row = row_of(falling.RULE, decision, falling.SELECTIONS, core=True)
    if len(saturated) < 2 or evidence.signal != "correctness":
        return row
    facts = _true_changes(condition, saturated[0], saturated[-1], evidence.rules)
    return replace(row, facts=(*row.facts, *facts))


def _true_changes(condition: Condition, first: int, last: int, rules: Rules) -> tuple[Fact, ...]:
    """Change of true scores and the share that moves, among examples that score at all.

    The shares come from a model and have no interval; they decide nothing.
    """
    counts = condition.counts.sum(0)
    spread = float(variance_of_changes(condition.counts, condition.half, first, last).estimate)
    change, error = changes_with_errors(condition.outcomes, counts, first, last)
    with np.errstate(invalid="ignore"):
        mean = counts.memorization[[first, last]].mean(axis=0)
        scored = mean >= rules.diversity.minimum_mean - TOLERANCE
    falling, rising = shares_changing(distribution_of_changes(change[scored], error[scored]))
    return (
        Fact("sd_of_true_changes", math.sqrt(spread) if spread > 0 else math.nan),
        Fact("share_truly_falling", falling),
        Fact("share_truly_rising", rising),
    )


def headline(outcome: Outcome) -> str:
    """Say which shares rise and stay, and how far middling scores fall."""
    rising, fixed = (
        numbers.percent(outcome.fact(f"share_{row}").estimate, missing=numbers.UNKNOWN)
        for row in _SHAPES
    )
    falls = [outcome.fact(f"falling_{name}").estimate for name in falling.SELECTIONS]
    fall = numbers.number(-max(falls)) if all(map(math.isfinite, falls)) else numbers.UNKNOWN
    refuted = {check.row for check in outcome.checks if check.core and check.verdict == REFUTED}
    if outcome.verdict == SUPPORTED:
        return (
            f"{rising} of the examples rise{_counted(outcome)}, {fixed} stay, and middling scores "
            f"fall by {fall}"
        )
    if "increasing" in refuted:
        return f"Hardly any example is memorised more by larger models ({rising}); {fixed} stay"
    if falling.RULE in refuted:
        return (
            f"{rising} of the examples rise{_counted(outcome)} and {fixed} stay, but middling "
            "scores do not fall"
        )
    if outcome.verdict == REFUTED:
        return f"Trajectories do not differ as claimed: {rising} rise, {fixed} stay"
    return f"Whether some rise, some stay and some fall is open: {rising} rise, {fixed} stay"


def _counted(outcome: Outcome) -> str:
    """The share of examples that count as rising, where it reads differently from the finding's.

    Trajectories are told apart at a rate of false discoveries, which the finding takes off.
    """
    rising = outcome.fact("share_increasing").estimate
    counted = rising / (1 - load().trajectories.false_discovery_rate)
    said = numbers.percent(counted)
    return "" if said == numbers.percent(rising) else f" ({said} with false alarms)"


def explain(outcome: Outcome) -> str:
    """The share of each kind, and what becomes of middling scores."""
    parts = []
    increasing, fixed = (outcome.fact(f"share_{row}") for row in _SHAPES)
    if math.isfinite(increasing.estimate):
        parts.append(
            f"{_increasing_text(increasing.interval)}{_why_more(outcome)}; "
            f"{numbers.share_with_interval(*fixed.interval)} "
            f"{_alike(outcome.alpha, outcome.fact('fixed_near_0').estimate)} (limits of shares are "
            "wider than they need be)"
        )
    fitted = [fact.size for fact in outcome.facts_of("saturated")]
    first, last = (outcome.fact(f"falling_{name}") for name in falling.SELECTIONS)
    if math.isfinite(first.estimate):
        parts.append(_falling_text((fitted[0], fitted[-1]), first, last))
    fall, rise = (outcome.fact(f"falling_share_truly_{name}") for name in ("falling", "rising"))
    if math.isfinite(fall.estimate):
        parts.append(_modelled_text(fall.estimate, rise.estimate))
    if outcome.reason is not None and outcome.reason != "contradicted":
        parts.append(f"not decided: {outcome.why()}")
    elif outcome.verdict == UNDETERMINED:
        parts.append(could_show(_showable(outcome), outcome.n_groups))
    return "; ".join(filter(None, parts))


def _increasing_text(share: tuple[float, float, float]) -> str:
    """The share that increases; an interval of width 0, where none is shown to, says nothing."""
    if share[0] == 0:
        return "no example is shown to be memorised more by larger models"
    shown = numbers.share_with_interval(*share, brief=False)
    return f"{shown} of the examples are memorised more by larger models"


def _alike(alpha: float | None, near_0: float) -> str:
    """That scores hardly change, and how many of them are near 0 anyway."""
    known = alpha is not None and math.isfinite(alpha)
    least = f"{numbers.number(alpha)} (alpha)" if known else "alpha"
    anyway = (
        f", of which {numbers.percent(near_0)} have a mean score below {_NEAR_0:g}"
        if math.isfinite(near_0)
        else ""
    )
    return f"change by less than {least} between any two sizes{anyway}"


def _why_more(outcome: Outcome) -> str:
    effect, fitting = (outcome.fact(f"{name}_increasing") for name in _RISES)
    by_fitting = effect.low > 0 and fitting.estimate > effect.estimate / 2
    return ", mostly because larger models fit them" if by_fitting else ""


def _falling_text(ends: tuple[str, str], first: Fact, last: Fact) -> str:
    return (
        f"from {ends[0]} to {ends[1]}, which fit everything, scores of 0.1 to 0.5 change by "
        f"{numbers.with_interval(*first.interval)} through generalising if they are chosen at "
        f"{ends[0]}, and by {numbers.with_interval(*last.interval)} if at {ends[1]}, in models "
        "that had no part in choosing them"
    )


def _modelled_text(falling: float, rising: float) -> str:
    return (
        "of the examples with a mean score of at least 0.02, "
        f"{numbers.percent(falling)} truly fall by {numbers.number(LEAST)} or more and "
        f"{numbers.percent(rising)} rise by as much, if a model of the noise is right "
        "(model-based, no interval; in simulations off by up to 30 percentage points)"
    )


def _showable(outcome: Outcome) -> list[str]:
    """Effects that would have decided each condition that is open, from which size on."""
    found = []
    for part in outcome.checks:
        if part.verdict != UNDETERMINED:
            continue
        if part.row == falling.RULE:
            least, planted = (
                numbers.number(-outcome.fact(f"falling_{name}").estimate, digits,
                               missing=numbers.UNKNOWN)
                for name, digits in (("detectable_change", 3), ("planted", 2))
            )  # fmt: skip
            found.append(
                f"a fall of middling scores by {least} (the rule was tried on falls of {planted} "
                "of four in ten examples)"
            )
        elif math.isfinite(least_share := shown_from(part, outcome.n_groups)):
            found.append(f"{numbers.percent(least_share)} of the examples {_SHOWN[part.row]}")
    return found


_SHOWN: Final = {
    "increasing": "to be memorised more by larger models",
    "fixed": "to be memorised equally by all sizes",
}


def explain_check(check: Check) -> str:
    """A share with its change, or the fall of middling scores."""
    criterion = FINDING.criterion(check.row)
    if check.reason in UNDECIDED or not check.facts:
        return not_decided(criterion, check)
    if check.row == falling.RULE:
        first, last = (check.fact(name) for name in falling.SELECTIONS)
        ends = [numbers.with_interval(*fact.interval) for fact in (first, last)]
        return (
            f"Among sizes that fit everything scores of 0.1 to 0.5 change by {ends[0]} through "
            f"generalising if chosen at the smallest of these sizes, and by {ends[1]} if at the "
            "largest"
        )
    share = numbers.share_with_interval(*check.interval, brief=False)
    if check.row == "fixed":
        scored = numbers.percent(check.fact("share_of_scored").estimate, missing=numbers.UNKNOWN)
        alike = _alike(check.fact("alpha").estimate, check.fact("near_0").estimate)
        return (
            f"{share} of the examples {alike}; of the examples whose mean score is at least 0.02, "
            f"{scored} do"
        )
    effect, inside, outside = (
        check.fact(name) for name in ("effect", "accuracy_in_change", "accuracy_out_change")
    )
    text = _increasing_text(check.interval)
    if not math.isfinite(effect.estimate):
        return f"{text[0].upper()}{text[1:]}"
    text = (
        f"{text}. In models that had no part "
        f"in choosing them the rise is {numbers.with_interval(*effect.interval)}; accuracy changes "
        f"by {numbers.with_interval(*inside.interval)} when they are trained on and by "
        f"{numbers.with_interval(*outside.interval)} when they are held out"
    )
    mostly = effect.low > 0 and inside.estimate > effect.estimate / 2
    return f"{text}. They increase because larger models fit them" if mostly else text


def _row_verdict(
    share: Interval,
    possible: Interval,
    effect: Interval | None,
    minimum_share: float,
    minimum_effect: float,
) -> Verdict:
    """``effect`` is None for a kind that does not change."""
    if float(possible.high) < minimum_share:
        return REFUTED
    if effect is None:
        return SUPPORTED if float(share.low) > minimum_share else UNDETERMINED
    if float(effect.high) < minimum_effect:
        return REFUTED
    enough = float(share.low) > minimum_share and float(effect.low) > minimum_effect
    return SUPPORTED if enough else UNDETERMINED


def _shares(
    row: str,
    whole: Trajectories,
    folds: list[Trajectories],
    admitted: float,
    *,
    possible: bool,
) -> tuple[Floats, Floats]:
    """Share of the shape less the false discoveries admitted, from everything and per fold.

    ``possible`` counts the undetermined ones whose point estimates look like the shape as well.
    """

    def share(sorting: Trajectories) -> float:
        members = sorting.is_shape(row) * (1 - admitted)
        if possible:
            members = members + points_towards(sorting, row)
        return float(members.sum() / max(int(sorting.tested.sum()), 1))

    return np.array(share(whole)), np.array([share(fold) for fold in folds])


def _effects(row: str, folds: list[Trajectories], measured: Counts) -> Floats:
    """Per group, the change from the first to the last size of the examples chosen without it.

    [G, 3]: change of mem, of p_in, of p_out.
    """
    values = np.full((len(folds), 3), np.nan)
    for group, fold in enumerate(folds):
        alone = measured[group]
        rates = np.stack([alone.memorization, alone.accuracy_in, alone.accuracy_out])  # [3, L, n]
        change = (rates[:, -1] - rates[:, 0])[:, fold.is_shape(row)]
        change = change[:, np.isfinite(change[0])]
        if change.shape[1]:
            values[group] = change.mean(axis=1)
    return values


def _rule(rules: Rules) -> str:
    limits = rules.falling
    return (
        "the share that increases (x 0.95) and the share that is fixed have a lower limit > "
        f"{rules.diversity.minimum_share:g}, the cross-fitted rise a lower limit > alpha x "
        f"{rules.diversity.alpha_share:g}, and scores of {limits.low:g} to {limits.high:g} change "
        f"by generalising, whichever size chooses them, with an upper limit < "
        f"{limits.maximum_change:g}"
    )


def _query(alpha: float | None) -> str:
    return (
        "select category, share, share_low, share_high, noise_share from trajectory_shares "
        f"where objective = 'one_hot' and rule = 'shape' and alpha = {alpha or 0:g} "
        "order by share desc"
    )


FINDING: Final = Finding(
    name=NAME,
    title="some examples rise, some stay and some fall",
    claim="As models grow, some examples are memorised more, some equally, and some less",
    measures="share of examples memorised more by larger models",
    criteria=(
        Criterion(
            "increasing", "increasing", "Some examples are memorised more by larger models",
            "share memorised more by larger models", unit="share",
        ),
        Criterion(
            "fixed", "fixed", "Some examples are memorised equally by all sizes",
            "share memorised equally by all sizes", unit="share",
        ),
        Criterion(
            falling.RULE, "falling",
            "Among sizes that fit everything, examples with a score of 0.1 to 0.5 are memorised "
            "less by larger models, through generalising",
            "change of scores of 0.1 to 0.5 through generalising",
        ),
    ),
    rule=_rule,
    decide=decide,
    headline=headline,
    explain=explain,
    explain_check=explain_check,
    query=_query,
    evidence=Place(
        "trajectories", "Trajectories across sizes", ("trajectory-shares", "trajectories")
    ),
    uses_alpha=True,
    unit="share",
)  # fmt: skip
