"""Writers of every layout of data sets, made without the readers that they test."""

from __future__ import annotations

import gzip
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from memanalysis.producer.data import idx

NAMES = ("ant", "bee", "cat")


@dataclass(frozen=True)
class Made:
    """Arrays of a made data set: uint8 [n, H, W, channels] and labels, both splits."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def made(side=8, channels=1, n_train=30, n_test=9, width=None, classes=3):
    """Random images whose mean brightness tells their class, equally many of each class."""
    generator = np.random.default_rng(side + channels)
    arrays = []
    for n in (n_train, n_test):
        labels = generator.permutation(np.arange(n) % classes)
        noise = generator.integers(0, 60, (n, side, width or side, channels))
        arrays += [
            (noise + labels[:, None, None, None] * 190 // (classes - 1)).astype(np.uint8),
            labels,
        ]
    return Made(*arrays)


def encoded(image, kind="PNG"):
    """An image file's bytes."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, kind)
    return file.getvalue()


def write_idx(root: Path, data: Made, *, plain=False):
    """Four idx files, gzipped unless ``plain``."""
    arrays = (data.train_images[..., 0], data.train_labels,
              data.test_images[..., 0], data.test_labels)  # fmt: skip
    for name, values in zip(idx.FILES, arrays, strict=True):
        header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
        content = header + values.astype(np.uint8).tobytes()
        file = root / (name.removesuffix(".gz") if plain else name)
        file.write_bytes(content if plain else gzip.compress(content))


def write_cifar(root: Path, data: Made, *, hundred=False):
    """The binary version; the coarse label of CIFAR-100 is the fine one less one, not below 0."""

    def records(images, labels):
        lines = b""
        for image, label in zip(images, labels, strict=True):
            coarse = [max(int(label) - 1, 0)] if hundred else []
            planes = b"".join(image[..., c].tobytes() for c in range(3))
            lines += bytes([*coarse, int(label)]) + planes
        return lines

    if hundred:
        (root / "train.bin").write_bytes(records(data.train_images, data.train_labels))
        (root / "test.bin").write_bytes(records(data.test_images, data.test_labels))
        (root / "fine_label_names.txt").write_text("\n".join(NAMES) + "\n")
        (root / "coarse_label_names.txt").write_text("crawls\npurrs\n")
        return
    parts = np.array_split(np.arange(len(data.train_labels)), 5)
    for i, part in enumerate(parts, start=1):
        content = records(data.train_images[part], data.train_labels[part])
        (root / f"data_batch_{i}.bin").write_bytes(content)
    (root / "test_batch.bin").write_bytes(records(data.test_images, data.test_labels))
    (root / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")


def write_folder(root: Path, data: Made, *, test="test"):
    """train/<class>/<number>.png; numbers keep the order within a class."""
    for split, images, labels in ((("train"), data.train_images, data.train_labels),
                                  (test, data.test_images, data.test_labels)):  # fmt: skip
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            file = root / split / NAMES[label] / f"{i:04}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encoded(image))


def write_tiny_imagenet(root: Path, data: Made):
    """The layout of Tiny-ImageNet, JPEG and unlabelled test split included."""
    ids = [f"n0{label}" for label in range(3)]
    for i, (image, label) in enumerate(zip(data.train_images, data.train_labels, strict=True)):
        file = root / "train" / ids[label] / "images" / f"{ids[label]}_{i:03}.JPEG"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(image, "JPEG"))
    for place in ("val/images", "test/images"):
        (root / place).mkdir(parents=True)
    lines = ""
    for i, (image, label) in enumerate(zip(data.test_images, data.test_labels, strict=True)):
        (root / "val" / "images" / f"val_{i}.JPEG").write_bytes(encoded(image, "JPEG"))
        (root / "test" / "images" / f"test_{i}.JPEG").write_bytes(encoded(image, "JPEG"))
        lines += f"val_{i}.JPEG\t{ids[label]}\t0\t0\t63\t63\n"
    (root / "val" / "val_annotations.txt").write_text(lines)
    (root / "wnids.txt").write_text("\n".join(reversed(ids)) + "\n")
    words = ["n00\tcrane, bird", "n01\tcrane, machine", "n02\tbee", "n03\tnobody"]
    (root / "words.txt").write_text("\n".join(words) + "\n")


def write_npz(root: Path, data: Made, **more):
    """One file with both splits."""
    arrays = {**vars(data), "class_names": np.array(NAMES), **more}
    np.savez(root / "mine.npz", **{k: v for k, v in arrays.items() if v is not None})


def write_parquet(root: Path, data: Made, *, text=False, bare=False, names=True):
    """Two training shards and one of test, as Hugging Face lays them out."""
    splits = {
        "train-00000-of-00002": (data.train_images[:17], data.train_labels[:17]),
        "train-00001-of-00002": (data.train_images[17:], data.train_labels[17:]),
        "test-00000-of-00001": (data.test_images, data.test_labels),
    }
    features = {"image": {"_type": "Image"}, "label": {"names": list(NAMES), "_type": "ClassLabel"}}
    noted = {"huggingface": json.dumps({"info": {"features": features}})} if names else {}
    (root / "data").mkdir()
    for name, (images, labels) in splits.items():
        files = [encoded(image) for image in images]
        struct_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        rows = [{"bytes": file, "path": None} for file in files]
        table = pa.table({
            "image": pa.array(files) if bare else pa.array(rows, struct_type),
            "label": [NAMES[i] for i in labels] if text else pa.array(labels),
        })  # fmt: skip
        pq.write_table(
            table.replace_schema_metadata(noted), root / "data" / f"{name}.parquet",
            row_group_size=5,
        )  # fmt: skip
