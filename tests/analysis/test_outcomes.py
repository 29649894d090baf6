import numpy as np
import worlds

from memanalysis.analysis.outcomes import Outcomes, popcount, ratio
from memanalysis.storage import bits


def _random(seed: int = 0, n_subsets: int = 23) -> tuple[Outcomes, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    in_train = rng.random((9, n_subsets)) < 0.6
    correct = rng.random((3, 9, n_subsets)) < 0.5
    return Outcomes.from_bools(in_train, correct, 5), in_train, correct


def test_counts_by_hand() -> None:
    """Example in subsets 0, 1 and right in 0, 2: one of two hits inside, one of one outside."""
    drawn = Outcomes.from_bools(
        np.array([[True, True, False]]), np.array([[[True, False, True]]]), group_size=3
    )
    counts = drawn.counts()
    assert (counts.hits_in, counts.n_in, counts.hits_out, counts.n_out) == (1, 2, 1, 1)
    assert counts.memorization == 0.5 - 1.0


def test_counts_equal_a_naive_loop() -> None:
    """Packed counting agrees with a loop over every size, example and model."""
    drawn, in_train, correct = _random()
    counts = drawn.counts()
    for size in range(3):
        for example in range(9):
            inside, right = in_train[example], correct[size, example]
            assert counts.hits_in[size, example] == sum(right[inside])
            assert counts.n_in[size, example] == sum(inside)
            assert counts.hits_out[size, example] == sum(right[~inside])
            assert counts.n_out[size, example] == sum(~inside)


def test_groups_add_up() -> None:
    """Each group with everything but it, and all groups together, give the total."""
    drawn = _random()[0]
    total = drawn.counts()
    for group in range(drawn.n_groups):
        both = drawn.only(group).counts() + drawn.without(group).counts()
        assert np.array_equal(both.hits_in, total.hits_in)
        assert np.array_equal(both.n_out, total.n_out)
        rest = (total - drawn.only(group).counts()).hits_out
        assert np.array_equal(rest, drawn.without(group).counts().hits_out)
    assert np.array_equal(drawn.group_counts().sum(0).hits_in, total.hits_in)


def test_groups_after_keep() -> None:
    """Keeping the subsets of two groups leaves those two groups."""
    drawn = _random()[0]
    kept = drawn.keep(drawn.groups[1] | drawn.groups[3])
    assert kept.n_groups == 2
    assert np.array_equal(kept.only(1).counts().hits_in, drawn.only(3).counts().hits_in)
    assert kept.without(0).without(0).counts().n_in.sum() == 0


def test_order_of_models_and_sizes() -> None:
    """Permuting models changes no count; selecting sizes reorders them."""
    drawn, in_train, correct = _random()
    order = np.random.default_rng(3).permutation(in_train.shape[1])
    shuffled = Outcomes.from_bools(in_train[:, order], correct[..., order], 5)
    assert np.array_equal(shuffled.counts().hits_out, drawn.counts().hits_out)
    swapped = drawn.select([drawn.sizes[2], drawn.sizes[0]])
    assert np.array_equal(swapped.counts().hits_in, drawn.counts().hits_in[[2, 0]])


def test_empty_cells_are_unknown() -> None:
    """An example that was never held out has no score, rather than 0."""
    drawn = Outcomes.from_bools(np.ones((1, 4), np.bool_), np.ones((1, 1, 4), np.bool_), 2)
    assert np.isnan(drawn.counts().memorization).all()
    assert not drawn.counts().filled().any()
    assert np.isnan(ratio(np.array([3]), np.array([0]))[0])


def test_popcount_equals_bits_count() -> None:
    """Counting by words agrees with counting by bytes at every width."""
    rng = np.random.default_rng(0)
    for width in range(1, 19):
        packed = rng.integers(0, 256, (4, width), dtype=np.uint8)
        assert np.array_equal(popcount(packed), bits.count(packed))


def test_identity_of_the_mean() -> None:
    """Mean memorisation is mean p_in minus mean p_out, exactly, in a balanced design."""
    scores = worlds.feldman_zhang(50, np.random.default_rng(1))[None]
    counts = worlds.memorising(scores, 3).counts()
    difference = counts.accuracy_in.mean() - counts.accuracy_out.mean()
    assert abs(counts.memorization.mean() - difference) < 1e-12
