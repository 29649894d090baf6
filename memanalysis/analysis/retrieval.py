"""Do the examples that a proxy ranks highest hold the memorised ones? Precision, recall and lift.

Scores lie on a lattice, so the highest 1 % of examples often ends within a tie. Tied examples then
share the places that are left, each a fraction of one: the expectation over all ways to break the
tie.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
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
    """Per target, selection and row (proxy): arrays [T, S, P].

    Attributes
    ----------
    precision
        Share of the selected that are in the target.
    recall
        Share of the target that is selected.
    n_target
        Examples in the target.
    n_selected
        Examples selected.
    n_examples
        Examples with a score and a value of the proxy.
    """

    precision: Floats
    recall: Floats
    n_target: Floats
    n_selected: Floats
    n_examples: Floats


def retrieve(values: Floats, scores: Floats) -> Retrieval:
    """Retrieval by each row of ``values`` [P, n] (high: named first) of what ``scores`` [n] target.

    Values and scores should come from different models: what both owe to the same ones would count
    as skill. Each row over the examples where it and the score are known. Precision is NaN where
    nothing is selected, recall where the target is empty.
    """
    known = np.isfinite(values) & np.isfinite(scores)
    if (known == known[:1]).all():
        return _retrieve(values[:, known[0]], scores[known[0]])
    rows = [
        _retrieve(row[there][None], scores[there]) for row, there in zip(values, known, strict=True)
    ]
    return Retrieval(
        *(
            np.concatenate([getattr(row, field.name) for row in rows], axis=-1)
            for field in fields(Retrieval)
        )
    )


def _retrieve(values: Floats, scores: Floats) -> Retrieval:
    """Without unknown values."""
    n = len(scores)
    ordered, ordered_scores = np.sort(values, axis=-1), np.sort(scores)[None]
    shares = [float(min(max(round(share * n), 1), n)) for share in TOP_SHARES]
    targets = np.stack(
        [_highest(scores[None], ordered_scores, size)[0] for size in shares]
        + [(scores >= limit - _TIE).astype(np.float64) for limit in THRESHOLDS]
    )
    fixed = [_highest(values, ordered, size) for size in shares]
    shape = (len(TARGETS), len(SELECTIONS), len(values))
    caught, n_selected = np.empty(shape), np.empty(shape)
    n_target = np.broadcast_to(targets.sum(axis=1)[:, None, None], shape)
    for t, target in enumerate(targets):
        sizes = [float(target.sum()), *shares]
        for s, selected in enumerate([_highest(values, ordered, sizes[0]), *fixed]):
            caught[t, s] = selected @ target
            n_selected[t, s] = sizes[s]
    return Retrieval(
        ratio(caught, n_selected),
        ratio(caught, n_target),
        n_target,
        n_selected,
        np.full(shape, float(n)),
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
