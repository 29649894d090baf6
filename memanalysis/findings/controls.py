"""Negative controls: evidence in which nothing is left to be found.

Besides these, two studies serve as controls without any helper: one size trained twice and called
two sizes, and one-hot models retrained with other seeds and called distilled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from memanalysis.evidence.conditions import Condition, Evidence
from memanalysis.findings.robustness import headlines
from memanalysis.findings.verdicts import Outcome
from memanalysis.storage import bits

EXCHANGED: Final = "exchanged_subsets"


def controls(evidence: Evidence) -> Iterator[tuple[str, Outcome]]:
    """Every finding decided again on each control that this evidence allows: (control, outcome).

    Nothing where subsets cannot be exchanged.
    """
    conditions = [c for c in (evidence.one_hot, evidence.distilled) if c is not None]
    if not conditions or not all(_exchangeable(c) for c in conditions):
        return
    one_hot, distilled = (
        None if c is None else with_exchanged_subsets(c)
        for c in (evidence.one_hot, evidence.distilled)
    )
    exchanged = replace(evidence, one_hot=one_hot, distilled=distilled)
    yield from ((EXCHANGED, outcome) for outcome in headlines(exchanged))


def _exchangeable(condition: Condition) -> bool:
    members = bits.count(condition.outcomes.groups)
    return len(members) > 1 and len(set(members.tolist())) == 1


def with_exchanged_subsets(condition: Condition) -> Condition:
    """The same correct bits, each group with the subsets of the next group: score 0 on average.

    Balance stays as it was, but which examples a model is said to have seen no longer has to do
    with which it saw. Signals other than correctness are dropped.

    Raises
    ------
    ValueError
        If there are fewer than two groups or the groups differ in size.
    """
    outcomes = condition.outcomes
    n_bits = 8 * outcomes.groups.shape[1]
    members = [np.flatnonzero(mask) for mask in bits.unpack(outcomes.groups, n_bits)]
    if len(members) < 2 or len({len(group) for group in members}) != 1:
        raise ValueError("subsets can be exchanged between two or more groups of equal size")
    in_train = bits.unpack(outcomes.in_train, n_bits)
    exchanged = np.zeros_like(in_train)
    for group, following in zip(members, members[1:] + members[:1], strict=True):
        exchanged[..., group] = in_train[..., following]
    moved = replace(outcomes, in_train=bits.pack(exchanged) & outcomes.trained[:, None])
    return replace(condition, outcomes=moved, counts=moved.group_counts(), probability=None)
