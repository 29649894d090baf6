"""F2, ``trajectories_diverse``: some examples increase, some stay, some decrease or peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis import numbers
from memanalysis.analysis.intervals import Floats, Interval, jackknife, leave_one_group_out
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.trajectories import (
    Trajectories,
    points_towards,
)
from memanalysis.findings.courses import trajectories_of
from memanalysis.findings.declaration import Criterion, Finding, Place
from memanalysis.findings.evidence import Condition, Evidence
from memanalysis.findings.reasons import Reason
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
    check,
    missing_signal,
)

Flags = NDArray[np.bool_]

NAME: Final = "trajectories_diverse"


@dataclass(frozen=True)
class Kind:
    """One row of the finding: which shapes it is made of, and what to call it."""

    row: str
    shapes: tuple[str, ...]
    words: str
    measures: str
    effect: str


KINDS: Final = (
    Kind(
        "increasing", ("increasing",), "are memorised more by larger models",
        "share memorised more by larger models", "rise",
    ),
    Kind(
        "fixed", ("fixed",), "are memorised equally by all sizes",
        "share memorised equally by all sizes", "change",
    ),
    Kind(
        "decreasing_or_cap", ("decreasing", "cap"),
        "are memorised less by larger models or most at a middle size",
        "share memorised less, or most in between", "fall",
    ),
)  # fmt: skip


def decide(evidence: Evidence) -> Outcome:
    """Each kind's share must exceed 1 %, and its effect must survive leaving groups out."""
    condition, alpha = evidence.one_hot, evidence.alpha
    if condition is None or len(condition.sizes) < 2:
        return _undecided(evidence, "too_few_sizes")
    if alpha is None:
        return _undecided(evidence, "too_few_held_out")
    if (reason := missing_signal(evidence)) is not None:
        return _undecided(evidence, reason)
    checks = _checks(evidence, condition, alpha)
    first = checks[0]
    return Outcome(
        finding=NAME, verdict=_conjunction(checks), estimate=first.estimate, low=first.low,
        high=first.high, bound=first.bound, n_groups=condition.n_groups, alpha=alpha,
        facts=tuple(Fact(f"share {c.row}", *c.interval) for c in checks), checks=checks,
        signal=evidence.signal,
    )  # fmt: skip


def _undecided(evidence: Evidence, reason: Reason) -> Outcome:
    return Outcome(
        finding=NAME, verdict=UNDETERMINED, reason=reason, n_groups=evidence.n_groups,
        alpha=evidence.alpha, signal=evidence.signal,
    )  # fmt: skip


def _checks(evidence: Evidence, condition: Condition, alpha: float) -> tuple[Check, ...]:
    whole, folds = trajectories_of(evidence, condition)
    sums = condition.probability
    measured = condition.counts if evidence.signal == "correctness" or sums is None else sums
    return tuple(_row(kind, evidence, alpha, whole, folds, measured) for kind in KINDS)


def _row(
    kind: Kind,
    evidence: Evidence,
    alpha: float,
    whole: Trajectories,
    folds: list[Trajectories],
    measured: Counts,
) -> Check:
    rules = evidence.rules.diversity
    admitted = evidence.rules.trajectories.false_discovery_rate if kind.row != "fixed" else 0.0
    share = jackknife(*_shares(kind, whole, folds, admitted, possible=False))
    possible = jackknife(*_shares(kind, whole, folds, admitted, possible=True))
    effect = leave_one_group_out(_effects(kind, folds, measured))
    verdict = _row_verdict(kind, share, possible, effect[0], rules.minimum_share,
                           rules.alpha_share * alpha)  # fmt: skip
    # A fall is counted as positive; the rates it is made of are given as they go.
    inside, outside = (-effect[i] if kind.effect == "fall" else effect[i] for i in (1, 2))
    facts = (
        Fact.of("effect", effect[0]),
        Fact.of("accuracy_in_change", inside),
        Fact.of("accuracy_out_change", outside),
        Fact("minimum_effect", rules.alpha_share * alpha),
    )
    return check(
        kind.row, share, verdict, Bound("lower", rules.minimum_share), core=True,
        facts=facts if kind.row != "fixed" else (),
    )  # fmt: skip


def explain(outcome: Outcome) -> str:
    """The share of each kind; only the first interval is introduced."""
    parts: list[str] = []
    for kind in KINDS:
        share = outcome.fact(f"share {kind.row}")
        of = "" if parts else " of the examples"
        said = numbers.share_with_interval(*share.interval, brief=bool(parts))
        parts.append(f"{said}{of} {kind.words}")
    return "; ".join(parts)


def explain_check(check: Check) -> str:
    """A share, and the change in models that did not choose the examples."""
    kind = next(kind for kind in KINDS if kind.row == check.row)
    share = f"{numbers.share_with_interval(*check.interval, brief=False)} of the examples"
    if kind.row == "fixed":
        return f"{share} {kind.words}"
    effect = check.fact("effect")
    inside, outside = check.fact("accuracy_in_change"), check.fact("accuracy_out_change")
    text = (
        f"{share} {kind.words}. In models that had no part in choosing them the {kind.effect} is "
        f"{numbers.with_interval(*effect.interval)}; accuracy changes by "
        f"{numbers.with_interval(*inside.interval)} when they are trained on and by "
        f"{numbers.with_interval(*outside.interval)} when they are held out"
    )
    return text + (f". {_BECAUSE[kind.row]}" if mostly_by_fitting(check) else "")


