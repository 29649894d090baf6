"""Proxies that look at the network itself: which are computed when, and what they leave behind.

Their records, with units and sources, are in ``memanalysis.proxies``; each names the recorder that
computes it, in a module of its own here or in a package of one's own. The free ones, from the
logits of the training pass, are in ``memanalysis.producer.observe``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memanalysis import proxies
from memanalysis.errors import TrainingError
from memanalysis.producer.families import Network
from memanalysis.producer.observe import Dynamics
from memanalysis.producer.recorders.ensemble import Ensemble, ProxyRecorder
from memanalysis.producer.training import Images, evaluate
from memanalysis.settings import Observe

__all__ = ["Ensemble", "ProxyRecorder", "Recorder", "half"]


class Recorder:
    """Records of one ensemble beside its training pass; called after every epoch.

    ``kept`` are the test images whose logits are kept.
    """

    def __init__(self, ensemble: Ensemble, kept: Images) -> None:
        self.observe, self.train, self.kept = ensemble.lesson.observe, ensemble.images, kept
        self.in_train = np.stack([member.in_train for member in ensemble.members])
        models = len(ensemble.members)
        self.clean = Dynamics(self.train.labels, models, len(self.observe.eval_at))
        self.logits: list[Tensor] = []
        self.correct: list[NDArray[np.bool_]] = []
        self.recorders = list(_recorders(self.observe, ensemble))

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
        for recorder in self.recorders:
            recorder.update(epoch, network)

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

        Those of the training pass are NaN outside the subset, where nothing was observed; most
        others exist for all training examples. ``final`` int64 [models, examples] are the classes
        that the finished ``network`` predicts.

        Raises
        ------
        TrainingError
            If a recorder of one's own gives another shape, or no proxy that was asked for.
        """
        values: dict[str, NDArray[np.float32]] = {}
        if dynamics is not None:
            for name, observed in dynamics.result(final).items():
                values[name] = np.where(self.in_train, _numpy(observed), np.float32(np.nan))
        if self.clean.seen:
            values |= {name: _numpy(proxy) for name, proxy in self.clean.clean().items()}
        for recorder in self.recorders:
            for name, proxy in recorder.result(network, final).items():
                values[name] = _numpy(proxy)
                if values[name].shape != self.in_train.shape:
                    raise TrainingError(
                        f"The recorder of proxy '{name}' gave values of shape "
                        f"{list(values[name].shape)}; expected {list(self.in_train.shape)}, "
                        "models and training examples."
                    )
        if missing := [name for name in self.observe.proxies if name not in values]:
            raise TrainingError(f"The recorder of proxy '{missing[0]}' gave no values of it.")
        return values


def _recorders(observe: Observe, ensemble: Ensemble) -> Iterator[ProxyRecorder]:
    """One recorder for all proxies that name the same."""
    asked = {name: proxies.recordable()[name].recorder for name in observe.proxies}
    for path in dict.fromkeys(asked.values()):
        try:
            make = pkgutil.resolve_name(path)
        except (ImportError, AttributeError, ValueError) as error:
            name = next(name for name, recorder in asked.items() if recorder == path)
            raise TrainingError(
                f"The recorder of proxy '{name}', '{path}', cannot be imported: {error}."
            ) from error
        yield make(ensemble)


def half(values: Tensor) -> Tensor:
    """float16 of the same shape; what lies beyond its range becomes its largest value."""
    limit = torch.finfo(torch.float16).max
    return values.clamp(-limit, limit).to(torch.float16)


def _numpy(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.to(torch.float32).cpu().numpy()
    return array
