"""Training by the producer and by a plain loop, side by side: a step's price, and steps to a fit.

The producer's workers (one per processor, one thread each) and the plain loop (torch's default
threads, one model after another) take turns in processes of their own. Processor times of one
thread each are compared: that is what the ratio were if the plain loop lost nothing by spreading
over threads. Models per hour, by wall time, are given on a quiet machine alone, since on a busy one
the threads of the plain loop wait for each other and wall times would flatter us many times over.
Both are the price of a step; how many steps a fit takes is counted apart, on the digits.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import plain
from rich.console import Console
from rich.table import Table

WIDTHS = (4, 6, 8, 12, 16, 24)
EXAMPLES, IMAGE_SIZE, CHANNELS, ROUNDS = 640, 16, 3, 5
BATCH, TOGETHER = 64, 10
KERNELS = ("numba", "torch")
QUIET = 0.95  # share of its wall time that a process gets on a quiet machine
WORKERS = os.cpu_count() or 1
DIGITS = Path(__file__).parents[2] / "data" / "digits" / "study.toml"
FIT_WIDTH, FIT_MODELS, FIT_BATCH, FITTED = 4, 10, 48, 0.99
# What makes every library take instructions of up to AVX2 on a processor that has AVX-512.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma",
}


# Workers, a process with torch's default threads, one with a single thread.
Team = tuple[list[Connection], Connection, Connection]


@dataclass(frozen=True)
class Row:
    """Measurements at one width with one kind of kernels; seconds are of one model's epoch."""

    width: int
    kernels: str
    ensemble: int
    ours: float
    plain: float | None
    processor: float
    processor_ratios: list[float]
    flops: float

    @property
    def ratio(self) -> float | None:
        """Models per hour, ours against the plain loop's; None on a busy machine."""
        return None if self.plain is None else self.plain / self.ours

    @property
    def processor_ratio(self) -> float:
        """The median."""
        return statistics.median(self.processor_ratios)


def main(console: Console | None = None, widths: Sequence[int] = WIDTHS) -> None:
    """Measure with the processor's own instructions, with AVX2 where it has more, and print."""
    console = console or Console(width=110)
    with team({}) as (workers, plain_default, plain_single):
        own = ask(workers[:1], "instructions")[0]
        steps(console, own, widths, (workers, plain_default, plain_single))
        console.print(fits(workers[0], plain_single))
    if own == "AVX512":
        with team(AVX2) as children:
            steps(console, ask(children[0][:1], "instructions")[0], widths, children)


def steps(console: Console, instructions: str, widths: Sequence[int], children: Team) -> None:
    """Measure the cost of a step, by width and kernels."""
    workers = children[0]
    peak = statistics.median(ask(workers[:1], "matmul", 1024)[0] for _ in range(5)) / 1e9
    rows = [row for width in widths for row in measured(width, *children)]
    console.print(table_of(rows, instructions, peak))
    for kernels in KERNELS:
        these = [row for row in rows if row.kernels == kernels]
        mean = statistics.geometric_mean([row.processor_ratio for row in these])
        walls = [row.ratio for row in these if row.ratio is not None]
        hours = "models per hour cannot be compared on this busy machine"
        if len(walls) == len(these):
            hours = f"{statistics.geometric_mean(walls):.1f} times the models per hour"
        console.print(
            f"{kernels}, {instructions}: {mean:.2f} times less processor time (geometric mean over "
            f"widths, one thread each); {hours}."
        )
    console.print(f"{WORKERS} processors; a matrix product on one: {peak:.0f} GFLOP/s.")


def measured(
    width: int, workers: list[Connection], default: Connection, single: Connection
) -> list[Row]:
    """Time all in turn: ours, plain, ours, plain, ..."""
    from memanalysis.settings import default_ensemble

    ensembles = {kernels: default_ensemble(width, TOGETHER, kernels=kernels) for kernels in KERNELS}
    for kernels, ensemble in ensembles.items():
        ask(workers, "ours", width, ensemble, 2 * BATCH, kernels)
    ask([single], "plain", width, 2 * BATCH)
    walls: dict[str, list[float]] = {kernels: [] for kernels in KERNELS}
    processors: dict[str, list[float]] = {kernels: [] for kernels in KERNELS}
    alone, spread = [], []
    for _ in range(ROUNDS):
        alone.append(ask([single], "plain", width, EXAMPLES)[0][1])
        for kernels, ensemble in ensembles.items():
            times = ask(workers, "ours", width, ensemble, EXAMPLES, kernels)
            walls[kernels].append(max(wall for wall, _ in times) / (ensemble * WORKERS))
            processors[kernels].append(statistics.mean(cpu / ensemble for _, cpu in times))
        if quiet(workers):
            spread.append(ask([default], "plain", width, EXAMPLES)[0][0])
    plain_wall = statistics.median(spread) if len(spread) == ROUNDS else None
    flops = float(ask([single], "flops", width)[0])
    return [
        Row(
            width,
            kernels,
            ensembles[kernels],
            statistics.median(walls[kernels]),
            plain_wall,
            statistics.median(processors[kernels]),
            [a / b for a, b in zip(alone, processors[kernels], strict=True)],
            flops,
        )
        for kernels in KERNELS
    ]


