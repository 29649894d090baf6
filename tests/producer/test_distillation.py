"""Several teachers and settings in one study: trained in order, recorded, continued bit for bit."""

from __future__ import annotations

import itertools
import json
import shutil

import numpy as np
import pytest
import torch

from memanalysis import settings
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.cli.studies import load_study
from memanalysis.errors import SettingsError, StoreError
from memanalysis.producer import plan, run, training
from memanalysis.producer.worker import Trainer
from memanalysis.settings import Distillation
from memanalysis.storage.model_files import read_model
from memanalysis.storage.store import Store

STUDY = """
name = "taught"
seed = 5

[data]
source = "digits"
train_examples = 30
test_kept = 10

[subsets]
ratio = 0.5
groups = 2

[sizes]
depth = 8
width = [2, 3]

[training]
epochs = 2
batch_size = 10

[distillation]
temperature = 3.0
weight = 0.5

[distillation.variants.full]
scope = "full_data"
temperature = 2.0

[distillation.variants.hard]
targets = "hard"
teacher = "resnet8w2"

[distillation.variants.again]
weight = 0.0
teacher = "resnet8w2"
students = ["resnet8w2"]

[observe]
proxies = ["default", "second_split_forgetting"]
"""


def files(root):
    """Contents of each model and teacher file of a store, less times."""
    found = {}
    for path in sorted(root.glob("*/**/*.safetensors")):
        if path.relative_to(root).parts[0] not in ("models", "teachers"):
            continue
        record = read_model(path, with_logits=True)
        arrays = {"correct": record.correct, "logits": record.logits}
        found[str(path.relative_to(root))] = {**arrays, **record.signals, **record.proxies}
    return found


