"""A study that trains in seconds, and what its store holds."""

from __future__ import annotations

from pathlib import Path

from memanalysis import settings
from memanalysis.storage.model_files import read_model

STUDY = """
name = "tiny"
title = "Tiny"
seed = 3

[data]
source = "digits"
train_examples = 40
test_kept = 20

[subsets]
ratio = 0.5
groups = 2

[sizes]
family = "resnet"
depth = 8
width = [2, 3]

[training]
epochs = 2
batch_size = 10

[distillation]
temperature = 3.0
weight = 0.5
"""


def study(more="", **changes):
    """The tiny study with some of its text replaced, and some added at the end."""
    text = STUDY + more
    for old, new in changes.items():
        assert f"{old} = " in text
        text = text.replace(f"{old} = ", f"{old} = {new} # ")
    return settings.parse(text)


def train(root: Path) -> None:
    """Train the tiny study into a store, which is not built."""
    from memanalysis.producer import run  # most tests train nothing

    run.produce(study(), root, workers=1, device="cpu")


def files(root: Path):
    """Contents of each model file of a store, less times."""
    found = {}
    for path in sorted(root.glob("models/*/*/*.safetensors")):
        record = read_model(path, with_logits=True)
        arrays = {"in_train": record.in_train, "correct": record.correct, "logits": record.logits}
        found[str(path.relative_to(root))] = {**arrays, **record.signals, **record.proxies}
    return found
