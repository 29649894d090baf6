"""Moving training images, on the device: a random crop of the padded image, a mirror, or both.

As in He et al. (2016, section 4.2): 4 pixels of padding on each side, a crop of the original size
at one of 9 x 9 places, and a horizontal flip with probability one half. Padding is zero after
normalisation, which is the mean colour. Each model draws from its own stream, so it does not
depend on the models that it is trained with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

PADDING: Final = 4


class Stream:
    """The moves of one model's images; ``augmentation`` is one of ``settings.AUGMENTATIONS``."""

    def __init__(self, generator: np.random.Generator, augmentation: str) -> None:
        self.generator = generator
        self.crops, self.flips = "crop" in augmentation, "flip" in augmentation

    def next(self, n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """int64 [n, 3]: first row and first column of the crop, 0 to 8, and 1 for a mirror."""
        if self.crops:
            places = self.generator.integers(0, 2 * PADDING + 1, (n, 2))
        else:
            places = np.full((n, 2), PADDING)
        mirrors = self.generator.integers(0, 2 if self.flips else 1, (n, 1))
        return np.concatenate([places, mirrors], axis=1)


def streams(orders: Sequence[np.random.Generator], augmentation: str | None) -> list[Stream] | None:
    """One stream per model, a child of the generator of its batch order; None without moves."""
    if augmentation is None:
        return None
    return [Stream(order.spawn(1)[0], augmentation) for order in orders]


def draw(
    shakers: Sequence[Stream] | None, lengths: Sequence[int], total: int, device: torch.device
) -> Tensor | None:
    """Moves of one epoch, int64 [M, total, 3].

    Every model draws as many as its subset has examples; where an epoch repeats examples to fill
    its last batch, it repeats their moves.
    """
    if shakers is None:
        return None
    moves = [np.resize(s.next(n), (total, 3)) for s, n in zip(shakers, lengths, strict=True)]
    return torch.from_numpy(np.stack(moves)).to(device)


def moved(pixels: Tensor, index: Tensor, moves: Tensor) -> Tensor:
    """Images for M models, each moved in its own way.

    Parameters
    ----------
    pixels
        [examples, H, W, channels].
    index
        int64 [M, batch], which images.
    moves
        int64 [M, batch, 3], see ``Stream.next``.

    Returns
    -------
    Tensor
        [batch, M * channels, H, W], channels last.
    """
    height, width, channels = pixels.shape[1:]
    models, batch = index.shape
    across = torch.arange(width, device=pixels.device)
    down = torch.arange(height, device=pixels.device)
    first_row, first_column, mirror = moves.transpose(0, 1).unbind(-1)  # each [batch, M]
    rows = down[:, None] + first_row[:, None] - PADDING  # [batch, H, M]
    places = torch.where(mirror[:, None] == 1, width - 1 - across[:, None], across[:, None])
    columns = places + first_column[:, None] - PADDING  # [batch, W, M]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None
    ]
    chosen = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None]
    chosen += index.T[:, None, None] * (height * width)  # [batch, H, W, M]
    picked = pixels.reshape(-1, channels).index_select(0, chosen.flatten())
    picked.mul_(inside.flatten().unsqueeze(-1))
    return picked.view(batch, height, width, models * channels).permute(0, 3, 1, 2)
