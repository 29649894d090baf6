"""The plain loop that training is compared with: Dataset, DataLoader, one model after another.

Written as PyTorch's own tutorials write it: modules of torch.nn, float32, torch's default number of
threads. The network and the recipe are those of the producer: ResNet-8, initialised alike, SGD with
Nesterov momentum and a cosine schedule by step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset, TensorDataset


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            projection = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels_in, H, W] -> [batch, channels, H / stride, W / stride]."""
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet8(nn.Sequential):
    """The network of the reference study, one model."""

    def __init__(self, width: int, channels: int = 1, classes: int = 10) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            Block(width, width, 1),
            Block(width, 2 * width, 2),
            Block(2 * width, 4 * width, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4 * width, classes),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


@dataclass(frozen=True)
class Recipe:
    """The keys of [training] that the loop needs."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 5e-4


def train(
    pixels: Tensor,
    labels: Tensor,
    subset: list[int],
    width: int,
    recipe: Recipe,
    watch: Callable[[nn.Module], None] = lambda _model: None,
) -> nn.Module:
    """One model on one subset; ``pixels`` [examples, channels, H, W], ``watch`` after epochs."""
    examples = Subset(TensorDataset(pixels, labels), subset)
    loader = DataLoader(examples, batch_size=recipe.batch_size, shuffle=True)
    model = ResNet8(width, pixels.shape[1], int(labels.max()) + 1)
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    steps = recipe.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(recipe.epochs):
        for images, targets in loader:
            optimiser.zero_grad()
            functional.cross_entropy(model(images), targets).backward()
            optimiser.step()
            schedule.step()
        watch(model)
    return model


@torch.inference_mode()
def correct(model: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
    """Images that a model gets right."""
    model.eval()
    return model(pixels).argmax(1) == labels


def timed(width: int, examples: int, image_size: int, channels: int) -> tuple[float, float]:
    """Wall and processor seconds of one epoch of one model on random images, batches of 64."""
    pixels = torch.randn(examples, channels, image_size, image_size)
    labels = torch.arange(examples) % 10
    wall, processor = time.perf_counter(), time.process_time()
    train(pixels, labels, list(range(examples)), width, Recipe(1, 64, 0.01))
    return time.perf_counter() - wall, time.process_time() - processor
