"""A worker process: JSON lines in, one ensemble trained for each, JSON lines out.

Started by ``run`` as ``python -m memanalysis.producer.worker``. The first line is
``{"study": <message>, "store": <path>, "device": <name>}``, with what ``Study.to_message`` made;
every later line is a task. The answers are ``{"ready": true}``, ``{"epoch": n}`` after each epoch,
``{"done": true}`` and ``{"error": <message>}``.
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
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memanalysis import settings
from memanalysis.errors import MemanalysisError
from memanalysis.producer import data, families, observe, plan, training
from memanalysis.producer.families import Network
from memanalysis.producer.recorders import Ensemble, Recorder, half
from memanalysis.producer.whitening import Whitening
from memanalysis.storage.model_arrays import class_dtype
from memanalysis.storage.model_files import ModelInfo, ModelRecord, read_model
from memanalysis.storage.schema import OBJECTIVES, SIGNALS
from memanalysis.storage.store import Store, write_model

EVALUATION_MODE = "eval mode, clean images, last epoch"
_PART = 1024  # images that are normalised at a time
AUGMENTED = "; training passes, and proxies of them, saw augmented images"


class Trainer:
    """Trains the tasks of one study; the data stay where the arithmetic is done."""

    def __init__(self, study: settings.Study, store: Store, device: str) -> None:
        self.study, self.store, self.device = study, store, device
        families.require(study)
        self.sizes = {size.name: size for size in study.sizes}
        self.dataset = data.load(study.data, study.seed)
        self.train_images, self.test_images = images_of(
            self.dataset, device, study.data.augmentation, study.data.whitening
        )
        kept = self.dataset.test_kept
        self.kept_images = training.Images(
            self.test_images.pixels[:kept], self.test_images.labels[:kept]
        )
        self.masks: dict[int, NDArray[np.bool_]] = {}

    def run(self, task: plan.Task, epoch_done: training.Tick = lambda: None) -> None:
        """Train one ensemble and write the files of those of its models that have none."""
        started = time.perf_counter()
        members = [self._member(task, subset_id) for subset_id in task.subset_ids]
        size, classes = self.sizes[task.size], len(self.dataset.class_names)
        lesson = self._lesson(task)
        further = self._further_seeds(task)
        ensemble = Ensemble(members, self.train_images, lesson, size, classes, further)
        recorder = Recorder(ensemble, self.kept_images)
        trained = training.train(
            self.train_images, members, size, lesson, classes, epoch_done, watch=recorder
        )
        final = self._final(trained.network)
        proxies = recorder.proxies(trained.network, final.predicted, trained.dynamics)
        seconds = (time.perf_counter() - started) / len(members)
        for model, name in enumerate(task.models):
            if plan.is_whole(self.store, name):
                continue
            record = ModelRecord(
                info=self._info(task, model, members, trained.network, final, seconds),
                in_train=members[model].in_train,
                correct=final.correct[model],
                signals={signal: values[model] for signal, values in final.signals.items()},
                proxies={proxy: values[model] for proxy, values in proxies.items()},
                predicted=final.classes[model],
                evaluated=recorder.evaluated,
                epoch_correct=recorder.epoch_correct(model),
                logits=final.logits[model] if plan.keeps_logits(self.study, task) else None,
                epoch_logits=recorder.epoch_logits(model),
            )
            write_model(self.store, record, plan.path_of(self.store, name))

    def _lesson(self, task: plan.Task) -> training.Lesson:
        # Teachers on all examples and second models: nothing is recorded on their way.
        plain = task.objective in (plan.FULL_DATA, plan.REPEAT)
        return training.Lesson(
            self.study.training,
            settings.Observe(dynamics="none") if plain else self.study.observe.of(task.objective),
            self.study.distillation_of(task.objective),
            self._teacher_logits(task),
        )

    def _further_seeds(self, task: plan.Task) -> list[Callable[[int], training.Seeds]]:
        """Per model, seeds for trainings beside its own, by number."""

        def of(subset_id: int) -> Callable[[int], training.Seeds]:
            names = (task.size, task.objective)
            return lambda turn: plan.seeds(self.study.seed, subset_id, *names, turn + 1)

        return [of(subset_id) for subset_id in task.subset_ids]

    def _member(self, task: plan.Task, subset_id: int) -> training.Member:
        seed, order = plan.seeds(self.study.seed, subset_id, task.size, task.objective)
        if task.objective == plan.FULL_DATA:
            everything = np.ones(len(self.dataset.train_labels), dtype=np.bool_)
            return training.Member(str(task), seed, order, everything)
        name = f"{plan.NAMES.get(task.objective, task.objective)} {task.size}, subset {subset_id}"
        return training.Member(name, seed, order, self._mask(task.group, subset_id))

    def _mask(self, group: int, subset_id: int) -> NDArray[np.bool_]:
        if group not in self.masks:
            n_train = len(self.dataset.train_labels)
            self.masks = {group: self.study.subsets.masks(n_train, group, self.study.seed)}
        mask: NDArray[np.bool_] = self.masks[group][subset_id % self.study.subsets.group_size]
        return mask

    def _teacher_logits(self, task: plan.Task) -> Tensor | None:
        """float32 [models, n_train, classes], one teacher's for all models if it is their only."""
        n_train = len(self.dataset.train_labels)
        logits = []
        for teacher in plan.teachers_of(self.study, task):
            path = plan.path_of(self.store, teacher)
            record = read_model(path, with_logits=True)
            if record.logits is None:
                raise MemanalysisError(f"'{path}' is a teacher's file but holds no logits.")
            logits.append(torch.from_numpy(record.logits[:n_train].astype(np.float32)))
        if not logits:
            return None
        return torch.stack(logits).to(self.device).expand(len(task.subset_ids), -1, -1)

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
        task: plan.Task,
        model: int,
        members: list[training.Member],
        network: Network,
        final: Final,
        seconds: float,
    ) -> ModelInfo:
        member = members[model]
        correct = final.correct[model][: len(member.in_train)]
        distillation = self.study.distillation_of(task.objective)
        soft = distillation is not None and distillation.targets == "soft"
        return ModelInfo(
            subset_id=task.subset_ids[model],
            group_id=task.group,
            family=self.study.family,
            size=task.size,
            parameters=network.parameters_per_model,
            objective=OBJECTIVES[0] if task.objective == plan.REPEAT else task.objective,
            seed=member.seed,
            epochs=self.study.training.epochs,
            accuracy_in=_share(correct[member.in_train]),
            accuracy_out=_share(correct[~member.in_train]),
            accuracy_test=float(final.accuracy_test[model]),
            train_seconds=seconds,
            device=device_name(self.device),
            evaluation_mode=EVALUATION_MODE + (AUGMENTED if self.study.data.augmentation else ""),
            finished_at=datetime.now(UTC).isoformat(),
            teacher_size=distillation.teacher if distillation else None,
            teacher_scope=distillation.scope if distillation else None,
            temperature=distillation.temperature if distillation and soft else None,
            distillation_weight=distillation.weight if distillation else None,
        )


