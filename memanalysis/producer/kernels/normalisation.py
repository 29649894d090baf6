"""Batch normalisation, the residual sum and the rectifier of one model in as few passes as can be.

Maps are [places, channels, batch]. Statistics are sums of float32 lanes, put together in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from memanalysis.producer.kernels.convolution import FAST


@njit(fastmath=FAST)
def statistics(z: Any, eps: float, mean: Any, variance: Any, scale: Any) -> None:
    """Mean, biased variance and 1 / sqrt(variance + eps) of every channel."""
    places, channels, batch = z.shape
    sums = np.zeros((channels, batch), dtype=np.float32)
    for p in range(places):
        for c in range(channels):
            for b in range(batch):
                sums[c, b] += z[p, c, b]
    for c in range(channels):
        mean[c] = _total(sums[c]) / (places * batch)
    sums[:] = 0
    for p in range(places):
        for c in range(channels):
            middle = mean[c]
            for b in range(batch):
                distance = z[p, c, b] - middle
                sums[c, b] += distance * distance
    for c in range(channels):
        variance[c] = _total(sums[c]) / (places * batch)
        scale[c] = 1 / np.sqrt(variance[c] + eps)


@njit(fastmath=FAST)
def _total(values: Any) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


@njit(fastmath=FAST)
def normalise(
    z: Any, mean: Any, scale: Any, gamma: Any, beta: Any, skip: Any, kind: int, out: Any
) -> None:
    """Fill ``out`` with the normalised map; ``kind`` 1 rectifies it, 2 adds ``skip`` first."""
    places, channels, batch = z.shape
    for p in range(places):
        for c in range(channels):
            factor = gamma[c] * scale[c]
            shift = beta[c] - mean[c] * factor
            if kind == 0:
                for b in range(batch):
                    out[p, c, b] = z[p, c, b] * factor + shift
            elif kind == 1:
                for b in range(batch):
                    value = z[p, c, b] * factor + shift
                    # Not the other way round: what is not a number must stay so.
                    out[p, c, b] = np.float32(0) if value <= 0 else value
            else:
                for b in range(batch):
                    value = z[p, c, b] * factor + shift + skip[p, c, b]
                    out[p, c, b] = np.float32(0) if value <= 0 else value


@njit(fastmath=FAST)
def gradients(
    gradient: Any,
    y: Any,
    z: Any,
    mean: Any,
    scale: Any,
    gamma: Any,
    kind: int,
    masked: Any,
    for_gamma: Any,
    for_beta: Any,
    for_z: Any,
) -> None:
    """Gradients of what ``normalise`` did, from that of its output ``y``.

    ``masked`` becomes the gradient behind the rectifier, which is that of ``skip``; with ``kind`` 0
    it is ``gradient`` itself.
    """
    places, channels, batch = z.shape
    sums = np.zeros((2, channels, batch), dtype=np.float32)
    for p in range(places):
        for c in range(channels):
            middle = mean[c]
            if kind != 0:
                for b in range(batch):
                    masked[p, c, b] = np.float32(0) if y[p, c, b] <= 0 else gradient[p, c, b]
            for b in range(batch):
                value = masked[p, c, b]
                sums[0, c, b] += value
                sums[1, c, b] += value * (z[p, c, b] - middle)
    n = places * batch
    for c in range(channels):
        for_beta[c] = _total(sums[0, c])
        for_gamma[c] = _total(sums[1, c]) * scale[c]
    for p in range(places):
        for c in range(channels):
            factor = gamma[c] * scale[c]
            slope = np.float32(-factor * scale[c] * for_gamma[c] / n)
            shift = np.float32(-factor * for_beta[c] / n) - slope * mean[c]
            for b in range(batch):
                for_z[p, c, b] = masked[p, c, b] * factor + z[p, c, b] * slope + shift
