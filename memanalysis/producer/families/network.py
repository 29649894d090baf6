"""The network that the training loop expects, whatever its family."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn


class Network(nn.Module):
    """M independent models of one size.

    Attributes
    ----------
    models
        M.
    """

    models: int

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""

    @abstractmethod
    def activations(self, x: Tensor) -> dict[str, Tensor]:
        """Outputs of each layer, first to last, each [M, batch, ...].

        ``x`` as for ``forward``. The first is ``input``, the last ``softmax``.
        """

    def by_model(self, parameter: str, values: Tensor) -> Tensor:
        """Values of a parameter, called by its name, for each model.

        ``values`` are [batch, *shape of the parameter], the result is [batch, M, numbers]. Unless a
        family says otherwise, a parameter holds the weights of one model after another.
        """
        del parameter
        return values.reshape(len(values), self.models, -1)

    @property
    def parameters_per_model(self) -> int:
        """Trainable parameters of one model."""
        return sum(p.numel() for p in self.parameters()) // self.models
