"""Convolutions of one model, forwards and backwards, over maps [places, channels, batch]."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from memanalysis.producer.kernels import tiles
from memanalysis.producer.kernels.tiles import DEEP, LANES

# Sums may be taken in another order; not-a-number and infinity keep their meaning.
FAST: Final = {"contract", "reassoc", "nsz", "arcp"}

# Places that are turned at once, so that what is written stays in the first cache.
_BLOCK: Final = 16

HALF: Final = DEEP // 2

Offsets = NDArray[np.int64]
Plan = tuple[Offsets, Offsets, Offsets]

_WIDE_4, _WIDE_2, _WIDE_1 = (tiles.correlation(channels, DEEP) for channels in (4, 2, 1))
_HALF_4, _HALF_2, _HALF_1 = (tiles.correlation(channels, HALF) for channels in (4, 2, 1))
_THIN_4, _THIN_2, _THIN_1 = (tiles.correlation(channels, 1) for channels in (4, 2, 1))
_OUTER_4_DEEP, _OUTER_1_DEEP = (tiles.outer_product(rows, DEEP) for rows in (4, 1))
_OUTER_4_1, _OUTER_1_1 = (tiles.outer_product(rows, 1) for rows in (4, 1))


@dataclass(frozen=True)
class Geometry:
    """A square kernel on images of ``height`` by ``width``, padded by half the kernel."""

    height: int
    width: int
    kernel: int
    stride: int

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the output."""
        room = 2 * (self.kernel // 2) - self.kernel
        return (self.height + room) // self.stride + 1, (self.width + room) // self.stride + 1

    @lru_cache  # noqa: B019 - a handful of small values
    def taps(self) -> list[tuple[int, int, int]]:
        """Pairs that a convolution multiplies: place of the output, of the input, tap."""
        rows, columns = self.output
        pad = self.kernel // 2
        pairs = []
        for row, column in product(range(rows), range(columns)):
            for down, across in product(range(self.kernel), repeat=2):
                y, x = row * self.stride + down - pad, column * self.stride + across - pad
                if 0 <= y < self.height and 0 <= x < self.width:
                    tap = down * self.kernel + across
                    pairs.append((row * columns + column, y * self.width + x, tap))
        return pairs

    @lru_cache  # noqa: B019
    def forward(self, batch: int, channels_in: int, channels: int) -> Plan:
        """Reads of ``correlate`` for each output: where its taps start, input, weights."""
        return _plan(self.taps(), np.prod(self.output), channels_in * batch, channels_in * channels)

    @lru_cache  # noqa: B019
    def backward(self, batch: int, channels_in: int, channels: int) -> Plan:
        """The same for the gradient of the input: output and input change places."""
        turned = sorted((source, place, tap) for place, source, tap in self.taps())
        places = self.height * self.width
        return _plan(turned, places, channels * batch, channels_in * channels)


def _plan(taps: list[tuple[int, int, int]], places: Any, place: int, tap: int) -> Plan:
    table = np.array(taps, dtype=np.int64)
    first = np.searchsorted(table[:, 0], np.arange(places + 1)).astype(np.int64)
    return first, table[:, 1] * place, table[:, 2] * tap


@njit
def turn(images: Any, out: Any) -> None:
    """Images [batch, places, M, channels] -> ``out`` [M, places, channels, batch]."""
    batch, places, models, channels = images.shape
    for model in range(models):
        for start in range(0, places, _BLOCK):
            for image in range(batch):
                for place in range(start, min(start + _BLOCK, places)):
                    for channel in range(channels):
                        out[model, place, channel, image] = images[image, place, model, channel]


@njit(fastmath=FAST)
def _four(
    vectors: int, x: int, batch: int, n_in: int, w: int, n_out: int, s: int, t: int, n: int, o: int
) -> None:
    if vectors == DEEP:
        _WIDE_4(x, batch, n_in, w, n_out, s, t, n, o, batch)
    elif vectors == HALF:
        _HALF_4(x, batch, n_in, w, n_out, s, t, n, o, batch)
    else:
        _THIN_4(x, batch, n_in, w, n_out, s, t, n, o, batch)


@njit(fastmath=FAST)
def _two(
    vectors: int, x: int, batch: int, n_in: int, w: int, n_out: int, s: int, t: int, n: int, o: int
) -> None:
    if vectors == DEEP:
        _WIDE_2(x, batch, n_in, w, n_out, s, t, n, o, batch)
    elif vectors == HALF:
        _HALF_2(x, batch, n_in, w, n_out, s, t, n, o, batch)
    else:
        _THIN_2(x, batch, n_in, w, n_out, s, t, n, o, batch)


@njit(fastmath=FAST)
def _one(
    vectors: int, x: int, batch: int, n_in: int, w: int, n_out: int, s: int, t: int, n: int, o: int
) -> None:
    if vectors == DEEP:
        _WIDE_1(x, batch, n_in, w, n_out, s, t, n, o, batch)
    elif vectors == HALF:
        _HALF_1(x, batch, n_in, w, n_out, s, t, n, o, batch)
    else:
        _THIN_1(x, batch, n_in, w, n_out, s, t, n, o, batch)


@njit(fastmath=FAST)
def correlate(x: Any, w: Any, first: Any, sources: Any, taps: Any, out: Any) -> None:
    """Fill ``out`` [places, channels, batch] from ``x`` [places, channels_in, batch].

    ``w`` is [taps, channels_in, channels], the others a plan; ``batch`` is a multiple of LANES.
    """
    n_in, n_out, batch = w.shape[1], w.shape[2], x.shape[2]
    for place in range(len(first) - 1):
        s = sources.ctypes.data + 8 * first[place]
        t = taps.ctypes.data + 8 * first[place]
        n = first[place + 1] - first[place]
        b = 0
        while b < batch:
            left = (batch - b) // LANES
            vectors = DEEP if left >= DEEP else HALF if left >= HALF else 1
            xs = x.ctypes.data + 4 * b
            channel = 0
            while channel < n_out:
                left = n_out - channel
                ws = w.ctypes.data + 4 * channel
                o = out.ctypes.data + 4 * ((place * n_out + channel) * batch + b)
                if left >= 4:
                    _four(vectors, xs, batch, n_in, ws, n_out, s, t, n, o)
                    channel += 4
                elif left >= 2:
                    _two(vectors, xs, batch, n_in, ws, n_out, s, t, n, o)
                    channel += 2
                else:
                    _one(vectors, xs, batch, n_in, ws, n_out, s, t, n, o)
                    channel += 1
            b += vectors * LANES


@njit(fastmath=FAST)
def weight_gradient(
    g: Any, x: Any, height: int, width: int, kernel: int, stride: int, sums: Any, out: Any
) -> None:
    """Fill ``out`` [channels, channels_in, taps] from gradients and inputs [places, ..., batch].

    ``height`` and ``width`` are the input's; ``sums`` is room for
    [taps, channels, channels_in, LANES].
    """
    pad = kernel // 2
    rows = (height + 2 * pad - kernel) // stride + 1
    columns = (width + 2 * pad - kernel) // stride + 1
    sums[:] = 0
    for row in range(rows):
        for down in range(kernel):
            y = row * stride + down - pad
            if y < 0 or y >= height:
                continue
            for across in range(kernel):
                low, high = 0, columns
                while low * stride + across - pad < 0:
                    low += 1
                while (high - 1) * stride + across - pad >= width:
                    high -= 1
                g_place = row * columns + low
                x_place = y * width + low * stride + across - pad
                _outer(g, g_place, x, x_place, high - low, stride, sums[down * kernel + across])
    _gather(sums, out)


@njit(fastmath=FAST)
def _gather(sums: Any, out: Any) -> None:
    """Add up the lanes of ``sums`` [taps, channels, channels_in, LANES]."""
    taps, channels, channels_in, lanes = sums.shape
    for tap in range(taps):
        for channel in range(channels):
            for channel_in in range(channels_in):
                total = np.float32(0)
                for lane in range(lanes):
                    total += sums[tap, channel, channel_in, lane]
                out[channel, channel_in, tap] = total


@njit(fastmath=FAST)
def _outer(g: Any, g_first: int, x: Any, x_first: int, places: int, stride: int, sums: Any) -> None:
    """Add to ``sums`` what ``places`` in a row say, from the first ones on."""
    n_out, n_in, batch = g.shape[1], x.shape[1], g.shape[2]
    g_step, x_step, out_step = n_out * batch, stride * n_in * batch, n_in * LANES
    n = batch // LANES
    channel = 0
    while channel < n_out:
        four = n_out - channel >= 4
        gs = g.ctypes.data + 4 * (g_first * n_out + channel) * batch
        channel_in = 0
        while channel_in < n_in:
            deep = n_in - channel_in >= DEEP
            xs = x.ctypes.data + 4 * (x_first * n_in + channel_in) * batch
            o = sums.ctypes.data + 4 * (channel * out_step + channel_in * LANES)
            if four and deep:
                _OUTER_4_DEEP(gs, batch, xs, batch, places, g_step, x_step, n, o, out_step)
            elif four:
                _OUTER_4_1(gs, batch, xs, batch, places, g_step, x_step, n, o, out_step)
            elif deep:
                _OUTER_1_DEEP(gs, batch, xs, batch, places, g_step, x_step, n, o, out_step)
            else:
                _OUTER_1_1(gs, batch, xs, batch, places, g_step, x_step, n, o, out_step)
            channel_in += DEEP if deep else 1
        channel += 4 if four else 1
