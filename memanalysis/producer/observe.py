"""Per-example dynamics of a training, accumulated from logits, and outcomes at its end.

Formulas and sources of the dynamics are in ``memanalysis.proxies``. From the logits that the
training computes anyway, before the update, they cost no further forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memanalysis.proxies import PROXIES

CLEAN = tuple(name for name, proxy in PROXIES.items() if proxy.clean)


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
        self.top, self.negative_entropy = zeros.clone(), zeros.clone()
        self.first = torch.full_like(zeros, torch.nan)
        self.was_correct = torch.zeros(shape, dtype=torch.bool, device=labels.device)
        # The class predicted last, and the epoch since which it has been that one.
        self.predicted = torch.full(shape, -1, device=labels.device)
        self.since = zeros.clone()

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
        log_probability = logits.log_softmax(-1)
        probability = log_probability.exp()
        self.top += probability.amax(-1)
        self.negative_entropy += (probability * log_probability).sum(-1)
        predicted = logits.argmax(-1)
        self.since[predicted != self.predicted] = self.seen
        self.predicted = predicted
        if self.seen == max(1, round(self.epochs / 10)):
            self.el2n += error_norm(logits, self.labels)

    def result(self, final: Tensor) -> dict[str, Tensor]:
        """Each proxy, float64 [models, examples].

        ``final`` int64 [models, examples] are the classes that the finished models predict.
        """
        epochs = self.seen
        mean = self.confidence / epochs
        variance = self.confidence_squared / epochs - mean**2
        never = self.hits == 0
        return {
            "cumulative_accuracy": self.hits / epochs,
            "cumulative_confidence": mean,
            "cumulative_max_probability": self.top / epochs,
            "cumulative_negative_entropy": self.negative_entropy / epochs,
            "confidence_variability": variance.clamp_min(0).sqrt(),
            "forgetting_events": self.forgotten + epochs * never,
            "first_learned": self.first,
            "iteration_learned": torch.where(self.predicted == final, self.since, epochs + 1.0),
            "aum": self.margin / epochs,
            "el2n": self.el2n,
            "cumulative_loss": self.loss,
        }

    def clean(self) -> dict[str, Tensor]:
        """Those of ``CLEAN``, float64 [models, examples], by their names in a store."""
        found = self.result(self.predicted)
        return {f"{name}_clean": found[name] for name in CLEAN}


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
