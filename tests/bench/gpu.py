"""`make bench-gpu`: a GPU against a processor core, and which ensembles fill it.

It was never run on a GPU: none was at hand when it was written. It first checks that a GPU trains
as a processor does (float32 after five steps; bfloat16 and compiled kernels by the accuracy of
whole trainings), then times ensembles of 1 to 50 models by width, precision and kernels.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from training import DIGITS, IMAGE_SIZE

from memanalysis import settings
from memanalysis.producer import data, training, worker

WIDTHS, ENSEMBLES = (2, 4, 8, 16), (1, 5, 10, 50)
STEPS, BATCH = 20, 64
# How far logits may be apart after five steps: sums in another order, without TF32.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Path:
    """One way through the training loop."""

    precision: str
    kernels: str


PATHS = [Path(p, k) for p in ("float32", "bf16") for k in ("torch", "compiled")]


def main(device: str = "cuda") -> None:
    """Check, time and print."""
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("No GPU that torch can use was found; this benchmark needs one.")
    console = Console(width=110)
    console.print(f"{worker.device_name(device)}, torch {torch.__version__}")
    apart = disagreement(device)
    console.print(f"Logits after five steps: at most {apart:.1e} from a processor's.")
    if apart > TOLERANCE:
        sys.exit(f"That is more than {TOLERANCE}: do not train on this device.")
    for path in PATHS:
        mean, error = accuracy(device, path)
        how = f"{path.precision}, {path.kernels}"
        console.print(f"Test accuracy, digits study: {mean:.4f} ± {error:.4f} ({how})")
    console.print(table_of(device))


def disagreement(device: str) -> float:
    """Largest difference of logits after five steps in float32, device against processor."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    found = [
        training.evaluate(trained.network, random_images(device_)).cpu()
        for device_ in ("cpu", device)
        for trained in [run(device_, 4, 2, 5, Path("float32", "torch"))]
    ]
    return float((found[0] - found[1]).abs().max())


def accuracy(device: str, path: Path) -> tuple[float, float]:
    """Mean test accuracy of ten models of the digits study and its standard error."""
    study = settings.load(DIGITS)
    dataset = data.load(study.data, study.seed)
    train, test = worker.images_of(dataset, device)
    masks = study.subsets.masks(len(train.labels), 0, study.seed)
    recipe = replace(study.training, precision=path.precision, kernels=path.kernels)
    lesson = training.Lesson(recipe, settings.Observe(dynamics="none"))
    size = settings.Size("resnet8w8", 8, 8, len(masks))
    trained = training.train(train, members_of(masks), size, lesson, 10)
    logits = training.evaluate(trained.network, test)
    correct = (logits.argmax(-1) == test.labels).double().mean(-1)
    return float(correct.mean()), float(correct.std() / len(correct) ** 0.5)


def table_of(device: str) -> Table:
    """Images per second over all models of an ensemble."""
    table = Table(title=f"ResNet-8, {IMAGE_SIZE}×{IMAGE_SIZE} images, batches of {BATCH}: images/s")
    for name in ("width", "precision", "kernels", *(f"{m} models" for m in ENSEMBLES)):
        table.add_column(name, justify="right")
    for width in WIDTHS:
        for path in PATHS:
            rates = [f"{rate(device, width, m, path):,.0f}" for m in ENSEMBLES]
            table.add_row(str(width), path.precision, path.kernels, *rates)
    return table


def rate(device: str, width: int, ensemble: int, path: Path) -> float:
    """Images per second, without what a training costs once."""
    spent = {}
    for steps in (2, 2 + STEPS):
        run(device, width, ensemble, steps, path)  # compiles, picks kernels, allocates
        spent[steps] = elapsed(device, width, ensemble, steps, path)
    return ensemble * STEPS * BATCH / max(spent[2 + STEPS] - spent[2], 1e-9)


def elapsed(device: str, width: int, ensemble: int, steps: int, path: Path) -> float:
    """Wall seconds of one training of so many steps."""
    begin = time.perf_counter()
    run(device, width, ensemble, steps, path)
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def run(device: str, width: int, ensemble: int, steps: int, path: Path) -> training.Trained:
    """Train on random images."""
    examples = steps * BATCH
    images = random_images(device, examples)
    recipe = settings.Training(
        epochs=1, learning_rate=0.01, precision=path.precision, kernels=path.kernels
    )
    lesson = training.Lesson(recipe, settings.Observe(dynamics="none"))
    masks = np.ones((ensemble, examples), dtype=np.bool_)
    size = settings.Size(f"resnet8w{width}", 8, width, ensemble)
    return training.train(images, members_of(masks), size, lesson, 10)


def random_images(device: str, examples: int = 5 * BATCH) -> training.Images:
    """The same random images on any device."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(examples, IMAGE_SIZE, IMAGE_SIZE, 1, generator=generator)
    return training.Images(pixels.to(device), (torch.arange(examples) % 10).to(device))


def members_of(masks: Any) -> list[training.Member]:
    """One model per subset."""
    return [
        training.Member(str(m), m, np.random.default_rng(m), mask) for m, mask in enumerate(masks)
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
