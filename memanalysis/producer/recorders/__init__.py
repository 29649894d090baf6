"""Proxies that look at the network itself: which are computed when, and what they leave behind.

Definitions, units and sources are in ``memanalysis.proxies``; the free ones, from the logits of the
training pass, in ``memanalysis.producer.observe``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memanalysis.producer.families import Network
from memanalysis.producer.observe import Dynamics
from memanalysis.producer.recorders.depth import prediction_depth
from memanalysis.producer.recorders.gradients import InputGradients, ParameterGradients
from memanalysis.producer.training import Images, Member, evaluate
from memanalysis.settings import Observe

__all__ = ["Recorder"]


class Recorder:
    """What is recorded of one ensemble beside its training pass; called after every epoch.

    Parameters
    ----------
    observe
        What the study asks for.
    members
        The models.
    train, kept
        All training images, and the test images whose logits are kept.
    """

    def __init__(
        self, observe: Observe, members: Sequence[Member], train: Images, kept: Images
    ) -> None:
        self.observe, self.train, self.kept = observe, train, kept
        self.in_train = np.stack([member.in_train for member in members])
        models = len(members)
        self.clean = Dynamics(train.labels, models, len(observe.eval_at))
        self.logits: list[Tensor] = []
        self.correct: list[NDArray[np.bool_]] = []
        seeds = [member.seed for member in members]
        self.input = InputGradients(observe.at, train, seeds)
        self.parameters = ParameterGradients(observe.at.get("grand", ()), train, models)

    def __call__(self, epoch: int, network: Network) -> None:
        """Look at the network as it is after ``epoch``; its weights and statistics stay."""
        keep = self.observe.keep_logits == "all"
        if keep or epoch in self.observe.eval_at:
            logits = evaluate(network, self.train)
            if epoch in self.observe.eval_at:
                self.clean.update(logits)
                self.correct.append((logits.argmax(-1) == self.train.labels).cpu().numpy())
            if keep:
                everything = torch.cat([logits, evaluate(network, self.kept)], dim=1)
                self.logits.append(half(everything).cpu())
        self.input.update(epoch, network)
        self.parameters.update(epoch, network)

    @property
    def evaluated(self) -> NDArray[np.int32] | None:
        """int32 [evaluations], the epochs with a clean evaluation, or None without any."""
        return np.array(self.observe.eval_at, np.int32) if self.correct else None

    def epoch_correct(self, model: int) -> NDArray[np.bool_] | None:
        """bool [evaluations, n_train] of one model, or None without any."""
        return np.stack([correct[model] for correct in self.correct]) if self.correct else None

    def epoch_logits(self, model: int) -> NDArray[np.float16] | None:
        """float16 [epochs, examples, classes] of one model, or None where they are not kept."""
        if not self.logits:
            return None
        return np.stack([logits[model].numpy() for logits in self.logits])

    def proxies(
        self, network: Network, final: Tensor, dynamics: Dynamics | None
    ) -> dict[str, NDArray[np.float32]]:
        """Each proxy, float32 [models, examples].

        Those of the training pass are NaN outside the subset, where nothing was observed; the
        others exist for all training examples. ``final`` int64 [models, examples] are the classes
        that the finished ``network`` predicts.
        """
        found: dict[str, NDArray[np.float32]] = {}
        if dynamics is not None:
            for name, values in dynamics.result(final).items():
                found[name] = np.where(self.in_train, _numpy(values), np.float32(np.nan))
        others = {**self.input.result(), **self.parameters.result()}
        if self.clean.seen:
            others |= self.clean.clean()
        if "prediction_depth" in self.observe.proxies:
            subsets = torch.from_numpy(self.in_train).to(final.device)
            others["prediction_depth"] = prediction_depth(
                network, self.train, subsets, final, self.observe.neighbours
            )
        return found | {name: _numpy(values) for name, values in others.items()}


def half(values: Tensor) -> Tensor:
    """float16 of the same shape; what lies beyond its range becomes its largest value."""
    limit = torch.finfo(torch.float16).max
    return values.clamp(-limit, limit).to(torch.float16)


def _numpy(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.to(torch.float32).cpu().numpy()
    return array
