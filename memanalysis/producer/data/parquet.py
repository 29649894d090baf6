"""Parquet files with image bytes and a label: the layout that Hugging Face publishes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from memanalysis.errors import DataError
from memanalysis.producer.data.pixels import channels_of, decode
from memanalysis.producer.data.source import (
    FileImages,
    Index,
    Labels,
    Pixels,
    Source,
    Split,
    missing,
    numbered_classes,
)
from memanalysis.settings import Data

TEST_SPLITS: Final = ("test", "validation", "valid", "val")
_ROWS: Final = 256  # encoded images that are in memory at a time
_LAYOUT: Final = (
    "Expected Parquet files whose name or folder says their split, such as "
    "train-00000-of-00002.parquet and test-00000-of-00001.parquet, or train/0000.parquet and "
    "test/0000.parquet."
)


def parquet(settings: Data) -> Source:
    """The Parquet files under ``settings.folder``, in the order of their paths.

    Without files of a test split it is empty. The images are a column of bytes, or of structs with
    a field ``bytes``; the labels integers or text. Class names are those of the ``ClassLabel`` that
    Hugging Face notes in the file, else the sorted texts, else the numbers.

    Raises
    ------
    DataError
        If a split or a column is missing or not unique, or a file is damaged.
    """
    root = Path(settings.folder or ".")
    train, test = _splits(root, settings.test_split)
    schema = _schema(train[0])
    image = _image_column(schema, settings.image_column, train[0])
    label = _label_column(schema, settings.label_column, image, train[0])
    names = _class_names(schema, label)
    columns = [_column(files, label) for files in (train, test) if files]
    kinds = {pa.types.is_integer(column.type) for column in columns}
    if len(kinds) > 1:
        shown = " and ".join(str(column.type) for column in columns)
        raise DataError(
            f"Column '{label}' of '{root}' is {shown} in the two splits; expected numbers in both "
            "or names in both."
        )
    if names is None:
        names = _names_of(columns[0], f"Column '{label}' of '{root}'")
    first = next(_contents(train, image, np.zeros(1, dtype=np.int64)), None)
    channels = settings.channels or (channels_of(*first) if first else 1)
    splits = [
        _split(files, image, which, _labels(values, names, files[0], label), channels)
        for which, files, values in zip(("train", "test"), (train, test), columns, strict=False)
    ]
    if not test:
        splits.append(replace(splits[0], labels=splits[0].labels[:0], ids=[]))
    return Source(
        name=root.resolve().name,
        licence="not stated",
        citation="not stated",
        class_names=names,
        train=splits[0],
        test=splits[1],
    )


# Files


def _splits(root: Path, wanted: str | None) -> tuple[list[Path], list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*.parquet")):
        split = _split_of(path.relative_to(root), (wanted,) if wanted else TEST_SPLITS)
        if split is not None:
            found.setdefault(split, []).append(path)
    candidates = (wanted,) if wanted else TEST_SPLITS
    test = next((name for name in candidates if name in found), None)
    absent = [] if "train" in found else ["train*.parquet"]
    if test is None and wanted:
        absent.append(f"{wanted}*.parquet")
    if absent:
        raise missing("The Parquet data set", root, absent, _LAYOUT)
    return found["train"], found[test] if test else []


def _split_of(path: Path, tests: tuple[str, ...]) -> str | None:
    """The split that the innermost part of a path names, as a word of its own."""
    for part in (path.stem, *reversed(path.parent.parts)):
        for name in ("train", *tests):
            if re.search(rf"(?:^|[-_.]){re.escape(name)}(?:[-_.]|$)", part):
                return name
    return None


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"'{path}' cannot be read as Parquet: {error}.") from error


def _schema(path: Path) -> pa.Schema:
    with _open(path) as file:
        return file.schema_arrow


# Columns


def _holds_images(field: pa.Field) -> bool:
    kind = field.type
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _holds_labels(field: pa.Field) -> bool:
    kind = field.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(text or pa.types.is_integer(kind))


def _image_column(schema: pa.Schema, wanted: str | None, path: Path) -> str:
    possible = [field.name for field in schema if _holds_images(field)]
    return _one(possible, wanted, "image_column", "image bytes", schema, path)


def _label_column(schema: pa.Schema, wanted: str | None, image: str, path: Path) -> str:
    possible = [f.name for f in schema if _holds_labels(f) and f.name != image]
    if wanted is None and len(possible) > 1:
        declared = [name for name in possible if _class_names(schema, name) is not None]
        called = [name for name in possible if name in ("label", "labels")]
        possible = declared if len(declared) == 1 else called if len(called) == 1 else possible
    return _one(possible, wanted, "label_column", "integer or text labels", schema, path)


def _one(
    possible: list[str], wanted: str | None, key: str, what: str, schema: pa.Schema, path: Path
) -> str:
    if wanted in possible:
        return str(wanted)
    if wanted is None and len(possible) == 1:
        return possible[0]
    given = f"data.{key} = '{wanted}' is not one of them" if wanted else "expected exactly one"
    raise DataError(
        f"'{path}' has {len(possible)} columns of {what}"
        f"{': ' + ', '.join(possible) if possible else ''}; {given}. Name one in data.{key}; "
        f"all columns: {', '.join(schema.names)}."
    )


def _class_names(schema: pa.Schema, label: str) -> tuple[str, ...] | None:
    noted = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(noted)["info"]["features"] if noted else {}
        names = features[label]["names"] if label in features else None
    except (ValueError, KeyError, TypeError):
        return None
    return tuple(map(str, names)) if names else None


def _column(files: list[Path], label: str) -> pa.ChunkedArray:
    parts: list[pa.Array] = []
    for path in files:
        with _open(path) as file:
            if label not in file.schema_arrow.names:
                raise DataError(f"'{path}' has no column '{label}', which '{files[0]}' names.")
            parts.extend(file.read([label])[label].chunks)
    column = pa.chunked_array(parts)
    if column.null_count:
        raise DataError(f"Column '{label}' of '{files[0].parent}' has {column.null_count} NULLs.")
    return column


def _names_of(column: pa.ChunkedArray, where: str) -> tuple[str, ...]:
    values = column.to_pylist()
    if values and isinstance(values[0], str):
        return tuple(sorted(set(values)))
    return numbered_classes(_integers(values, where), where)


def _integers(values: list[Any], where: str) -> Labels:
    try:
        return np.array(values, dtype=np.int64)
    except (OverflowError, ValueError, TypeError) as error:
        raise DataError(f"{where} has labels that are not classes ({error}).") from error


def _labels(column: pa.ChunkedArray, names: tuple[str, ...], path: Path, label: str) -> Labels:
    values = column.to_pylist()
    if not (values and isinstance(values[0], str)):
        return _integers(values, f"Column '{label}' of '{path}'")
    index = {name: number for number, name in enumerate(names)}
    strange = sorted(set(values) - index.keys())
    if strange:
        raise DataError(
            f"Column '{label}' of '{path}' has '{strange[0]}', which is not a class of the "
            f"training split: {', '.join(names[:10])}."
        )
    return np.array([index[value] for value in values], dtype=np.int64)


# Images


def _split(files: list[Path], image: str, which: str, labels: Labels, channels: int) -> Split:
    def read(index: Index) -> Iterator[Pixels]:
        for content, name in _contents(files, image, index):
            yield decode(content, channels, name)

    return Split(
        images=FileImages(read, lambda position: f"row {position} of the {which} split"),
        labels=labels,
        ids=[f"{which}/{i}" for i in range(len(labels))],
    )


def _contents(files: list[Path], image: str, index: Index) -> Iterator[tuple[bytes, str]]:
    """Encoded images at ascending rows, over all files, with the name that messages call them."""
    first = 0
    for path in files:
        with _open(path) as file:
            last = first + file.metadata.num_rows
            here = index[(index >= first) & (index < last)] - first
            if len(here):
                yield from _rows(file, path, image, here)
        first = last


def _rows(file: pq.ParquetFile, path: Path, image: str, rows: Index) -> Iterator[tuple[bytes, str]]:
    start = 0
    try:
        for batch in file.iter_batches(_ROWS, columns=[image]):
            wanted = rows[(rows >= start) & (rows < start + len(batch))] - start
            for row, value in zip(wanted, batch[image].take(wanted).to_pylist(), strict=True):
                yield _bytes(value, path, image, start + int(row))
            start += len(batch)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"'{path}' cannot be read as Parquet: {error}.") from error


def _bytes(value: Any, path: Path, image: str, row: int) -> tuple[bytes, str]:
    content = value.get("bytes") if isinstance(value, dict) else value
    if content is not None and not isinstance(content, bytes):
        raise DataError(
            f"'{path}', row {row}: column '{image}' has {type(content).__name__}; expected the "
            "bytes of image files, as in the other files."
        )
    if content is None:
        raise DataError(
            f"'{path}', row {row}: column '{image}' has no bytes. Files that only name their "
            "images by path are not read: embed the images, or use the source folder."
        )
    return content, f"'{path}', row {row},"
