import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memanalysis.analysis.retrieval import SELECTIONS, TARGETS, retrieve


def test_by_hand() -> None:
    """100 examples, scores 0 to .99; the proxy swaps the best ten with the next ten.

    Top 10 % by the proxy: none right. Top 5 %: none of 5; as many as score >= .5: all 50 right.
    """
    scores = np.arange(100) / 100
    proxy = scores.copy()
    proxy[80:90], proxy[90:] = scores[90:], scores[80:90]
    found = retrieve(np.stack([proxy, scores]), scores)
    at = {(t, s): (TARGETS.index(t), SELECTIONS.index(s)) for t in TARGETS for s in SELECTIONS}
    assert found.precision[at["top 10 %", "top 10 %"]].tolist() == [0, 1]
    assert found.precision[at["top 10 %", "as many"]].tolist() == [0, 1]
    assert found.precision[at["memorization >= 0.5", "as many"]].tolist() == [1, 1]
    assert found.recall[at["memorization >= 0.5", "top 10 %"]].tolist() == [0.2, 0.2]
    assert set(found.n_target[TARGETS.index("memorization >= 0.25")].flat) == {75}
    assert set(found.n_examples.flat) == {100}


def test_an_empty_target() -> None:
    """Nothing memorised: nothing to find, precision of what is named is 0, recall is unknown."""
    scores = np.linspace(0, 0.2, 50)
    found = retrieve(scores[None], scores)
    row = TARGETS.index("memorization >= 0.5")
    assert np.isnan(found.precision[row, 0, 0])
    assert found.precision[row, 1:, 0].tolist() == [0, 0, 0]
    assert np.isnan(found.recall[row]).all()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=6, max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_ties_are_broken_in_every_way(pairs: list[tuple[int, int]]) -> None:
    """With "as many" as are at least .5: the mean over all orders of the six examples."""
    proxy = np.array([p for p, _ in pairs], dtype=float)
    scores = np.array([s for _, s in pairs]) / 4
    target = scores >= 0.5
    found = retrieve(proxy[None], scores)
    row = TARGETS.index("memorization >= 0.5")
    if not target.any():
        assert np.isnan(found.precision[row, 0, 0])
        return
    caught = []
    for order in itertools.permutations(range(6)):
        ranked = sorted(order, key=lambda i: -proxy[i])  # stable: the permutation breaks ties
        caught.append(target[ranked[: target.sum()]].sum())
    expected = np.mean(caught) / target.sum()
    assert found.precision[row, 0, 0] == pytest.approx(expected)
    assert found.recall[row, 0, 0] == pytest.approx(expected)


def test_unknown_values_are_left_out() -> None:
    """Examples without a score or without this proxy count nowhere; other proxies keep theirs."""
    scores = np.append(np.arange(40) / 40, np.nan)
    proxy = np.append(np.arange(40.0), 99)
    gaps = proxy.copy()
    gaps[:20] = np.nan
    found = retrieve(np.stack([proxy, gaps, np.full(41, np.nan)]), scores)
    assert found.n_examples[0, 0].tolist() == [40, 20, 0]
    assert found.precision[1, 2, :2].tolist() == [1, 1]
    assert np.isnan(found.precision[:, :, 2]).all()
    assert np.isnan(found.recall[:, :, 2]).all()
    alone = retrieve(gaps[None], scores)
    assert np.array_equal(found.precision[:, :, 1], alone.precision[:, :, 0])
