"""Models per hour at equal test accuracy: the producer against a plain loop, side by side.

The producer's workers (one per processor, one thread each) and the plain loop (torch's default
threads, one model after another) take turns in processes of their own, and wall times are compared.
Processor times on one thread each are compared as well: that is what the ratio were if the plain
loop lost nothing by spreading over threads. On a busy machine it is the only ratio given, since the
threads of the plain loop then wait for each other and wall times would flatter us many times over.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import plain
from rich.console import Console
from rich.table import Table

WIDTHS = (2, 3, 4, 6, 8, 12, 16)
EXAMPLES, IMAGE_SIZE, ROUNDS = 640, 14, 3
QUIET = 0.95  # share of its wall time that a process gets on a quiet machine
WORKERS = os.cpu_count() or 1
REFERENCE = Path(__file__).parents[2] / "data" / "fashion-mnist" / "study.toml"
DIGITS = Path(__file__).parents[2] / "data" / "digits" / "study.toml"
ACCURACY_WIDTH, ACCURACY_MODELS = 4, 5


@dataclass(frozen=True)
class Row:
    """What was measured at one width; seconds are of one epoch of one model."""

    width: int
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


def main(widths: Sequence[int] = WIDTHS) -> None:
    """Measure and print."""
    console = Console(width=110)
    with team() as (workers, plain_default, plain_single):
        peak = WORKERS * statistics.median(ask(workers, "matmul", 1024)) / 1e9
        rows = [measured(w, workers, plain_default, plain_single) for w in widths]
        console.print(table_of(rows, peak))
        console.print(accuracies(workers[0], plain_single))
    walls = [row.ratio for row in rows if row.ratio is not None]
    mean = statistics.geometric_mean([row.processor_ratio for row in rows])
    console.print(f"Geometric mean by processor time, one thread each: {mean:.1f} times.")
    if len(walls) == len(rows):
        mean = statistics.geometric_mean(walls)
        console.print(f"Geometric mean of models per hour: {mean:.1f} times the plain loop.")
    else:
        console.print("Busy machine: models per hour cannot be compared.")
    console.print(reference(rows))
    console.print(f"{WORKERS} processors; matrix products: {peak:.0f} GFLOP/s.")


def measured(width: int, workers: list[Connection], default: Connection, single: Connection) -> Row:
    """Time both in turn: ours, plain, ours, plain, ..."""
    from memanalysis.settings import default_ensemble

    ensemble = default_ensemble(width, 10)
    for child in (*workers, single):
        ask([child], "ours" if child in workers else "plain", width, ensemble, 128)
    wall, cpu, default_wall, ratios = [], [], [], []
    for _ in range(ROUNDS):
        ours = ask(workers, "ours", width, ensemble, EXAMPLES)
        wall.append(max(seconds for seconds, _ in ours) / (ensemble * WORKERS))
        alone = ask([single], "plain", width, ensemble, EXAMPLES)[0][1]
        cpu.append(statistics.mean(seconds / ensemble for _, seconds in ours))
        ratios.append(alone / cpu[-1])
        if quiet(workers):
            default_wall.append(ask([default], "plain", width, ensemble, EXAMPLES)[0][0])
    return Row(
        width,
        ensemble,
        statistics.median(wall),
        statistics.median(default_wall) if len(default_wall) == ROUNDS else None,
        statistics.median(cpu),
        ratios,
        float(ask([single], "flops", width)[0]),
    )


def quiet(workers: list[Connection]) -> bool:
    """Whether all processors are ours: what all workers at once get of their wall time."""
    return min(ask(workers, "share")) > QUIET


def table_of(rows: list[Row], peak: float) -> Table:
    """One line per width."""
    title = f"training ResNet-8, {IMAGE_SIZE}×{IMAGE_SIZE} images, batches of 64"
    table = Table(title=title, width=100)
    for name in ("width", "ensemble", "images/s", "plain", "times", "by CPU time", "range"):
        table.add_column(name, justify="right")
    table.add_column("GFLOP/s, of peak", justify="right")
    for row in rows:
        rate = row.flops * EXAMPLES / row.ours / 1e9
        table.add_row(
            str(row.width),
            str(row.ensemble),
            f"{EXAMPLES / row.ours:,.0f}",
            "busy" if row.plain is None else f"{EXAMPLES / row.plain:,.0f}",
            "" if row.ratio is None else f"{row.ratio:.1f}",
            f"{row.processor_ratio:.1f}",
            f"{min(row.processor_ratios):.1f}–{max(row.processor_ratios):.1f}",
            f"{rate:.0f} ({rate / peak:.0%})",
        )
    return table


def accuracies(worker: Connection, single: Connection) -> str:
    """Test accuracy of whole trainings by both, with its standard error over models."""
    lines = []
    for child, kind, name in ((worker, "ours whole", "ours"), (single, "plain whole", "plain")):
        found = np.array(ask([child], kind)[0])
        error = found.std(ddof=1) / len(found) ** 0.5
        lines.append(f"{name} {found.mean():.4f} ± {error:.4f}")
    return (
        f"Test accuracy, digits study, width {ACCURACY_WIDTH}, {ACCURACY_MODELS} models each: "
        f"{', '.join(lines)} (mean ± standard error)."
    )


def reference(rows: list[Row]) -> str:
    """Hours that the reference study takes by these measurements, one-hot costs for all.

    By processor time, shared by all processors without loss: on a quiet machine that is our wall
    time, and a lower bound of the plain loop's, which is given where it was measured.
    """
    from memanalysis import settings

    study = settings.load(REFERENCE)
    by_width = {row.width: row for row in rows}
    if any(size.width not in by_width for size in study.sizes):
        return "The reference study has widths that were not measured."
    needed = [by_width[size.width] for size in study.sizes]
    epochs = study.n_subsets * len(study.objectives) * study.training.epochs
    images = study.subsets.ratio * (study.data.train_examples or 0) / EXAMPLES
    scale = epochs * images / 3600
    ours = scale * sum(row.processor for row in needed) / WORKERS
    least = scale * sum(row.processor * row.processor_ratio for row in needed) / WORKERS
    walls = [row.plain for row in needed if row.plain is not None]
    measured = f", {scale * sum(walls):.1f} as measured" * (len(walls) == len(needed))
    return (
        f"The reference study ({study.n_models} models): {ours:.1f} hours by ours, at least "
        f"{least:.1f} by the plain loop{measured}."
    )


@contextmanager
def team() -> Iterator[tuple[list[Connection], Connection, Connection]]:
    """Our workers, a process with torch's default threads, and one with a single thread."""
    from memanalysis.producer.engines import variables

    single = {"OMP_NUM_THREADS": "1"}
    children = [start(variables()) for _ in range(WORKERS)] + [start({}), start(single)]
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


