"""The data sets are what they claim to be, and say clearly when they are not there."""

from __future__ import annotations

import gzip
import io
import struct

import numpy as np
import pytest
from PIL import Image

from memanalysis.errors import DataError
from memanalysis.producer import data
from memanalysis.producer.data import idx
from memanalysis.settings import Data


@pytest.fixture
def small_fashion_mnist(tmp_path, monkeypatch):
    """Twenty training and ten test images of 28x28 in the four files, and the folder set."""
    generator = np.random.default_rng(0)
    for name in idx.FILES:
        count = 20 if name.startswith("train") else 10
        shape = (count, 28, 28) if "images" in name else (count,)
        values = generator.integers(0, 256, shape, dtype=np.uint8)
        if "labels" in name:
            values = np.arange(count, dtype=np.uint8) % 10
        header = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)
        (tmp_path / name).write_bytes(gzip.compress(header + values.tobytes()))
    monkeypatch.setenv(idx.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_digits_split_is_stratified_and_seeded():
    """A fifth of each digit is in the test split, the same one for the same seed."""
    first, again = data.load(Data("digits"), 3), data.load(Data("digits"), 3)
    assert first.fingerprint == again.fingerprint
    assert len(first.train_labels) + len(first.test_labels) == 1797
    shares = np.bincount(first.test_labels) / np.bincount(
        np.concatenate([first.train_labels, first.test_labels])
    )
    np.testing.assert_allclose(shares, 0.2, atol=0.01)
    assert data.load(Data("digits"), 4).fingerprint != first.fingerprint


def test_chosen_examples_keep_their_original_order():
    """Without replacement, ascending, named by where they come from; kept test examples follow."""
    loaded = data.load(Data("digits", train_examples=100, test_kept=7), 1)
    ids = [int(name.split("/")[1]) for name in loaded.source_ids]
    assert ids[:100] == sorted(set(ids[:100]))
    assert len(ids) == 107
    assert not set(ids[:100]) & set(ids[100:])


def test_fashion_mnist_is_reduced_by_block_means(small_fashion_mnist):
    """A pixel of the 14x14 image is the mean of a 2x2 block; the thumbnail stays 28x28."""
    loaded = data.load(Data("fashion-mnist", image_size=14), 0)
    original = idx.read_idx(small_fashion_mnist / idx.FILES[0])
    assert loaded.train_images.shape == (20, 14, 14, 1)
    assert loaded.train_images[3, 0, 0, 0] == np.rint(original[3, :2, :2].mean())
    thumbnail = np.asarray(Image.open(io.BytesIO(list(loaded.thumbnails())[3])))
    np.testing.assert_array_equal(thumbnail, original[3])


def test_missing_files_are_all_listed(tmp_path):
    """The message names every missing file and how to get them."""
    with pytest.raises(DataError) as caught:
        data.load(Data("fashion-mnist", folder=str(tmp_path)), 0)
    for name in (*idx.FILES, "dataset-fashion-mnist", str(tmp_path)):
        assert name in str(caught.value)


def test_a_damaged_file_is_named(small_fashion_mnist):
    """A truncated gzip file is one clear message."""
    path = small_fashion_mnist / idx.FILES[0]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read as a gzip file"):
        data.load(Data("fashion-mnist"), 0)


def test_more_examples_than_there_are_is_refused():
    """The message says how many there are."""
    with pytest.raises(DataError, match="only 1433 training examples"):
        data.load(Data("digits", train_examples=5000), 0)
