"""Training an ensemble as one grouped-convolution network."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
from rich.table import Table
from timing import paired_ratios


def compare() -> Table:
    """An ensemble as one grouped-convolution network against its members one by one."""
    import torch

    torch.set_num_threads(1)
    title = "training, one thread: an ensemble against its members one by one"
    table = Table(title=title, width=80)
    for name in ("net", "ensemble of", "times faster", "range"):
        table.add_column(name)
    for width in (2, 3, 4, 6, 8):
        ratios = [5 * r for r in paired_ratios(epoch_of(width, 5), epoch_of(width, 1))]
        spread = f"{min(ratios):.1f}–{max(ratios):.1f}"
        median = f"{statistics.median(ratios):.1f}"
        table.add_row(f"ResNet-8, width {width}", "5", median, spread)
    return table


def epoch_of(width: int, members: int) -> Callable[[], object]:
    """One epoch of ``members`` models of one size, as the producer trains them."""
    import torch

    from memanalysis import settings
    from memanalysis.producer import training as trainer

    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn((1280, 14, 14, 1), generator=generator)
    labels = torch.randint(0, 10, (1280,), generator=generator)
    size = settings.Size(f"resnet8w{width}", 8, width, members)
    lesson = trainer.Lesson(settings.Training(epochs=1, learning_rate=0.01), settings.Observe())
    ensemble = [
        trainer.Member(str(m), m, np.random.default_rng(m), np.arange(1280) % 10 > 2)
        for m in range(members)
    ]
    return lambda: trainer.train(trainer.Images(pixels, labels), ensemble, size, lesson, 10)