def mostly_by_fitting(check: Check) -> bool:
    """Whether a change that is there is made by more than half of fitting."""
    sign = -1 if check.row == "decreasing_or_cap" else 1
    effect, inside = check.fact("effect"), check.fact("accuracy_in_change")
    return effect.low > 0 and sign * inside.estimate > effect.estimate / 2


_BECAUSE: Final = {
    "increasing": "They increase because larger models fit them",
    "decreasing_or_cap": "Most of the fall is in the accuracy when trained on them",
}


def _row_verdict(
    kind: Kind,
    share: Interval,
    possible: Interval,
    effect: Interval,
    minimum_share: float,
    minimum_effect: float,
) -> Verdict:
    if float(possible.high) < minimum_share:
        return REFUTED
    if kind.row == "fixed":
        return SUPPORTED if float(share.low) > minimum_share else UNDETERMINED
    if float(effect.high) < minimum_effect:
        return REFUTED
    enough = float(share.low) > minimum_share and float(effect.low) > minimum_effect
    return SUPPORTED if enough else UNDETERMINED


def _shares(
    kind: Kind,
    whole: Trajectories,
    folds: list[Trajectories],
    admitted: float,
    *,
    possible: bool,
) -> tuple[Floats, Floats]:
    """Share of the kind less the false discoveries admitted, from everything and per fold.

    ``possible`` counts the undetermined ones whose point estimates look like the kind as well.
    """

    def share(found: Trajectories) -> float:
        members = found.is_shape(*kind.shapes) * (1 - admitted)
        if possible:
            towards = [points_towards(found, shape) for shape in kind.shapes]
            members = members + np.any(towards, axis=0)
        return float(members.sum() / max(int(found.tested.sum()), 1))

    return np.array(share(whole)), np.array([share(fold) for fold in folds])


def _effects(kind: Kind, folds: list[Trajectories], measured: Counts) -> Floats:
    """Per group, the change of the examples chosen without it, in the kind's direction: [G, 3].

    Columns: change of mem, of p_in, of p_out. For a cap the change is from the peak to the higher
    end, both chosen without the group; decreasing examples run from the first size to the last.
    """
    values = np.full((len(folds), 3), np.nan)
    for group, fold in enumerate(folds):
        alone = measured[group]
        rates = np.stack([alone.memorization, alone.accuracy_in, alone.accuracy_out])  # [3, L, n]
        parts = []
        for shape in kind.shapes:
            chosen = np.flatnonzero(fold.is_shape(shape))
            if len(chosen) == 0:
                continue
            start, stop = _from_to(shape, fold, chosen)
            parts.append(rates[:, stop, chosen] - rates[:, start, chosen])
        change = np.concatenate([np.zeros((3, 0)), *parts], axis=1)
        change = change[:, np.isfinite(change[0])]
        if change.shape[1]:
            values[group] = change.mean(axis=1)
    return values


def _from_to(
    shape: str, fold: Trajectories, chosen: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sizes between which the claimed direction is upwards, per chosen example."""
    last = fold.n_sizes - 1
    first_size = np.zeros(len(chosen), dtype=np.intp)
    last_size = np.full(len(chosen), last)
    if shape == "decreasing":
        return last_size, first_size
    if shape != "cap":
        return first_size, last_size
    since_first = fold.pairs.change[:last, chosen]  # pairs (0, 1), (0, 2), ..., (0, L-1)
    peak = since_first[:-1].argmax(axis=0) + 1
    higher_end = np.where(since_first[-1] > 0, last_size, first_size)
    return higher_end, peak


def _conjunction(checks: tuple[Check, ...]) -> Verdict:
    """Nothing that falls leaves the claim open: it may be there and too small to be seen."""
    increasing, fixed, falling = (c.verdict for c in checks)
    if increasing == fixed == SUPPORTED:
        return SUPPORTED if falling == SUPPORTED else UNDETERMINED
    return REFUTED if REFUTED in (increasing, fixed, falling) else UNDETERMINED


def _rule(rules: Rules) -> str:
    return (
        "the share of each kind (x 0.95 unless fixed) has a lower limit > "
        f"{rules.diversity.minimum_share:g} and its cross-fitted change a lower limit > alpha x "
        f"{rules.diversity.alpha_share:g}"
    )


def _query(alpha: float | None) -> str:
    return (
        "select category, share, share_low, share_high, noise_share from trajectory_shares "
        f"where objective = 'one_hot' and rule = 'shape' and alpha = {alpha or 0:g} "
        "order by share desc"
    )


FINDING: Final = Finding(
    name=NAME,
    title="trajectories differ",
    claim="As models grow, some examples are memorised more, some equally, and some less or most "
    "at a middle size",
    measures="share of examples memorised more by larger models",
    criteria=tuple(
        Criterion(
            kind.row, kind.row.replace("_", " "), f"Some examples {kind.words}", kind.measures,
            share=True,
        )
        for kind in KINDS
    ),
    rule=_rule,
    decide=decide,
    explain=explain,
    explain_check=explain_check,
    query=_query,
    evidence=Place(
        "trajectories", "Trajectories across sizes", ("trajectory-shares", "trajectories")
    ),
    uses_alpha=True,
    share=True,
)  # fmt: skip
