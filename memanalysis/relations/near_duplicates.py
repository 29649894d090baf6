"""``near_duplicates`` and ``duplicate_recall``: images that nearly repeat, and who they help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from memanalysis.analysis.influence import influence_matrix
from memanalysis.analysis.near_duplicates import (
    LEAST,
    candidates,
    compared,
    projection,
    standardised,
)
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.relations.influence import test_partners, training_of
from memanalysis.relations.tables import stack
from memanalysis.storage import pictures
from memanalysis.storage.store import Store

# Images of one shape are held together as bytes; more than this are not compared.
_MOST_BYTES: Final = 2 << 30
_RANKS: Final = (1, 10)

Columns = dict[str, Any]


def near_duplicates(store: Store) -> Columns:
    """Columns of ``near_duplicates``, by training example; none without images."""
    table = store.read_table("examples", ["example_id", "split", "label", "image"])
    n_train = store.manifest.n_train
    labels = table["label"].to_pylist()
    parts = [
        _pairs(ids, pixels, projected, n_train)
        for ids, pixels, projected in _by_shape(table["image"])
    ]
    if not parts:
        return {}
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((found["other_id"], found["train_id"]))
    found = {name: values[order] for name, values in found.items()}
    pairs = [
        (labels[i], labels[j]) for i, j in zip(found["train_id"], found["other_id"], strict=True)
    ]
    return found | {
        "other_split": ["train" if i < n_train else "test" for i in found["other_id"]],
        "same_label": [None if a is None or b is None else a == b for a, b in pairs],
    }


def _by_shape(
    images: pa.ChunkedArray,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float32]]]:
    """Positions, pixels [n, p] and projections [n, d] of the images of each shape."""
    shapes: dict[tuple[int, ...], list[tuple[int, bytes, NDArray[np.float32]]]] = {}
    for position, content in enumerate(images):
        image = None if content.as_py() is None else _pixels(content.as_py())
        values = None if image is None else standardised(image)
        if image is not None and values is not None:
            line = (position, image.tobytes(), projection(values))
            shapes.setdefault(image.shape, []).append(line)
    for lines in shapes.values():
        if len(lines) * len(lines[0][1]) > _MOST_BYTES:
            continue
        pixels = np.frombuffer(b"".join(line[1] for line in lines), dtype=np.uint8)
        yield (
            np.array([line[0] for line in lines]),
            pixels.reshape(len(lines), -1),
            np.stack([line[2] for line in lines]),
        )


def _pixels(content: bytes) -> NDArray[np.uint8] | None:
    """An image as uint8 [height, width, 1 or 3]; None if it cannot be read as one."""
    pixels = pictures.decoded(content, lambda image: np.asarray(pictures.grey_or_rgb(image)))
    return None if pixels is None else pixels.reshape(*pixels.shape[:2], -1)


def _pairs(
    ids: NDArray[np.int64],
    pixels: NDArray[np.uint8],
    projected: NDArray[np.float32],
    n_train: int,
) -> dict[str, NDArray[Any]]:
    """Pairs of one shape that correlate enough; examples stand in the order of their ids."""
    n_first = int((ids < n_train).sum())
    pairs = np.array(list(candidates(projected, n_first)), dtype=np.int64).reshape(-1, 2)
    similarity, distance = compared(pixels, pairs)
    enough = similarity >= LEAST
    pairs = ids[pairs[enough]]
    return {
        "train_id": pairs[:, 0],
        "other_id": pairs[:, 1],
        "similarity": similarity[enough],
        "distance": distance[enough],
    }


def duplicate_recall(store: Store, study: Study, pairs: Columns) -> dict[str, list[Any]]:
    """Columns of ``duplicate_recall``, from those of ``near_duplicates``."""
    partners: dict[int, list[int]] = {}
    columns = (
        pairs.get(name, ()) for name in ("train_id", "other_id", "other_split", "same_label")
    )
    for train, other, split, same in zip(*columns, strict=True):
        if split == "test" and same:
            partners.setdefault(int(other), []).append(int(train))
    parts = []
    for objective, condition in study.conditions.items() if partners else ():
        for row, size in enumerate(condition.sizes):
            common = {"objective": objective, "size": size, "size_rank": study.size_rank[size]}
            recall = _recall(store, study, condition, row, objective, partners)
            parts += [common | recall] if recall else []
    return stack(parts)


def _recall(
    store: Store,
    study: Study,
    condition: Condition,
    row: int,
    objective: str,
    partners: dict[int, list[int]],
) -> dict[str, Any]:
    """Rank of near duplicates by influence at one size; ties share their mean rank."""
    test, ids = test_partners(store, condition, row, objective)
    training = training_of(study, condition, row)
    examples = condition.outcomes.example_id
    chosen = np.flatnonzero(np.isin(ids, list(partners)))
    found = influence_matrix(training.in_train, test.correct[chosen], training.trained)
    best, mean, chance = [], [], []
    for column, example in enumerate(ids[chosen].tolist()):
        known = np.isfinite(found[:, column])
        duplicates = known & np.isin(examples, partners[example])
        if not duplicates.any():
            continue
        rank = stats.rankdata(-found[known, column])
        best.append(rank[duplicates[known]].min())
        mean.append(found[duplicates, column].mean())
        n, d = int(known.sum()), int(duplicates.sum())
        chance.append(1 - stats.hypergeom.pmf(0, n, d, min(_RANKS[1], n)))
    if not best:
        return {}
    return {
        "n_test": len(best),
        "n_train": len(examples),
        **{f"recall_{k}": float(np.mean(np.array(best) <= k)) for k in _RANKS},
        "chance_10": float(np.mean(chance)),
        "influence": float(np.mean(mean)),
    }
