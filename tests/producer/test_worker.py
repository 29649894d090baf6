"""Results of a training: the logits that were asked for, and complete rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from memanalysis import settings
from memanalysis.producer import costs, plan, run
from memanalysis.producer.worker import Trainer
from memanalysis.storage.model_files import ModelInfo, read_model

STUDY = """
name = "kept"
[data]
source = "digits"
train_examples = 30
test_kept = 10
[subsets]
ratio = 0.5
groups = 1
[sizes]
depth = 8
width = 2
[training]
epochs = 3
batch_size = 10
[observe]
eval_at = [1, 3]
"""


def trained(tmp_path, **observe):
    """The records of the two models of a small study, with paths."""
    text = STUDY + "".join(f"{key} = {value}\n" for key, value in observe.items())
    study = settings.parse(text)
    store = run.prepare(study, tmp_path)
    trainer = Trainer(study, store, "cpu")
    (task,) = plan.plan(study)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer.run(task)
    torch.set_num_threads(threads)
    paths = [plan.path_of(store, model) for model in task.models]
    return study, paths, [read_model(path, with_logits=True) for path in paths]


@pytest.fixture(scope="module")
def every_epoch(tmp_path_factory):
    """With the logits of every epoch."""
    return trained(tmp_path_factory.mktemp("all"), keep_logits='"all"')


def test_logits_of_every_epoch_are_kept(every_epoch):
    """float16 [epochs, examples, classes], the last epoch's those of the finished model."""
    _, _, records = every_epoch
    for record in records:
        assert record.epoch_logits.shape == (3, 40, 10)
        assert record.epoch_logits.dtype == np.float16
        assert record.logits.shape == (40, 10)
        np.testing.assert_array_equal(record.epoch_logits[-1], record.logits)
        assert (record.epoch_logits[0] != record.epoch_logits[1]).any()


def test_clean_proxies_are_those_of_the_kept_logits(every_epoch):
    """Accuracy, margin and loss at the epochs of eval_at, recomputed from the logits kept."""
    study, _, records = every_epoch
    from memanalysis.producer import data

    labels = data.load(study.data, study.seed).train_labels
    rows = np.arange(30)
    for record in records:
        chosen = record.epoch_logits[[0, 2], :30].astype(np.float64)
        correct = chosen.argmax(-1) == labels
        np.testing.assert_allclose(
            record.proxies["cumulative_accuracy_clean"], correct.mean(0), atol=1e-6
        )
        own = chosen[:, rows, labels]
        rest = chosen.copy()
        rest[:, rows, labels] = -np.inf
        np.testing.assert_allclose(
            record.proxies["aum_clean"], (own - rest.max(-1)).mean(0), atol=2e-3
        )
        loss = np.log(np.exp(chosen).sum(-1)) - own
        np.testing.assert_allclose(record.proxies["cumulative_loss_clean"], loss.sum(0), atol=4e-3)


def test_the_stated_size_is_that_of_the_file(every_epoch, tmp_path):
    """Bytes by the formula are those on disk, but for a header of a few kilobytes."""
    study, paths, _ = every_epoch
    stated = costs.bytes_per_model(study, "one_hot", "resnet8w2", n_train=30, n_test=10, classes=10)
    assert 0 < paths[0].stat().st_size - stated < 4000
    study, paths, records = trained(tmp_path, keep_logits='"final"')
    assert records[0].epoch_logits is None
    assert records[0].logits.shape == (40, 10)
    stated = costs.bytes_per_model(study, "one_hot", "resnet8w2", n_train=30, n_test=10, classes=10)
    assert 0 < paths[0].stat().st_size - stated < 4000


def test_rows_are_complete(every_epoch):
    """Every field of a model on labels alone has a value, but those of a teacher."""
    _, _, records = every_epoch
    info = records[1].info
    taught = ("teacher_size", "teacher_scope", "temperature", "distillation_weight")
    for name in ModelInfo.__dataclass_fields__:
        assert (getattr(info, name) is None) == (name in taught), name
    assert info.train_seconds > 0
    assert info.accuracy_in == records[1].correct[:30][records[1].in_train].mean()
