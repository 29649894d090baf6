"""Proxies against scores: levels, changes, trends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import METHODS, HalfScores, correlation
from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.trajectories import DIRECTIONS
from memanalysis.derive.reading import Study
from memanalysis.derive.tables import interval_columns, stack
from memanalysis.findings.evidence import Condition, Evidence, ProxyEvidence
from memanalysis.findings.proxy_trends import measure, only_rows, trend_verdict
from memanalysis.proxies import find

Flags = NDArray[np.bool_]

# Kendall's tau costs a hundred times Pearson's r; strata get the other two.
_STRATUM_METHODS: Final = ("pearson", "spearman")
_SMALLEST_STRATUM: Final = 30


def proxy_correlations(
    study: Study, directions: dict[str, NDArray[np.int8]]
) -> dict[str, list[Any]]:
    """Correlation of every proxy with the score, per size, and of their changes.

    Proxies are oriented: high means hard, where the proxy has a known direction; others are taken
    as they are. Score and proxy come from opposite halves of the groups.
    """
    parts = []
    for objective, proxies in study.proxies.items():
        condition = study.conditions[objective]
        if condition.n_groups < 2:
            continue
        strata = _strata(study, directions.get(objective))
        folds = _folds(condition, proxies)
        for size, rank, x, y in _quantities(study, condition, folds):
            for stratum, members in strata.items():
                for method in METHODS if stratum == "all" else _STRATUM_METHODS:
                    found = correlation(method, x[..., members], y[..., members])
                    parts.append(
                        {
                            "objective": objective,
                            "size": size,
                            "size_rank": rank,
                            "quantity": "level" if size else "change",
                            "stratum": stratum,
                            "proxy": list(proxies.names),
                            "method": method,
                            "estimate": found.interval.estimate,
                            "ci_low": found.interval.low,
                            "ci_high": found.interval.high,
                            "reliability": found.reliability,
                            "corrected_estimate": found.corrected,
                            "n_examples": int(members.sum()),
                            "n_groups": found.interval.n_groups or condition.n_groups,
                        }
                    )
    return stack(parts)


def proxy_trends(study: Study) -> dict[str, list[Any]]:
    """How well each oriented proxy's change separates increasing examples from others."""
    parts = []
    rules = study.evidence.rules.proxies
    for objective, proxies in study.proxies.items():
        condition = study.conditions[objective]
        rows = np.flatnonzero(proxies.signs != 0)
        if len(condition.sizes) < 2 or condition.n_groups < 2 or len(rows) == 0:
            continue
        chosen = only_rows(proxies, rows.tolist())
        evidence = Evidence(None, alpha=study.alphas[objective])
        found = measure(evidence, condition, chosen)
        bounded = np.array([_bounded(name) for name in chosen.names])
        ends = np.where(bounded[:, None], found.polarisation[:, [0, -1]], np.nan)
        parts.append(
            {
                "objective": objective,
                "proxy": list(chosen.names),
                **interval_columns("auc", found.trends.auc),
                **interval_columns("level", found.level),
                "share_rising": found.trends.share_rising,
                "polarisation_first": ends[:, 0],
                "polarisation_last": ends[:, 1],
                "n_increasing": found.n_increasing,
                "n_groups": condition.n_groups,
                "verdict": [
                    trend_verdict(found.trends.auc[row], rules.follows_auc)
                    for row in range(len(chosen.names))
                ],
            }
        )
    return stack(parts)


def _quantities(
    study: Study, condition: Condition, folds: list[tuple[Floats, Floats]]
) -> Iterator[tuple[str | None, int | None, Floats, Floats]]:
    """(size, rank, proxies, scores) per size, then the change from the first to the last size.

    Proxies [1 + G, 2, P, n] and scores [1 + G, 2, n] of both halves, from all groups and without
    each.
    """
    for row, size in enumerate(condition.sizes):
        x, y = np.stack([x[:, :, row] for x, _ in folds]), np.stack([y[:, row] for _, y in folds])
        yield size, study.size_rank[size], x, y
    if len(condition.sizes) > 1:
        x = np.stack([x[:, :, -1] - x[:, :, 0] for x, _ in folds])
        y = np.stack([y[:, -1] - y[:, 0] for _, y in folds])
        yield None, None, x, y


def _folds(condition: Condition, proxies: ProxyEvidence) -> list[tuple[Floats, Floats]]:
    """Oriented proxies [2, P, L, n] and scores [2, L, n]: all groups, then without each."""
    scores = HalfScores(condition.counts, condition.half)
    signs = np.where(proxies.signs == 0, 1, proxies.signs)[:, None, None]
    without = [None, *range(proxies.sums.n_groups)]
    return [(proxies.sums.means(group) * signs, scores.means(group)) for group in without]


def _strata(study: Study, direction: NDArray[np.int8] | None) -> dict[str, Flags]:
    """All examples, those of each class, those of each direction of the same objective."""
    strata = {"all": np.ones(len(study.labels), dtype=np.bool_)}
    for label in np.unique(study.labels[study.labels >= 0]):
        names = study.class_names
        name = names[label] if label < len(names) else str(label)
        strata[f"class: {name}"] = study.labels == label
    if direction is not None:
        for code, name in enumerate(DIRECTIONS):
            strata[f"direction: {name}"] = direction == code
    return {
        name: members
        for name, members in strata.items()
        if name == "all" or members.sum() >= _SMALLEST_STRATUM
    }


def _bounded(name: str) -> bool:
    """Whether a proxy lies within [0, 1] by definition."""
    proxy = find(name)
    return proxy is not None and proxy.low == 0 and proxy.high == 1
