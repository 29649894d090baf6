"""A reader's own copy of a data set, laid beside a store that ships no pictures.

A store that was trained here says how its examples came from their data set, and keeps one
fingerprint over all their pixels and labels: the copy is brought to them in the same way, and must
have that fingerprint. An imported store knows labels alone: those of every example must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis import settings
from memanalysis.errors import DataError, StoreError
from memanalysis.producer import data
from memanalysis.producer.data.dataset import read
from memanalysis.producer.data.pixels import thumbnail
from memanalysis.producer.data.source import Split
from memanalysis.settings import Data
from memanalysis.settings.data import SOURCES
from memanalysis.storage import laid_images
from memanalysis.storage.store import Store

_PLAIN: Final = "folder"


@dataclass(frozen=True)
class Laid:
    """Pictures beside a store: their place, number of examples, and checksum."""

    path: Path
    n_images: int
    checked: str


def lay_images(store: Store, place: str | Path, source: str | None = None) -> Laid:
    """Lay the pictures of ``store``'s examples beside it, out of the data set at ``place``.

    Parameters
    ----------
    place
        The folder (of npz: the file) of the data set, or the name of a source whose files lie in
        their usual place.
    source
        The kind of its files, such as ``cifar10``; by default the store's own, else ``folder``.

    Raises
    ------
    DataError
        If there is no such data set, or it is another one than the store's.
    StoreError
        If another process writes to the store.
    """
    text = store.manifest.settings.get("text")
    if isinstance(text, str) and store.manifest.dataset.get("fingerprint"):
        study = settings.parse(text, where=f"study file in {store.path / 'manifest.json'}")
        if source not in (None, study.data.source):
            raise DataError(
                f"--source {source}: the store's study took its images from {study.data.source}. "
                "Leave it out."
            )
        images, checked = _by_fingerprint(store, _placed(study.data, place), study.seed, place)
    else:
        name = source or (str(place) if _is_name(place) else _PLAIN)
        images, checked = _by_labels(store, _placed(Data(source=name), place), place)
    with store.lock(exclusive=True):
        path = laid_images.lay(store, images)
    return Laid(path, len(images) - images.null_count, checked)


def _is_name(place: str | Path) -> bool:
    return str(place) in SOURCES and not Path(place).exists()


def _placed(wanted: Data, place: str | Path) -> Data:
    """The section [data] of a study with its files at ``place``."""
    if _is_name(place):
        if str(place) != wanted.source:
            raise DataError(
                f"--from {place}: the store's images are of the source {wanted.source}. Give that, "
                "or the folder of its files."
            )
        return wanted
    if not Path(place).exists():
        raise DataError(
            f"--from {place}: there is no such folder; expected that of the data set, or one of "
            f"{', '.join(SOURCES)}."
        )
    if wanted.source == "npz":
        return replace(wanted, file=str(place))
    return replace(wanted, folder=str(place))


def _by_fingerprint(
    store: Store, wanted: Data, seed: int, place: str | Path
) -> tuple[pa.Array, str]:
    dataset = data.load(wanted, seed)
    fingerprint = store.manifest.dataset["fingerprint"]
    if dataset.fingerprint != fingerprint:
        raise DataError(
            f"'{place}' holds other images or labels than those that '{store.path}' was trained "
            f"on: brought to its examples their fingerprint is {dataset.fingerprint[:12]}…; "
            f"expected {str(fingerprint)[:12]}…. Nothing was laid beside the store."
        )
    names = store.read_table("examples", ["source_id"])["source_id"].to_pylist()
    if names != [*dataset.source_ids]:
        raise StoreError(
            f"'{store.path}' lists other examples than its study draws. "
            f"Run: memanalysis check {store.path}"
        )
    images = pa.array(dataset.thumbnails(), pa.binary())
    return images, f"all pixels and labels by the fingerprint {dataset.fingerprint[:12]}…"


def _by_labels(store: Store, wanted: Data, place: str | Path) -> tuple[pa.Array, str]:
    """Pictures for a store that knows no pixels; without labels nothing would tell the order."""
    found = read(wanted, seed=0)
    manifest = store.manifest
    examples = store.read_table("examples", ["label", "clean_label", "source_id"])
    labels = [
        label if clean is None else clean
        for label, clean in zip(
            examples["label"].to_pylist(), examples["clean_label"].to_pylist(), strict=True
        )
    ]
    names = examples["source_id"].to_pylist()
    n = manifest.n_train
    if None in labels[:n]:
        raise DataError(
            f"'{store.path}' lacks labels of training examples, so nothing can tell whether the "
            "images are those that its scores are of. Import it with --labels."
        )
    at = _rows(found.train, names[:n], f"'{place}'")
    _require_labels(found.train, at, labels[:n], f"'{place}', training images")
    images: list[bytes | None] = [*_thumbnails(found.train, at)]
    tests = len(found.test.labels)
    fits = manifest.n_test <= tests and found.test.labels[: manifest.n_test].tolist() == labels[n:]
    if fits:
        images += _thumbnails(found.test, np.arange(manifest.n_test))
    images += [None] * (len(labels) - len(images))
    return pa.array(images, pa.binary()), "labels alone: the store knows no pixels"


def _rows(split: Split, names: Sequence[str | None], where: str) -> NDArray[np.int64]:
    """The place of each example among the images, by name, else by position."""
    if None not in names:
        places = {name: at for at, name in enumerate(split.ids)}
        missing = [name for name in names if name not in places]
        if not missing:
            return np.array([places[str(name)] for name in names], np.int64)
        if len(missing) < len(names):
            raise DataError(f"{where} has no image '{missing[0]}', of {len(missing):,} examples.")
    if len(split.labels) != len(names):
        raise DataError(
            f"{where} has {len(split.labels):,} training images; expected {len(names):,}, one for "
            "each training example."
        )
    return np.arange(len(names))


def _require_labels(split: Split, at: NDArray[np.int64], labels: Sequence[Any], where: str) -> None:
    wrong = np.flatnonzero(split.labels[at] != np.array(labels))
    if len(wrong):
        first = int(wrong[0])
        raise DataError(
            f"{where}: other labels than the store's at {len(wrong):,} of {len(labels):,}, first "
            f"{split.labels[at[first]]} of example {first}; expected {labels[first]}. These are "
            "other images, or another order of the same ones."
        )


def _thumbnails(split: Split, at: NDArray[np.int64]) -> Iterator[bytes]:
    for batch in split.images.batches(at):
        yield from map(thumbnail, batch)
