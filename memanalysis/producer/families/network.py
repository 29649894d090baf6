"""What the training loop expects of a network, whatever its family."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn


class Network(nn.Module):
    """M independent models of one size.

    Attributes
    ----------
    models
        M.
    stacked
        Whether each parameter holds the weights of all models, one model after another; else each
        parameter belongs to one model, its ``owner``.
    """

    models: int
    stacked: bool = True

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""

    @abstractmethod
    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """What comes out of each layer, first to last, each [M, batch, ...].

        ``x`` as for ``forward``. The first is ``input``, the last ``softmax``.
        """

    def owner(self, parameter: str) -> int:
        """The number of the model that a parameter belongs to, by its name; unless ``stacked``."""
        raise NotImplementedError(f"{type(self).__name__} says not whose '{parameter}' is")

    @property
    def parameters_per_model(self) -> int:
        """Trainable parameters of one model."""
        return sum(p.numel() for p in self.parameters()) // self.models
