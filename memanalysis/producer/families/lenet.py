"""LeNet-5, M independent models trained as one network.

LeCun et al. (1998, Proceedings of the IEEE 86(11), section II.B): two 5x5 convolutions, each
followed by averaging over 2x2 pixels, and three linear layers, with tanh between them. Two things
differ: both convolutions are padded, so that images of 4 pixels suffice, and the second one sees
all maps of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor
from torch.nn import functional

from memanalysis.producer.families.layers import Linear, apart, convolution, initialise, vectors
from memanalysis.producer.families.network import Network

_MAPS: Final = (6, 16)
_FEATURES: Final = (120, 84)
_KERNEL: Final = 5


class EnsembleLeNet(Network):
    """M LeNets of one width multiplier as one network.

    Parameters
    ----------
    seeds
        One seed per model, see ``EnsembleResNet``.
    width
        Multiplies the numbers of maps and features, 6, 16, 120 and 84, rounded, at least 1.
    channels, classes
        Of the images and of the labels.
    image_size
        (height, width) of an image, at least 4 pixels each.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        width: float,
        channels: int,
        classes: int,
        image_size: tuple[int, int],
    ) -> None:
        super().__init__()
        self.models = len(seeds)
        first, second, third, fourth = (max(1, round(n * width)) for n in (*_MAPS, *_FEATURES))
        height, columns = (side // 2 // 2 for side in image_size)
        self.first = convolution(self.models, channels, first, _KERNEL, bias=True)
        self.second = convolution(self.models, first, second, _KERNEL, bias=True)
        self.third = Linear(self.models, second * height * columns, third)
        self.fourth = Linear(self.models, third, fourth)
        self.last = Linear(self.models, fourth, classes)
        initialise(self, self.models, seeds)

    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""
        return self._layers(x)["logits"]

    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """Each [M, batch, ...]: input, the four layers after their tanh and pooling, softmax."""
        found = self._layers(x)
        return {**found, "softmax": found.pop("logits").softmax(-1)}

    def _layers(self, x: Tensor) -> dict[str, Tensor]:
        first = functional.avg_pool2d(self.first(x).tanh(), 2)
        second = functional.avg_pool2d(self.second(first).tanh(), 2)
        third = self.third(vectors(second, self.models)).tanh()
        fourth = self.fourth(third).tanh()
        return {
            "input": apart(x, self.models),
            "layer1": apart(first, self.models),
            "layer2": apart(second, self.models),
            "layer3": third,
            "layer4": fourth,
            "logits": self.last(fourth),
        }
