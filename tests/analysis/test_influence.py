"""Influence: counts against loops, chance against enumeration, lists against planted truth."""

import tracemalloc

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from memanalysis.analysis.assignment import Assignment
from memanalysis.analysis.influence import (
    Partners,
    Scan,
    Training,
    influence_counts,
    influence_matrix,
    scan,
)
from memanalysis.analysis.outcomes import Outcomes
from memanalysis.storage import bits

Bools = NDArray[np.bool_]
GROUP = 10


def training(in_train: Bools, label: NDArray[np.int64], trained: Bools | None = None) -> Training:
    """Groups of ten subsets, alternating halves; ``in_train`` bool [n, subsets]."""
    n_subsets = in_train.shape[1]
    groups = np.arange(n_subsets) // GROUP == np.arange(-(-n_subsets // GROUP))[:, None]
    present = np.ones(n_subsets, dtype=bool) if trained is None else trained
    half = np.arange(len(groups)) % 2
    return Training(
        bits.pack(in_train & present), bits.pack(present), bits.pack(groups), half, label
    )


def drawn(seed: int, n: int, m: int, n_subsets: int, balanced: bool) -> tuple[Bools, Bools]:
    """Masks [n, subsets] and outcomes of partners [m, subsets], without any influence."""
    rng = np.random.default_rng(seed)
    if balanced:
        masks = worlds.masks(n, n_subsets // GROUP, seed)
    else:
        masks = rng.random((n, n_subsets)) < rng.choice([0.0, 0.3, 0.7, 1.0], (n, 1))
    return masks, rng.random((m, n_subsets)) < rng.random((m, 1))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 9), st.integers(1, 21))
def test_counts_equal_a_loop_and_the_published_product(
    seed: int, n: int, m: int, n_subsets: int
) -> None:
    """Counted model by model; where both cells are filled, Feldman & Zhang's matrix product.

    Where one is empty the influence is NaN, and theirs is a number.
    """
    masks, correct = drawn(seed, n, m, n_subsets, balanced=False)
    trained = np.random.default_rng(seed).random(n_subsets) < 0.8
    masks, correct = masks & trained, correct & trained
    counts = influence_counts(bits.pack(masks), bits.pack(correct), bits.pack(trained))
    found = counts.memorization
    whole = influence_matrix(bits.pack(masks), bits.pack(correct), bits.pack(trained))
    np.testing.assert_array_equal(whole, found)
    for i in range(n):
        for j in range(m):
            inside = [correct[j, k] for k in range(n_subsets) if trained[k] and masks[i, k]]
            outside = [correct[j, k] for k in range(n_subsets) if trained[k] and not masks[i, k]]
            assert (counts.n_in[i, j], counts.n_out[i, j]) == (len(inside), len(outside))
            if inside and outside:
                expected = sum(inside) / len(inside) - sum(outside) / len(outside)
                assert found[i, j] == expected
            else:
                assert np.isnan(found[i, j])
    mask, outcome = masks[:, trained].T.astype(float), correct[:, trained].T.astype(float)
    n_in, n_out = mask.sum(0)[:, None], (1 - mask).sum(0)[:, None]
    published = mask.T @ outcome / np.maximum(n_in, 1e-10)
    published -= (1 - mask).T @ outcome / np.maximum(n_out, 1e-10)
    np.testing.assert_allclose(np.where(np.isnan(found), published, found), published, atol=1e-12)


def test_self_influence_is_memorisation_to_the_bit() -> None:
    """The diagonal of train-train influence equals the stability score as float64."""
    masks, correct = drawn(3, 40, 40, 37, balanced=False)
    outcomes = Outcomes.from_bools(masks, correct[None], GROUP)
    both = influence_counts(outcomes.in_train[0], outcomes.correct[0], outcomes.trained[0])
    np.testing.assert_array_equal(np.diagonal(both.memorization), outcomes.counts().memorization[0])


# Chance


def test_patterns_of_groups_are_enumerated() -> None:
    """In a balanced design P[hits >= x] is the share of all 100 ways to have one pattern a group.

    Enumerated for two groups of ten, whose patterns leave out three neighbouring blocks.
    """
    masks, correct = drawn(0, 50, 4, 20, balanced=True)
    data = training(masks, np.zeros(50, np.int64))
    assignment = Assignment.of(data.in_train, data.trained, data.groups)
    assert assignment.by_patterns
    assert assignment.n_in.tolist() == [14]
    patterns = [np.unique(masks[:, half], axis=0) for half in (slice(0, 10), slice(10, 20))]
    tails = assignment.tails(0, bits.pack(correct))
    for j, outcome in enumerate(correct):
        hits = [
            int((first & outcome[:10]).sum() + (second & outcome[10:]).sum())
            for first in patterns[0]
            for second in patterns[1]
        ]
        assert len(hits) == 100
        expected = [np.mean(np.array(hits) >= x) for x in range(15)]
        np.testing.assert_allclose(tails[j], expected, atol=1e-12)


