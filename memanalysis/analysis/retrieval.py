"""Do the examples that a proxy ranks highest hold the memorised ones? Precision, recall and lift.

Scores lie on a lattice, so the highest 1 % of examples often ends within a tie. Tied examples then
share the places that are left, each a fraction of one: the expectation over all ways to break the
tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import ratio

TOP_SHARES: Final = (0.01, 0.05, 0.10)
THRESHOLDS: Final = (0.25, 0.5)  # .25: Feldman & Zhang's (2020) threshold of memorisation
TARGETS: Final = tuple(f"top {share:.0%}".replace("%", " %") for share in TOP_SHARES) + tuple(
    f"memorization >= {limit:g}" for limit in THRESHOLDS
)
# How many examples the proxy may name: as many as the target holds, or a share of all.
SELECTIONS: Final = ("as many", *TARGETS[: len(TOP_SHARES)])
_TIE: Final = 1e-11  # scores are fractions of small counts, see trajectories


@dataclass(frozen=True)
class Retrieval:
    """Per target and selection, arrays [T, S, ...]; the last axis is rows (proxies) where given.

    Attributes
    ----------
    precision
        Share of the selected that are in the target, [T, S, P].
    recall
        Share of the target that is selected, [T, S, P].
    n_target
        Examples in each target, [T].
    n_selected
        Examples selected, [T, S].
    n_examples
        Examples with a score and a value of every proxy.
    """

    precision: Floats
    recall: Floats
    n_target: Floats
    n_selected: Floats
    n_examples: int


def retrieve(values: Floats, scores: Floats) -> Retrieval:
    """Retrieval by each row of ``values`` [P, n] (high: named first) of what ``scores`` [n] target.

    Values and scores should come from different models: what both owe to the same ones would count
    as skill. Over examples where all are known. Precision is NaN where nothing is selected, recall
    where the target is empty.
    """
    known = np.isfinite(scores) & np.isfinite(values).all(axis=0)
    values, scores = values[:, known], scores[known]
    n = len(scores)
    ordered, ordered_scores = np.sort(values, axis=-1), np.sort(scores)[None]
    shares = [float(max(round(share * n), 1)) for share in TOP_SHARES]
    targets = np.stack(
        [_highest(scores[None], ordered_scores, size)[0] for size in shares]
        + [(scores >= limit - _TIE).astype(np.float64) for limit in THRESHOLDS]
    )
    n_target = targets.sum(axis=1)
    fixed = [_highest(values, ordered, size) for size in shares]
    shape = (len(TARGETS), len(SELECTIONS), len(values))
    caught, n_selected = np.empty(shape), np.empty(shape[:2])
    for t, target in enumerate(targets):
        for s, selected in enumerate([_highest(values, ordered, n_target[t]), *fixed]):
            caught[t, s] = selected @ target
            n_selected[t, s] = n_target[t] if s == 0 else shares[s - 1]
    return Retrieval(
        ratio(caught, n_selected[:, :, None]),
        ratio(caught, n_target[:, None, None]),
        n_target,
        n_selected,
        n,
    )


def _highest(values: Floats, ordered: Floats, size: float) -> Floats:
    """Membership in the ``size`` highest of each row, float64 [P, n]: 1, 0, or a share of a tie."""
    n = values.shape[-1]
    if size <= 0 or n == 0:
        return np.zeros(values.shape)
    place = max(n - int(np.ceil(size)), 0)
    cut = ordered[:, place, None]
    above, tied = values > cut, values == cut
    room = size - above.sum(axis=-1, keepdims=True)
    return np.asarray(above + tied * ratio(room, tied.sum(axis=-1, keepdims=True)))
