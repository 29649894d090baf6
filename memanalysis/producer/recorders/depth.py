"""Prediction depth (Baldock et al. 2021): the layer from which on k-NN probes agree for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from memanalysis.producer import families
from memanalysis.producer.families import Network
from memanalysis.producer.recorders.ensemble import Ensemble
from memanalysis.producer.training import Images
from memanalysis.settings import Size

# Embeddings of one pass over the images, in bytes; layers that do not fit wait for another pass.
_MEMORY: Final = 1 << 29
# Distances computed at once: 2^22 float32 stay near the processor's cache.
_BLOCK: Final = 1 << 22
_BATCH: Final = 500


class PredictionDepth:
    """The recorder of prediction depth, which looks at the finished network alone."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble

    def update(self, _epoch: int, _network: Network) -> None:
        """Do nothing: the layers are probed at the end."""

    def result(self, network: Network, final: Tensor) -> dict[str, Tensor]:
        """The proxy, float32 [models, examples]."""
        subsets = np.stack([member.in_train for member in self.ensemble.members])
        in_train = torch.from_numpy(subsets).to(final.device)
        neighbours = self.ensemble.lesson.observe.neighbours
        depth = prediction_depth(network, self.ensemble.images, in_train, final, neighbours)
        return {"prediction_depth": depth}


@torch.inference_mode()
def prediction_depth(
    network: Network, images: Images, in_train: Tensor, final: Tensor, neighbours: int
) -> Tensor:
    """Prediction depth of every training example for every model, float32 [models, examples].

    A probe stands after each of the network's layers (``Network.activations``), L in all, the input
    being the first and the softmax the last. It predicts by the majority of an example's nearest
    neighbours. The depth is 0 if all probes predict the network's final class, else one more than
    the number of the last layer, from 0, whose probe does not; so L if the last one disagrees.

    Parameters
    ----------
    in_train
        bool [models, examples]. A model's subset is its probes' support, also for examples outside.
    final
        int64 [models, examples], the classes that the finished network predicts.
    neighbours
        k; fewer where a subset has no k other examples.
    """
    depth = torch.zeros(final.shape, device=final.device)
    for position, layer in _embeddings(network, images):
        for model, embedding in enumerate(layer):
            predicted = probe(embedding, images.labels, in_train[model], neighbours)
            depth[model, predicted != final[model]] = position + 1
    return depth


def probe(embedding: Tensor, labels: Tensor, support: Tensor, neighbours: int) -> Tensor:
    """Class by the majority of the nearest neighbours in the support, int64 [examples].

    Euclidean distance, every neighbour one vote, an example is not its own neighbour, ties go to
    the smallest class. ``embedding`` is float32 [examples, features], ``support`` bool [examples].
    """
    rows = support.nonzero().squeeze(1)
    # Distances are small differences of squares; around the centre the squares are smaller.
    centred = embedding - embedding[rows].mean(0)
    chosen, chosen_labels = centred[rows], labels[rows]
    squares = chosen.square().sum(1)
    k = min(neighbours, len(rows) - 1)
    # Where each example stands in the support, -1 if it does not.
    place = torch.full_like(labels, -1)
    place[rows] = torch.arange(len(rows), device=labels.device)
    votes = []
    everything = torch.arange(len(labels), device=labels.device)
    for index in torch.split(everything, max(1, _BLOCK // len(rows))):
        # |q - s|^2 less |q|^2, which is the same for all neighbours of q.
        distance = torch.addmm(squares, centred[index], chosen.T, alpha=-2)
        inside = (place[index] >= 0).nonzero().squeeze(1)
        distance[inside, place[index[inside]]] = torch.inf
        nearest = distance.topk(k, largest=False, sorted=False).indices
        counts = torch.zeros(len(index), int(labels.max()) + 1, device=labels.device)
        ones = torch.ones_like(nearest, dtype=counts.dtype)
        counts.scatter_add_(1, chosen_labels[nearest], ones)
        votes.append(counts.argmax(1))
    return torch.cat(votes)


@torch.inference_mode()
def layers(
    sizes: Sequence[Size], *, channels: int, classes: int, image_size: tuple[int, int]
) -> dict[str, dict[str, int]]:
    """The layers that are probed, by size: name and numbers per image, first to last."""
    shape: dict[str, Any] = {"channels": channels, "classes": classes, "image_size": image_size}
    x = torch.zeros(1, channels, *image_size)
    return {
        size.name: {
            name: values.shape[2:].numel()
            for name, values in families.build(size, [0], **shape).eval().activations(x).items()
        }
        for size in sizes
    }


def _embeddings(network: Network, images: Images) -> Iterator[tuple[int, Tensor]]:
    """(position, float32 [models, examples, features]) of each layer, within bounded memory."""
    sizes = [
        part.shape[2:].numel() * 4 * network.models * len(images.labels)
        for part in _parts(network, images, torch.zeros(1, dtype=torch.int64))
    ]
    start = 0
    while start < len(sizes):
        stop = start + 1
        while stop < len(sizes) and sum(sizes[start : stop + 1]) <= _MEMORY:
            stop += 1
        yield from _some(network, images, range(start, stop))
        start = stop


def _some(network: Network, images: Images, wanted: range) -> Iterator[tuple[int, Tensor]]:
    everything = torch.arange(len(images.labels), device=images.labels.device)
    found: dict[int, Tensor] = {}
    for index in torch.split(everything, max(50, _BATCH // network.models)):
        parts = _parts(network, images, index)
        for position in wanted:
            values = parts[position].flatten(2)
            if position not in found:
                shape = (network.models, len(everything), values.shape[2])
                found[position] = values.new_empty(shape, dtype=torch.float32)
            found[position][:, index] = values.float()
    for position in wanted:
        yield position, found.pop(position)


def _parts(network: Network, images: Images, index: Tensor) -> list[Tensor]:
    network.eval()
    batch = images.batch(index.to(images.labels.device).expand(network.models, -1))
    return list(network.activations(batch).values())