def quiet(workers: list[Connection]) -> bool:
    """True if all processors are ours: what all workers at once get of their wall time."""
    return min(ask(workers, "share")) > QUIET


def table_of(rows: list[Row], instructions: str, peak: float) -> Table:
    """One line per width and kind of kernels."""
    title = (
        f"a step of ResNet-8, {IMAGE_SIZE}×{IMAGE_SIZE} in colour, batches of {BATCH}, "
        f"{instructions}, against the plain loop"
    )
    table = Table(title=title, width=105)
    for name in ("width", "kernels", "ensemble", "µs of CPU an image", "by CPU time", "range"):
        table.add_column(name, justify="right")
    table.add_column("models per hour", justify="right")
    table.add_column("GFLOP/s, of peak", justify="right")
    for row in rows:
        rate = row.flops * EXAMPLES / row.processor / 1e9
        table.add_row(
            str(row.width),
            row.kernels,
            str(row.ensemble),
            f"{row.processor / EXAMPLES * 1e6:.0f}",
            f"{row.processor_ratio:.2f}",
            f"{min(row.processor_ratios):.2f}–{max(row.processor_ratios):.2f}",
            "busy" if row.ratio is None else f"{row.ratio:.1f}",
            f"{rate:.0f} ({rate / peak:.0%})",
        )
    return table


def fits(worker: Connection, single: Connection) -> Table:
    """Whole trainings on the digits by one recipe: steps until the subset is known, and accuracy.

    They say whether a cheaper step buys its price with more of them or with accuracy.
    """
    title = (
        f"digits, width {FIT_WIDTH}, {FIT_MODELS} models, one recipe: "
        f"steps until {FITTED:.0%} of the subset is right"
    )
    table = Table(title=title, width=105)
    for name in ("by", "steps", "p_in at the end", "held-out accuracy"):
        table.add_column(name, justify="right")
    cases = [(worker, "ours whole", kernels) for kernels in KERNELS]
    for child, kind, name in (*cases, (single, "plain whole", "plain loop")):
        counts, inside, outside = np.array(ask([child], kind, name)[0], dtype=float)
        reached = counts[np.isfinite(counts)]
        share = "" if len(reached) == len(counts) else f" ({len(reached)} of {len(counts)} models)"
        middle = f"{np.median(reached):.0f}" if len(reached) else "never"
        table.add_row(name, middle + share, mean_of(inside), mean_of(outside))
    return table


def mean_of(values: Any) -> str:
    """Mean over models and its standard error."""
    return f"{values.mean():.4f} ± {values.std(ddof=1) / len(values) ** 0.5:.4f}"


@contextmanager
def team(environment: dict[str, str]) -> Iterator[Team]:
    """Our workers, a process with torch's default threads, and one with a single thread."""
    from memanalysis.producer.engines import variables

    single = {"OMP_NUM_THREADS": "1", **environment}
    children = [start({**variables(), **environment}) for _ in range(WORKERS)]
    children += [start(environment), start(single)]
    try:
        connections = [connection for _, connection in children]
        yield connections[:WORKERS], connections[-2], connections[-1]
    finally:
        for process, connection in children:
            connection.close()
            process.join()


def start(environment: dict[str, str]) -> tuple[BaseProcess, Connection]:
    """A fresh process with these variables of the environment."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        process = context.Process(target=serve, args=(theirs,), daemon=True)
        process.start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    theirs.close()
    return process, ours


def ask(children: list[Connection], *request: Any) -> list[Any]:
    """Send one request to all children at once and wait for all their answers."""
    for child in children:
        child.send(request)
    return [child.recv() for child in children]


def serve(connection: Connection) -> None:
    """Answer requests until the parent closes its end."""
    import torch

    if os.environ.get("OMP_NUM_THREADS") == "1":
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
    while True:
        try:
            kind, *details = connection.recv()
        except EOFError:
            return
        connection.send(ANSWERS[kind](*details))


def instructions() -> str:
    """The vector instructions that torch takes, and Numba's kernels with it."""
    import torch

    return torch.backends.cpu.get_cpu_capability()


