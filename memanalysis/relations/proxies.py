"""Proxies against scores: levels, changes, trends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import METHODS, Method, halves_correlated, over_splits
from memanalysis.analysis.intervals import Floats, Interval
from memanalysis.analysis.polarisation import proxy_polarisation
from memanalysis.evidence.conditions import Evidence
from memanalysis.evidence.halves import Halved, Pair
from memanalysis.evidence.load import Study
from memanalysis.evidence.strata import strata_of
from memanalysis.findings.proxy_trends import measure, only_rows, trend_verdict
from memanalysis.proxies import find
from memanalysis.relations.tables import Columns, interval_columns, stack

Flags = NDArray[np.bool_]

# Kendall's tau is the slowest of the three: over one split, at most so many examples, and with
# intervals for the stratum of all examples alone.
_KENDALL_EXAMPLES: Final = 20_000
# Strata take most of the time. Ten splits instead of these move an estimate by less than a tenth
# of its interval (measured: by .02 at the median, .08 at the 95 % point).
_SPLITS_OF_STRATA: Final = 4


@dataclass(frozen=True)
class _Cell:
    """One table row per proxy: a size (None: the change), a stratum and a method."""

    size: str | None
    stratum: str
    method: Method
    members: Flags

    @property
    def n_splits(self) -> float:
        """Splits to average at most."""
        if self.method == "kendall":
            return 1
        return np.inf if self.stratum == "all" else _SPLITS_OF_STRATA


def proxy_correlations(study: Study, tests: Columns) -> dict[str, list[Any]]:
    """Correlation of every proxy with the score, per size, and of their changes.

    Proxies are oriented: high means hard, where the proxy has a known direction; others are taken
    as they are. Score and proxy come from opposite halves of the groups, over many splits.
    ``tests`` are the columns of ``trajectory_tests``, whose trajectories make strata.
    """
    parts = []
    for objective, proxies in study.proxies.items():
        condition = study.conditions[objective]
        if condition.n_groups < 2:
            continue
        halved = Halved(condition, proxies, study.seed)
        cells = list(_cells(study, objective, tests, condition.sizes))
        sizes = condition.sizes
        splits = _over_splits(cells, halved, sizes)
        folds = np.full((halved.n_folds, len(cells), len(proxies.names)), np.nan)
        for fold, pair in enumerate(halved.folds()):
            for at, cell in enumerate(cells):
                if cell.method != "kendall" or cell.stratum == "all":
                    folds[fold, at] = _measured(cell, pair, sizes)[0]
        for at, cell in enumerate(cells):
            found = over_splits(splits[at], folds[:, at])
            parts.append(
                {
                    "objective": objective,
                    "size": cell.size,
                    "size_rank": study.size_rank[cell.size] if cell.size else None,
                    "quantity": "level" if cell.size else "change",
                    "stratum": cell.stratum,
                    "proxy": list(proxies.names),
                    "method": cell.method,
                    "estimate": found.interval.estimate,
                    "ci_low": found.interval.low,
                    "ci_high": found.interval.high,
                    "reliability": found.reliability,
                    "corrected_estimate": found.corrected,
                    "n_examples": int(cell.members.sum()),
                    "n_groups": condition.n_groups,
                    "n_splits": len(splits[at]),
                }
            )
    return stack(parts)


def _over_splits(cells: list[_Cell], halved: Halved, sizes: tuple[str, ...]) -> list[Floats]:
    """Per cell [splits, 3, P]: all splits for all examples, some for strata, one for Kendall."""
    found: list[list[Floats]] = [[] for _ in cells]
    for split, pair in enumerate(halved.splits()):
        for at, cell in enumerate(cells):
            if split < cell.n_splits:
                found[at].append(_measured(cell, pair, sizes))
    return [np.asarray(of_cell) for of_cell in found]


def _cells(study: Study, objective: str, tests: Columns, sizes: tuple[str, ...]) -> Iterator[_Cell]:
    generator = np.random.default_rng(np.random.SeedSequence([study.seed, 0x7A0]))
    strata = strata_of(study, objective, tests)
    fewer = {name: _at_most(_KENDALL_EXAMPLES, of, generator) for name, of in strata.items()}
    for size in [*sizes, None] if len(sizes) > 1 else sizes:
        for stratum, members in strata.items():
            for method in METHODS:
                chosen = fewer[stratum] if method == "kendall" else members
                yield _Cell(size, stratum, method, chosen)


def _at_most(limit: int, members: Flags, generator: np.random.Generator) -> Flags:
    there = np.flatnonzero(members)
    if len(there) <= limit:
        return members
    chosen = np.zeros_like(members)
    chosen[generator.choice(there, limit, replace=False)] = True
    return chosen


def _measured(cell: _Cell, pair: Pair, sizes: tuple[str, ...]) -> Floats:
    """``halves_correlated`` of one cell: [3, P]."""
    x, y = pair
    if cell.size is None:
        x, y = x[:, :, -1] - x[:, :, 0], y[:, -1] - y[:, 0]
    else:
        row = sizes.index(cell.size)
        x, y = x[:, :, row], y[:, row]
    if not cell.members.all():
        x, y = x[..., cell.members], y[..., cell.members]
    return halves_correlated(cell.method, x, y)


def proxy_trends(study: Study) -> dict[str, list[Any]]:
    """Separation of increasing examples from others by each oriented proxy's change."""
    parts = []
    rules = study.evidence.rules.trends
    for objective, proxies in study.proxies.items():
        condition = study.conditions[objective]
        rows = np.flatnonzero(proxies.signs != 0)
        if len(condition.sizes) < 2 or condition.n_groups < 2 or len(rows) == 0:
            continue
        chosen = only_rows(proxies, rows.tolist())
        found = measure(Evidence(None), condition, chosen)
        if any(shapes.alpha is None for shapes in found.shapes):
            continue
        areas = found.areas()
        # Both directions of the halves have to agree, hence the limits that both keep.
        area = Interval(
            areas.standardised.estimate.mean(axis=0), areas.standardised.low.min(axis=0),
            areas.standardised.high.max(axis=0), condition.n_groups,
        )  # fmt: skip
        polarisation = proxy_polarisation(chosen.sums.means())
        within = np.array([bounded(name) for name in chosen.names])
        ends = np.where(within[:, None], polarisation[:, [0, -1]], np.nan)
        parts.append(
            {
                "objective": objective,
                "proxy": list(chosen.names),
                **interval_columns("auc", area),
                **interval_columns("level", found.level),
                "share_rising": areas.share_rising.mean(axis=0),
                "polarisation_first": ends[:, 0],
                "polarisation_last": ends[:, 1],
                "n_increasing": int(areas.n_increasing.min()),
                "n_groups": condition.n_groups,
                "verdict": [
                    trend_verdict(limits, rules.follows_area)
                    for limits in zip(area.estimate, area.low, area.high, strict=True)
                ],
            }
        )
    return stack(parts)


def bounded(name: str) -> bool:
    """True if a proxy lies within [0, 1] by definition."""
    proxy = find(name)
    return proxy is not None and proxy.low == 0 and proxy.high == 1
