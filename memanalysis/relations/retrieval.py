"""Memorised examples that a proxy finds, and how polarised proxies are themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from memanalysis.analysis.intervals import Floats, Interval, jackknife
from memanalysis.analysis.polarisation import proxy_polarisation
from memanalysis.analysis.retrieval import SELECTIONS, TARGETS, Retrieval, retrieve
from memanalysis.evidence.halves import Halved, Pair
from memanalysis.evidence.load import Study
from memanalysis.findings.proxy_trends import only_rows
from memanalysis.relations.proxies import bounded
from memanalysis.relations.tables import interval_columns, stack

# What is averaged over splits: precision, recall, the score's own precision, sizes of the sets.
_PRECISION, _RECALL, _SCORE, _TARGET, _SELECTED, _EXAMPLES = range(6)


def proxy_retrieval(study: Study) -> dict[str, list[Any]]:
    """Precision, recall and lift of every oriented proxy for the most memorised examples.

    The proxy names examples from one half of the groups, the score of the other half judges them,
    over many splits. The score of the naming half stands beside it: no proxy can be expected to
    find more than what the same models' scores find.
    """
    parts = []
    for objective, proxies in study.proxies.items():
        condition = study.conditions[objective]
        rows = np.flatnonzero(proxies.signs != 0)
        if condition.n_groups < 2 or len(rows) == 0:
            continue
        chosen = only_rows(proxies, rows.tolist())
        halved = Halved(condition, chosen, study.seed)
        for row, size in enumerate(condition.sizes):
            splits = np.asarray([_measured(pair, row) for pair in halved.splits()]).mean(axis=0)
            folds = np.asarray([_measured(pair, row) for pair in halved.folds()])
            common = {
                "objective": objective,
                "size": size,
                "size_rank": study.size_rank[size],
                "proxy": list(chosen.names),
                "n_groups": condition.n_groups,
                "n_splits": halved.n_splits,
            }
            parts += _rows(common, splits, folds.reshape(-1, *splits.shape))
    return stack(parts)


def proxy_polarisations(study: Study) -> dict[str, list[Any]]:
    """Polarisation of each proxy that lies within [0, 1], at each size."""
    parts = []
    for objective, proxies in study.proxies.items():
        condition = study.conditions[objective]
        rows = [row for row, name in enumerate(proxies.names) if bounded(name)]
        if condition.n_groups < 2 or not rows:
            continue
        chosen = only_rows(proxies, rows)
        halved = Halved(condition, chosen, study.seed)
        signs = np.where(chosen.signs == 0, 1, chosen.signs)[:, None, None]
        splits = [proxy_polarisation(x * signs) for x, _ in halved.splits()]
        folds = [proxy_polarisation(x * signs) for x, _ in halved.folds()]
        interval = jackknife(np.mean(splits, axis=0), np.asarray(folds))  # [P, L]
        for row, size in enumerate(condition.sizes):
            parts.append(
                {
                    "objective": objective,
                    "size": size,
                    "size_rank": study.size_rank[size],
                    "proxy": list(chosen.names),
                    **interval_columns("polarisation", interval[:, row]),
                    "n_groups": condition.n_groups,
                    "n_splits": halved.n_splits,
                }
            )
    return stack(parts)


def _measured(pair: Pair, size: int) -> Floats:
    """Everything of one split, both ways averaged: float64 [6, T, S, P]."""
    x, y = pair[0][:, :, size], pair[1][:, size]
    both = []
    for half in (0, 1):
        found = retrieve(x[half], y[1 - half])
        of_score = retrieve(y[half][None], y[1 - half])
        both.append(_stacked(found, of_score))
    return np.asarray(np.mean(both, axis=0))


def _stacked(found: Retrieval, of_score: Retrieval) -> Floats:
    return np.stack(
        [
            found.precision,
            found.recall,
            np.broadcast_to(of_score.precision, found.precision.shape),
            found.n_target,
            found.n_selected,
            found.n_examples,
        ]
    )


def _rows(common: dict[str, Any], mean: Floats, folds: Floats) -> list[dict[str, Any]]:
    """One part per target and selection, a row per proxy."""
    precision = jackknife(mean[_PRECISION], folds[:, _PRECISION])
    recall = jackknife(mean[_RECALL], folds[:, _RECALL])
    base = mean[_TARGET] / np.maximum(mean[_EXAMPLES], 1)
    found = []
    for t, target in enumerate(TARGETS):
        for s, selection in enumerate(SELECTIONS):
            found.append(
                common
                | {
                    "target": target,
                    "selection": selection,
                    **interval_columns("precision", precision[t, s]),
                    **interval_columns("recall", recall[t, s]),
                    **interval_columns("lift", _over(precision[t, s], base[t, s])),
                    "score_precision": mean[_SCORE, t, s],
                    "n_target": mean[_TARGET, t, s],
                    "n_selected": mean[_SELECTED, t, s],
                    "n_examples": mean[_EXAMPLES, t, s].round(),
                }
            )
    return found


def _over(precision: Interval, base: Floats) -> Interval:
    """Precision in units of the target's share of all examples, NaN for an empty target."""
    base = np.where(base > 0, base, np.nan)
    return Interval(
        precision.estimate / base, precision.low / base, precision.high / base, precision.n_groups
    )
