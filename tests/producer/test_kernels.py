"""Numba's kernels: the numbers of torch's own, for every shape a residual network has."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from memanalysis import settings
from memanalysis.errors import SettingsError, TrainingError
from memanalysis.producer import training
from memanalysis.producer.families.mlp import EnsembleMLP
from memanalysis.producer.families.resnet import EnsembleResNet
from memanalysis.producer.kernels import residual
from memanalysis.settings import Observe, Size, Training

CLASSES = 4


@pytest.mark.parametrize(
    ("models", "depth", "width", "channels", "image", "batch"),
    [
        (2, 8, 4, 3, (16, 16), 64),  # whole tiles
        (1, 8, 1, 1, (7, 7), 16),  # one channel, odd sizes, one vector
        (3, 8, 3, 1, (5, 9), 48),  # channels by two and by one, not square
        (2, 8, 6, 3, (8, 8), 80),
        (1, 14, 5, 3, (6, 4), 32),  # blocks without a projection in every stage
        (1, 8, 24, 3, (8, 8), 32),
    ],
)
def test_a_training_pass_is_torchs(models, depth, width, channels, image, batch):
    """Logits, every gradient and the running statistics agree with torch in float64."""
    torch.manual_seed(0)
    ours = EnsembleResNet(
        range(models), depth=depth, width=width, channels=channels, classes=CLASSES
    ).to(memory_format=torch.channels_last)
    for parameter in ours.parameters():  # gamma and beta, too, are not what they start with
        parameter.data += 0.1 * torch.randn_like(parameter)
    theirs = copy.deepcopy(ours).double()
    images = torch.randn(batch, models * channels, *image)
    weights = torch.randn(models, batch, CLASSES)
    found = residual.forward(ours, images)
    expected = theirs(images.double())
    (found * weights).sum().backward()
    (expected * weights.double()).sum().backward()
    close(found, expected)
    # Weights before a normalisation cancel their own scale, so some gradients are near zero.
    largest = max(float(p.grad.abs().max()) for p in theirs.parameters())
    for (name, mine), torchs in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        close(mine.grad, torchs.grad, name, largest)
    for (name, mine), torchs in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        close(mine, torchs, name)


def close(found, expected, name="", scale=0.0):
    """Up to rounding, relative to the largest number of a tensor and to ``scale``."""
    apart = (found.double() - expected.double()).abs().max()
    assert apart <= 1e-5 * expected.abs().max() + 1e-6 * scale, (name, apart)


def test_a_model_does_not_feel_its_company():
    """Alone or again its weights are the same bits; with others, but for rounding."""
    images, members = digits(4)
    alone = trained(images, members[1:2], "numba").network.state_dict()
    again = trained(images, digits(4)[1][1:2], "numba").network.state_dict()
    together = trained(images, digits(4)[1], "numba").network.state_dict()
    for name, values in alone.items():
        assert torch.equal(values, again[name]), name
        if not name.startswith("classifier") and values.dim():
            torch.testing.assert_close(
                together[name].chunk(4)[1], values, atol=1e-5, rtol=1e-5, msg=name
            )


def test_whole_trainings_agree_with_torchs():
    """Accuracy inside and outside the subsets, over models, is that of torch's kernels."""
    images, _ = digits(8)
    scores = {}
    for kernels in ("torch", "numba"):
        members = digits(8)[1]
        network = trained(images, members, kernels, epochs=6).network
        correct = training.evaluate(network, images).argmax(-1) == images.labels
        inside = torch.from_numpy(np.stack([m.in_train for m in members]))
        scores[kernels] = [
            torch.stack(
                [row[mask].double().mean() for row, mask in zip(correct, part, strict=True)]
            )
            for part in (inside, ~inside)
        ]
    for mine, torchs in zip(scores["numba"], scores["torch"], strict=True):
        assert torchs.mean() > 0.9
        error = ((mine.var() + torchs.var()) / 8).sqrt()
        assert abs(mine.mean() - torchs.mean()) < 4 * error


def test_what_is_no_number_is_noticed():
    """The rectifier hides none, so a training that diverges ends with a message."""
    images, members = digits(1)
    images.pixels[3] = torch.nan
    with pytest.raises(TrainingError, match=r"outputs of 0 are no longer finite in epoch 1"):
        trained(images, members, "numba")


def test_other_networks_and_devices_are_refused():
    """One message says what the kernels are for."""
    recipe = Training(epochs=1, kernels="numba")
    mlp = EnsembleMLP([0], depth=1, width=4, image_size=(4, 4), channels=1, classes=CLASSES)
    with pytest.raises(TrainingError, match=r"sizes.family = 'resnet' on a processor"):
        training.forward_of(mlp, recipe, torch.device("cpu"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("batch_size = 20", "expects a multiple of 16"),
        ("batch_size = 32\nprecision = 'bf16'", "computes in float32"),
        ("batch_size = 32\n[sizes]\nfamily = 'lenet'", "'lenet' has no such kernels"),
    ],
)
def test_settings_that_the_kernels_cannot_do_are_faults(line, message):
    """A batch that fills no register, another precision or family are refused with the file."""
    with pytest.raises(SettingsError, match=message) as refused:
        study(line)
    assert str(refused.value).count("\n") == 1  # and nothing else is wrong with it


def study(training):
    """Settings whose section [training] ends with these lines."""
    sizes = "" if "[sizes]" in training else "[sizes]\n"
    axis = "width = [1, 2]\n" if "lenet" in training else "depth = 8\nwidth = [2, 24]\n"
    return settings.parse(
        "name = 's'\n[data]\nsource = 'digits'\n[subsets]\nratio = 0.7\ngroups = 1\n"
        f"[training]\nepochs = 1\nkernels = 'numba'\n{training}\n{sizes}{axis}"
    )


def trained(images, members, kernels, epochs=1):
    """Residual networks of width 4."""
    recipe = Training(epochs=epochs, batch_size=32, learning_rate=0.1, kernels=kernels)
    size = Size("resnet8w4", 8, 4, len(members))
    return training.train(images, members, size, training.Lesson(recipe, Observe()), 10)


def digits(models):
    """600 images of scikit-learn's digits, and models with a random half of them each."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    pixels = torch.from_numpy(raw.images[:600]).float().unsqueeze(-1)
    pixels = (pixels - pixels.mean()) / pixels.std()
    images = training.Images(pixels, torch.from_numpy(raw.target[:600]))
    masks = np.random.default_rng(0).permuted(np.tile(np.arange(600) < 300, (models, 1)), axis=1)
    return images, [
        training.Member(str(m), m, np.random.default_rng(m), mask) for m, mask in enumerate(masks)
    ]
