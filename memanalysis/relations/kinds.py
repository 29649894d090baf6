"""Kinds of example: memorised, on a trajectory, changed by distillation, found.

A kind comes from ``examples.kind``: planted by the study, or judged by something that never saw a
score. Nothing is selected by score, so intervals are delete-one-group jackknives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from memanalysis.analysis.distillation import compare
from memanalysis.analysis.intervals import Floats, jackknife
from memanalysis.analysis.kinds import Kinds, detect, means, members
from memanalysis.analysis.outcomes import Counts, ratio
from memanalysis.analysis.trajectories import SHAPES, Trajectories
from memanalysis.evidence.conditions import Condition, ProxyEvidence, with_common_groups
from memanalysis.evidence.load import Study
from memanalysis.evidence.trajectories import trajectories_of
from memanalysis.findings.proxy_trends import only_rows
from memanalysis.relations.tables import as_table, stack
from memanalysis.storage.store import Store

# Kinds that others are compared with: untouched examples, else those that a judge finds easy.
_ORDINARY: Final = ("clean", "easy")
SCORE: Final = "memorization"  # stands among the proxies of kind_retrieval, to compare them with
_RATES: Final = ("memorization", "accuracy_in", "accuracy_out")


def read_kinds(store: Store, study: Study) -> Kinds | None:
    """The kinds of the study's training examples; None where fewer than two kinds are known."""
    table = store.read_table("examples", ["example_id", "split", "kind"])
    table = table.filter(pc.and_(pc.equal(table["split"], "train"), pc.is_valid(table["kind"])))
    present = pc.unique(table["kind"]).to_pylist()
    ordinary = next((kind for kind in _ORDINARY if kind in present), None)
    names = tuple(sorted(present, key=lambda kind: (kind == ordinary, kind)))
    condition = next(iter(study.conditions.values()), None)
    if condition is None or len(names) < 2:
        return None
    examples = condition.outcomes.example_id
    codes = np.full(len(examples), -1, dtype=np.int64)
    ids = table["example_id"].to_numpy()
    there = np.isin(ids, examples)
    found = pc.index_in(table["kind"], pa.array(names)).to_numpy()
    codes[np.searchsorted(examples, ids[there])] = found[there]
    return Kinds(names, codes, None if ordinary is None else names.index(ordinary))


def kind_effects(study: Study, kinds: Kinds | None) -> dict[str, list[Any]]:
    """Mean score, rates, change by distillation and share of each shape, per kind."""
    if kinds is None:
        return {}
    parts = []
    for objective, condition in study.conditions.items():
        parts += list(_levels(study, objective, condition, kinds))
        parts += list(_changes(study, objective, condition, kinds))
        parts += list(_shapes(study, objective, condition, kinds))
    return stack(parts)


def kind_retrieval(study: Study, kinds: Kinds | None) -> dict[str, list[Any]]:
    """Retrieval of each kind among ordinary examples, by the score and every oriented proxy."""
    if kinds is None:
        return {}
    parts = []
    for objective, condition in study.conditions.items():
        parts += list(_by_score(study, objective, condition, kinds))
        proxies = study.proxies.get(objective)
        rows = [] if proxies is None else np.flatnonzero(proxies.signs != 0).tolist()
        if proxies is not None and rows:
            chosen = only_rows(proxies, rows)
            parts += list(_by_proxy(study, objective, condition, kinds, chosen))
    return stack(parts)


def describes(table: pa.Table, study: Study, kinds: Kinds | None) -> bool:
    """True if a table ``kind_retrieval`` was computed from these kinds.

    The score's rows come from bits, so that they can be computed again and compared.
    """
    if kinds is None:
        return False
    columns = ["objective", "size", "kind", "auc", "precision", "n_examples"]
    rows = [
        row
        for objective, condition in study.conditions.items()
        for row in _by_score(study, objective, condition, kinds)
    ]
    again = as_table(stack(rows), table.schema).select(columns)
    before = table.filter(pc.equal(table["proxy"], SCORE)).select(columns)
    return bool(before.equals(again))


def _levels(
    study: Study, objective: str, condition: Condition, kinds: Kinds
) -> Iterator[dict[str, Any]]:
    def of(counts: Counts) -> Floats:
        rates = (counts.memorization, counts.accuracy_in, counts.accuracy_out)
        return means(np.stack(rates), kinds)  # [3, L, K]

    whole, folds = _folds(condition.counts, of)
    n = members(condition.counts.sum(0).memorization, kinds)
    for row, size in enumerate(condition.sizes):
        for place, quantity in enumerate(_RATES):
            yield {
                **_keys(study, objective, size, kinds, condition),
                "quantity": quantity,
                **_limits(whole[place, row], folds[:, place, row]),
                "n_examples": n[row],
            }


