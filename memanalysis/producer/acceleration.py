"""Cheaper arithmetic behind the same training loop: bfloat16, compiled kernels, Numba's.

All change bits, so they are keys of the study, never a guess about the machine. Weights, the loss,
the optimiser and every evaluation stay float32 and torch's own: what is recorded of a finished
model does not depend on how it was trained.

On a GPU ``compiled`` replays CUDA graphs, which is what narrow networks need there: their steps are
launches of kernels, not arithmetic. Neither path was ever run on a GPU; `make bench-gpu` checks and
times both on one. ``numba`` is for residual networks on a processor. There bfloat16 pays only with
instructions for it (AVX-512 BF16, AMX), and compiling takes minutes for steps 1.05 to 1.1 times as
fast (widths 2 and 16, AVX2).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from memanalysis.errors import TrainingError
from memanalysis.producer.families import Network
from memanalysis.producer.families.resnet import EnsembleResNet
from memanalysis.settings import Training

Forward = Callable[[Tensor], Tensor]


def forward_of(network: Network, recipe: Training, device: torch.device) -> Forward:
    """The training pass of a network: its images -> float32 logits [M, batch, classes].

    Compiling needs a C++ compiler on a processor, Triton on a GPU; Numba needs neither.

    Raises
    ------
    TrainingError
        If there are no such kernels for the network or the device.
    """
    run: Forward = network
    if recipe.kernels == "numba":
        return _batch_innermost(network, device)
    if recipe.kernels == "compiled":
        run = _compiled(network, device)
    if recipe.precision == "bf16":
        run = _bfloat16(run, device)
    return run


def _batch_innermost(network: Network, device: torch.device) -> Forward:
    if not isinstance(network, EnsembleResNet) or device.type != "cpu":
        raise TrainingError(
            "training.kernels = 'numba' trains sizes.family = 'resnet' on a processor, not "
            f"{type(network).__name__} on '{device.type}'. Take kernels = 'torch'."
        )
    # Numba takes seconds to load, and only who asks for it has to have it.
    from memanalysis.producer.kernels import residual

    return partial(residual.forward, network)


def _bfloat16(run: Forward, device: torch.device) -> Forward:
    def forward(images: Tensor) -> Tensor:
        # Batch normalisation and the loss are float32 under autocast or after it.
        with torch.autocast(device.type, torch.bfloat16):
            logits = run(images)
        return logits.float()

    return forward


def _compiled(network: Network, device: torch.device) -> Forward:
    mode = "reduce-overhead" if device.type == "cuda" else "default"
    run = torch.compile(network, mode=mode)

    def forward(images: Tensor) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        # A CUDA graph writes every step's outputs to the same place, and they are kept.
        logits: Tensor = run(images)
        return logits.clone()

    return forward
