"""Costs of recording, in disk space and in trainings; for ``plan``, without torch."""

from __future__ import annotations

import numpy as np

from memanalysis import proxies
from memanalysis.producer import plan
from memanalysis.settings import Study
from memanalysis.storage.model_arrays import class_dtype
from memanalysis.storage.schema import SIGNALS

# Of a row of votes as packed, and distinct predicted classes per example.
VOTE_BYTES = 2.5
VOTED_CLASSES = 4


def bytes_per_model(
    study: Study, objective: str, size: str, *, n_train: int, n_test: int, classes: int
) -> int:
    """Bytes of the file that one training leaves, but for its header of one to three kilobytes.

    Two bits for each training example and one for each test example, float16 signals, float32
    proxies, predicted classes in a byte or two, a bit for each training example and evaluated epoch
    and, where they are kept, float16 logits [examples, classes], of every epoch if ``keep_logits``
    is ``all``. ``n_test`` counts the test examples that are kept.
    """
    examples = n_train + n_test
    evaluations = len(study.observe.of(objective).eval_at)
    bits = (1 + evaluations) * -(-n_train // 8) + -(-examples // 8) + 4 * evaluations
    total = bits + 2 * len(SIGNALS) * examples + 4 * _n_proxies(study, objective) * n_train
    total += np.dtype(class_dtype(classes)).itemsize * examples
    task = plan.Task(0, objective, size, ())
    if plan.keeps_logits(study, task):
        total += 2 * examples * classes
    if study.observe.keep_logits == "all":
        total += 2 * study.training.epochs * examples * classes
    return total


def recorded_bytes(study: Study, *, n_train: int, n_test: int) -> dict[str, int]:
    """Bytes of each table of what is recorded, before they are compressed.

    ``votes``: ``VOTE_BYTES`` a row, as measured after compression, of ``VOTED_CLASSES`` classes per
    example; ``margins``: two float32 sums and, where kept, a byte for each subset;
    ``epoch_outcomes`` and ``repeats``: a bit for each subset.
    """
    conditions, bits = len(study.conditions), -(-study.n_subsets // 8)
    evaluations = sum(len(study.observe.of(objective).eval_at) for objective, _ in study.conditions)
    kept = study.n_subsets if study.observe.keep_margins else 0
    found = {
        "votes": round(VOTE_BYTES * VOTED_CLASSES * conditions * (n_train + n_test)),
        "margins": conditions * n_train * (8 + kept),
        "epoch_outcomes": evaluations * n_train * bits,
    }
    if study.subsets.repeats:
        found["repeats"] = len(study.sizes) * (n_train + n_test) * bits
    return {name: size for name, size in found.items() if size}


def proxy_costs(
    study: Study, *, n_train: int, forward_flops: float = 0.0, features: int = 0
) -> dict[str, float]:
    """Arithmetic of recording, as a share of one training; 1.0 doubles the time.

    A training is three forward passes' worth over its subset in each epoch (forward, backward by
    activations, backward by weights). With r the ratio and T the epochs, one evaluation of all
    training examples is 1 / (3 r T) of it, and one gradient by the input twice that. One gradient
    by the weights for each example took five times that. Measured so (ResNet-8 of widths 2 and 8,
    14x14 images, one core), evaluations and input gradients take what their passes say, within a
    quarter. Matrix products run faster than convolutions: prediction depth of 4,000 examples took
    4.3 to 4.6 epochs' time, half or less of its arithmetic.

    Parameters
    ----------
    forward_flops
        Floating point operations of one forward pass of one image.
    features
        Numbers in all the layers that prediction depth probes, for one image (the manifest's
        ``layers``). Its matrix products take 2 n_train (ratio n_train) features operations.

    Returns
    -------
    dict
        By name: ``eval_at``, ``keep_logits`` and those of ``observe.proxies``, where asked for.
        Prediction depth only with ``forward_flops`` and ``features``. Models of objectives that
        ``observe.objectives`` leaves out pay nothing of it but ``keep_logits``.
    """
    observe, epochs, ratio = study.observe, study.training.epochs, study.subsets.ratio
    evaluation = 1 / (3 * ratio * epochs)
    costs: dict[str, float] = {}
    if observe.keep_logits == "all":
        costs["keep_logits"] = epochs * evaluation
    elif observe.eval_at:
        costs["eval_at"] = len(observe.eval_at) * evaluation
    for name in observe.proxies:
        recording = proxies.recordable()[name]
        if recording.distances and not (forward_flops and features):
            continue
        looks = len(observe.at.get(name, (epochs,)))
        costs[name] = recording.trainings + recording.passes * looks * evaluation
        if recording.distances:
            products = 2 * n_train * (ratio * n_train) * features
            costs[name] += products / (3 * forward_flops * ratio * n_train * epochs)
    return costs


def _n_proxies(study: Study, objective: str) -> int:
    observe = study.observe.of(objective)
    of_training = [p for p in proxies.PROXIES.values() if p.recording is None and p.beside is None]
    beside = [p for p in proxies.available().values() if p.beside in observe.proxies]
    return (
        len(observe.proxies)
        + len(beside)
        + (len(of_training) if observe.dynamics == "train_pass" else 0)
        + (sum(p.clean for p in of_training) if observe.eval_at else 0)
    )
