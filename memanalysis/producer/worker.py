"""A worker process: JSON lines in, one ensemble trained for each, JSON lines out.

Started by ``run`` as ``python -m memanalysis.producer.worker``. The first line is
``{"study": <TOML>, "store": <path>, "device": <name>}``; every later line is a task. The answers
are ``{"ready": true}``, ``{"epoch": n}`` after each epoch, ``{"done": true}`` and
``{"error": <message>}``.
"""

from __future__ import annotations

import json
import os
import platform
import queue
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memanalysis import settings
from memanalysis.errors import MemanalysisError
from memanalysis.producer import data, observe, tasks, training
from memanalysis.producer.families import Network
from memanalysis.schema import SIGNALS
from memanalysis.store import ModelInfo, ModelRecord, Store, read_model, write_model

EVALUATION_MODE = "eval mode, clean images, last epoch"


class Trainer:
    """Trains the tasks of one study; the data stay where the arithmetic is done."""

    def __init__(self, study: settings.Study, store: Store, device: str) -> None:
        self.study, self.store, self.device = study, store, device
        self.sizes = {size.name: size for size in study.sizes}
        self.dataset = data.load(study.data, study.seed)
        self.train_images, self.test_images = images_of(self.dataset, device)
        self.masks: dict[int, NDArray[np.bool_]] = {}

    def run(self, task: tasks.Task, epoch_done: training.Tick = lambda: None) -> None:
        """Train one ensemble and write the files of those of its models that have none."""
        started = time.perf_counter()
        members = [self._member(task, subset_id) for subset_id in task.subset_ids]
        lesson = training.Lesson(
            self.study.training,
            self.study.observe,
            self.study.distillation if task.objective == "distilled" else None,
            self._teacher_logits(task),
        )
        size = self.sizes[task.size]
        classes = len(self.dataset.class_names)
        trained = training.train(self.train_images, members, size, lesson, classes, epoch_done)
        in_train = np.stack([member.in_train for member in members])
        proxies = observe.proxies(trained.dynamics, trained.clean, in_train)
        final = self._final(trained.network)
        seconds = (time.perf_counter() - started) / len(members)
        for model, subset_id in enumerate(task.subset_ids):
            if tasks.is_whole(self.store, task.objective, task.size, subset_id):
                continue
            info = self._info(task, model, members, trained.network, final, seconds)
            write_model(self.store, self._record(task, model, info, final, in_train, proxies))

    def _member(self, task: tasks.Task, subset_id: int) -> training.Member:
        seed, order = tasks.seeds(self.study.seed, subset_id, task.size, task.objective)
        name = f"{task.objective} {task.size}, subset {subset_id}"
        return training.Member(name, seed, order, self._mask(task.group, subset_id))

    def _mask(self, group: int, subset_id: int) -> NDArray[np.bool_]:
        if group not in self.masks:
            n_train = len(self.dataset.train_labels)
            self.masks = {group: self.study.subsets.masks(n_train, group, self.study.seed)}
        mask: NDArray[np.bool_] = self.masks[group][subset_id % self.study.subsets.group_size]
        return mask

    def _teacher_logits(self, task: tasks.Task) -> Tensor | None:
        needed = sorted(tasks.teachers_of(self.study, task))
        if not needed:
            return None
        n_train = len(self.dataset.train_labels)
        logits = []
        for size, subset_id in needed:
            path = self.store.model_path("one_hot", size, subset_id)
            record = read_model(path, with_logits=True)
            if record.logits is None:
                raise MemanalysisError(f"'{path}' is a teacher's file but holds no logits.")
            logits.append(record.logits[:n_train].astype(np.float32))
        return torch.from_numpy(np.stack(logits)).to(self.device)

    def _final(self, network: Network) -> Final:
        return Final(
            training.evaluate(network, self.train_images),
            self.train_images.labels,
            training.evaluate(network, self.test_images),
            self.test_images.labels,
            self.dataset.test_kept,
        )

    def _info(
        self,
        task: tasks.Task,
        model: int,
        members: list[training.Member],
        network: Network,
        final: Final,
        seconds: float,
    ) -> ModelInfo:
        member = members[model]
        correct = final.correct[model][: len(member.in_train)]
        distillation = self.study.distillation if task.objective == "distilled" else None
        return ModelInfo(
            subset_id=task.subset_ids[model],
            group_id=task.group,
            family=self.study.family,
            size=task.size,
            parameters=network.parameters_per_model,
            objective=task.objective,
            seed=member.seed,
            epochs=self.study.training.epochs,
            accuracy_in=float(correct[member.in_train].mean()),
            accuracy_out=float(correct[~member.in_train].mean()),
            accuracy_test=float(final.accuracy_test[model]),
            train_seconds=seconds,
            device=device_name(self.device),
            evaluation_mode=EVALUATION_MODE,
            finished_at=datetime.now(UTC).isoformat(),
            teacher_size=distillation.teacher if distillation else None,
            teacher_scope=distillation.scope if distillation else None,
            temperature=distillation.temperature if distillation else None,
            distillation_weight=distillation.weight if distillation else None,
        )

    def _record(
        self,
        task: tasks.Task,
        model: int,
        info: ModelInfo,
        final: Final,
        in_train: NDArray[np.bool_],
        proxies: list[dict[str, NDArray[np.float32]]],
    ) -> ModelRecord:
        return ModelRecord(
            info=info,
            in_train=in_train[model],
            correct=final.correct[model],
            signals={name: values[model] for name, values in final.signals.items()},
            proxies=proxies[model],
            logits=final.logits[model] if tasks.keeps_logits(self.study, task) else None,
        )


