"""Training one ensemble: every model has its own subset, its own batch order and its own start.

Stochastic gradient descent with momentum. The loss is the sum over models of the mean over the
batch, so no model feels the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memanalysis.errors import TrainingError
from memanalysis.producer import augment, families
from memanalysis.producer.acceleration import Forward, forward_of
from memanalysis.producer.families import Network
from memanalysis.producer.observe import Dynamics
from memanalysis.settings import Distillation, Observe, Size, Training

EVALUATION_BATCH, GPU_EVALUATION_BATCH = 500, 1000

# Seed of a model's weights and generator of its batch order.
Seeds = tuple[int, np.random.Generator]

Tick = Callable[[], None]
# Called after each epoch (from 1) with the network as it is then; it must leave weights alone.
Watch = Callable[[int, Network], None]


@dataclass(frozen=True)
class Images:
    """Images and labels where the arithmetic is done.

    ``pixels`` is float32 [examples, H, W, channels], normalised; ``labels`` int64 [examples].
    ``augmentation`` says how images are moved in training, None if not at all.
    """

    pixels: Tensor
    labels: Tensor
    augmentation: str | None = None

    def batch(self, index: Tensor, moves: Tensor | None = None) -> Tensor:
        """Images for M models, index int64 [M, batch] -> [batch, M * channels, H, W].

        ``moves`` int64 [M, batch, 3] are those of ``augment.draw``.
        """
        if moves is not None:
            return augment.moved(self.pixels, index, moves)
        height, width, channels = self.pixels.shape[1:]
        picked = self.pixels.flatten(1, 2)[index.T]  # [batch, M, pixels, channels]
        packed = picked.transpose(1, 2).contiguous()
        return packed.view(-1, height, width, len(index) * channels).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Member:
    """One model of an ensemble.

    Attributes
    ----------
    name
        How messages call it.
    seed
        Seed of the weights at the start.
    order
        Generator of the batch order.
    in_train
        bool [n_train], its subset.
    """

    name: str
    seed: int
    order: np.random.Generator
    in_train: NDArray[np.bool_]


@dataclass(frozen=True)
class Lesson:
    """Targets and images that the models of an ensemble learn from.

    ``teacher`` holds the teachers' logits, float32 [M, n_train, classes], and is None for labels
    alone.
    """

    training: Training
    observe: Observe
    distillation: Distillation | None = None
    teacher: Tensor | None = None


@dataclass(frozen=True)
class Trained:
    """An ensemble at the end of its training, with what its training pass showed."""

    network: Network
    dynamics: Dynamics | None


def train(
    images: Images,
    members: Sequence[Member],
    size: Size,
    lesson: Lesson,
    classes: int,
    tick: Tick = lambda: None,
    *,
    watch: Watch = lambda _epoch, _network: None,
    network: Network | None = None,
) -> Trained:
    """Train one ensemble; ``watch``, then ``tick`` are called after every epoch.

    With ``network`` that one is trained further, on the subsets of ``members``.

    Raises
    ------
    TrainingError
        If a model's outputs are no longer finite; the message names it.
    """
    recipe, device = lesson.training, images.pixels.device
    network = network or _network(members, size, images, classes)
    forward = forward_of(network, recipe, device)
    subsets = [np.flatnonzero(member.in_train) for member in members]
    steps = -(-max(map(len, subsets)) // recipe.batch_size)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov and recipe.momentum > 0,
        fused=True,
    )
    schedule = Schedule(recipe, steps)
    dynamics = None
    if lesson.observe.dynamics == "train_pass":
        dynamics = Dynamics(images.labels, len(members), recipe.epochs)
    shakers = augment.streams([m.order for m in members], images.augmentation)
    for epoch in range(1, recipe.epochs + 1):
        orders = [m.order.permutation(s) for m, s in zip(members, subsets, strict=True)]
        index = torch.from_numpy(
            np.stack([np.resize(o, steps * recipe.batch_size) for o in orders])
        )
        moves = None
        if epoch <= recipe.augmented_epochs:
            moves = augment.draw(shakers, list(map(len, orders)), index.shape[1], device)
        network.train()
        logits = _epoch(forward, optimiser, schedule, images, index.to(device), lesson, moves)
        _require_finite(logits, members, epoch, recipe.batch_size)
        if dynamics is not None:
            dynamics.update(_by_example(logits, orders, len(images.labels)))
        watch(epoch, network)
        tick()
    return Trained(network, dynamics)


class Schedule:
    """Decay from the peak to zero, by a cosine or linearly, times the rise of a linear warm-up.

    The decay runs over the whole training, warm-up included; ``next`` is the rate of the coming
    step.
    """

    def __init__(self, recipe: Training, steps_per_epoch: int) -> None:
        self.peak = recipe.learning_rate
        self.total = recipe.epochs * steps_per_epoch
        self.warmup = recipe.warmup_epochs * steps_per_epoch
        self.linear = recipe.schedule == "linear"
        self.step = 0

    def next(self) -> float:
        """The learning rate of the next step."""
        part = self.step / self.total
        decay = 1 - part if self.linear else 0.5 * (1 + math.cos(math.pi * self.step / self.total))
        self.step += 1
        rise = min(1.0, self.step / self.warmup) if self.warmup else 1.0
        return self.peak * decay * rise


def objective_loss(
    logits: Tensor, labels: Tensor, teacher: Tensor | None, distillation: Distillation | None
) -> Tensor:
    """The sum over models of the mean loss over the batch.

    With labels alone cross-entropy; with a teacher's soft targets (1 - w) CE(y, softmax(z)) +
    w T^2 KL(softmax(z_teacher / T) || softmax(z / T)), with its hard ones
    (1 - w) CE(y, softmax(z)) + w CE(argmax z_teacher, softmax(z)). ``logits`` and ``teacher`` are
    [M, batch, classes], ``labels`` [M, batch].
    """
    own = logits.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    if teacher is None or distillation is None:
        return -own.mean(-1).sum()
    temperature, weight = distillation.temperature, distillation.weight
    if distillation.targets == "hard":
        chosen = logits.log_softmax(-1).gather(-1, teacher.argmax(-1, keepdim=True)).squeeze(-1)
        return -(weight * chosen + (1 - weight) * own).mean(-1).sum()
    target = (teacher / temperature).log_softmax(-1)
    student = (logits / temperature).log_softmax(-1)
    divergence = (target.exp() * (target - student)).sum(-1)
    loss = weight * temperature**2 * divergence - (1 - weight) * own
    return loss.mean(-1).sum()


@torch.inference_mode()
def evaluate(network: Network, images: Images) -> Tensor:
    """Logits of all models on all images, eval mode, no augmentation: [M, examples, classes]."""
    network.eval()
    if not len(images.labels):  # an empty test split; networks do not take batches of nothing
        blank = images.pixels.new_zeros(1, *images.pixels.shape[1:])
        return evaluate(network, Images(blank, images.labels.new_zeros(1)))[:, :0]
    everything = torch.arange(len(images.labels), device=images.labels.device)
    # Large ensembles get smaller batches, so that activations stay in the processor's cache.
    size = max(50, EVALUATION_BATCH // network.models)
    if images.pixels.is_cuda:
        size = GPU_EVALUATION_BATCH
    parts = [
        network(images.batch(index.expand(network.models, -1)))
        for index in torch.split(everything, size)
    ]
    return torch.cat(parts, dim=1)


def _network(members: Sequence[Member], size: Size, images: Images, classes: int) -> Network:
    height, width, channels = images.pixels.shape[1:]
    network = families.build(
        size,
        [member.seed for member in members],
        channels=channels,
        classes=classes,
        image_size=(height, width),
    )
    network.to(images.pixels.device)
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _epoch(
    forward: Forward,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    images: Images,
    index: Tensor,
    lesson: Lesson,
    moves: Tensor | None,
) -> Tensor:
    """One pass in the order ``index`` [M, steps * batch]; logits before each update."""
    rows = torch.arange(len(index), device=index.device).unsqueeze(-1)
    logits = []
    size = lesson.training.batch_size
    for start, batch in zip(count(0, size), torch.split(index, size, dim=1)):
        for group in optimiser.param_groups:
            group["lr"] = schedule.next()
        moved = None if moves is None else moves[:, start : start + size]
        output = forward(images.batch(batch, moved))
        teacher = None if lesson.teacher is None else lesson.teacher[rows, batch]
        loss = objective_loss(output, images.labels[batch], teacher, lesson.distillation)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        logits.append(output.detach())
    return torch.cat(logits, dim=1)


def _by_example(logits: Tensor, orders: Sequence[NDArray[np.int64]], examples: int) -> Tensor:
    """Logits in the order seen -> [M, examples, classes]; the first sighting of an epoch counts.

    An order is shorter than the epoch where its subset had to be repeated to fill the last batch.
    Examples outside a model's subset get zeros.
    """
    sorted_logits = logits.new_zeros(len(orders), examples, logits.shape[-1])
    for model, order in enumerate(orders):
        index = torch.from_numpy(order).to(logits.device)
        sorted_logits[model, index] = logits[model, : len(order)]
    return sorted_logits


def _require_finite(logits: Tensor, members: Sequence[Member], epoch: int, batch: int) -> None:
    """Name the models whose outputs stopped being finite steps before the others'.

    ``logits`` [M, steps * batch, classes] are in the order seen. What is not a number spreads to a
    neighbour whose convolutions are computed together with its own.
    """
    finite = logits.isfinite().all(-1)
    if bool(finite.all()):
        return
    first = torch.where(finite.all(1), finite.shape[1], finite.int().argmin(1)) // batch
    names = ", ".join(
        m.name for m, step in zip(members, first.tolist(), strict=True) if step == first.min()
    )
    raise TrainingError(
        f"The outputs of {names} are no longer finite in epoch {epoch}. "
        "Lower training.learning_rate or add training.warmup_epochs in the study file."
    )
