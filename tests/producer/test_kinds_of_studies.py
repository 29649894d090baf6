"""A study on every layout and of every family runs from its file to a checked store."""

from __future__ import annotations

import sys

import layouts
import numpy as np
import pytest
import torch
from layouts import NAMES, made
from torch import nn

import memanalysis as ma
from memanalysis import settings
from memanalysis.building.build import build
from memanalysis.checking import check
from memanalysis.errors import DataError, SettingsError, TrainingError
from memanalysis.producer import run, size_order
from memanalysis.reporting import report
from memanalysis.storage.store import Store

GREY, COLOUR, WIDE, TEN = made(), made(32, 3), made(6, 3, width=10), made(classes=10)

STUDY = """
name = "small"
seed = 2
[data]
test_kept = 5
{data}
[subsets]
ratio = 0.5
groups = 2
[sizes]
{sizes}
[training]
epochs = 1
batch_size = 15
"""
MLP = "family = 'mlp'\ndepth = 1\nwidth = 4"
DIGITS = "source = 'digits'\ntrain_examples = 40"

SOURCES = {
    "mnist": (layouts.write_idx, TEN, "source = 'mnist'\nfolder = 'set'"),
    "cifar10": (layouts.write_cifar, COLOUR, "source = 'cifar10'\nfolder = 'set'\nimage_size = 8"),
    "folder": (layouts.write_folder, WIDE, "source = 'folder'\nfolder = 'set'"),
    "tiny": (layouts.write_tiny_imagenet, COLOUR,
             "source = 'folder'\nfolder = 'set'\nimage_size = [10, 8]"),
    "npz": (layouts.write_npz, GREY, "source = 'npz'\nfile = 'set/mine.npz'"),
    "parquet": (layouts.write_parquet, WIDE, "source = 'parquet'\nfolder = 'set'"),
    "tampered": (layouts.write_npz, COLOUR,
                 "source = 'npz'\nfile = 'set/mine.npz'\nimage_size = 8\n"
                 "noise = {flip = 0.1, blend = 0.1, rotate = 0.1}\naugmentation = 'crop-flip'"),
}  # fmt: skip


def produced(root, data, sizes):
    """The built store of a study whose file lies in ``root``, trained in this process."""
    (root / "study.toml").write_text(STUDY.format(data=data, sizes=sizes))
    run.produce(settings.load(root / "study.toml"), root / "store", workers=0, device="cpu")
    return build(root / "store")


@pytest.mark.parametrize("source", SOURCES)
def test_a_study_on_every_layout(tmp_path, source):
    """Produced and built from a path relative to the study file, without a fault."""
    write, arrays, data = SOURCES[source]
    (tmp_path / "set").mkdir()
    write(tmp_path / "set", arrays)
    store = produced(tmp_path, data, MLP)
    assert check(store.path) == []
    examples = store.read_table("examples").to_pydict()
    n = len(arrays.train_labels)
    assert examples["split"] == ["train"] * n + ["test"] * 5
    assert all(image[:4] == b"\x89PNG" for image in examples["image"][:n])
    assert store.manifest.class_names[-1] in ("9", "cat", "bee")
    planted = store.manifest.dataset["planted"]
    modes = store.read_table("models")["evaluation_mode"].unique().to_pylist()
    if source == "tampered":
        assert planted == {"blended": 3, "clean": 21, "flipped": 3, "rotated": 3}
        assert "augmented" in modes[0]
        report(ma.open(store.path), tmp_path / "report.html")
        assert (tmp_path / "report.html").stat().st_size > 100_000
    else:
        assert planted == {}
        assert set(examples["kind"]) == {None}
        assert "augmented" not in modes[0]
    # Machine paths are nobody's business.
    assert str(tmp_path) not in (store.path / "manifest.json").read_text()


