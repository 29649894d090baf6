"""Residual networks for small images, M independent models trained as one network.

The architecture is the CIFAR network of He et al. (2016, section 4.2): a 3x3 stem and three stages
of n blocks at widths w, 2w and 4w, so depth 6n + 2, with 1x1 projections where the shape changes
(their option B). Nothing is shared between the models: convolutions have one group per model, batch
normalisation is per channel anyway, and the last layer is a batched matrix product. A narrow
network alone keeps a processor waiting; ten side by side do not.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from memanalysis.producer.families.layers import Linear, apart, convolution, initialise
from memanalysis.producer.families.network import Network

KERNEL = 3


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut, for M models at once."""

    def __init__(self, models: int, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.first = convolution(models, channels_in, channels, KERNEL, stride=stride)
        self.first_norm = nn.BatchNorm2d(models * channels)
        self.second = convolution(models, channels, channels, KERNEL)
        self.second_norm = nn.BatchNorm2d(models * channels)
        self.projects = stride != 1 or channels_in != channels
        if self.projects:
            self.shortcut = convolution(models, channels_in, channels, 1)
            self.shortcut_norm = nn.BatchNorm2d(models * channels)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, M * channels_in, H, W] -> [batch, M * channels, H / stride, W / stride]."""
        y = functional.relu(self.first_norm(self.first(x)), inplace=True)
        y = self.second_norm(self.second(y))
        # Batch normalisation keeps its input for the backward pass, not its output.
        return functional.relu_(y.add_(self._skip(x)))

    def _skip(self, x: Tensor) -> Tensor:
        if not self.projects:
            return x
        # A strided 1x1 convolution, taken apart: oneDNN's own writes past its workspace in the
        # backward pass when a group has fewer channels than a vector register (oneDNN #6035).
        if self.stride != 1:
            x = functional.avg_pool2d(x, kernel_size=1, stride=self.stride)
        return self.shortcut_norm(self.shortcut(x))  # type: ignore[no-any-return]


class EnsembleResNet(Network):
    """M residual networks of one size as one network.

    Parameters
    ----------
    seeds
        One seed per model. A model's weights at the start depend on its own seed alone, not on
        which models share its network.
    depth, width
        Depth 6n + 2 and the width of the first stage.
    channels
        Channels of an image.
    classes
        Number of classes.
    """

    def __init__(
        self, seeds: Sequence[int], *, depth: int, width: int, channels: int, classes: int
    ) -> None:
        super().__init__()
        self.models = len(seeds)
        self.stem = convolution(self.models, channels, width, KERNEL)
        self.stem_norm = nn.BatchNorm2d(self.models * width)
        self.blocks = _blocks(self.models, (depth - 2) // 6, width)
        self.classifier = Linear(self.models, 4 * width, classes)
        initialise(self, self.models, seeds)

    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""
        return self._classified(self.blocks(self._stem(x)))

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """Each [M, batch, ...]: input, stem, each block after its residual sum, softmax."""
        found = {"input": x}
        x = found["stem"] = self._stem(x)
        for number, block in enumerate(self.blocks, start=1):
            x = found[f"block{number}"] = block(x)
        by_model = {name: apart(values, self.models) for name, values in found.items()}
        return {**by_model, "softmax": self._classified(x).softmax(-1)}

    def _stem(self, x: Tensor) -> Tensor:
        return functional.relu(self.stem_norm(self.stem(x)), inplace=True)

    def _classified(self, x: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool2d(x, 1)
        features = x.view(x.shape[0], self.models, -1).transpose(0, 1)
        logits: Tensor = self.classifier(features)
        return logits


def _blocks(models: int, per_stage: int, width: int) -> nn.Sequential:
    blocks: list[Block] = []
    channels = width
    for stage in range(3):
        for position in range(per_stage):
            stride = 2 if stage > 0 and position == 0 else 1
            blocks.append(Block(models, channels, width * 2**stage, stride))
            channels = width * 2**stage
    return nn.Sequential(*blocks)
