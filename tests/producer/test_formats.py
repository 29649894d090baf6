"""Every layout gives the arrays that it was written from, in their order, or one clear message."""

from __future__ import annotations

import io
import shutil

import layouts
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from layouts import NAMES, made
from PIL import Image

from memanalysis.errors import DataError
from memanalysis.producer import data
from memanalysis.producer.data import pixels
from memanalysis.settings import Data

GREY, COLOUR, WIDE = made(), made(32, 3), made(6, 3, width=10)
TEN = made(classes=10)

# Layout -> its writer with options, the arrays, the settings.
LAYOUTS = {
    "idx": (layouts.write_idx, {}, TEN, {"source": "mnist"}),
    "plain idx": (layouts.write_idx, {"plain": True}, TEN, {"source": "mnist"}),
    "cifar10": (layouts.write_cifar, {}, COLOUR, {"source": "cifar10"}),
    "cifar100": (layouts.write_cifar, {"hundred": True}, COLOUR, {"source": "cifar100"}),
    "folder": (layouts.write_folder, {}, GREY, {"source": "folder"}),
    "wide folder": (layouts.write_folder, {"test": "val"}, WIDE, {"source": "folder"}),
    "npz": (layouts.write_npz, {}, GREY, {"source": "npz"}),
    "wide npz": (layouts.write_npz, {}, WIDE, {"source": "npz"}),
    "parquet": (layouts.write_parquet, {}, GREY, {"source": "parquet"}),
    "bare parquet": (
        layouts.write_parquet, {"text": True, "bare": True, "names": False}, WIDE,
        {"source": "parquet"},
    ),
}  # fmt: skip


def written(root, layout):
    """The arrays that a layout was written from, and the settings that read it."""
    write, options, arrays, keys = LAYOUTS[layout]
    write(root, arrays, **options)
    place = {"file": str(root / "mine.npz")} if keys["source"] == "npz" else {"folder": str(root)}
    return arrays, {**keys, **place}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_gives_back_its_arrays(tmp_path, layout):
    """Pixels, labels, names and order; folders order by class, which the labels undo."""
    arrays, keys = written(tmp_path, layout)
    loaded = data.load(Data(**keys), 0)
    for split in ("train", "test"):
        images = getattr(arrays, f"{split}_images")
        labels = getattr(arrays, f"{split}_labels")
        order = np.argsort(labels, kind="stable") if "folder" in layout else slice(None)
        np.testing.assert_array_equal(getattr(loaded, f"{split}_images"), images[order])
        np.testing.assert_array_equal(getattr(loaded, f"{split}_labels"), labels[order])
    assert loaded.class_names == (tuple("0123456789") if "idx" in layout else NAMES)
    assert len(set(loaded.source_ids)) == 39


def test_an_archive_may_lie_in_its_own_folder(tmp_path):
    """The folder above cifar-100-binary will do; coarse labels have their own names."""
    (tmp_path / "cifar-100-binary").mkdir()
    layouts.write_cifar(tmp_path / "cifar-100-binary", COLOUR, hundred=True)
    loaded = data.load(Data("cifar100", folder=str(tmp_path), label_column="coarse"), 0)
    np.testing.assert_array_equal(loaded.train_labels, np.maximum(COLOUR.train_labels - 1, 0))
    assert loaded.class_names == ("crawls", "purrs")


def test_tiny_imagenet(tmp_path):
    """The labelled validation split is the test split; names come from words.txt, made unique.

    JPEG alters pixels, so images are compared within the noise of its compression at this size.
    """
    layouts.write_tiny_imagenet(tmp_path, COLOUR)
    loaded = data.load(Data("folder", folder=str(tmp_path), train_examples=12), 0)
    assert loaded.class_names == ("crane (n00)", "crane (n01)", "bee")
    np.testing.assert_array_equal(loaded.test_labels, COLOUR.test_labels)
    error = np.abs(loaded.test_images.astype(int) - COLOUR.test_images).mean()
    assert error < 20
    assert loaded.source_ids[12] == "val/images/val_0.JPEG"
    for name, image, label in zip(
        loaded.source_ids, loaded.train_images, loaded.train_labels, strict=False
    ):
        _, wnid, _, file = name.split("/")
        original = COLOUR.train_images[int(file[-8:-5])]
        assert wnid == f"n0{label}"
        assert np.abs(image.astype(int) - original).mean() < 20


