"""What is recorded of a training: per-example dynamics on the way, outcomes at the end.

Formulas and sources of the dynamics are in ``memanalysis.proxies``. They are accumulated from the
logits that the training computes anyway, before the update, so they cost no further forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The proxies whose formula makes sense for a handful of clean evaluations.
CLEAN = ("cumulative_accuracy", "cumulative_confidence", "aum", "cumulative_loss")


class Dynamics:
    """Running sums over the epochs of one ensemble's training.

    Parameters
    ----------
    labels
        int64 [examples].
    models
        M, the number of models.
    epochs
        T, how many times ``update`` will be called.
    """

    def __init__(self, labels: Tensor, models: int, epochs: int) -> None:
        self.labels = labels
        self.epochs = epochs
        self.seen = 0
        shape = (models, len(labels))
        # float64, since a variance is the small difference of two sums of squares.
        zeros = torch.zeros(shape, dtype=torch.float64, device=labels.device)
        self.confidence, self.confidence_squared = zeros.clone(), zeros.clone()
        self.margin, self.loss, self.hits = zeros.clone(), zeros.clone(), zeros.clone()
        self.forgotten, self.el2n = zeros.clone(), zeros.clone()
        self.first = torch.full_like(zeros, torch.nan)
        self.was_correct = torch.zeros(shape, dtype=torch.bool, device=labels.device)

    def update(self, logits: Tensor) -> None:
        """Add one epoch's logits, float32 [models, examples, classes]."""
        self.seen += 1
        outcome = outcomes(logits, self.labels)
        self.hits += outcome.correct
        self.confidence += outcome.probability
        self.confidence_squared += outcome.probability.double() ** 2
        self.margin += outcome.margin
        self.loss += outcome.loss
        self.forgotten += self.was_correct & ~outcome.correct
        self.first[outcome.correct & self.first.isnan()] = self.seen
        self.was_correct = outcome.correct
        if self.seen == max(1, round(self.epochs / 10)):
            self.el2n += error_norm(logits, self.labels)

    def result(self) -> dict[str, Tensor]:
        """Each proxy, float64 [models, examples]."""
        epochs = self.seen
        mean = self.confidence / epochs
        variance = self.confidence_squared / epochs - mean**2
        never = self.hits == 0
        return {
            "cumulative_accuracy": self.hits / epochs,
            "cumulative_confidence": mean,
            "confidence_variability": variance.clamp_min(0).sqrt(),
            "forgetting_events": self.forgotten + epochs * never,
            "first_learned": self.first,
            "aum": self.margin / epochs,
            "el2n": self.el2n,
            "cumulative_loss": self.loss,
        }


@dataclass(frozen=True)
class Outcome:
    """Outcomes of models on examples, each [models, examples]; ``correct`` is bool."""

    correct: Tensor
    probability: Tensor
    margin: Tensor
    loss: Tensor


def outcomes(logits: Tensor, labels: Tensor) -> Outcome:
    """Outcomes from logits float32 [models, examples, classes] and labels int64 [examples].

    The margin is the label's logit less the largest other logit, and an example is correct if its
    margin is positive or, in a tie, if the label is the first of the largest (argmax).
    """
    index = labels.expand(logits.shape[:2]).unsqueeze(-1)
    log_probability = logits.log_softmax(-1).gather(-1, index).squeeze(-1)
    own = logits.gather(-1, index).squeeze(-1)
    other = logits.scatter(-1, index, -torch.inf).amax(-1)
    return Outcome(
        correct=logits.argmax(-1) == labels,
        probability=log_probability.exp(),
        margin=own - other,
        loss=-log_probability,
    )


def error_norm(logits: Tensor, labels: Tensor) -> Tensor:
    """|| softmax(z) - onehot(y) ||_2 (Paul et al. 2021), [models, examples]."""
    probability = logits.softmax(-1)
    index = labels.expand(logits.shape[:2]).unsqueeze(-1)
    target = torch.zeros_like(probability).scatter_(-1, index, 1.0)
    norm: Tensor = torch.linalg.vector_norm(probability - target, dim=-1)
    return norm


def proxies(
    train: Dynamics | None, clean: Dynamics | None, in_train: NDArray[np.bool_]
) -> list[dict[str, NDArray[np.float32]]]:
    """Proxies of each model: float32 [examples] by name.

    Those of the training pass are NaN outside the subset, where nothing was observed; those of the
    clean evaluations exist for all examples. ``in_train`` is bool [models, examples].
    """
    found: dict[str, NDArray[np.float32]] = {}
    if train is not None:
        for name, values in train.result().items():
            found[name] = np.where(in_train, _numpy(values), np.float32(np.nan))
    if clean is not None:
        values_by_name = clean.result()
        found.update({f"{name}_clean": _numpy(values_by_name[name]) for name in CLEAN})
    return [
        {name: np.ascontiguousarray(values[model]) for name, values in found.items()}
        for model in range(len(in_train))
    ]


def _numpy(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.to(torch.float32).cpu().numpy()
    return array
