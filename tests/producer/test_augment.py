"""Moved images equal a slow reading of pad, crop and flip; every model moves in its own way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from memanalysis.producer import augment, training
from memanalysis.producer.plan import seeds
from memanalysis.settings import Observe, Size, Training

N, SIDES = 40, (6, 9)


@pytest.fixture(scope="module")
def images():
    """Forty random colour images of 6x9 that are to be moved."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(N, *SIDES, 3, generator=generator)
    labels = torch.randint(0, 3, (N,), generator=generator)
    return training.Images(pixels, labels, "crop-flip")


def test_moves_equal_padding_cropping_and_flipping(images):
    """Image by image with NumPy: pad by 4 zeros, cut out, turn left and right around."""
    generator = np.random.default_rng(1)
    index = generator.integers(0, N, (2, 30))
    moves = generator.integers(0, 9, (2, 30, 3))
    moves[..., 2] %= 2
    moves[0, 0], moves[0, 1] = (0, 8, 1), (4, 4, 0)
    batch = images.batch(torch.from_numpy(index), torch.from_numpy(moves))
    assert batch.shape == (30, 6, *SIDES)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    padded = np.pad(images.pixels.numpy(), ((0, 0), (4, 4), (4, 4), (0, 0)))
    for model in range(2):
        for position in range(30):
            row, column, mirror = moves[model, position]
            expected = padded[index[model, position], row : row + 6, column : column + 9]
            expected = expected[:, ::-1] if mirror else expected
            found = batch[position, 3 * model : 3 * model + 3].permute(1, 2, 0).numpy()
            np.testing.assert_array_equal(found, expected)


def test_every_move_is_equally_likely():
    """Over 81,000 draws each of 81 places comes 1,000 times and half are mirrored, within 5 SE."""
    stream = augment.Stream(np.random.default_rng(0), "crop-flip")
    moves = stream.next(81_000)
    places = np.bincount(moves[:, 0] * 9 + moves[:, 1], minlength=81)
    assert len(places) == 81
    assert np.abs(places - 1000).max() < 5 * 31.4
    assert abs(moves[:, 2].mean() - 0.5) < 5 * 0.00176
    assert not augment.Stream(np.random.default_rng(0), "crop").next(99)[:, 2].any()
    flipped = augment.Stream(np.random.default_rng(0), "flip").next(81_000)
    assert set(flipped[:, :2].ravel().tolist()) == {4}
    assert abs(flipped[:, 2].mean() - 0.5) < 5 * 0.00176


def trained(images, ids):
    """Logits [models, N, 3] and dynamics after one epoch on subsets of 30 or 29 examples."""
    members = []
    for i in ids:
        in_train = np.zeros(N, dtype=np.bool_)
        in_train[np.random.default_rng(i).permutation(N)[: 30 - i % 2]] = True
        members.append(training.Member(f"model {i}", *seeds(1, i, "mlp", "one_hot"), in_train))
    size = Size("mlp1w8", 1, 8, 1, "mlp")
    lesson = training.Lesson(Training(epochs=2, batch_size=10), Observe(dynamics="none"))
    return training.evaluate(training.train(images, members, size, lesson, 3).network, images)


def test_a_models_moves_are_its_own(images):
    """Three models together and each alone agree, and without moves they learn something else."""
    together = trained(images, range(3))
    alone = torch.cat([trained(images, [i]) for i in range(3)])
    torch.testing.assert_close(alone, together, atol=1e-4, rtol=0)
    still = training.Images(images.pixels, images.labels)
    assert (trained(still, range(3)) - together).abs().max() > 1e-3


def test_nothing_moves_unless_it_is_asked_for(images):
    """No streams are opened, so the batch order is that of a study without augmentation."""
    assert augment.streams([np.random.default_rng(0)], None) is None
    assert augment.draw(None, [3], 4, torch.device("cpu")) is None
    index = torch.tensor([[1, 2]])
    torch.testing.assert_close(images.batch(index)[0].permute(1, 2, 0), images.pixels[1])
