"""Whole runs with worker processes: finish, continue, survive a killed worker, refuse clearly."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_study import STUDY, files, study

from memanalysis.errors import StoreError, TrainingError
from memanalysis.producer import plan, run
from memanalysis.producer.engines import local
from memanalysis.storage import locking
from memanalysis.storage.model_files import read_model

HOLD_GROUP_1 = """
import sys
from pathlib import Path
from memanalysis.storage import locking

with locking.groups_held(Path(sys.argv[1]), [1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def finished(trained, tmp_path_factory):
    """A finished run of the tiny study."""
    return shutil.copytree(trained, tmp_path_factory.mktemp("runs") / "store")


def test_every_model_is_there(finished):
    """Sixteen models, teachers with logits, examples with both splits, subsets as drawn."""
    found = files(finished)
    assert len(found) == 16
    for name, arrays in found.items():
        assert (arrays["logits"] is not None) == name.startswith("models/one_hot/resnet8w3")
        assert arrays["correct"].shape == (60,)
        subset = int(Path(name).stem)
        mask = study().subsets.masks(40, subset // 2, 3)[subset % 2]
        np.testing.assert_array_equal(arrays["in_train"], mask)
        np.testing.assert_array_equal(np.isnan(arrays["aum"]), ~mask)
    record = read_model(finished / "models/distilled/resnet8w2/00003.safetensors")
    assert record.info.teacher_size == "resnet8w3"
    assert record.info.group_id == 1
    assert 0 <= record.info.accuracy_test <= 1


def test_a_killed_worker_is_replaced_and_a_resumed_run_gives_the_same_bits(finished, monkeypatch):
    """A worker is killed in its first task, another continues, and not one bit differs."""
    killed = []
    hear = local.Team._hear

    def kill_once(team, worker, answer, pending, watch):
        if answer == {"epoch": True} and not killed:
            killed.append(worker.process.pid)
            os.kill(worker.process.pid, signal.SIGKILL)
        hear(team, worker, answer, pending, watch)

    monkeypatch.setattr(local.Team, "_hear", kill_once)
    before = files(finished)
    for name in ("one_hot/resnet8w3/00000", "distilled/resnet8w2/00003"):
        (finished / f"models/{name}.safetensors").unlink()
    damaged = finished / "models/one_hot/resnet8w2/00001.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-3])
    run.produce(study(), finished, workers=1, device="cpu")
    assert killed
    after = files(finished)
    assert after.keys() == before.keys()
    for name, arrays in before.items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(after[name][key], values, err_msg=f"{name} {key}")


def test_a_store_of_another_study_is_refused_with_every_difference(finished):
    """All differences are listed at once; another title is none."""
    run.prepare(study(title='"Another"'), finished)
    with pytest.raises(StoreError) as caught:
        run.prepare(study(epochs="7", batch_size="9"), finished)
    assert "training.epochs: the store has 2, the study 7" in str(caught.value)
    assert "training.batch_size: the store has 10, the study 9" in str(caught.value)
    with pytest.raises(StoreError, match="the store has 4, the study only 2"):
        run.prepare(study(groups="1"), finished)


def test_a_store_in_use_is_refused(finished):
    """A second run is refused; two shards may share a store."""
    with locking.held(finished, shared=False), pytest.raises(StoreError, match="Another process"):
        run.produce(study(), finished)
    with locking.held(finished, shared=True), pytest.raises(StoreError, match="Another process"):
        run.produce(study(), finished)
    with locking.held(finished, shared=True):
        run.produce(study(), finished, shard=(2, 2), device="cpu")


def test_a_group_is_trained_once(finished):
    """While another process holds group 1, the shard with group 1 is refused, the other is not."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_GROUP_1, str(finished)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=r"Group 1 of .* another process"):
            run.produce(study(), finished, shard=(2, 2), device="cpu")
        run.produce(study(), finished, shard=(1, 2), device="cpu")
        holder.stdin.close()


def test_two_shards_at_once_give_the_bits_of_one_run(finished, tmp_path):
    """Two processes train a half each into one store; an unsharded run is the oracle."""
    study_file = tmp_path / "study.toml"
    study_file.write_text(STUDY)
    command = [sys.executable, "-m", "memanalysis", "produce", study_file, "--workers", "1"]
    shards = [
        subprocess.Popen([*command, "--out", tmp_path / "store", "--shard", f"{i}/2"])
        for i in (1, 2)
    ]
    assert [shard.wait() for shard in shards] == [0, 0]
    expected, found = files(finished), files(tmp_path / "store")
    assert found.keys() == expected.keys()
    for name, arrays in expected.items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(found[name][key], values, err_msg=f"{name} {key}")


@pytest.fixture(scope="module")
def namespace():
    """Start of a command that may mount: in a namespace of its own, which leaves nothing.

    Within a chroot there is none, and root mounts as always.
    """
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    possible = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if possible.returncode == 0 else []


@pytest.mark.parametrize(("size", "all_trained"), [(100, False), (180, True)])
def test_a_full_disk_is_one_clear_error(finished, namespace, tmp_path, size, all_trained):
    """On a real file system of few kB, training or build ends in one message, files whole."""
    study_file, disk = tmp_path / "study.toml", tmp_path / "disk"
    study_file.write_text(STUDY)
    disk.mkdir()
    script = f"""
        mount -t tmpfs -o size={size}k tmpfs {disk} || exit 9
        trap 'cd / && umount {disk}' EXIT
        {f"cp -r {finished} {disk}/store" if all_trained else ""}
        {sys.executable} -m memanalysis produce {study_file} --out {disk}/store --workers 1
        code=$?
        cd {disk}/store/models && find . -type f
        exit $code
    """
    result = subprocess.run(
        [*namespace, "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    # On a busy machine, lines of progress come before.
    message, *more = (line for line in result.stderr.splitlines() if "models/h" not in line)
    assert "o space left on device" in message
    assert "What was finished before is intact" in message
    assert not more
    left = result.stdout.split()
    assert (len(left) == 16) == all_trained
    assert left
    assert all(name.endswith(".safetensors") for name in left)


def test_a_failing_training_is_one_clear_error(tmp_path):
    """A learning rate out of all bounds ends the run with the names of its models."""
    with pytest.raises(TrainingError, match=r"one_hot resnet8w3, subset 0.*no longer finite"):
        run.produce(study(batch_size="10\nlearning_rate = 1e30"), tmp_path, workers=1, device="cpu")


def test_unknown_devices_and_shards_are_refused(tmp_path):
    """The message says what there is."""
    with pytest.raises(TrainingError, match=r"device 'tpu'.*auto, cpu"):
        run.produce(study(), tmp_path, device="tpu")
    with pytest.raises(TrainingError, match="shard 3/2"):
        run.produce(study(), tmp_path, shard=(3, 2))


def test_teachers_come_first_and_shards_partition_the_groups():
    """Within a group the teacher is trained before anyone who learns from it."""
    planned = plan.plan(study())
    assert next(t.size for t in planned if t.group == 0) == "resnet8w3"
    assert [t.objective for t in planned[:2]] == ["one_hot", "one_hot"]
    assert plan.plan(study(), (1, 2)) + plan.plan(study(), (2, 2)) == planned
    assert plan.Task.from_message(planned[0].to_message()) == planned[0]


def test_seeds_are_those_of_the_documentation():
    """The seed of a model's weights is fixed by study seed, subset, size and objective alone."""
    start, order = plan.seeds(7, 12, "resnet8w4", "one_hot")
    again, same_order = plan.seeds(7, 12, "resnet8w4", "one_hot")
    assert start == again
    assert order.permutation(9).tolist() == same_order.permutation(9).tolist()
    others = {plan.seeds(*key)[0] for key in [
        (8, 12, "resnet8w4", "one_hot"), (7, 13, "resnet8w4", "one_hot"),
        (7, 12, "resnet8w8", "one_hot"), (7, 12, "resnet8w4", "distilled"),
    ]}  # fmt: skip
    assert len(others | {start}) == 5
