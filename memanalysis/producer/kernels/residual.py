"""Training passes of residual networks: convolution, batch normalisation, rectifier as one step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from memanalysis.producer.families.resnet import Block, EnsembleResNet
from memanalysis.producer.kernels.convolution import (
    FAST,
    Geometry,
    correlate,
    turn,
    weight_gradient,
)
from memanalysis.producer.kernels.normalisation import gradients, normalise, statistics
from memanalysis.producer.kernels.tiles import LANES
from memanalysis.settings.training import REGISTER

NORMALISED, RECTIFIED, ADDED = 0, 1, 2


def forward(network: EnsembleResNet, images: Tensor) -> Tensor:
    """Images float32 [batch, M * channels, H, W] -> logits float32 [M, batch, classes].

    As ``network`` itself computes them in training, running statistics and gradients included, but
    for the order of sums.

    Raises
    ------
    ValueError
        If the batch is no multiple of ``REGISTER``.
    """
    batch, _, height, width = images.shape
    if batch % REGISTER:
        raise ValueError(f"batch of {batch}, expected a multiple of {REGISTER}")
    shape = (height, width)
    by_image = images.permute(0, 2, 3, 1).reshape(batch, height * width, network.models, -1)
    x = images.new_empty(*by_image.shape[2:0:-1], by_image.shape[3], batch)
    turn(_array(by_image), _array(x))
    x = _step(x, network.stem, network.stem_norm, shape, RECTIFIED)
    for block in network.blocks:
        assert isinstance(block, Block)
        x, shape = _block(x, block, shape)
    features = x.mean(1).transpose(1, 2)  # [M, batch, channels]
    logits: Tensor = network.classifier(features)
    return logits


def _block(x: Tensor, block: Block, shape: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    y = _step(x, block.first, block.first_norm, shape, RECTIFIED)
    skip = x
    if block.projects:
        skip = _step(x, block.shortcut, block.shortcut_norm, shape, NORMALISED, block.stride)
    shape = Geometry(*shape, block.first.kernel_size[0], block.stride).output
    return _step(y, block.second, block.second_norm, shape, ADDED, skip=skip), shape


def _step(
    x: Tensor,
    convolution: nn.Conv2d,
    norm: nn.BatchNorm2d,
    shape: tuple[int, int],
    kind: int,
    stride: int | None = None,
    skip: Tensor | None = None,
) -> Tensor:
    geometry = Geometry(*shape, convolution.kernel_size[0], stride or convolution.stride[0])
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    step: Tensor = _Step.apply(  # type: ignore[no-untyped-call]
        x, convolution.weight, norm.weight, norm.bias, skip, norm, geometry, kind
    )
    return step


class _Step(torch.autograd.Function):
    """x [M, places, channels_in, batch] -> [M, places, channels, batch]."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        gamma: Tensor,
        beta: Tensor,
        skip: Tensor | None,
        norm: nn.BatchNorm2d,
        geometry: Geometry,
        kind: int,
    ) -> Tensor:
        """Convolve, normalise; by ``kind`` add ``skip`` and rectify."""
        models, _, channels_in, batch = x.shape
        by_tap = weight.reshape(models, -1, channels_in, geometry.kernel**2).permute(0, 3, 2, 1)
        channels = by_tap.shape[-1]
        places = geometry.output[0] * geometry.output[1]
        z = x.new_empty(models, places, channels, batch)
        y = torch.empty_like(z)
        moments = x.new_empty(3, models, channels)
        plan = geometry.forward(batch, channels_in, channels)
        _forward(
            _array(x),
            _array(by_tap.contiguous()),
            plan,
            norm.eps,
            _array(gamma).reshape(models, channels),
            _array(beta).reshape(models, channels),
            _array(y if skip is None else skip),
            kind,
            _array(z),
            _array(y),
            _array(moments),
        )
        mean, variance, scale = moments
        count = places * batch
        unbiased = variance.flatten() * (count / (count - 1))
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.momentum is not None
        norm.running_mean.lerp_(mean.flatten(), norm.momentum)
        norm.running_var.lerp_(unbiased, norm.momentum)
        ctx.save_for_backward(x, weight, gamma, y, z, mean, scale)
        ctx.geometry, ctx.kind = geometry, kind
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Gradients of x, weight, gamma, beta and skip."""
        x, weight, gamma, y, z, mean, scale = ctx.saved_tensors
        models, _, channels_in, batch = x.shape
        channels, geometry = z.shape[2], ctx.geometry
        by_tap = weight.reshape(models, channels, channels_in, -1).permute(0, 3, 1, 2)
        gradient = gradient.contiguous()
        masked = gradient if ctx.kind == NORMALISED else torch.empty_like(gradient)
        for_x = torch.empty_like(x) if ctx.needs_input_grad[0] else x.new_empty(models, 0, 1, batch)
        for_weight = x.new_empty(models, channels, channels_in, geometry.kernel**2)
        for_norm = x.new_empty(2, models, channels)
        _backward(
            _array(gradient),
            _array(y),
            _array(z),
            _array(mean),
            _array(scale),
            _array(gamma).reshape(models, channels),
            ctx.kind,
            _array(x),
            _array(by_tap.contiguous()),
            geometry.backward(batch, channels_in, channels),
            (geometry.height, geometry.width, geometry.kernel, geometry.stride),
            _array(masked),
            _array(for_norm),
            _array(for_weight),
            _array(for_x),
        )
        return (
            for_x if ctx.needs_input_grad[0] else None,
            for_weight.view(weight.shape),
            for_norm[0].view(-1),
            for_norm[1].view(-1),
            masked if ctx.kind == ADDED else None,
            None,
            None,
            None,
        )


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().numpy()


@njit(fastmath=FAST)
def _forward(
    x: Any,
    w: Any,
    plan: Any,
    eps: float,
    gamma: Any,
    beta: Any,
    skip: Any,
    kind: int,
    z: Any,
    y: Any,
    moments: Any,
) -> None:
    first, sources, taps = plan
    for m in range(len(x)):
        mean, variance, scale = moments[0, m], moments[1, m], moments[2, m]
        correlate(x[m], w[m], first, sources, taps, z[m])
        statistics(z[m], eps, mean, variance, scale)
        normalise(z[m], mean, scale, gamma[m], beta[m], skip[m], kind, y[m])


@njit(fastmath=FAST)
def _backward(
    gradient: Any,
    y: Any,
    z: Any,
    mean: Any,
    scale: Any,
    gamma: Any,
    kind: int,
    x: Any,
    w: Any,
    plan: Any,
    geometry: Any,
    masked: Any,
    for_norm: Any,
    for_weight: Any,
    for_x: Any,
) -> None:
    first, sources, taps = plan
    height, width, kernel, stride = geometry
    for_z = np.empty_like(z[0])
    sums = np.empty((kernel * kernel, z.shape[2], x.shape[2], LANES), dtype=np.float32)
    for m in range(len(x)):
        gradients(
            gradient[m],
            y[m],
            z[m],
            mean[m],
            scale[m],
            gamma[m],
            kind,
            masked[m],
            for_norm[0, m],
            for_norm[1, m],
            for_z,
        )
        weight_gradient(for_z, x[m], height, width, kernel, stride, sums, for_weight[m])
        if for_x.shape[1]:
            correlate(for_z, w[m], first, sources, taps, for_x[m])
