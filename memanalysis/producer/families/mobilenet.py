"""MobileNetV3-Small for small images, M independent models trained as one network.

The architecture is table 2 of Howard et al. (2019, arXiv 1905.02244): inverted residuals with
depthwise convolutions, squeeze-and-excite, hard swish. Three things are made for small images: the
stem and the first block keep the resolution, so that it falls by 8 and not by 32; batch
normalisation has the usual momentum of .1, since trainings are short; and there is no dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from memanalysis.producer.families.layers import Linear, apart, convolution, initialise, vectors
from memanalysis.producer.families.network import Network


@dataclass(frozen=True)
class _Row:
    """A row of the table: channels are those of width 1."""

    kernel: int
    expanded: int
    channels: int
    excites: bool
    swish: bool
    stride: int


_ROWS: Final = (
    _Row(3, 16, 16, True, False, 1),
    _Row(3, 72, 24, False, False, 2),
    _Row(3, 88, 24, False, False, 1),
    _Row(5, 96, 40, True, True, 2),
    _Row(5, 240, 40, True, True, 1),
    _Row(5, 240, 40, True, True, 1),
    _Row(5, 120, 48, True, True, 1),
    _Row(5, 144, 48, True, True, 1),
    _Row(5, 288, 96, True, True, 2),
    _Row(5, 576, 96, True, True, 1),
    _Row(5, 576, 96, True, True, 1),
)
_STEM: Final = 16
_HEAD: Final = 576
_FEATURES: Final = 1024


class Excitation(nn.Module):
    """Squeeze-and-excite: each channel is weighted by what all channels of its model hold."""

    def __init__(self, models: int, channels: int) -> None:
        super().__init__()
        squeezed = scaled(channels, 0.25)
        self.squeeze = convolution(models, channels, squeezed, 1, bias=True)
        self.excite = convolution(models, squeezed, channels, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, M * channels, H, W] -> the same shape."""
        weight = functional.adaptive_avg_pool2d(x, 1)
        weight = self.excite(functional.relu(self.squeeze(weight)))
        return x * functional.hardsigmoid(weight)


class Block(nn.Module):
    """An inverted residual: expand, convolve each channel, excite, project."""

    def __init__(self, models: int, channels_in: int, row: _Row, width: float) -> None:
        super().__init__()
        expanded, channels = scaled(row.expanded, width), scaled(row.channels, width)
        activation = nn.Hardswish if row.swish else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != channels_in:
            layers += _normalised(convolution(models, channels_in, expanded, 1))
            layers += [activation()]
        depthwise = convolution(
            models, expanded, expanded, row.kernel, stride=row.stride, depthwise=True
        )
        layers += [*_normalised(depthwise), activation()]
        if row.excites:
            layers += [Excitation(models, expanded)]
        layers += _normalised(convolution(models, expanded, channels, 1))
        self.layers = nn.Sequential(*layers)
        self.channels = channels
        self.skips = row.stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        """[batch, M * channels_in, H, W] -> [batch, M * channels, H / stride, W / stride]."""
        y: Tensor = self.layers(x)
        return x + y if self.skips else y


class EnsembleMobileNet(Network):
    """M MobileNets of one width multiplier as one network.

    Parameters
    ----------
    seeds
        One seed per model, see ``EnsembleResNet``.
    width
        Multiplies all channels, which are then rounded to multiples of 8 as the authors do, so
        very small multipliers give the same network.
    channels, classes
        Of the images and of the labels.
    """

    def __init__(self, seeds: Sequence[int], *, width: float, channels: int, classes: int) -> None:
        super().__init__()
        self.models = len(seeds)
        stem = scaled(_STEM, width)
        self.stem = nn.Sequential(
            *_normalised(convolution(self.models, channels, stem, 3)), nn.Hardswish()
        )
        blocks: list[Block] = []
        for row in _ROWS:
            channels_in = blocks[-1].channels if blocks else stem
            blocks.append(Block(self.models, channels_in, row, width))
        self.blocks = nn.Sequential(*blocks)
        head, features = scaled(_HEAD, width), scaled(_FEATURES, width)
        self.head = nn.Sequential(
            *_normalised(convolution(self.models, blocks[-1].channels, head, 1)), nn.Hardswish()
        )
        self.features = Linear(self.models, head, features)
        self.last = Linear(self.models, features, classes)
        initialise(self, self.models, seeds)

    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""
        return self._classified(self.head(self.blocks(self.stem(x))))

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """Each [M, batch, ...]: input, stem, each block after its sum, head, softmax."""
        found = {"input": x}
        x = found["stem"] = self.stem(x)
        for number, block in enumerate(self.blocks, start=1):
            x = found[f"block{number}"] = block(x)
        x = found["head"] = self.head(x)
        separate = {name: apart(maps, self.models) for name, maps in found.items()}
        return {**separate, "softmax": self._classified(x).softmax(-1)}

    def _classified(self, x: Tensor) -> Tensor:
        pooled = vectors(functional.adaptive_avg_pool2d(x, 1), self.models)
        logits: Tensor = self.last(functional.hardswish(self.features(pooled)))
        return logits


def scaled(channels: int, width: float) -> int:
    """Channels times width to the nearest multiple of 8, but not below nine tenths of it."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _normalised(layer: nn.Conv2d) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(layer.out_channels)]