class Final:
    """Outcomes of the finished models on training examples, then kept test examples.

    ``correct`` bool, ``signals`` and ``logits`` float16, all with models first;
    ``accuracy_test`` float64 [models] is over the whole test split.
    """

    def __init__(
        self, train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, kept: int
    ) -> None:
        self.accuracy_test = (test.argmax(-1) == test_labels).double().mean(-1).cpu().numpy()
        logits = torch.cat([train, test[:, :kept]], dim=1)
        labels = torch.cat([train_labels, test_labels[:kept]])
        outcome = observe.outcomes(logits, labels)
        self.correct: NDArray[np.bool_] = outcome.correct.cpu().numpy()
        self.signals = {name: half(getattr(outcome, name)) for name in SIGNALS}
        self.logits = half(logits)


def half(values: Tensor) -> NDArray[np.float16]:
    """float16 of the same shape; what lies beyond its range becomes its largest value."""
    limit = torch.finfo(torch.float16).max
    array: NDArray[np.float16] = values.clamp(-limit, limit).to(torch.float16).cpu().numpy()
    return array


def images_of(dataset: data.Dataset, device: str) -> tuple[training.Images, training.Images]:
    """Training and test images on ``device``, normalised by the training images' statistics."""
    pixels = dataset.train_images.astype(np.float32) / 255
    mean, deviation = pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))

    def prepared(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> training.Images:
        scaled = ((images.astype(np.float32) / 255 - mean) / deviation).astype(np.float32)
        return training.Images(
            torch.from_numpy(scaled).to(device), torch.from_numpy(labels).to(device)
        )

    return (
        prepared(dataset.train_images, dataset.train_labels),
        prepared(dataset.test_images, dataset.test_labels),
    )


def device_name(device: str) -> str:
    """What the device is, for the record."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return platform.machine()


def limit_threads() -> None:
    """One thread per worker: bits are then reproducible, and workers do not get in their way."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def main() -> None:
    """Serve tasks until the parent closes its end."""
    # Libraries may print; only answers belong on the real standard output.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = _read_in_background(sys.stdin)
    try:
        limit_threads()
        first = requests.get()
        study = settings.parse(first["study"])
        trainer = Trainer(study, Store.open(Path(first["store"])), first["device"])
        _answer(answers, {"ready": True})
        while True:
            task = tasks.Task.from_message(requests.get())
            trainer.run(task, lambda: _answer(answers, {"epoch": True}))
            _answer(answers, {"done": True})
    except MemanalysisError as error:
        _answer(answers, {"error": str(error)})
    except Exception as error:
        traceback.print_exc()
        _answer(answers, {"error": f"{type(error).__name__}: {error}"})


def _read_in_background(lines: TextIO) -> queue.SimpleQueue[dict[str, Any]]:
    """Requests as they come; the process ends at once when its parent is gone."""
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            requests.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return requests


def _answer(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
