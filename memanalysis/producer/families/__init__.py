"""The networks that can be trained: M models of one size as one network.

A family is a function ``(size, seeds, channels, classes, image_size) -> Network``. Nothing is
shared between the models of a network, so a model does not feel which others it is trained with.
"""

from __future__ import annotations

from collections.abc import Sequence

from memanalysis.producer.families.network import Network
from memanalysis.producer.families.resnet import EnsembleResNet
from memanalysis.settings import Size

__all__ = ["Network", "build"]


def build(
    size: Size, seeds: Sequence[int], *, channels: int, classes: int, image_size: tuple[int, int]
) -> Network:
    """M untrained models of one size; the weights of each depend on its own seed alone.

    ``image_size`` is (height, width) in pixels.
    """
    del image_size  # residual networks pool over whatever is left of the image
    return EnsembleResNet(
        seeds, depth=size.depth, width=size.width, channels=channels, classes=classes
    )
