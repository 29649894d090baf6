"""Layers of M independent models, computed side by side.

Feature maps are [batch, M * channels, H, W]: convolutions have at least one group per model and
batch normalisation is per channel anyway. Vectors are [M, batch, features].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

# Groups of at most this many output channels are computed two by two.
PAIR_UP_TO = 4


class Linear(nn.Module):
    """M affine maps as one batched matrix product."""

    def __init__(self, models: int, features_in: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(models, features_in, features))
        self.bias = nn.Parameter(torch.zeros(models, 1, features))

    def forward(self, x: Tensor) -> Tensor:
        """[M, batch, features_in] -> [M, batch, features]."""
        return torch.baddbmm(self.bias, x, self.weight)


class Convolution(nn.Conv2d):
    """A grouped convolution whose very narrow groups are computed two by two.

    A group of fewer channels than a vector register has lanes leaves the rest of the register
    idle. Two groups as one, with zeros where they would mix, are the same numbers in fewer
    instructions: ten residual networks of width 2 or 3 train 1.16 times as fast, of width 4 1.05
    times (whole epochs in turn, one core with AVX2); from six channels on the zeros cost more than
    they save. A network that is no longer finite takes its neighbour along; the training ends there
    anyway.
    """

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels_in, H, W] -> [batch, channels, H / stride, W / stride]."""
        per_group = self.out_channels // self.groups
        if self.groups % 2 or per_group > PAIR_UP_TO or self.bias is not None:
            return super().forward(x)
        return functional.conv2d(
            x,
            paired(self.weight, self.groups),
            None,
            self.stride,
            self.padding,
            1,
            self.groups // 2,
        )


def paired(weight: Tensor, groups: int) -> Tensor:
    """Weights of pairs of groups, [channels, per_group, k, k] -> [channels, 2 * per_group, k, k].

    The first group of a pair has zeros behind its own weights, the second before them.
    """
    pairs = weight.view(groups // 2, 2, -1, *weight.shape[1:])
    first, second = pairs.unbind(1)
    nothing = torch.zeros_like(first)
    rows = [torch.cat([first, nothing], dim=2), torch.cat([nothing, second], dim=2)]
    return torch.stack(rows, dim=1).flatten(0, 2)


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
    # oneDNN has kernels of its own for depthwise convolutions.
    kind = nn.Conv2d if depthwise else Convolution
    return kind(
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
