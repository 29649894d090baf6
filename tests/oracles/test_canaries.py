"""Canaries: labels that are wrong by construction can only be memorised, so they rank top."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import handmade
import numpy as np
import pytest
import torch

import memanalysis as ma
from memanalysis import settings
from memanalysis.analysis.standardised_change import area
from memanalysis.producer import plan, run, training
from memanalysis.producer.worker import Trainer

STUDY = """
name = "canaries"
seed = 5
[data]
source = "digits"
train_examples = 300
test_kept = 20
[subsets]
ratio = 0.7
groups = 2
[sizes]
family = "resnet"
depth = 8
width = [4]
[training]
epochs = 20
batch_size = 30
"""


@pytest.mark.slow
def test_flipped_labels_rank_top(tmp_path: Path, report: Callable[[str], None]) -> None:
    """A tenth of 300 digits gets a wrong label; in 20 trained ResNets their scores are highest."""
    study = settings.parse(STUDY)
    trainer = Trainer(study, run.prepare(study, tmp_path / "study"), "cpu")
    flipped = np.arange(300) % 10 == 0
    labels = trainer.train_images.labels
    labels[flipped] = (labels[flipped] + 1 + torch.arange(30) % 9) % 10
    masks = np.concatenate([study.subsets.masks(300, group, study.seed) for group in range(2)])
    lesson = training.Lesson(study.training, settings.Observe(dynamics="none"))
    (size,) = study.sizes
    correct = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for start in range(0, 20, size.ensemble):
            members = [
                training.Member(f"model {k}", *plan.seeds(5, k, size.name, "one_hot"), masks[k])
                for k in range(start, start + size.ensemble)
            ]
            network = training.train(trainer.train_images, members, size, lesson, 10).network
            correct.append(training.evaluate(network, trainer.train_images).argmax(-1) == labels)
    finally:
        torch.set_num_threads(threads)
    right = torch.cat(correct).numpy()
    condition = handmade.Condition(
        "one_hot", size.name, 0, masks.T, right.T, np.ones(20, bool), {}
    )  # fmt: skip
    store = handmade.write(tmp_path / "store", [condition], n_test=0)
    scores = ma.open(store.path).table("memorization").sort("example_id")
    mem = scores["memorization"].to_numpy()
    told = float(area(mem[None], flipped, ~flipped).estimate[0])
    top = float(flipped[np.argsort(-mem)[:30]].mean())
    report(
        f"area {told:.3f}, of the 30 highest scores {top:.2f} flipped, p_in "
        f"{scores['accuracy_in'].mean():.3f}, mean score {mem[flipped].mean():.2f} against "
        f"{mem[~flipped].mean():.2f}"
    )
    assert told > 0.95
    assert top > 0.7
