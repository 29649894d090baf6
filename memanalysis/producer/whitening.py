"""ZCA whitening: images as vectors without correlation between their pixels.

With the covariance U L U^T of the normalised training images, W = U (L + 0.1)^(-1/2) U^T, the
whitened image nearest to the original (Bell and Sejnowski 1997; with a constant added to the
eigenvalues in Krizhevsky 2009). A division by the overall deviation follows, so that learning rates
mean what they mean for images that are not whitened.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from memanalysis.errors import DataError

CONSTANT: Final = 0.1  # added to each eigenvalue of images whose channels have variance 1
MOST_VALUES: Final = 4096  # of an image; the eigenvectors take their cube
PART: Final = 1024  # images that are worked on at a time


class Whitening:
    """The transform fitted to the training images of a study, held-out ones included.

    No label is looked at. ``matrix`` is float32 [values, values], ``mean`` float32 [values], where
    ``values`` is height * width * channels.

    Parameters
    ----------
    pixels
        float32 [examples, H, W, channels], normalised.

    Raises
    ------
    DataError
        If an image has more than ``MOST_VALUES`` values.
    """

    def __init__(self, pixels: NDArray[np.float32]) -> None:
        require_small(pixels.shape[1:])
        flat = pixels.reshape(len(pixels), -1)
        # Added up in float64 and by parts, hence the same whatever else is in memory.
        mean = flat.mean(0, dtype=np.float64)
        total = torch.zeros(flat.shape[1], flat.shape[1], dtype=torch.float64)
        for start in range(0, len(flat), PART):
            centred = torch.from_numpy(flat[start : start + PART] - mean)
            total += centred.T @ centred
        values, vectors = torch.linalg.eigh(total / len(flat))
        scales = (values.clamp_min(0) + CONSTANT).rsqrt()
        # The trace of W C W^T is the sum of the variances of whitened values.
        deviation = (values.clamp_min(0) * scales**2).mean().sqrt()
        matrix = (vectors * scales) @ vectors.T / deviation
        self.mean: NDArray[np.float32] = mean.astype(np.float32)
        self.matrix: NDArray[np.float32] = matrix.float().numpy()

    def apply(self, pixels: NDArray[np.float32]) -> None:
        """Whiten images in place, float32 [examples, H, W, channels]."""
        for start in range(0, len(pixels), PART):
            part = pixels[start : start + PART]
            centred = torch.from_numpy(part.reshape(len(part), -1) - self.mean)
            part[...] = (centred @ torch.from_numpy(self.matrix)).numpy().reshape(part.shape)


def require_small(shape: tuple[int, ...]) -> None:
    """Refuse images (height, width, channels) of more than ``MOST_VALUES`` values."""
    values = int(np.prod(shape))
    if values > MOST_VALUES:
        raise DataError(
            f"data.whitening: images of {'x'.join(map(str, shape))} have {values} values, expected "
            f"at most {MOST_VALUES}. Lower data.image_size or leave data.whitening out."
        )
