import numpy as np
import worlds

from memanalysis.analysis.noise import unchanging
from memanalysis.analysis.trajectories import by_threshold, classify_outcomes


def test_pooled_rates_and_real_masks() -> None:
    """Subsets stay, rates are those pooled over sizes, and the sizes no longer differ."""
    scores = np.stack([np.full(400, 0.2), np.full(400, 0.6)])
    drawn = worlds.memorising(scores, 20)
    noise = unchanging(drawn, seed=1)
    assert np.array_equal(noise.in_train, drawn.in_train)
    mem = noise.counts().memorization
    assert np.allclose(mem.mean(axis=1), 0.4, atol=0.01)
    assert np.array_equal(unchanging(drawn, seed=1).correct, noise.correct)
    assert not np.array_equal(unchanging(drawn, seed=2).correct, noise.correct)


def test_untrained_subsets_stay_untrained() -> None:
    """Only trained subsets can be right."""
    drawn = worlds.memorising(np.full((2, 30), 0.5), 2)
    half = drawn.keep(drawn.groups[0])
    noise = unchanging(half, seed=0)
    assert (noise.correct & ~half.trained[:, None]).sum() == 0


def test_sampling_and_repeats() -> None:
    """At most so many examples, or the same ones several times."""
    drawn = worlds.memorising(np.full((2, 50), 0.5), 1)
    assert unchanging(drawn, seed=0, max_examples=20).n_examples == 20
    assert unchanging(drawn, seed=0, repeats=3).n_examples == 150


def test_noise_share_of_the_threshold_rule() -> None:
    """100 models, no change: methods section 8 puts 20.4 % at |change| >= .1 and 11.2 % at caps.

    Rates estimated from the drawn outcomes spread a little wider than the true ones, so the share
    of noise comes out slightly above.
    """
    scores = np.tile(worlds.feldman_zhang(3000, np.random.default_rng(0)), (5, 1))
    drawn = worlds.memorising(scores, 10)
    for found in (drawn, unchanging(drawn, seed=0)):
        t = classify_outcomes(found, 0.2)
        assert 0.18 < (np.abs(t.change) >= 0.1 - 1e-9).mean() < 0.25
        codes = by_threshold(t.pairs, 5, 0.1)
        assert 0.09 < (codes == 3).mean() < 0.14