class Final:
    """Outcomes of the finished models on training examples, then kept test examples.

    ``correct`` bool, ``signals`` and ``logits`` float16, ``classes`` the predicted ones in a byte
    or two, all with models first; ``predicted`` int64 [models, n_train]; ``accuracy_test`` float64
    [models] is over the whole test split.
    """

    def __init__(
        self, train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, kept: int
    ) -> None:
        self.accuracy_test = (test.argmax(-1) == test_labels).double().mean(-1).cpu().numpy()
        logits = torch.cat([train, test[:, :kept]], dim=1)
        predicted = logits.argmax(-1)
        self.predicted = predicted[:, : train.shape[1]]
        self.classes = predicted.cpu().numpy().astype(class_dtype(logits.shape[-1]))
        labels = torch.cat([train_labels, test_labels[:kept]])
        outcome = observe.outcomes(logits, labels)
        self.correct: NDArray[np.bool_] = outcome.correct.cpu().numpy()
        self.signals = {name: half(getattr(outcome, name)).cpu().numpy() for name in SIGNALS}
        self.logits: NDArray[np.float16] = half(logits).cpu().numpy()


def _share(correct: NDArray[np.bool_]) -> float:
    """The share of correct ones, NaN of none."""
    return float(correct.mean()) if len(correct) else float("nan")


def images_of(
    dataset: data.Dataset,
    device: str,
    augmentation: str | None = None,
    whitening: str | None = None,
) -> tuple[training.Images, training.Images]:
    """Training and test images on ``device``, normalised by the training images' statistics.

    With ``augmentation`` (one of ``settings.AUGMENTATIONS``) those of training are moved while
    models are trained, and never while they are evaluated. With ``whitening`` (one of
    ``settings.WHITENINGS``) all are whitened by what was fitted to those of training.
    """
    pixels = dataset.train_images.astype(np.float32) / 255
    mean, deviation = pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))
    del pixels

    def scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = np.empty(images.shape, dtype=np.float32)
        # By parts, or large data sets would be in memory several times over.
        for start in range(0, len(images), _PART):
            part = slice(start, start + _PART)
            pixels[part] = (images[part].astype(np.float32) / 255 - mean) / deviation
        return pixels

    train, test = scaled(dataset.train_images), scaled(dataset.test_images)
    if whitening is not None:
        fitted = Whitening(train)
        fitted.apply(train)
        fitted.apply(test)
    return (
        training.Images(
            torch.from_numpy(train).to(device),
            torch.from_numpy(dataset.train_labels).to(device),
            augmentation,
        ),
        training.Images(
            torch.from_numpy(test).to(device), torch.from_numpy(dataset.test_labels).to(device)
        ),
    )


def device_name(device: str) -> str:
    """Name of the device, for the record."""
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
        study = settings.from_message(first["study"])
        trainer = Trainer(study, Store.open(Path(first["store"])), first["device"])
        _answer(answers, {"ready": True})
        while True:
            task = plan.Task.from_message(requests.get())
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
