"""Layers of M independent models, computed side by side.

Feature maps are [batch, M * channels, H, W]: convolutions have at least one group per model and
batch normalisation is per channel anyway. Vectors are [M, batch, features].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """M affine maps as one batched matrix product."""

    def __init__(self, models: int, features_in: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(models, features_in, features))
        self.bias = nn.Parameter(torch.zeros(models, 1, features))

    def forward(self, x: Tensor) -> Tensor:
        """[M, batch, features_in] -> [M, batch, features]."""
        return torch.baddbmm(self.bias, x, self.weight)


def convolution(
    models: int,
    channels_in: int,
    channels: int,
    kernel: int,
    *,
    stride: int = 1,
    depthwise: bool = False,
    bias: bool = False,
) -> nn.Conv2d:
    """A convolution for M models, padded so that a stride of 1 keeps height and width."""
    return nn.Conv2d(
        models * channels_in,
        models * channels,
        kernel,
        stride,
        padding=kernel // 2,
        groups=models * (channels_in if depthwise else 1),
        bias=bias,
    )


def apart(maps: Tensor, models: int) -> Tensor:
    """Feature maps [batch, M * channels, H, W] -> [M, batch, channels, H, W]."""
    return maps.reshape(len(maps), models, -1, *maps.shape[2:]).transpose(0, 1)


def vectors(maps: Tensor, models: int) -> Tensor:
    """Feature maps [batch, M * channels, H, W] -> [M, batch, channels * H * W]."""
    return apart(maps, models).flatten(2)


@torch.no_grad()
def initialise(network: nn.Module, models: int, seeds: Sequence[int]) -> None:
    """Draw the weights of each model from its own seed, layer after layer.

    Convolutions: normal with variance 2 / fan out (He et al. 2015). Linear layers: uniform up to
    1 / sqrt(fan in) (LeCun et al. 1998). Biases are zero.
    """
    for model, seed in enumerate(seeds):
        generator = torch.Generator().manual_seed(seed)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                weight = layer.weight.chunk(models)[model]
                fan_out = len(weight) * weight[0, 0].numel() * models / layer.groups
                weight.normal_(0.0, math.sqrt(2 / fan_out), generator=generator)
                if layer.bias is not None:
                    layer.bias.chunk(models)[model].zero_()
            elif isinstance(layer, Linear):
                bound = 1 / math.sqrt(layer.weight.shape[1])
                layer.weight[model].uniform_(-bound, bound, generator=generator)
