"""Proxies from gradients: by the input (VoG, curvature, loss sensitivity) and by the weights.

In eval mode no example feels the others of its batch, and no model the others of its network, so
one backward pass of a sum over examples and models gives each its own gradient. The loss is the
cross-entropy of the label whatever the objective, and the sum over the batch, never its mean, which
would divide every gradient by the size of the batch. Inputs are normalised pixels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from memanalysis.errors import TrainingError
from memanalysis.producer.families import Network
from memanalysis.producer.recorders.ensemble import Ensemble
from memanalysis.producer.training import Images
from memanalysis.proxies import CURVATURE_DIRECTIONS

STEP: Final = 1e-3  # h of the curvature, as in its authors' code (arXiv 2307.05831)
# Fixed, not fitted to the ensemble: random directions are drawn batch by batch, and a model's must
# not depend on its company.
_BATCH: Final = 100
# Gradients of single examples held at once, in numbers.
_GRADIENTS: Final = 1 << 23


class InputGradients:
    """Sums over chosen epochs of what the gradients by the input say.

    Parameters
    ----------
    at
        Epochs of ``curvature``, ``loss_sensitivity`` and ``vog``; those missing are not computed.
    images
        All training images.
    seeds
        A seed per model, for its random directions.
    """

    def __init__(
        self, at: Mapping[str, Collection[int]], images: Images, seeds: Sequence[int]
    ) -> None:
        self.at = {
            name: at[name] for name in ("curvature", "loss_sensitivity", "vog") if name in at
        }
        self.images, self.seeds = images, seeds
        n, height, width = images.pixels.shape[:3]
        shape, device = (len(seeds), n), images.pixels.device
        self.sums = {
            name: torch.zeros(shape, dtype=torch.float64, device=device)
            for name in self.at
            if name != "vog"
        }
        if "vog" in self.at:
            self.variance = _Variance(torch.zeros(*shape, height * width, device=device))

    @classmethod
    def of(cls, ensemble: Ensemble) -> InputGradients:
        """The recorder of an ensemble, of what its study asks for."""
        seeds = [member.seed for member in ensemble.members]
        return cls(ensemble.lesson.observe.at, ensemble.images, seeds)

    def update(self, epoch: int, network: Network) -> None:
        """Add what is to be seen after ``epoch``."""
        now = {name for name, epochs in self.at.items() if epoch in epochs}
        if not now:
            return
        network.eval()
        generators = [torch.Generator().manual_seed(seed ^ epoch) for seed in self.seeds]
        maps = []
        with _without_weights(network):
            for index in _batches(self.images, _BATCH):
                x = self.images.batch(index.expand(network.models, -1))
                labels = self.images.labels[index]
                if now - {"vog"}:
                    gradient = input_gradient(network, x, labels)
                    if "loss_sensitivity" in now:
                        self.sums["loss_sensitivity"][:, index] += gradient.abs().sum((2, 3, 4))
                    if "curvature" in now:
                        directions = _directions(generators, gradient.shape[1:])
                        moved = _bends(network, x, labels, gradient, directions)
                        self.sums["curvature"][:, index] += moved
                if "vog" in now:
                    own = input_gradient(network, x, labels, of_logit=True)
                    maps.append(own.mean(2).flatten(2))
        if maps:
            self.variance.add(torch.cat(maps, dim=1))

    def result(self, *_finished: object) -> dict[str, Tensor]:
        """Each proxy, float64 [models, examples]."""
        found = {name: total / len(self.at[name]) for name, total in self.sums.items()}
        if "vog" in self.at:
            vog = self.variance.deviation().mean(-1).double()
            found |= {"vog": vog, "vog_normalized": within_class(vog, self.images.labels)}
        return found


class ParameterGradients:
    """GraNd: the mean over chosen epochs of || d CE / d weights ||_2 of each example."""

    def __init__(self, epochs: Collection[int], images: Images, models: int) -> None:
        self.epochs, self.images = epochs, images
        shape = (models, len(images.labels))
        self.sum = torch.zeros(shape, dtype=torch.float64, device=images.labels.device)

    @classmethod
    def of(cls, ensemble: Ensemble) -> ParameterGradients:
        """The recorder of an ensemble, after the epochs that its study names."""
        epochs = ensemble.lesson.observe.at["grand"]
        return cls(epochs, ensemble.images, len(ensemble.members))

    def update(self, epoch: int, network: Network) -> None:
        """Add the norms after ``epoch``."""
        if epoch not in self.epochs:
            return
        network.eval()
        total = sum(p.numel() for p in network.parameters())
        for index in _batches(self.images, max(1, _GRADIENTS // total)):
            self.sum[:, index] += gradient_norms(network, self.images, index)

    def result(self, *_finished: object) -> dict[str, Tensor]:
        """The proxy, float64 [models, examples]; nothing without epochs."""
        return {"grand": self.sum / len(self.epochs)} if self.epochs else {}


def input_gradient(
    network: Network, x: Tensor, labels: Tensor, *, of_logit: bool = False
) -> Tensor:
    """Gradient of each model's loss, or label logit, by its own input.

    ``x`` is [batch, models * channels, H, W] and ``labels`` int64 [batch]; the result float32
    [models, batch, channels, H, W].
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = network(x.clone()).float()  # a network may work in place
        values = logits if of_logit else logits.log_softmax(-1)
        own = values.gather(-1, labels.expand(logits.shape[:2]).unsqueeze(-1)).sum()
        gradient = torch.autograd.grad(own if of_logit else -own, x)[0]
    return gradient.reshape(len(x), network.models, -1, *x.shape[2:]).transpose(0, 1)


