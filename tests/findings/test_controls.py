from dataclasses import replace

import numpy as np
import pytest
import worlds

from memanalysis.findings import Evidence
from memanalysis.findings.controls import with_exchanged_subsets
from memanalysis.findings.robustness import headlines
from memanalysis.findings.verdicts import SUPPORTED

REPEATS = 20
ALLOWED = 2  # findings supported in all repeats together
GROUPS = 6
NAMES = ("aum", "cumulative_accuracy", "cumulative_loss")


def _study(seed: int) -> Evidence:
    """One size trained three times under three names, and again under the name distilled."""
    rng = np.random.default_rng(seed)
    scores = np.tile(worlds.feldman_zhang(250, rng), (3, 1))
    one_hot, distilled = (
        worlds.condition(drawn, seed=seed + offset)
        for offset, drawn in ((0, worlds.memorising(scores, GROUPS, seed)),
                              (1000, _again(scores, seed)))
    )  # fmt: skip
    proxy = worlds.proxies(NAMES, np.stack([scores] * 3), GROUPS, seed)
    return worlds.evidence(one_hot, distilled, proxy)


def _again(scores: np.ndarray, seed: int) -> worlds.Outcomes:
    """The same subsets, other random seeds of the trainings."""
    inside = worlds.masks(scores.shape[1], GROUPS, seed)
    rng = np.random.default_rng([seed, 77])
    right = rng.random((3, *inside.shape)) < np.where(inside, 1, 1 - scores[0][:, None])
    return worlds.Outcomes.from_bools(inside, right, 10)


def _supported(evidence: Evidence) -> list[str]:
    return [o.finding for o in headlines(evidence) if o.verdict == SUPPORTED]


def test_retrained_sizes_and_objectives_support_nothing() -> None:
    """The same size under other names, one-hot called distilled: no finding is supported."""
    found = [name for seed in range(REPEATS) for name in _supported(_study(seed))]
    assert len(found) <= ALLOWED, found


def test_exchanged_subsets_support_nothing() -> None:
    """in_train exchanged between groups: scores are 0 on average and no finding is supported."""
    found = []
    for seed in range(REPEATS):
        evidence = _study(seed)
        assert evidence.one_hot is not None
        assert evidence.distilled is not None
        one_hot = with_exchanged_subsets(evidence.one_hot)
        assert abs(one_hot.counts.sum(0).memorization.mean()) < 0.05
        distilled = with_exchanged_subsets(evidence.distilled)
        found += _supported(replace(evidence, one_hot=one_hot, distilled=distilled))
    assert len(found) <= ALLOWED, found


def test_exchange_keeps_the_design() -> None:
    """Every example is still out of three models of each group."""
    drawn = worlds.condition(worlds.memorising(np.full((2, 40), 0.5), 3))
    moved = with_exchanged_subsets(drawn)
    assert (moved.counts.n_out == 3).all()
    assert np.array_equal(moved.outcomes.correct, drawn.outcomes.correct)
    assert not np.array_equal(moved.outcomes.in_train, drawn.outcomes.in_train)
    with pytest.raises(ValueError, match="two or more groups of equal size"):
        with_exchanged_subsets(drawn.keep_groups(np.array([True, False, False])))