def produce(root):
    """Run in this process all that is missing, in the plan's order."""
    study = settings.parse(STUDY)
    store = run.prepare(study, root)
    planned = plan.plan(study)
    trainer = Trainer(study, store, "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for task in plan.missing(study, planned, plan.finished(store, planned)):
            trainer.run(task)
    finally:
        torch.set_num_threads(threads)
    return store


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, not built."""
    return produce(tmp_path_factory.mktemp("taught")).path


def test_the_layers_of_prediction_depth_are_listed(finished):
    """Names and numbers per image of ResNet-8 at width 3 on 8x8 images, by hand."""
    assert Store.open(finished).manifest.layers["resnet8w3"] == {
        "input": 64, "stem": 192, "block1": 192, "block2": 96, "block3": 48, "softmax": 10,
    }  # fmt: skip


def test_every_objective_has_its_models(finished):
    """Four objectives of two sizes, a fifth of one; two teachers that saw every example."""
    found = files(finished)
    assert {name.split("/")[1] for name in found if name.startswith("models")} == {
        "one_hot", "distilled", "distilled_again", "distilled_full", "distilled_hard",
    }  # fmt: skip
    assert sum(name.startswith("models") for name in found) == (4 * 2 + 1) * 4
    assert not any(name.startswith("models/distilled_again/resnet8w3") for name in found)
    assert [name for name in found if name.startswith("teachers")] == [
        "teachers/full_data/resnet8w3/00000.safetensors",
        "teachers/full_data/resnet8w3/00001.safetensors",
    ]
    teacher = read_model(finished / "teachers/full_data/resnet8w3/00001.safetensors")
    assert teacher.in_train.all()
    assert teacher.proxies == {}
    student = "models/distilled_full/resnet8w2/00002.safetensors"
    assert {"prediction_depth", "second_split_forgetting", "iteration_learned"} <= set(
        found[student]
    )


def test_models_say_who_taught_them(finished, tmp_path):
    """Scope, temperature and weight by objective; a hard teacher has no temperature."""
    store = build(shutil.copytree(finished, tmp_path / "store"))
    rows = store.read_table("models").to_pylist()
    said = {
        (r["objective"], r["teacher_size"], r["teacher_scope"], r["temperature"])
        for r in rows
    }  # fmt: skip
    assert said == {
        ("one_hot", None, None, None),
        ("distilled", "resnet8w3", "same_subset", 3.0),
        ("distilled_again", "resnet8w2", "same_subset", 3.0),
        ("distilled_full", "resnet8w3", "full_data", 2.0),
        ("distilled_hard", "resnet8w2", "same_subset", None),
    }
    for row in rows:
        teacher = row["teacher_model_id"]
        if row["objective"] in ("one_hot", "distilled_full"):
            assert teacher is None
        else:
            found = rows[teacher]
            wanted = ("one_hot", row["teacher_size"], row["subset_id"])
            assert (found["objective"], found["size"], found["subset_id"]) == wanted
    assert check(store.path) == []
    damaged = store.teacher_path("resnet8w3", 1)
    damaged.write_bytes(damaged.read_bytes()[:-5])
    (fault,) = check(store.path)
    assert "teachers/full_data/resnet8w3/00001.safetensors" in str(fault)
    assert list(dict.fromkeys(r["objective"] for r in rows)) == [
        "one_hot", "distilled", "distilled_again", "distilled_full", "distilled_hard",
    ]  # fmt: skip


def test_a_resumed_run_gives_the_same_bits(finished, tmp_path):
    """Students and a teacher on all examples are trained again, and not one bit differs."""
    root = shutil.copytree(finished, tmp_path / "store")
    before = files(root)
    gone = [
        "teachers/full_data/resnet8w3/00001",
        "models/distilled_full/resnet8w2/00003",
        "models/distilled_hard/resnet8w3/00000",
    ]
    for name in gone:
        (root / f"{name}.safetensors").unlink()
    produce(root)
    after = files(root)
    assert after.keys() == before.keys()
    for name, arrays in before.items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(after[name][key], values, err_msg=f"{name} {key}")


def test_a_teacher_that_nobody_needs_is_not_trained_again(finished):
    """Its students are done, so nothing is missing."""
    study, store = settings.parse(STUDY), Store.open(finished)
    planned = plan.plan(study)
    models = {m for t in planned if t.objective != plan.FULL_DATA for m in t.models}
    assert plan.missing(study, planned, models) == []
    left = plan.missing(study, planned, models - {("distilled_full", "resnet8w2", 0)})
    assert [task.objective for task in left] == [plan.FULL_DATA, "distilled_full"]
    assert plan.finished(store, planned) == {m for t in planned for m in t.models}


def test_teachers_come_before_their_students():
    """In the order of the plan every task's teachers are done when it starts."""
    study = settings.parse(STUDY)
    done = set()
    for task in plan.plan(study):
        assert set(plan.teachers_of(study, task)) <= done, task
        done.update(task.models)
    assert str(plan.plan(study)[0]) == "the teacher resnet8w3 on all examples, group 0"


def test_half_a_group_of_a_packed_store_cannot_be_continued(finished, tmp_path):
    """A student of a teacher on all examples is refused like any other, and keeps its group."""
    root = shutil.copytree(finished, tmp_path / "store")
    build(root, pack=True)
    assert not (root / "teachers").exists()
    assert not (root / "models").exists()
    manifest = json.loads((root / "manifest.json").read_text())
    assert manifest["packed"]
    run.produce(settings.parse(STUDY), root, workers=1, device="cpu")  # nothing to do
    assert not (root / "models").exists()
    with pytest.raises(StoreError, match=r"distilled_full resnet8w2.*teachers/full_data.*packed"):
        _without(root, "distilled_full", "resnet8w2")
    with pytest.raises(StoreError, match=r"distilled_hard resnet8w3.*models/one_hot.*packed"):
        _without(root, "distilled_hard", "resnet8w3")


def _without(root, objective, size):
    """What continuing a packed store says if one of its models had never been trained."""
    study, store = settings.parse(STUDY), Store.open(root)
    planned = plan.plan(study)
    done = plan.finished(store, planned) - {(objective, size, 0)}
    run._require_teachers(study, store, planned, plan.missing(study, planned, done), done)


def test_an_unfinished_group_keeps_its_teachers_when_packed(finished, tmp_path):
    """Packing removes a group's teachers with its model files, and not before."""
    root = shutil.copytree(finished, tmp_path / "store")
    (root / "models/distilled_full/resnet8w2/00003.safetensors").unlink()
    build(root, pack=True)
    assert [path.name for path in Store.open(root).teacher_paths()] == ["00001.safetensors"]
    produce(root)
    again = read_model(root / "models/distilled_full/resnet8w2/00003.safetensors")
    first = read_model(finished / "models/distilled_full/resnet8w2/00003.safetensors")
    np.testing.assert_array_equal(again.correct, first.correct)


def test_students_of_a_group_share_its_full_data_teacher(finished):
    """The logits that students hear are those in the file of their group, for every student."""
    study = settings.parse(STUDY)
    trainer = Trainer(study, Store.open(finished), "cpu")
    task = plan.Task(1, "distilled_full", "resnet8w2", (2, 3))
    heard = trainer._teacher_logits(task)
    path = finished / "teachers/full_data/resnet8w3/00001.safetensors"
    teacher = read_model(path, with_logits=True)
    assert heard.shape == (2, 30, 10)
    for model in range(2):
        np.testing.assert_array_equal(heard[model].numpy(), teacher.logits[:30].astype(np.float32))


def test_without_weight_the_teacher_changes_nothing():
    """The loss of labels alone, to the bit, and so are its derivatives."""
    generator = torch.Generator().manual_seed(2)
    logits, teacher = torch.randn(2, 3, 6, 4, generator=generator)
    labels = torch.randint(0, 4, (3, 6), generator=generator)
    found = []
    for heard, setting in ((None, None), (teacher, Distillation("t", 3.0, weight=0.0))):
        leaf = logits.clone().requires_grad_()
        loss = training.objective_loss(leaf, labels, heard, setting)
        found.append((loss, torch.autograd.grad(loss, leaf)[0]))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_hard_targets_are_the_teachers_class():
    """(1 - w) CE(y) + w CE(argmax of the teacher), by torch's own cross-entropy."""
    generator = torch.Generator().manual_seed(1)
    logits, teacher = torch.randn(2, 3, 6, 4, generator=generator)
    labels = torch.randint(0, 4, (3, 6), generator=generator)
    setting = Distillation("t", temperature=3.0, weight=0.3, targets="hard")
    cross_entropy = torch.nn.functional.cross_entropy
    expected = sum(
        0.7 * cross_entropy(z, y) + 0.3 * cross_entropy(z, t.argmax(-1))
        for z, y, t in zip(logits, labels, teacher, strict=True)
    )
    torch.testing.assert_close(training.objective_loss(logits, labels, teacher, setting), expected)


def test_second_models_follow_the_first_and_students_their_groups() -> None:
    """A stopped study has another group rather than second models; students come before others."""
    study = load_study("cifar10")
    planned = plan.plan(study)
    order = [name for name, _ in itertools.groupby(task.objective for task in planned)]
    assert order == ["one_hot", plan.REPEAT, "distilled", "distilled_t1", "one_hot"]
    groups = {name: {t.group for t in planned if t.objective == name} for name in order}
    assert groups["distilled"] == groups["distilled_t1"] == set(range(10, 20))
    assert groups["one_hot"] == set(range(40))
    done = set()
    for task in planned:
        assert set(plan.teachers_of(study, task)) <= done
        done.update(task.models)


def test_students_of_later_groups_can_be_added_to_a_packed_store(tmp_path):
    """A packed group's teachers are gone; the next group has its own."""
    later = (
        STUDY.split("[distillation")[0]
        + """
[distillation]
temperature = 2.0
weight = 0.5
students = ["resnet8w2"]
first_subset = 2
"""
    )
    root = tmp_path / "store"
    run.produce(settings.parse(later), root, workers=0, device="cpu", shard=(1, 2))
    build(root, pack=True)
    run.produce(settings.parse(later), root, workers=0, device="cpu")
    build(root)
    models = Store.open(root).read_table("models", ["objective", "subset_id"]).to_pylist()
    taught = {row["subset_id"] for row in models if row["objective"] == "distilled"}
    assert taught == {2, 3}
    assert check(root) == []
    with pytest.raises(SettingsError, match="first_subset = 1"):
        settings.parse(later.replace("first_subset = 2", "first_subset = 1"))
