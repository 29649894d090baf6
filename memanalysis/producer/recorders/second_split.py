"""Second-split forgetting (Maini et al. 2022): trained on one half, forgotten during the other.

Two further trainings of the ensemble, each as long as its own: on one half of each model's subset
for all epochs, then with the rates of a fresh start on the other half, again for all epochs. Then
the halves are swapped, so that every example of the subset has been learned first once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memanalysis.producer import training
from memanalysis.producer.families import Network
from memanalysis.producer.recorders.ensemble import Ensemble
from memanalysis.producer.training import Images, Lesson, Member, Seeds
from memanalysis.settings import Size

_BATCH: Final = 100


class SecondSplit:
    """The recorder of second-split forgetting, which trains the ensemble anew at the end."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble

    def update(self, _epoch: int, _network: Network) -> None:
        """Do nothing: the ensemble's own training plays no part."""

    def result(self, *_finished: object) -> dict[str, Tensor]:
        """The proxy, float32 [models, examples], NaN outside the subset."""
        own = self.ensemble
        epochs = second_split_forgetting(
            own.images, own.members, own.seeds, own.size, own.lesson, own.classes
        )
        return {"second_split_forgetting": torch.from_numpy(epochs)}


def second_split_forgetting(
    images: Images,
    members: Sequence[Member],
    seeds: Sequence[Callable[[int], Seeds]],
    size: Size,
    lesson: Lesson,
    classes: int,
) -> NDArray[np.float32]:
    """First epoch of the second half after which an example of the first stays misclassified.

    float32 [models, examples]: 1 to E, E + 1 where it is classified correctly at the end, NaN
    outside the subset. Judged on clean images in eval mode. ``seeds`` gives each model's seeds for
    the two trainings (0, 1) and for drawing the halves (2).
    """
    halves = [_halves(member, own(2)[1]) for member, own in zip(members, seeds, strict=True)]
    found = np.full((len(members), len(images.labels)), np.nan, dtype=np.float32)
    # The dynamics of these trainings are nobody's.
    quiet = replace(lesson, observe=replace(lesson.observe, dynamics="none"))
    for turn in range(2):
        starts = [own(turn) for own in seeds]
        first, second = (
            [
                replace(
                    member,
                    name=f"{member.name} (second-split forgetting)",
                    seed=seed,
                    order=order,
                    in_train=half[part],
                )
                for member, (seed, order), half in zip(members, starts, halves, strict=True)
            ]
            for part in (turn, 1 - turn)
        )
        learned = training.train(images, first, size, quiet, classes)
        watch = _Forgetting(images, [half[turn] for half in halves])
        training.train(images, second, size, quiet, classes, watch=watch, network=learned.network)
        for model, half in enumerate(halves):
            found[model, half[turn]] = watch.epochs[model, half[turn]]
    return found


class _Forgetting:
    """The epoch since which each example of the first half has been misclassified, 1 at the start.

    Called after every epoch of the second half; ``epochs`` is float32 [models, examples].
    """

    def __init__(self, images: Images, halves: Sequence[NDArray[np.bool_]]) -> None:
        self.images = images
        self.epochs = np.ones((len(halves), len(images.labels)), dtype=np.float32)
        # Halves differ by an example at most; the shorter ones repeat their first.
        chosen = [np.flatnonzero(half) for half in halves]
        longest = max(map(len, chosen))
        self.index = np.stack([np.resize(examples, longest) for examples in chosen])

    def __call__(self, epoch: int, network: Network) -> None:
        network.eval()
        device = self.images.labels.device
        with torch.inference_mode():
            for start in range(0, self.index.shape[1], _BATCH):
                index = self.index[:, start : start + _BATCH]
                at = torch.from_numpy(index).to(device)
                predicted = network(self.images.batch(at)).argmax(-1)
                right = (predicted == self.images.labels[at]).cpu().numpy()
                for own, examples, correct in zip(self.epochs, index, right, strict=True):
                    own[examples[correct]] = epoch + 1


def _halves(
    member: Member, generator: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """A random half of a model's subset, and the rest."""
    subset = generator.permutation(np.flatnonzero(member.in_train))
    first = np.zeros_like(member.in_train)
    first[subset[: len(subset) // 2]] = True
    return first, member.in_train & ~first