def test_single_draws_are_hypergeometric() -> None:
    """With many patterns a group, chances are SciPy's, by the number of subsets of the example."""
    masks, correct = drawn(1, 200, 5, 40, balanced=False)
    data = training(masks, np.zeros(200, np.int64))
    assignment = Assignment.of(data.in_train, data.trained, data.groups)
    assert not assignment.by_patterns
    assert assignment.n_in[assignment.stratum].tolist() == masks.sum(axis=1).tolist()
    for stratum, n_in in enumerate(assignment.n_in):
        tails = assignment.tails(stratum, bits.pack(correct))
        for j, outcome in enumerate(correct):
            chance = stats.hypergeom(40, outcome.sum(), n_in)
            np.testing.assert_allclose(tails[j], chance.sf(np.arange(n_in + 1) - 1), atol=1e-10)


def test_an_incomplete_group_makes_strata() -> None:
    """Where models are missing, examples in equally many subsets of each group are exchangeable."""
    masks, correct = drawn(2, 60, 3, 20, balanced=True)
    trained = np.arange(20) < 15
    data = training(masks, np.zeros(60, np.int64), trained)
    assignment = Assignment.of(data.in_train, data.trained, data.groups)
    assert assignment.by_patterns
    within = masks[:, 10:15].sum(axis=1)
    assert len(assignment.n_in) == len(np.unique(within))
    np.testing.assert_array_equal(assignment.n_in[assignment.stratum], 7 + within)
    for stratum, n_in in enumerate(assignment.n_in):
        tails = assignment.tails(stratum, bits.pack(correct & trained))
        assert tails.shape == (3, n_in + 1)
        np.testing.assert_allclose(tails[:, 0], 1)


def test_noise_above_the_threshold_is_what_balanced_draws_give() -> None:
    """Partners that depend on one example each, all others on none: drawn anew 25 times.

    The expected number of other pairs above is met within 4 standard errors; single draws, the
    hypergeometric distribution, would expect a fifth less.
    """
    n, numbers, expected, single = 500, [], [], []
    for seed in range(25):
        masks = worlds.masks(n, 4, seed)
        correct = masks[:20]  # partner j is right exactly where example j is in train
        data = training(masks[20:], np.zeros(n - 20, np.int64))
        found = scan(data, Partners(bits.pack(correct), np.zeros(20, np.int64)))
        numbers.append(found.n_above)
        expected.append(found.n_above_by_noise)
        single.append(_single_draws(masks[20:], correct))
    spread = np.std(np.array(numbers) - expected, ddof=1) / np.sqrt(25)
    assert abs(np.mean(numbers) - np.mean(expected)) < 4 * spread
    assert np.mean(single) < 0.8 * np.mean(numbers)


def _single_draws(masks: Bools, correct: Bools) -> float:
    """What drawing single subsets would lead to expect above .15."""
    n_models, n_in = masks.shape[1], int(masks[0].sum())
    hits = correct.sum(axis=1)
    x = np.arange(n_in + 1)
    above = x / n_in - (hits[:, None] - x) / (n_models - n_in) >= 0.15 - 1e-9
    return float((stats.hypergeom(n_models, hits[:, None], n_in).pmf(x) * above).sum() * len(masks))


# Lists