def ours(width: int, ensemble: int, examples: int) -> tuple[float, float]:
    """Wall and processor seconds of one epoch of an ensemble, as a worker trains it."""
    import torch

    from memanalysis import settings
    from memanalysis.producer import training

    pixels = torch.randn(examples, IMAGE_SIZE, IMAGE_SIZE, 1)
    labels = torch.arange(examples) % 10
    size = settings.Size(f"resnet8w{width}", 8, width, ensemble)
    lesson = training.Lesson(settings.Training(epochs=1, learning_rate=0.01), settings.Observe())
    everything = np.ones(examples, dtype=np.bool_)
    members = [
        training.Member(str(m), m, np.random.default_rng(m), everything) for m in range(ensemble)
    ]
    wall, processor = time.perf_counter(), time.process_time()
    training.train(training.Images(pixels, labels), members, size, lesson, 10)
    return time.perf_counter() - wall, time.process_time() - processor


def theirs(width: int, _ensemble: int, examples: int) -> tuple[float, float]:
    """Wall and processor seconds of one epoch of the plain loop."""
    return plain.timed(width, examples, IMAGE_SIZE)


def ours_whole() -> list[float]:
    """Test accuracies of an ensemble of the digits study."""
    from memanalysis import settings
    from memanalysis.producer import training

    study, train, test, masks = digits()
    members = [
        training.Member(str(m), m, np.random.default_rng(m), mask) for m, mask in enumerate(masks)
    ]
    size = settings.Size("resnet8w4", 8, ACCURACY_WIDTH, len(members))
    lesson = training.Lesson(study.training, settings.Observe(dynamics="none"))
    trained = training.train(train, members, size, lesson, 10)
    logits = training.evaluate(trained.network, test)
    return [float(a) for a in (logits.argmax(-1) == test.labels).double().mean(-1)]


def plain_whole() -> list[float]:
    """Test accuracies of as many models of the plain loop, on the same subsets."""
    import torch

    torch.manual_seed(0)
    study, train, test, masks = digits()
    r = study.training
    recipe = plain.Recipe(r.epochs, r.batch_size, r.learning_rate, r.momentum, r.weight_decay)
    found = []
    for mask in masks:
        subset = np.flatnonzero(mask).tolist()
        pixels = train.pixels.permute(0, 3, 1, 2).contiguous()
        model = plain.train(pixels, train.labels, subset, ACCURACY_WIDTH, recipe)
        found.append(plain.accuracy(model, test.pixels.permute(0, 3, 1, 2), test.labels))
    return found


def digits() -> tuple[Any, Any, Any, Any]:
    """The digits study, its images and the subsets of its first group."""
    from memanalysis import settings
    from memanalysis.producer import data, worker

    study = settings.load(DIGITS)
    dataset = data.load(study.data, study.seed)
    train, test = worker.images_of(dataset, "cpu")
    masks = study.subsets.masks(len(train.labels), 0, study.seed)
    return study, train, test, masks[:ACCURACY_MODELS]


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
        plain.ResNet8(width)(torch.randn(1, 1, IMAGE_SIZE, IMAGE_SIZE)).sum().backward()
    return float(counter.get_total_flops())


ANSWERS: dict[str, Any] = {
    "ours": ours,
    "plain": theirs,
    "ours whole": ours_whole,
    "plain whole": plain_whole,
    "share": share,
    "matmul": matmul,
    "flops": flops,
}


if __name__ == "__main__":
    main()
