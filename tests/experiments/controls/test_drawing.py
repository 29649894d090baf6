from dataclasses import replace

import numpy as np
import pytest

from memanalysis.experiments.controls.drawing import Design, Truth, draw


def test_rates_are_exact_and_groups_balanced() -> None:
    """Marginal rates are the true ones, every group leaves each image out equally often."""
    n = 400
    outside = np.broadcast_to(np.linspace(0, 1, n), (1, 2, n)).copy()
    inside = np.full_like(outside, 0.9)
    drawn = draw(Truth(inside, outside), Design(400, 10, 3), np.random.default_rng(0))
    groups = drawn.outcomes[0].group_counts()
    assert (groups.n_out == 3).all()
    assert (groups.n_in == 7).all()
    total = groups.sum(0)
    assert total.accuracy_in.mean() == pytest.approx(0.9, abs=0.004)
    assert total.accuracy_out.mean() == pytest.approx(outside.mean(), abs=0.006)
    error = total.accuracy_out - outside[0]
    assert np.abs(error.reshape(2, 20, 20).mean(axis=-1)).max() < 0.03


def test_sizes_share_the_subset_and_not_the_shock() -> None:
    """Two sizes agree more often than chance, by the subset's effect on an image alone."""
    outside = np.full((1, 2, 200), 0.5)
    drawn = draw(
        Truth(np.ones_like(outside), outside), Design(800, 10, 3), np.random.default_rng(1)
    )
    outcomes = drawn.outcomes[0]
    unpacked = np.unpackbits(outcomes.correct, axis=-1).astype(float)
    inside = np.unpackbits(outcomes.in_train[0], axis=-1).astype(bool)
    first, second = unpacked[:, ~inside]
    r = np.corrcoef(first, second)[0, 1]
    assert 0.004 < r < 0.04  # 2/pi arcsin(.163^2) = .017


def test_permuted_membership_and_halved_sizes() -> None:
    """Permuted: scores vanish. Halved: the last size has models in every other group alone."""
    outside = np.full((1, 2, 300), 0.3)
    design = Design(200, 10, 3)
    plain = Truth(np.ones_like(outside), outside, permuted=True)
    counts = draw(plain, design, np.random.default_rng(2)).outcomes[0].counts()
    assert abs(counts.memorization.mean()) < 0.01
    halved = Truth(np.ones_like(outside), outside, halved=True)
    groups = draw(halved, design, np.random.default_rng(3)).outcomes[0].group_counts()
    assert (groups.n_out[:, 0] == 3).all()
    assert groups.n_out[:, 1].sum(axis=-1).tolist() == [900, 0] * 10


def test_test_images_share_the_models_of_the_training_images() -> None:
    """Accuracies on test images are the mean of their rates, summed over the models of a group."""
    rates = np.full((1, 1, 500), 0.8)
    truth = Truth(np.ones((1, 1, 20)), np.full((1, 1, 20), 0.5), rates)
    drawn = draw(truth, Design(100, 10, 3), np.random.default_rng(4))
    total, n = drawn.test[0]
    assert (n == 10).all()
    assert total.sum() / n.sum() == pytest.approx(0.8, abs=0.01)


def test_a_broken_group_fails_at_one_size_alone() -> None:
    """Its models are worse held out and on what they trained on; all others are not."""
    outside, inside = np.full((2, 2, 300), 0.5), np.full((2, 2, 300), 0.9999)
    truth = Truth(inside, outside, broken=1)
    drawn = draw(truth, Design(100, 10, 3), np.random.default_rng(5))
    rates = [outcomes.group_counts() for outcomes in drawn.outcomes]
    held_out = np.stack([r.accuracy_out.mean(axis=-1) for r in rates])  # [objective, group, size]
    assert held_out[0, 0, 1] < 0.1
    assert rates[0].accuracy_in[0, 1].mean() == pytest.approx(0.957, abs=0.03)
    held_out[0, 0, 1] = 0.5
    assert held_out == pytest.approx(np.full((2, 10, 2), 0.5), abs=0.1)
    assert rates[1].accuracy_in.min() > 0.5


def _model_means(truth: Truth, images: slice) -> np.ndarray:
    drawn = draw(truth, Design(1_000, 10, 3), np.random.default_rng(6)).outcomes[0]
    right, inside = (np.unpackbits(bits[0], axis=-1) for bits in (drawn.correct, drawn.in_train))
    outside = ~inside[images].astype(bool)
    return (right[images] * outside).sum(axis=0) / outside.sum(axis=0)


def test_wild_models_differ_more_and_classes_move_together() -> None:
    """Heavy tails: a few models far off. By class: images of one class share a shock, not two."""
    outside = np.full((1, 1, 400), 0.5)
    plain = Truth(np.ones_like(outside), outside)
    half = slice(0, 200)
    calm, wild = (_model_means(t, half) for t in (plain, replace(plain, wild=True)))
    assert np.abs(wild - 0.5).max() > 2 * np.abs(calm - 0.5).max()
    by_class = replace(plain, classes=np.repeat([0, 1], 200))
    first, second = (_model_means(by_class, part) for part in (half, slice(200, 400)))
    assert first.std() > 1.5 * calm.std()
    plain_r = np.corrcoef(calm, _model_means(plain, slice(200, 400)))[0, 1]
    assert np.corrcoef(first, second)[0, 1] < plain_r