def by_loop(
    masks: Bools, correct: Bools, labels: tuple[NDArray[np.int64], NDArray[np.int64]],
    same: bool, same_class: bool,
) -> tuple[dict[tuple[int, int], float], int, float, float]:  # fmt: skip
    """(q of each pair above, pairs tested, pairs above, Jaccard): one pair after the other."""
    data = training(masks, labels[0])
    assignment = Assignment.of(data.in_train, data.trained, data.groups)
    half = (np.arange(masks.shape[1]) // GROUP) % 2
    pairs, p_values, above, both, either = [], [], [], 0, 0
    for i, mask in enumerate(masks):
        for j, right in enumerate(correct):
            if (same and i == j) or (same_class and labels[0][i] != labels[1][j]):
                continue
            if mask.all() or not mask.any():
                continue
            tails = assignment.tails(int(assignment.stratum[i]), bits.pack(right[None]))[0]
            pairs.append((i, j))
            p_values.append(tails[(mask & right).sum()])
            above.append(_influence(mask, right) >= 0.15 - 1e-9)
            halves = [_influence(mask[half == h], right[half == h]) >= 0.15 - 1e-9 for h in (0, 1)]
            both, either = both + all(halves), either + any(halves)
    q_values = stats.false_discovery_control(p_values) if p_values else []
    q_above = {pair: q for pair, q, a in zip(pairs, q_values, above, strict=True) if a}
    return q_above, len(pairs), sum(above), both / either if either else float("nan")


def _influence(mask: Bools, right: Bools) -> float:
    if mask.all() or not mask.any():
        return float("nan")
    return float(right[mask].mean() - right[~mask].mean())


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("same_class", [False, True])
@pytest.mark.parametrize("balanced", [False, True])
def test_a_scan_equals_a_loop_over_pairs(same: bool, same_class: bool, balanced: bool) -> None:
    """The pairs listed, all numbers, and q-values (at most 2^-12 above SciPy's), in any blocks."""
    masks, correct = drawn(4, 24, 24, 40, balanced)
    correct[1:12] = masks[4:15]  # partners of their class
    label = np.arange(24) % 3
    label[0] = -1 if same_class else label[0]
    known = label >= 0
    expected = by_loop(masks, correct, (np.where(known, label, 7), label), same, same_class)
    for block in (5, 512):
        found = scan(
            training(masks, label), Partners(bits.pack(correct), label, same),
            same_class=same_class, block=block,
        )  # fmt: skip
        q_above, n_pairs, n_above, jaccard = expected
        assert (found.n_pairs, found.n_above) == (n_pairs, n_above)
        np.testing.assert_allclose(found.jaccard, jaccard)
        listed = {(int(i), int(j)): q for i, j, q in _listed(found)}
        assert listed.keys() == {pair for pair, q in q_above.items() if q <= 0.05}
        assert listed
        for pair, q in listed.items():
            assert q_above[pair] * (1 - 1e-9) <= q <= q_above[pair] * (1 + 2**-12)


def _listed(found: Scan) -> list[tuple[int, int, float]]:
    pairs = found.pairs
    order = list(zip(pairs.train.tolist(), pairs.partner.tolist(), strict=True))
    assert order == sorted(order)
    return list(zip(pairs.train, pairs.partner, pairs.q_value, strict=True))


def test_planted_influence_is_found_and_nothing_else() -> None:
    """Thirty partners that need one example each are paired with it; noise adds one in twenty.

    200 balanced subsets; a pair's counts are those of the dense block.
    """
    rng = np.random.default_rng(8)
    masks = worlds.masks(300, 20, 5)
    correct = rng.random((100, 200)) < 0.6
    correct[:30] = np.where(masks[:30], rng.random((30, 200)) < 0.95, correct[:30])
    data, label = training(masks, np.zeros(300, np.int64)), np.zeros(100, np.int64)
    partners = Partners(bits.pack(correct), label)
    pairs = scan(data, partners).pairs
    listed = set(zip(pairs.train.tolist(), pairs.partner.tolist(), strict=True))
    planted = {(i, i) for i in range(30)}
    assert len(listed & planted) >= 28
    assert len(listed - planted) <= 3
    dense = influence_counts(data.in_train, partners.correct, data.trained).memorization
    np.testing.assert_array_equal(pairs.counts.memorization, dense[pairs.train, pairs.partner])


def test_without_influence_no_pair_is_listed() -> None:
    """Ten worlds in which partners follow hidden examples: at most one lists anything."""
    listing = 0
    for seed in range(10):
        masks = worlds.masks(120, 20, seed)
        hidden = worlds.masks(40, 20, seed + 100)  # not among the examples
        zeros = np.zeros(120, np.int64)
        found = scan(training(masks, zeros), Partners(bits.pack(hidden), zeros[:40]))
        listing += len(found.pairs.train) > 0
    assert listing <= 1


def test_memory_does_not_grow_with_the_examples() -> None:
    """NumPy's peak for 9 million pairs is that for 2.25 million, within a tenth; under 100 MB."""
    peaks = []
    for n in (1500, 3000):
        masks, correct = drawn(0, n, n, 40, balanced=True)
        data, label = training(masks, np.zeros(n, np.int64)), np.zeros(n, np.int64)
        partners = Partners(bits.pack(correct), label)
        tracemalloc.start()
        scan(data, partners)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 100e6


def test_nothing_to_test() -> None:
    """No partners, or every example in all subsets: no pairs, no numbers, no error."""
    masks = np.ones((5, 20), dtype=bool)
    none = Partners(np.zeros((0, 3), np.uint8), np.zeros(0, np.int64))
    data = training(masks, np.zeros(5, np.int64))
    for partners in (none, Partners(bits.pack(masks), np.zeros(5, np.int64))):
        found = scan(data, partners)
        assert (found.n_pairs, found.n_above, len(found.pairs.train)) == (0, 0, 0)
        assert np.isnan([found.jaccard, found.least_p_value]).all()
