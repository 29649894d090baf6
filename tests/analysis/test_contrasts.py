import numpy as np
import pytest
import worlds

from memanalysis.analysis.contrasts import (
    contrast,
    paired_counts,
    size_contrasts,
    size_pairs,
)
from memanalysis.analysis.intervals import std_error
from memanalysis.analysis.outcomes import Outcomes

ONE, TWO = np.array([0]), np.array([1])


def test_by_hand() -> None:
    """Four models inside: one gained, none lost; two outside: one gained, one lost.

    d = 1/4 - 0 = .25. Adjusted: 1/6 - 0, variances (2/6 - 1/36)/6 = 11/216 inside and
    (3/4 - 0)/4 = 3/16 outside, SE = sqrt(.050926 + .1875) = .48829.
    """
    inside = np.array([[1, 1, 1, 1, 0, 0]], dtype=bool)
    a = np.array([[1, 1, 0, 0, 1, 0]], dtype=bool)
    b = np.array([[1, 1, 1, 0, 0, 1]], dtype=bool)
    drawn = Outcomes.from_bools(inside, np.stack([a, b]), 6)
    found = size_contrasts(paired_counts(drawn, drawn, ONE, TWO), drawn.counts())
    assert found.change[0, 0] == pytest.approx(0.25)
    assert (found.change_in[0, 0], found.change_out[0, 0]) == (0.25, 0.0)
    assert found.adjusted[0, 0] == pytest.approx(1 / 6)
    assert found.se[0, 0] == pytest.approx(np.sqrt(11 / 216 + 3 / 16))
    assert found.paired.all()


def test_equals_a_naive_loop() -> None:
    """Joint counts of every pair of sizes agree with a loop; changes add up along sizes."""
    rng = np.random.default_rng(0)
    inside, right = rng.random((7, 19)) < 0.6, rng.random((4, 7, 19)) < 0.5
    drawn = Outcomes.from_bools(inside, right, 5)
    first, second = size_pairs(4)
    pairs = paired_counts(drawn, drawn, first, second)
    for p, (i, j) in enumerate(zip(first, second, strict=True)):
        for e in range(7):
            gained = right[j, e] & ~right[i, e]
            lost = right[i, e] & ~right[j, e]
            assert pairs.gained_in[p, e] == (gained & inside[e]).sum()
            assert pairs.lost_out[p, e] == (lost & ~inside[e]).sum()
            assert pairs.n_out[p, e] == (~inside[e]).sum()
    change = size_contrasts(pairs, drawn.counts()).change
    mem = drawn.counts().memorization
    assert np.allclose(change, mem[second] - mem[first])


def test_groups_of_pairs_add_up() -> None:
    """Joint counts without a group are the total less the group's."""
    scores = worlds.feldman_zhang(30, np.random.default_rng(0))
    drawn = worlds.memorising(np.stack([scores, scores]), 3)
    rest = paired_counts(drawn, drawn, ONE, TWO) - paired_counts(
        drawn.only(1), drawn.only(1), ONE, TWO
    )
    direct = paired_counts(drawn.without(1), drawn.without(1), ONE, TWO)
    assert np.array_equal(rest.gained_out, direct.gained_out)
    assert np.array_equal(rest.n_in, direct.n_in)


def test_agreement_is_not_certainty() -> None:
    """Where all models agree at both sizes the standard error is still above 0."""
    inside = worlds.masks(10, 1)
    right = np.ones((2, 10, 10), dtype=bool)
    drawn = Outcomes.from_bools(inside, right, 10)
    found = size_contrasts(paired_counts(drawn, drawn, ONE, TWO), drawn.counts())
    assert (found.se > 0.05).all()
    assert (found.p_value == 1).all()


def test_unpaired_where_no_subset_is_shared() -> None:
    """Sizes trained on different subsets: both standard errors add up, paired is False."""
    inside = worlds.masks(20, 2)
    right = np.random.default_rng(0).random((2, 20, 20)) < 0.7
    first, second = (Outcomes.from_bools(inside[:, s], right[:, :, s], 10).counts()
                     for s in (slice(0, 10), slice(10, 20)))  # fmt: skip
    whole = Outcomes.from_bools(inside, right, 10)
    a, b = whole.keep(whole.groups[0]), whole.keep(whole.groups[1])
    trained = np.stack([whole.groups[0], whole.groups[1]])
    apart = Outcomes(
        whole.sizes, whole.in_train & trained[:, None], whole.correct & trained[:, None],
        trained, whole.groups, whole.example_id,
    )  # fmt: skip
    found = size_contrasts(paired_counts(apart, apart, ONE, TWO), apart.counts())
    assert not found.paired.any()
    assert np.allclose(found.change[0], b.counts().memorization[1] - a.counts().memorization[0])
    expected = np.hypot(std_error(first[0]), std_error(second[1]))
    assert np.allclose(found.se[0], expected)


def test_between_objectives() -> None:
    """The same size of two objectives: the change is the difference of both scores."""
    rng = np.random.default_rng(0)
    inside = worlds.masks(20, 2)
    a, b = (Outcomes.from_bools(inside, rng.random((1, 20, 20)) < p, 10) for p in (0.5, 0.8))
    found = contrast(paired_counts(a, b, ONE, ONE), a.counts(), b.counts())
    assert np.allclose(found.change, b.counts().memorization - a.counts().memorization)
    assert np.allclose(found.change, found.change_in - found.change_out)


def test_p_values_without_change() -> None:
    """No change, 200 models: p <= .05 for at most 5 % of examples whose outcome is uncertain."""
    rng = np.random.default_rng(0)
    scores = np.tile(rng.uniform(0.2, 0.8, 1000), (2, 1))
    drawn = worlds.memorising(scores, 20)
    p = size_contrasts(paired_counts(drawn, drawn, ONE, TWO), drawn.counts()).p_value
    assert 0.02 < (p <= 0.05).mean() < 0.065