FAMILIES = {
    "resnet": ("depth = 8\nwidth = [1, 2]", ["resnet8w1", "resnet8w2"]),
    "mobilenet": ("family = 'mobilenet'\nwidth = 0.1", ["mobilenetw0.1"]),
    "lenet": ("family = 'lenet'\nwidth = [0.2, 0.5]", ["lenetw0.2", "lenetw0.5"]),
    "mlp": ("family = 'mlp'\ndepth = 2\nwidth = [4, 8]", ["mlp2w4", "mlp2w8"]),
    "variants": ("[[sizes.variant]]\nname = 'Small'\ndepth = 8\nwidth = 1\n"
                 "[[sizes.variant]]\nname = 'big-1.0'\ndepth = 8\nwidth = 2", ["Small", "big-1.0"]),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_a_study_of_every_family(tmp_path, family):
    """Sizes keep the file's order and have the parameters of their networks."""
    sizes, names = FAMILIES[family]
    store = produced(tmp_path, DIGITS, sizes)
    assert check(store.path) == []
    models = store.read_table("models").to_pylist()
    assert store.manifest.sizes == names
    assert [row["size"] for row in models] == [name for name in names for _ in range(4)]
    parameters = list(dict.fromkeys(row["parameters"] for row in models))
    assert len(parameters) == len(names)
    assert parameters == sorted(parameters)
    assert size_order.note(store) is None


def test_sizes_that_do_not_grow_are_pointed_out(tmp_path):
    """One hidden layer of 4 units: 64 * 4 + 4 + 4 * 10 + 10 = 310; of 2 units 160."""
    tables = "".join(f"[[sizes.variant]]\nname = 'w{w}'\nwidth = {w}\n" for w in (4, 2))
    text = STUDY.format(data=DIGITS, sizes=f"family = 'mlp'\ndepth = 1\n{tables}")
    with pytest.warns(UserWarning, match="does not grow from size to size: w4 310, w2 160"):
        ma.produce(text, tmp_path / "store", workers=0, device="cpu")


NETS = '''
from torch import nn

def convnet(size, classes, channels, image_size):
    """A convolution of ``size`` maps, pooled."""
    return nn.Sequential(
        nn.Conv2d(channels, size, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(size, classes),
    )
'''


def local_convnet(size, classes, channels, image_size):
    """The same function under another name."""
    del image_size
    return nn.Sequential(
        nn.Conv2d(channels, size, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(size, classes),
    )  # fmt: skip


@pytest.fixture(scope="module")
def own_networks(tmp_path_factory):
    """The store of a study whose network lies in a module beside its file, by a worker process."""
    root = tmp_path_factory.mktemp("own")
    (root / "nets_beside_the_study.py").write_text(NETS)
    sizes = "family = 'nets_beside_the_study:convnet'\nsize = [2, 4]"
    (root / "study.toml").write_text(STUDY.format(data=DIGITS, sizes=sizes))
    study = settings.load(root / "study.toml")
    run.produce(study, root / "store", workers=1, device="cpu")
    return build(root / "store")


def signals(store):
    """The margins of every model, by file."""
    found = {}
    for path in sorted(store.path.glob("models/*/*/*.safetensors")):
        found[path.name + path.parent.name[-1]] = ma.store.read_model(path).signals["margin"]
    return found


def test_a_network_of_ones_own_from_its_import_path(own_networks):
    """Found in the study's folder; three layers' parameters by hand: 2 (9 + 1) + 3 * 10 = 50."""
    assert check(own_networks.path) == []
    models = own_networks.read_table("models").to_pydict()
    assert own_networks.manifest.sizes == ["convnet2", "convnet4"]
    assert models["parameters"][0] == 2 * (9 + 1) + 3 * 10
    assert set(models["family"]) == {"nets_beside_the_study:convnet"}


def test_a_network_from_a_notebook_is_trained_in_this_process(tmp_path, own_networks):
    """A warning says so; the same architecture and size names give the same bits as a worker."""

    def convnet(size, classes, channels, image_size):
        return local_convnet(size, classes, channels, image_size)

    text = STUDY.format(data=DIGITS, sizes="size = [2, 4]")
    threads = torch.get_num_threads()
    with pytest.warns(UserWarning, match="'convnet' has no name that worker processes could"):
        store = ma.produce(text, tmp_path / "store", model=convnet, device="cpu")
    assert torch.get_num_threads() == threads
    found, expected = signals(store), signals(own_networks)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_arrays_from_a_notebook(tmp_path):
    """A tuple of four or a mapping; resuming wants the same arrays again."""
    text = STUDY.format(data="", sizes=MLP)
    four = tuple(vars(GREY).values())
    store = ma.produce(text, tmp_path / "store", data=four, workers=0, device="cpu")
    assert check(store.path) == []
    assert store.read_table("examples")["label"].to_pylist()[:30] == GREY.train_labels.tolist()
    named = {**vars(GREY), "class_names": NAMES}
    (path,) = list(store.path.glob("models/*/*/00000.safetensors"))
    before = path.read_bytes()
    again = ma.produce(text, tmp_path / "store", data=named, workers=0, device="cpu")
    assert path.read_bytes() == before
    assert isinstance(again, Store)
    with pytest.raises(Exception, match="fingerprint"):
        ma.produce(text, tmp_path / "store", data=tuple(vars(TEN).values()), workers=0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((GREY.train_images,), "data has 1 arrays; expected four"),
        ({"images": GREY.train_images}, "data has images; expected train_images"),
        ({"train_images": GREY.train_images}, "data lacks train_labels"),
    ],
)
def test_other_arrays_are_refused(tmp_path, data, words):
    """Before anything is written."""
    with pytest.raises(DataError, match=words):
        ma.produce(STUDY.format(data="", sizes=MLP), tmp_path / "store", data=data)
    assert not (tmp_path / "store").exists()


def test_a_wrong_network_ends_the_run_with_one_message(tmp_path):
    """The worker's message, not its traceback."""
    (tmp_path / "wrong_net_beside.py").write_text(NETS.replace("size, 3)", "'a', 3)"))
    sizes = "family = 'wrong_net_beside:convnet'\nsize = [2]"
    (tmp_path / "study.toml").write_text(STUDY.format(data=DIGITS, sizes=sizes))
    study = settings.load(tmp_path / "study.toml")
    with pytest.raises((SettingsError, TrainingError), match=r"convnet.* failed with"):
        run.produce(study, tmp_path / "store", workers=0, device="cpu")


@pytest.fixture(autouse=True)
def clean_path(monkeypatch):
    """Folders that training puts on the path leave it again."""
    monkeypatch.setattr(sys, "path", [*sys.path])