def _changes(
    study: Study, objective: str, condition: Condition, kinds: Kinds
) -> Iterator[dict[str, Any]]:
    """Effect of distillation: the distilled score minus the one-hot one, same groups."""
    one_hot = study.conditions.get("one_hot")
    if one_hot is None or objective == "one_hot":
        return
    sizes = [size for size in one_hot.sizes if size in condition.sizes]
    if not sizes:
        return
    a, b = with_common_groups(one_hot.select(sizes), condition.select(sizes))
    both = compare(a.outcomes, b.outcomes)

    def change(without: int | None) -> Floats:
        one_hot_counts, distilled_counts = both.totals(without)
        return np.asarray(distilled_counts.memorization - one_hot_counts.memorization)

    whole = change(None)
    found = means(whole, kinds)
    replicates = [means(change(group), kinds) for group in range(both.n_groups)]
    folds = np.asarray(replicates).reshape(-1, *found.shape)
    for row, size in enumerate(sizes):
        yield {
            **_keys(study, objective, size, kinds, a),
            "quantity": "distillation",
            **_limits(found[row], folds[:, row]),
            "n_examples": members(whole, kinds)[row],
            "n_groups": both.n_groups,
        }


def _shapes(
    study: Study, objective: str, condition: Condition, kinds: Kinds
) -> Iterator[dict[str, Any]]:
    """Share of each trajectory shape among the tested examples of each kind."""
    if len(condition.sizes) < 2:
        return
    evidence = replace(study.evidence, alpha=study.alphas[objective])
    whole, folds = trajectories_of(evidence, condition)
    shares = _shares(whole, kinds)
    replicates = np.asarray([_shares(fold, kinds) for fold in folds]).reshape(-1, *shares.shape)
    n = members(np.where(whole.tested, 1.0, np.nan), kinds)
    for code, shape in enumerate(SHAPES):
        yield {
            **_keys(study, objective, None, kinds, condition),
            "quantity": "share",
            "shape": shape,
            **_limits(shares[code], replicates[:, code]),
            "n_examples": n,
        }


def _shares(found: Trajectories, kinds: Kinds) -> Floats:
    is_shape = found.shape == np.arange(len(SHAPES))[:, None]
    return means(np.where(found.tested, is_shape.astype(np.float64), np.nan), kinds)  # [S, K]


def _by_score(
    study: Study, objective: str, condition: Condition, kinds: Kinds
) -> Iterator[dict[str, Any]]:
    whole, folds = _folds(condition.counts, lambda counts: detect(counts.memorization, kinds))
    n = members(condition.counts.sum(0).memorization, kinds)
    for row, size in enumerate(condition.sizes):
        yield {
            **_keys(study, objective, size, kinds, condition),
            "proxy": SCORE,
            **_detection(whole[:, row], folds[:, :, row], n[row]),
        }


def _by_proxy(
    study: Study, objective: str, condition: Condition, kinds: Kinds, proxies: ProxyEvidence
) -> Iterator[dict[str, Any]]:
    signs = proxies.signs[:, None]
    for row, size in enumerate(condition.sizes):
        whole = _proxy_means(proxies, row, None) * signs
        found = detect(whole, kinds)
        n_folds = proxies.sums.n_groups
        folds = np.asarray(
            [detect(_proxy_means(proxies, row, g) * signs, kinds) for g in range(n_folds)]
        ).reshape(-1, *found.shape)
        n = members(whole, kinds)
        for place, name in enumerate(proxies.names):
            yield {
                **_keys(study, objective, size, kinds, condition),
                "proxy": name,
                **_detection(found[:, place], folds[:, :, place], n[place]),
            }


def _proxy_means(proxies: ProxyEvidence, size: int, without: int | None) -> Floats:
    """Mean over the models of both halves, [P, n], NaN where there are none."""
    sums = proxies.sums
    total, n = sums.total[:, :, size].sum(axis=0), sums.n[:, :, size].sum(axis=0)
    if without is not None and sums.groups is not None and sums.groups_n is not None:
        total = total - sums.groups[without, :, size]
        n = n - sums.groups_n[without, :, size]
    return ratio(total, n)


def _folds(groups: Counts, statistic: Any) -> tuple[Floats, Floats]:
    """A statistic of all groups, and of all but each in turn: [...], [G, ...]."""
    total = groups.sum(0)
    whole = statistic(total)
    folds = [statistic(total - groups[group]) for group in range(len(groups.n_in))]
    return whole, np.asarray(folds, dtype=np.float64).reshape(-1, *whole.shape)


def _keys(
    study: Study, objective: str, size: str | None, kinds: Kinds, condition: Condition
) -> dict[str, Any]:
    return {
        "objective": objective,
        "size": size,
        "size_rank": None if size is None else study.size_rank[size],
        "kind": list(kinds.names),
        "n_groups": condition.n_groups,
    }


def _limits(whole: Floats, folds: Floats) -> dict[str, Any]:
    interval = jackknife(whole, folds)
    return {"estimate": interval.estimate, "ci_low": interval.low, "ci_high": interval.high}


def _detection(whole: Floats, folds: Floats, n: Any) -> dict[str, Any]:
    """Columns from area and precision [2, K] and their folds [G, 2, K]."""
    interval = jackknife(whole, folds)
    columns: dict[str, Any] = {}
    for place, name in enumerate(("auc", "precision")):
        columns |= {
            name: interval.estimate[place],
            f"{name}_low": interval.low[place],
            f"{name}_high": interval.high[place],
        }
    return columns | {"share": n / max(int(n.sum()), 1), "n_examples": n}
