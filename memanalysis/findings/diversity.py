"""F2, ``trajectories_diverse``: some examples increase, some stay, some decrease or peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats, Interval, jackknife, leave_one_group_out
from memanalysis.analysis.outcomes import Counts
from memanalysis.analysis.trajectories import (
    Trajectories,
    points_towards,
)
from memanalysis.evidence.conditions import Evidence
from memanalysis.evidence.trajectories import trajectories_of
from memanalysis.findings.verdicts import (
    REFUTED,
    SUPPORTED,
    UNDETERMINED,
    Check,
    Outcome,
    Verdict,
    percent_interval,
    with_interval,
)

Flags = NDArray[np.bool_]

FINDING: Final = "trajectories_diverse"
CLAIM: Final = (
    "As models grow, some examples are memorised more, some equally, and some less or most at a "
    "middle size"
)


@dataclass(frozen=True)
class Kind:
    """One row of the finding: which shapes it is made of, and what to call it."""

    row: str
    shapes: tuple[str, ...]
    words: str
    effect: str


KINDS: Final = (
    Kind("increasing", ("increasing",), "are memorised more by larger models", "rise"),
    Kind("fixed", ("fixed",), "are memorised equally by all sizes", "change"),
    Kind(
        "decreasing_or_cap", ("decreasing", "cap"),
        "are memorised less by larger models or most at a middle size", "fall",
    ),
)  # fmt: skip


def query(alpha: float | None) -> str:
    """SQL that shows the shares behind the verdict."""
    return (
        "select category, share, share_low, share_high, noise_share from trajectory_shares "
        f"where objective = 'one_hot' and rule = 'shape' and alpha = {alpha or 0:g} "
        "order by share desc"
    )


def decide(evidence: Evidence) -> Outcome:
    """Each kind's share must exceed 1 %, and its effect must survive leaving groups out."""
    rules = evidence.rules.diversity
    bound = (
        f"the share of each kind (x 0.95 unless fixed) has a lower limit > {rules.minimum_share:g}"
        f" and its cross-fitted change a lower limit > alpha x {rules.alpha_share:g}"
    )
    condition, alpha = evidence.one_hot, evidence.alpha
    reason = None
    if condition is None or len(condition.sizes) < 2:
        reason = "it takes at least two sizes of one-hot models"
    elif alpha is None:
        reason = "too few models hold each example out to tell shapes apart (fewer than 18)"
    elif evidence.signal == "probability" and condition.probability is None:
        reason = "this signal is not kept per group of models"
    if reason is not None or condition is None or alpha is None:
        return Outcome(
            FINDING, CLAIM, UNDETERMINED, f"Not decided: {reason}", bound,
            n_groups=evidence.n_groups, alpha=alpha,
        )  # fmt: skip
    whole, folds = trajectories_of(evidence, condition)
    measured = condition.probability if evidence.signal == "probability" else condition.counts
    assert measured is not None  # checked above
    checks = tuple(_row(kind, evidence, alpha, whole, folds, measured) for kind in KINDS)
    verdict, missing = _conjunction(checks)
    text = f"{_share_texts(checks)}{missing}"
    first = checks[0]
    return Outcome(
        FINDING, CLAIM, verdict, text, bound, first.estimate, first.low, first.high,
        condition.n_groups, alpha, checks,
    )  # fmt: skip


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
    sentence = f"{percent_interval(share)} of the examples {kind.words}."
    if kind.row != "fixed":
        sentence += _effect_text(kind, effect)
    bound = f"lower limit of the share > {rules.minimum_share:g}"
    if kind.row != "fixed":
        bound += f" and of the cross-fitted {kind.effect} > {rules.alpha_share * alpha:g}"
    return Check(
        kind.row, f"Some examples {kind.words}", verdict, float(share.estimate), float(share.low),
        float(share.high), bound, True, sentence,
    )  # fmt: skip


def _effect_text(kind: Kind, effect: Interval) -> str:
    """The change in models that did not choose the examples, and what it is made of."""
    # A fall is counted as positive; the rates it is made of are given as they go.
    inside, outside = (-effect[i] if kind.effect == "fall" else effect[i] for i in (1, 2))
    text = (
        f" In models that had no part in choosing them the {kind.effect} is "
        f"{with_interval(effect[0])}; accuracy changes by {with_interval(inside, brief=True)} when "
        f"they are trained on and by {with_interval(outside, brief=True)} when they are held out."
    )
    known = float(effect[0].low) > 0
    mostly_inside = float(effect[1].estimate) > float(effect[0].estimate) / 2
    return text + _BECAUSE[kind.row] if known and mostly_inside else text


_BECAUSE: Final = {
    "increasing": " They increase because larger models fit them.",
    "decreasing_or_cap": " Most of the fall is in the accuracy when trained on them.",
}


def _share_texts(checks: tuple[Check, ...]) -> str:
    """The shares in words, for the headline; only the first interval is introduced."""
    parts: list[str] = []
    for kind, found in zip(KINDS, checks, strict=True):
        share = Interval(np.array(found.estimate), np.array(found.low), np.array(found.high), 0)
        of = "" if parts else " of the examples"
        parts.append(f"{percent_interval(share, brief=bool(parts))}{of} {kind.words}")
    return "; ".join(parts)


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


def _conjunction(checks: tuple[Check, ...]) -> tuple[Verdict, str]:
    increasing, fixed, falling = (c.verdict for c in checks)
    if increasing == fixed == falling == SUPPORTED:
        return SUPPORTED, ""
    missing = [c.row.replace("_", " ") for c in checks if c.verdict != SUPPORTED]
    said = f"; not shown: {', '.join(missing)}"
    if increasing == fixed == SUPPORTED:
        return UNDETERMINED, said
    return (REFUTED if REFUTED in (increasing, fixed, falling) else UNDETERMINED), said
