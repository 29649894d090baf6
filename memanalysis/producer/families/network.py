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
    """

    models: int

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes]."""

    @property
    def parameters_per_model(self) -> int:
        """Trainable parameters of one model."""
        return sum(p.numel() for p in self.parameters()) // self.models