def ours(width: int, ensemble: int, examples: int, kernels: str) -> tuple[float, float]:
    """Wall and processor seconds of one epoch of an ensemble, as a worker trains it."""
    import torch

    from memanalysis import settings
    from memanalysis.producer import training

    pixels = torch.randn(examples, IMAGE_SIZE, IMAGE_SIZE, CHANNELS)
    labels = torch.arange(examples) % 10
    size = settings.Size(f"resnet8w{width}", 8, width, ensemble)
    recipe = settings.Training(epochs=1, batch_size=BATCH, learning_rate=0.01, kernels=kernels)
    lesson = training.Lesson(recipe, settings.Observe())
    everything = np.ones(examples, dtype=np.bool_)
    members = [
        training.Member(str(m), m, np.random.default_rng(m), everything) for m in range(ensemble)
    ]
    wall, processor = time.perf_counter(), time.process_time()
    training.train(training.Images(pixels, labels), members, size, lesson, 10)
    return time.perf_counter() - wall, time.process_time() - processor


def theirs(width: int, examples: int) -> tuple[float, float]:
    """Wall and processor seconds of one epoch of the plain loop."""
    return plain.timed(width, examples, IMAGE_SIZE, CHANNELS)


Fits = tuple[list[float], list[float], list[float]]


def ours_whole(kernels: str) -> Fits:
    """Steps to the fit (not a number if never), accuracy in and outside the subset, by model."""
    from memanalysis import settings
    from memanalysis.producer import training

    study, images, masks = digits()
    members = [
        training.Member(str(m), m, np.random.default_rng(m), mask) for m, mask in enumerate(masks)
    ]
    size = settings.Size("resnet8w4", 8, FIT_WIDTH, len(members))
    recipe = replace(study.training, batch_size=FIT_BATCH, kernels=kernels)
    lesson = training.Lesson(recipe, settings.Observe(dynamics="none"))
    curve = []

    def watch(_epoch: int, network: Any) -> None:
        right = (training.evaluate(network, images).argmax(-1) == images.labels).numpy()
        network.train()
        curve.append(
            [(row[mask].mean(), row[~mask].mean()) for row, mask in zip(right, masks, strict=True)]
        )

    training.train(images, members, size, lesson, 10, watch=watch)
    return fit_of(np.array(curve), int(masks[0].sum()))


def plain_whole(_name: str) -> Fits:
    """The same of as many models of the plain loop, on the same subsets."""
    import torch

    torch.manual_seed(0)
    study, images, masks = digits()
    r = study.training
    recipe = plain.Recipe(r.epochs, FIT_BATCH, r.learning_rate, r.momentum, r.weight_decay)
    pixels = images.pixels.permute(0, 3, 1, 2).contiguous()
    curves = []
    for mask in masks:
        curve: list[tuple[float, float]] = []

        def watch(model: Any, mask: Any = mask, curve: Any = curve) -> None:
            right = plain.correct(model, pixels, images.labels).numpy()
            model.train()
            curve.append((right[mask].mean(), right[~mask].mean()))

        plain.train(pixels, images.labels, np.flatnonzero(mask).tolist(), FIT_WIDTH, recipe, watch)
        curves.append(curve)
    return fit_of(np.array(curves).transpose(1, 0, 2), int(masks[0].sum()))


def fit_of(curve: Any, n_in: int) -> Fits:
    """``curve`` is [epochs, models, inside or outside]."""
    fitted = curve[:, :, 0] >= FITTED
    epochs = np.where(fitted.any(0), fitted.argmax(0) + 1, np.nan)
    steps_each = -(-n_in // FIT_BATCH)
    return (epochs * steps_each).tolist(), curve[-1, :, 0].tolist(), curve[-1, :, 1].tolist()


def digits() -> tuple[Any, Any, Any]:
    """The digits study, its training images and the subsets of its first group."""
    from memanalysis import settings
    from memanalysis.producer import data, worker

    study = settings.load(DIGITS)
    images = worker.images_of(data.load(study.data, study.seed), "cpu")[0]
    masks = study.subsets.masks(len(images.labels), 0, study.seed)
    return study, images, masks[:FIT_MODELS]


def share() -> float:
    """Processor time per wall time of a short spin."""
    wall, processor = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < 0.2:
        pass
    return (time.process_time() - processor) / (time.perf_counter() - wall)


def matmul(n: int) -> float:
    """Floating point operations per second of a float32 matrix product."""
    import torch

    a, b = torch.randn(n, n), torch.randn(n, n)
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - begin)
    return 2 * n**3 / min(times)


def flops(width: int) -> float:
    """Floating point operations to train one model on one image, by torch's own counter."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        plain.ResNet8(width, CHANNELS)(
            torch.randn(1, CHANNELS, IMAGE_SIZE, IMAGE_SIZE)
        ).sum().backward()
    return float(counter.get_total_flops())


ANSWERS: dict[str, Any] = {
    "ours": ours,
    "plain": theirs,
    "ours whole": ours_whole,
    "plain whole": plain_whole,
    "instructions": instructions,
    "share": share,
    "matmul": matmul,
    "flops": flops,
}


if __name__ == "__main__":
    main()
