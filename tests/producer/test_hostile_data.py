"""Files of a data set that are not what they are called: one message with the file's name."""

import io
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from memanalysis.errors import DataError
from memanalysis.producer.data import dataset
from memanalysis.settings.data import Data


def png() -> bytes:
    """Eight by eight grey pixels."""
    file = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(file, "PNG")
    return file.getvalue()


def claiming(side: int) -> bytes:
    """A PNG whose header promises ``side`` times ``side`` pixels."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(2**16))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
            + chunk(b"IEND", b""))  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Two classes with two images each in both splits."""
    for split in ("train", "test"):
        for name in ("a", "b"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(2):
                (tmp_path / split / name / f"{number}.png").write_bytes(png())
    return tmp_path


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "train/a/1.png").write_bytes(claiming(30_000)), "1.png.*decompression"),
        (lambda f: (f / "train/a/1.png").write_bytes(claiming(10_000)), "1.png.*decompression"),
        (lambda f: (f / "train/a/x.png").mkdir(), "x.png' cannot be read: Is a directory"),
        (lambda f: (f / "train/a/x.png").symlink_to("/no/where"), "x.png' cannot be read: No such"),
        (lambda f: (f / "words.txt").write_bytes(b"\xff"), "words.txt' cannot be read as text"),
        (lambda f: (f / "test/val_annotations.txt").write_bytes(b"\xff"), "cannot be read as text"),
    ],
)
def test_files_that_are_no_images(folder, damage, message):
    """Also where Pillow would only warn."""
    damage(folder)
    with pytest.raises(DataError, match=message):
        dataset.load(Data("folder", folder=str(folder)), 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": np.array([0, 1, 0, 2**40])}, "the label 1099511627776, but only 4"),
        ({"train_labels": np.zeros(4, int), "test_labels": np.zeros(4, int)}, "at least two"),
        ({"class_names": np.array(["a", "a"])}, "list of different names"),
        ({"class_names": np.array("a")}, "list of different names"),
        ({"train_images": np.zeros((4, 0, 8), np.uint8)}, r"uint8 \[4, 0, 8\]"),
    ],
)
def test_arrays_that_are_no_data_set(tmp_path, changes, message):
    """A wild label asks for no memory."""
    images, labels = np.zeros((4, 8, 8), np.uint8), np.array([0, 1, 0, 1])
    arrays = {"train_images": images, "train_labels": labels, "test_images": images,
              "test_labels": labels, **changes}  # fmt: skip
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        dataset.load(Data("npz", file=str(tmp_path / "a.npz")), 0)


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ({"label": ["a", "b"]}, {"label": [0, 1]}, "numbers in both or names in both"),
        ({"label": [0, 2**40]}, {}, "the label 1099511627776"),
        ({"label": pa.array([0, 2**63], pa.uint64())}, {}, "labels that are not classes"),
        ({}, {"image": ["x", "y"]}, "expected the bytes of image files"),
    ],
)
def test_tables_whose_splits_disagree(tmp_path, train, test, message):
    """Numbers and names are not mixed, and every file's images are bytes."""
    rows = {"image": [png(), png()], "label": [0, 1], **train}
    pq.write_table(pa.table(rows), tmp_path / "train-0.parquet")
    pq.write_table(pa.table({**rows, **test}), tmp_path / "test-0.parquet")
    with pytest.raises(DataError, match=message):
        dataset.load(Data("parquet", folder=str(tmp_path)), 0)
