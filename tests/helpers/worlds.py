"""Outcomes drawn from known rates, in memory: planted truth for the statistics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.correlations import HalfSums
from memanalysis.analysis.outcomes import Counts, Outcomes
from memanalysis.evidence.conditions import (
    Condition,
    Evidence,
    ProxyEvidence,
    Teacher,
    alpha_of,
    half_sums,
)
from memanalysis.rules import load
from memanalysis.storage import subsets

Rates = NDArray[np.float64]
# Memorisation of CIFAR-100 in 18 equal bins, read off the page of Feldman and Zhang (2020).
_HISTOGRAM = np.array([
    24370, 3116, 2131, 1621, 1433, 1279, 1118, 1079, 974,
    924, 912, 933, 930, 961, 1013, 1198, 1470, 4538,
])  # fmt: skip


def feldman_zhang(n: int, rng: np.random.Generator) -> Rates:
    """True scores distributed like those of CIFAR-100: float64 [n]."""
    bins = rng.choice(len(_HISTOGRAM), n, p=_HISTOGRAM / _HISTOGRAM.sum())
    return np.asarray((bins + rng.random(n)) / len(_HISTOGRAM))


def masks(n: int, groups: int, seed: int = 0) -> NDArray[np.bool_]:
    """Balanced subsets of 70 %, ten per group: bool [n, 10 groups]."""
    drawn = [subsets.balanced_group(n, group, 0.7, seed) for group in range(groups)]
    return np.concatenate(drawn).T


def outcomes(p_in: Rates, p_out: Rates, groups: int, seed: int = 0) -> Outcomes:
    """Independent outcomes at L sizes with rates ``p_in``, ``p_out`` [L, n]."""
    rng = np.random.default_rng([seed, 7])
    inside = masks(p_in.shape[1], groups, seed)
    correct = np.stack([
        rng.random(inside.shape) < np.where(inside, p[:, None], q[:, None])
        for p, q in zip(p_in, p_out, strict=True)
    ])  # fmt: skip
    return Outcomes.from_bools(inside, correct, 10)


def memorising(scores: Rates, groups: int, seed: int = 0) -> Outcomes:
    """Outcomes of models that fit everything, with true scores [L, n]."""
    return outcomes(np.ones_like(scores), 1 - scores, groups, seed)


def condition(drawn: Outcomes, accuracy_test: Rates | None = None, seed: int = 0) -> Condition:
    """A condition whose models have test accuracies around ``accuracy_test`` [L]."""
    n_sizes, n_groups = len(drawn.sizes), drawn.n_groups
    centre = np.full(n_sizes, 0.8) if accuracy_test is None else accuracy_test
    noise = np.random.default_rng([seed, 8]).normal(0, 0.004, (n_groups, n_sizes))
    return Condition(
        outcomes=drawn,
        group_ids=np.arange(n_groups, dtype=np.int64),
        counts=drawn.group_counts(),
        parameters=1000.0 * 2.0 ** np.arange(n_sizes),
        test_sum=10 * (centre + noise),
        test_n=np.full((n_groups, n_sizes), 10.0),
    )


def probability(drawn: Condition, seed: int = 0) -> Counts:
    """Sums of a label probability that goes with the outcomes: .9 where right, .2 where wrong."""
    counts = drawn.counts
    noise = np.random.default_rng([seed, 9]).normal(0, 0.05, (2, *counts.n_in.shape))
    sums = [
        0.9 * hits + 0.2 * (n - hits) + noise[side] * np.sqrt(n)
        for side, (hits, n) in enumerate(
            ((counts.hits_in, counts.n_in), (counts.hits_out, counts.n_out))
        )
    ]
    return Counts(sums[0], counts.n_in, sums[1], counts.n_out)


def proxies(names: tuple[str, ...], truth: Rates, groups: int, seed: int = 0) -> ProxyEvidence:
    """Proxies around ``truth`` [P, L, n] (high: hard), seen by seven models of each group."""
    rng = np.random.default_rng([seed, 10])
    noise = rng.normal(0, 0.3 / np.sqrt(7), (groups, *truth.shape))
    per_group = (7 * (truth + noise)).astype(np.float32)
    sums: HalfSums = half_sums(
        per_group, np.full(per_group.shape, 7, np.uint16), np.arange(groups) % 2
    )
    ids = np.arange(groups, dtype=np.int64)
    return ProxyEvidence(names, np.ones(len(names), dtype=np.int64), sums, ids)


def evidence(
    one_hot: Condition,
    distilled: Condition | None = None,
    proxy: ProxyEvidence | None = None,
    scope: str = "same_subset",
) -> Evidence:
    """Evidence with a teacher of the largest size, twice as large as the largest student."""
    rules = load()
    teacher = Teacher("teacher", scope, 2 * float(one_hot.parameters[-1]))
    return Evidence(
        one_hot, distilled, None if distilled is None else teacher, proxy,
        alpha=alpha_of(one_hot, rules), rules=rules,
    )  # fmt: skip
