"""The meeting point of recorders and training: an ensemble in, proxies of it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from memanalysis.producer.families import Network
from memanalysis.producer.training import Images, Lesson, Member, Seeds
from memanalysis.settings import Size


@dataclass(frozen=True)
class Ensemble:
    """The models that are trained together, with what a recorder may need of their training.

    Attributes
    ----------
    members
        The models.
    images
        All training images.
    lesson
        The recipe, what is observed (``lesson.observe``) and the teachers.
    size
        The size that all of them have.
    classes
        The number of classes.
    seeds
        For each model, seeds for trainings beside its own, by number from 0.
    """

    members: Sequence[Member]
    images: Images
    lesson: Lesson
    size: Size
    classes: int
    seeds: Sequence[Callable[[int], Seeds]] = ()


class ProxyRecorder(Protocol):
    """A recorder of one or several proxies of one ensemble."""

    def update(self, epoch: int, network: Network, /) -> None:
        """Look at the network as it is after ``epoch``, from 1; weights and statistics stay."""

    def result(self, network: Network, final: Tensor, /) -> dict[str, Tensor]:
        """Proxies by name, each [models, examples] over all training examples.

        ``network`` is finished, ``final`` int64 [models, examples] are the classes it predicts.
        NaN is where nothing was observed.
        """
