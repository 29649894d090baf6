"""Multilayer perceptrons, M independent models trained as one network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from memanalysis.producer.families.layers import Linear, apart, initialise, vectors
from memanalysis.producer.families.network import Network


class EnsembleMLP(Network):
    """M perceptrons of ``depth`` hidden layers of ``width`` rectified units as one network.

    Parameters
    ----------
    seeds
        One seed per model, see ``EnsembleResNet``.
    depth, width
        Hidden layers and units in each.
    channels, classes
        Of the images and of the labels.
    image_size
        (height, width) of an image.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        depth: int,
        width: int,
        channels: int,
        classes: int,
        image_size: tuple[int, int],
    ) -> None:
        super().__init__()
        self.models = len(seeds)
        features = [channels * math.prod(image_size), *[width] * depth]
        self.hidden = nn.ModuleList(Linear(self.models, *pair) for pair in pairwise(features))
        self.last = Linear(self.models, width, classes)
        initialise(self, self.models, seeds)

    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""
        x = vectors(x, self.models)
        for layer in self.hidden:
            x = functional.relu(layer(x))
        logits: Tensor = self.last(x)
        return logits

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """Each [M, batch, ...]: input, each hidden layer, softmax."""
        found = {"input": apart(x, self.models)}
        x = vectors(x, self.models)
        for number, layer in enumerate(self.hidden, start=1):
            x = found[f"layer{number}"] = functional.relu(layer(x))
        return {**found, "softmax": self.last(x).softmax(-1)}