@pytest.mark.parametrize("layout", ["folder", "parquet", "npz"])
def test_only_the_examples_that_were_drawn_are_kept(tmp_path, layout):
    """Drawing ten gives the same ten as drawing ten from everything, thumbnails too."""
    _, keys = written(tmp_path, layout)
    loaded, whole = data.load(Data(**keys, train_examples=10), 3), data.load(Data(**keys), 3)
    positions = [whole.source_ids.index(name) for name in loaded.source_ids[:10]]
    assert positions == sorted(positions)
    np.testing.assert_array_equal(loaded.train_images, whole.train_images[positions])
    everything = list(whole.thumbnails())
    assert list(loaded.thumbnails())[:10] == [everything[i] for i in positions]
    assert len(everything) == len(whole.source_ids)


# What is done to a written layout (or its settings) -> the words that answer it.


def remove(*patterns):
    """Delete files and folders below the root."""

    def spoil(root, keys):
        for pattern in patterns:
            for path in list(root.rglob(pattern)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return keys

    return spoil


def replace(name, content):
    """Write other content into a file."""

    def spoil(root, keys):
        (root / name).write_bytes(content)
        return keys

    return spoil


def rewrite(writer, **options):
    """Write the layout again, with other options."""

    def spoil(root, keys):
        shutil.rmtree(root)
        root.mkdir()
        writer(root, GREY, **options)
        return keys

    return spoil


def change(**more):
    """Change settings."""
    return lambda _root, keys: {**keys, **more}


BIGGER = layouts.encoded(np.zeros((9, 8, 1), np.uint8))
LABELS = GREY.train_labels.copy()
LABELS[4] = 7

FAULTS = {
    "idx missing": ("idx", remove("t10k*"), ["t10k-images-idx3-ubyte.gz, t10k-labels-idx1",
                    "Nothing is downloaded"]),
    "idx damaged": ("idx", replace("train-labels-idx1-ubyte.gz", b"\0\0\x0d\1"),
                    ["not an idx file of unsigned bytes"]),
    "cifar missing": ("cifar10", remove("data_batch_3.bin", "*.txt"),
                      ["data_batch_3.bin, batches.meta.txt missing", "cifar-10-binary.tar.gz"]),
    "cifar cut": ("cifar10", replace("test_batch.bin", bytes(100)),
                  ["test_batch.bin' has 100 bytes; expected records of 3073"]),
    "cifar names": ("cifar10", replace("batches.meta.txt", b"ant\nbee\n"),
                    ["labels are out of range, the first is 2 of image", "expected 0 to 1"]),
    "cifar labels": ("cifar100", change(label_column="medium"), ["expected fine or coarse"]),
    "no train": ("folder", remove("train"),
                 ["<class>/ or train/<class>/ missing", "Tiny-ImageNet"]),
    "empty class": ("folder", remove("train/bee/*"), ["No images in train/bee"]),
    "another size": ("folder", replace("train/bee/0000.png", BIGGER),
                     ["bee/0000.png' has 9x8 pixels, the first image has 8x8", "image_size"]),
    "no image": ("folder", replace("train/cat/0099.png", b"not an image"),
                 ["cat/0099.png' cannot be read as an image"]),
    "in colour": ("folder", replace("train/cat/0099.png", layouts.encoded(WIDE.train_images[0])),
                  ["cat/0099.png' is in colour", "data.channels = 3"]),
    "strange class": ("folder", lambda root, keys: (root / "test/dog").mkdir() or keys,
                      ["has the classes dog, which train/ lacks"]),
    "npz missing": ("npz", remove("mine.npz"), ["There is no file", "train_images, train_labels"]),
    "npz damaged": ("npz", replace("mine.npz", b"PK\3\4 nothing"), ["cannot be read as an .npz"]),
    "npz lacks": ("npz", rewrite(layouts.write_npz, test_labels=None), ["lacks test_labels"]),
    "npz floats": ("npz", rewrite(layouts.write_npz, train_images=GREY.train_images / 255),
                   ["train_images of", "float64 [30, 8, 8, 1]; expected uint8"]),
    "npz short": ("npz", rewrite(layouts.write_npz, train_labels=GREY.train_labels[1:]),
                  ["train_labels of", "one for each"]),
    "npz range": ("npz", rewrite(layouts.write_npz, train_labels=LABELS),
                  ["1 training labels are out of range, the first is 7 of image 4"]),
    "npz class": ("npz", rewrite(layouts.write_npz, class_names=np.array([*NAMES, "dog"])),
                  ["no training example has the class dog"]),
    "pickles": ("npz", rewrite(layouts.write_npz, train_labels=np.array([{}] * 30)),
                ["cannot be read as an .npz file"]),
    "no such column": ("parquet", change(image_column="img"), ["'img' is not one of them",
                       "all columns: image, label"]),
    "shard damaged": ("parquet", replace("data/train-00001-of-00002.parquet", b"PAR1"),
                      ["00001-of-00002.parquet' cannot be read as Parquet"]),
    "too many": ("npz", change(train_examples=31), ["there are only 30 training examples"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_message(tmp_path, fault):
    """What was found, where, and what was expected."""
    layout, spoil, words = FAULTS[fault]
    root = tmp_path / "set"
    root.mkdir()
    _, keys = written(root, layout)
    with pytest.raises(DataError) as caught:
        data.load(Data(**spoil(root, keys)), 0)
    for part in words:
        assert part in str(caught.value)


def test_images_of_several_sizes_are_brought_to_one(tmp_path):
    """With image_size every file is decoded and resized on its own; grey becomes RGB if asked."""
    layouts.write_folder(tmp_path, GREY)
    (tmp_path / "train/cat/0099.png").write_bytes(layouts.encoded(WIDE.train_images[0]))
    keys = {"source": "folder", "folder": str(tmp_path)}
    loaded = data.load(Data(**keys, image_size=(4, 4), channels=3), 0)
    assert loaded.train_images.shape == (31, 4, 4, 3)
    first = loaded.source_ids.index("train/ant/" + sorted(
        path.name for path in (tmp_path / "train/ant").iterdir())[0])  # fmt: skip
    original = GREY.train_images[GREY.train_labels == 0][0].astype(float)
    blocks = original.reshape(4, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_array_equal(loaded.train_images[first, ..., 1], np.rint(blocks))


def test_two_label_columns_must_be_told_apart(tmp_path):
    """Both are listed, and the one that is named is taken."""
    layouts.write_parquet(tmp_path, GREY, names=False)
    for path in (tmp_path / "data").iterdir():
        table = pq.read_table(path)
        table = table.append_column("other", pc.subtract(2, table["label"]))
        pq.write_table(table.rename_columns(["image", "first", "other"]), path)
    keys = {"source": "parquet", "folder": str(tmp_path)}
    with pytest.raises(DataError, match="2 columns of integer or text labels: first, other"):
        data.load(Data(**keys), 0)
    loaded = data.load(Data(**keys, label_column="other"), 0)
    np.testing.assert_array_equal(loaded.train_labels, 2 - GREY.train_labels)
    assert loaded.class_names == ("0", "1", "2")


def test_resizing_keeps_flat_images_flat_and_averages_blocks():
    """Block means where the sides divide; elsewhere a filter whose weights add up to one."""
    flat = np.full((2, 10, 6, 3), 77, np.uint8)
    for size in ((5, 3), (7, 4), (20, 20)):
        small = pixels.resize(flat, size)
        assert small.shape == (2, *size, 3)
        assert (small == 77).all()
    ramp = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    assert pixels.resize(ramp, (2, 2))[0, ..., 0].tolist() == [[2, 4], [10, 12]]


def test_large_thumbnails_are_reduced():
    """The longer side becomes 64 pixels and the shape stays; a small image stays as it is."""
    for shape, expected in (((256, 128), (64, 32)), ((30, 64), (30, 64))):
        file = io.BytesIO(pixels.thumbnail(np.zeros((*shape, 3), np.uint8)))
        assert Image.open(file).size == expected[::-1]