def gradient_norms(network: Network, images: Images, index: Tensor) -> Tensor:
    """|| d CE / d weights ||_2 of each model for some examples, float32 [models, len(index)].

    Raises
    ------
    TrainingError
        If the network has an operation that cannot be vectorised over examples.
    """
    weights: dict[str, Tensor] = {n: p for n, p in network.named_parameters() if p.requires_grad}

    def loss(weights: dict[str, Tensor], x: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(network, weights, (x.unsqueeze(0),))
        return functional.cross_entropy(
            logits[:, 0].float(), label.expand(network.models), reduction="sum"
        )

    x = images.batch(index.expand(network.models, -1))
    try:
        gradients = vmap(grad(loss), in_dims=(None, 0, 0))(weights, x, images.labels[index])
    except RuntimeError as error:
        raise TrainingError(
            f"grand cannot be computed for {type(network).__name__}: {error}. Remove it from "
            "observe.proxies."
        ) from error
    squares = torch.zeros(len(index), network.models, device=x.device)
    for name, gradient in gradients.items():
        squares += network.by_model(name, gradient.detach()).square().sum(-1)
    return squares.sqrt().T


def within_class(values: Tensor, labels: Tensor) -> Tensor:
    """z-scores within each class, [models, examples]; 0 where a class does not vary."""
    scores = torch.zeros_like(values)
    for label in set(labels.tolist()):
        chosen = values[:, labels == label]
        deviation = chosen.std(1, correction=0, keepdim=True)
        centred = chosen - chosen.mean(1, keepdim=True)
        scores[:, labels == label] = torch.where(deviation > 0, centred / deviation, 0.0)
    return scores


def _bends(
    network: Network, x: Tensor, labels: Tensor, gradient: Tensor, directions: Iterator[Tensor]
) -> Tensor:
    """Mean over directions v of || d/dx (loss(x + h v) - loss(x)) ||_2, [models, batch]."""
    total = torch.zeros(gradient.shape[:2], dtype=torch.float64, device=x.device)
    for _ in range(CURVATURE_DIRECTIONS):
        moved = x + STEP * next(directions).to(x.device)
        difference = input_gradient(network, moved, labels) - gradient
        total += difference.flatten(2).norm(dim=-1)
    return total / CURVATURE_DIRECTIONS


def _directions(generators: Sequence[torch.Generator], shape: torch.Size) -> Iterator[Tensor]:
    """Random signs, float32 [batch, models * channels, H, W]; each model draws its own."""
    while True:
        signs = [torch.randint(0, 2, shape, generator=g).mul(2).sub(1) for g in generators]
        yield torch.stack(signs, dim=1).flatten(1, 2).float()


class _Variance:
    """Running population standard deviation of tensors of one shape (Welford)."""

    def __init__(self, zeros: Tensor) -> None:
        self.seen, self.mean, self.squares = 0, zeros, zeros.clone()

    def add(self, values: Tensor) -> None:
        self.seen += 1
        distance = values - self.mean
        self.mean += distance / self.seen
        self.squares += distance * (values - self.mean)

    def deviation(self) -> Tensor:
        return (self.squares / self.seen).clamp_min(0).sqrt()


def _batches(images: Images, size: int) -> tuple[Tensor, ...]:
    return torch.split(torch.arange(len(images.labels), device=images.labels.device), size)


@contextmanager
def _without_weights(network: Network) -> Iterator[None]:
    """No gradients by the weights, which nobody asks for here."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
