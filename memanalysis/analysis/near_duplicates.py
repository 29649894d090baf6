"""Pairs of images that nearly agree, pixel by pixel.

Images are compared after taking out brightness and contrast: as vectors with mean 0 and length 1,
whose inner product is Pearson's correlation r of the pixels, and whose distance is
sqrt(2 - 2 r). Means over blocks are an orthogonal projection, which shortens distances: a pair
whose projections lie further apart than sqrt(2 - 2 r) cannot correlate as much as r. So nearly
all pairs are ruled out on a few dozen numbers, and none is lost; the rest is compared in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats

Index = NDArray[np.int64]
Singles = NDArray[np.float32]

# Correlation of the pixels from which two images count as nearly the same.
LEAST: Final = 0.98
# Blocks per side of the projection.
_BLOCKS: Final = 8
# Images compared at once: 2,048 x 2,048 products of float32 are 16 MiB.
_AT_ONCE: Final = 2_048
_ROUNDING: Final = 1e-4  # of float32, on squared distances up to 4


def standardised(image: NDArray[np.uint8]) -> Floats | None:
    """Pixels [height, width, channels] with mean 0 and length 1; None for a uniform image."""
    values = image.astype(np.float64)
    values -= values.mean()
    length = float(np.sqrt((values**2).sum()))
    return values / length if length > 0 else None


def projection(values: Floats) -> Singles:
    """Block sums over the root of the block size, an orthogonal projection: float32 [d].

    ``values`` [height, width, channels]; 8 x 8 blocks per channel, fewer where a side is shorter.
    """
    for axis in (0, 1):
        side = values.shape[axis]
        starts = np.unique(np.arange(_BLOCKS) * side // _BLOCKS)
        size = np.diff(np.append(starts, side))
        shape = [-1 if k == axis else 1 for k in range(values.ndim)]
        values = np.add.reduceat(values, starts, axis=axis) / np.sqrt(size).reshape(shape)
    return values.astype(np.float32).ravel()


def candidates(projected: Singles, n_first: int, least: float = LEAST) -> Iterator[tuple[int, int]]:
    """Pairs (i, j) that may correlate by ``least``: i < j, and i among the first ``n_first``.

    Every pair that does is among them.
    """
    squared = (projected**2).sum(axis=1)
    for start in range(0, n_first, _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, n_first))
        for left in range(start, len(projected), _AT_ONCE):
            columns = np.arange(left, min(left + _AT_ONCE, len(projected)))
            distance = projected[rows] @ projected[columns].T
            distance *= -2
            distance += squared[rows, None]
            distance += squared[columns]
            i, j = np.nonzero(distance <= 2 - 2 * least + _ROUNDING)
            later = rows[i] < columns[j]
            yield from zip(rows[i][later].tolist(), columns[j][later].tolist(), strict=True)


def compared(pixels: NDArray[np.uint8], pairs: Index) -> tuple[Floats, Floats]:
    """Correlation and root mean square difference of pairs: float64 [r] each.

    ``pixels`` [n, p] of images that are not uniform, ``pairs`` int64 [r, 2]; black is 0 and white 1
    in the difference.
    """
    similarity, distance = np.zeros(len(pairs)), np.zeros(len(pairs))
    for start in range(0, len(pairs), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        a, b = (pixels[pairs[part, side]].astype(np.float64) / 255 for side in (0, 1))
        distance[part] = np.sqrt(((a - b) ** 2).mean(axis=1))
        a -= a.mean(axis=1, keepdims=True)
        b -= b.mean(axis=1, keepdims=True)
        lengths = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        similarity[part] = np.minimum((a * b).sum(axis=1) / lengths, 1)
    return similarity, distance
