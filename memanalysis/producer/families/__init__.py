"""The networks that can be trained: M models of one size as one network.

Nothing is shared between the models of a network, so a model does not feel which others it is
trained with, and its weights at the start depend on its own seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memanalysis.producer.families import imported
from memanalysis.producer.families.lenet import EnsembleLeNet
from memanalysis.producer.families.mlp import EnsembleMLP
from memanalysis.producer.families.mobilenet import EnsembleMobileNet
from memanalysis.producer.families.network import Network
from memanalysis.producer.families.resnet import EnsembleResNet
from memanalysis.settings import FAMILIES, Size, Study

__all__ = ["Network", "build", "parameters", "require"]


def require(study: Study) -> None:
    """Find the function of the user's that makes a study's networks, where there is one.

    It is looked for beside the study file, too; ``build`` then finds it in every process.

    Raises
    ------
    SettingsError
        If it is not found, cannot be imported or cannot be called.
    """
    if study.family not in FAMILIES:
        imported.find(study.family, study.folder)


def build(
    size: Size, seeds: Sequence[int], *, channels: int, classes: int, image_size: tuple[int, int]
) -> Network:
    """M untrained models of one size; the weights of each depend on its own seed alone.

    ``image_size`` is (height, width) in pixels.

    Raises
    ------
    SettingsError
        If a function of the user's is not found or does not make what is expected.
    """
    shape: dict[str, Any] = {"channels": channels, "classes": classes}
    depth: Any = size.depth
    width: Any = size.width
    match size.family:
        case "resnet":
            return EnsembleResNet(seeds, depth=depth, width=width, **shape)
        case "mobilenet":
            return EnsembleMobileNet(seeds, width=width, **shape)
        case "lenet":
            return EnsembleLeNet(seeds, width=width, image_size=image_size, **shape)
        case "mlp":
            return EnsembleMLP(seeds, depth=depth, width=width, image_size=image_size, **shape)
    function = imported.find(size.family)
    return imported.ImportedNetwork(function, size, seeds, image_size=image_size, **shape)


def parameters(
    sizes: Sequence[Size], *, channels: int, classes: int, image_size: tuple[int, int]
) -> dict[str, int]:
    """Trainable parameters of one model of each size, counted from a real network."""
    shape: dict[str, Any] = {"channels": channels, "classes": classes, "image_size": image_size}
    return {size.name: build(size, [0], **shape).parameters_per_model for size in sizes}
