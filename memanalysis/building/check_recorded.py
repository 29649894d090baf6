"""Proxies, votes, margins, bits per epoch and second models against the outcomes of their store.

Annotations, and what lies beside the tables, against what they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memanalysis.errors import StoreError
from memanalysis.storage import bits, laid_images
from memanalysis.storage.schema import RECORDED, TABLES
from memanalysis.storage.store import FINGERPRINT, SCORES, Store, blob_array, read_schema

# Files that may lie in a store and are no part of it.
BESIDE: Final = frozenset({SCORES, laid_images.FILE})
# Where, what is there, what is expected.
Broken = tuple[str, str, str]
_Counts = NDArray[np.int64]


def recorded_faults(store: Store, sound: Collection[str]) -> Iterator[Broken]:
    """Every contradiction in the tables of what was recorded that are among the ``sound`` ones."""
    for name in RECORDED:
        if name in sound:
            for objective, size in _conditions(store, name):
                where = f"{TABLES[name][0]} ({objective}, {size})"
                condition = [("objective", "=", objective), ("size", "=", size)]
                outcomes = store.read_table("outcomes", filters=condition)
                if not len(outcomes):
                    yield where, "rows", "none: outcomes.parquet has no such objective and size"
                    continue
                rows = store.read_table(name, filters=condition)
                try:
                    faults = list(_CHECKS[name](store, rows, outcomes))
                except StoreError as error:  # BLOBs of several lengths
                    faults = [(str(error), f"{bits.width(store.manifest.n_subsets)} bytes each")]
                yield from ((where, *one) for one in faults)


def proxy_faults(store: Store) -> Iterator[Broken]:
    """Values of training examples alone, each once."""
    names = ["objective", "size", "proxy", "example_id", "n_in", "n_out"]
    table = store.read_table("proxies", names)
    where = TABLES["proxies"][0]
    ids = table["example_id"].to_numpy()
    if len(ids) and not (ids.min() >= 0 and ids.max() < store.manifest.n_train):
        yield where, "other example_id", f"training examples, 0 to {store.manifest.n_train - 1}"
    keys = table.group_by(names[:4]).aggregate([([], "count_all")])
    if len(keys) != len(table):
        found = f"{len(table) - len(keys)} rows twice"
        yield where, found, "one per objective, size, proxy, example"


def annotation_faults(store: Store) -> Iterator[Broken]:
    """Values of training examples alone, each once, with finite numbers."""
    table = store.read_table("annotations")
    where = TABLES["annotations"][0]
    ids = table["example_id"].fill_null(-1).to_numpy()
    if len(ids) and not (ids.min() >= 0 and ids.max() < store.manifest.n_train):
        expected = f"training examples, 0 to {store.manifest.n_train - 1}"
        yield where, "other example_id", expected
    keys = table.group_by(["name", "example_id"]).aggregate([([], "count_all")])
    if len(keys) != len(table):
        yield where, f"{len(table) - len(keys)} rows twice", "one per name, example"
    if table["name"].null_count or table["value"].null_count:
        yield where, "rows without name or value", "both in every row"
    if not np.isfinite(table["number"].drop_null().to_numpy()).all():
        yield where, "numbers that are not finite", "finite ones, or NULL"


def beside_faults(store: Store) -> Iterator[Broken]:
    """Exported scores are of these outcomes, and pictures that a reader laid of these examples."""
    scores = store.path / SCORES
    if scores.is_file():
        stamp = (read_schema(scores).metadata or {}).get(FINGERPRINT, b"")
        if stamp.decode("ascii", "replace") != store.manifest.outcomes_fingerprint:
            yield SCORES, "scores of other outcomes", "those of outcomes.parquet"
    if laid_images.is_laid(store) and (names := laid_images.differing(store)):
        yield laid_images.FILE, f"another {', '.join(names)}", "that of examples.parquet"


def _conditions(store: Store, name: str) -> list[tuple[str, str]]:
    keys = store.read_table(name, ["objective", "size"])
    rows = keys.group_by(["objective", "size"]).aggregate([]).to_pylist()
    return sorted((row["objective"], row["size"]) for row in rows)


def _votes(_: Store, rows: pa.Table, outcomes: pa.Table) -> Iterator[tuple[str, str]]:
    """No more votes than models; where all models vote, those for the label are the hits."""
    example, predicted = (rows[name].to_numpy() for name in ("example_id", "class"))
    votes = [rows[name].to_numpy().astype(np.int64) for name in ("n_in", "n_out")]
    n = len(outcomes)
    if len(example) and not (example.min() >= 0 and example.max() < n):
        yield f"examples from {example.min()} to {example.max()}", f"0 to {n - 1}"
        return
    order = np.stack([example, predicted], axis=1)
    if len(np.unique(order, axis=0)) != len(order):
        yield "rows twice", "one for each example and class"
    if any((side < 0).any() for side in votes) or (votes[0] + votes[1] < 1).any():
        yield "rows without a vote", "at least one vote in each row"
    label = outcomes["label"].fill_null(-1).to_numpy()
    right = predicted == label[example]
    for side, counts, (models, hits) in zip(("in", "out"), votes, _sides(outcomes), strict=True):
        total = _sum_by(example, counts, n)
        if (broken := total > models).any():
            yield (
                f"{np.count_nonzero(broken)} examples with more votes {side} than models",
                (f"n_{side} summed over classes at most the models"),
            )
        of_label = _sum_by(example[right], counts[right], n)
        wrong = (total == models) & (label >= 0) & (of_label != hits)
        if wrong.any():
            found = f"{np.count_nonzero(wrong)} examples with other votes {side} for their label"
            yield found, "as many as models that are right, by the bits"


def _sum_by(example: NDArray[np.int64], counts: _Counts, n: int) -> _Counts:
    return np.bincount(example, weights=counts, minlength=n).astype(np.int64)


def _sides(outcomes: pa.Table) -> list[tuple[_Counts, _Counts]]:
    """Models and hits, inside and outside, each [examples]."""
    trained, inside, correct = (
        blob_array(outcomes[name]) for name in ("trained", "in_train", "correct")
    )
    return [
        (bits.count(side).astype(np.int64), bits.count(side & correct).astype(np.int64))
        for side in (inside, trained & ~inside)
    ]


def _margins(store: Store, rows: pa.Table, _: pa.Table) -> Iterator[tuple[str, str]]:
    yield from _examples(rows, store.manifest.n_train)
    if rows["margins"].null_count < len(rows):
        width = blob_array(rows["margins"]).shape[1]
        if rows["margins"].null_count or width != store.manifest.n_subsets:
            yield f"margins of {width} bytes", f"{store.manifest.n_subsets} in every row, or none"


def _epochs(store: Store, rows: pa.Table, outcomes: pa.Table) -> Iterator[tuple[str, str]]:
    epochs = rows["epoch"].to_numpy()
    for epoch in np.unique(epochs):
        of_epoch = rows.filter(pa.array(epochs == epoch))
        for found, expected in (
            *_examples(of_epoch, store.manifest.n_train),
            *_bits(store, of_epoch, outcomes),
        ):
            yield f"epoch {epoch}: {found}", expected


def _repeats(store: Store, rows: pa.Table, outcomes: pa.Table) -> Iterator[tuple[str, str]]:
    yield from _examples(rows, len(outcomes))
    yield from _bits(store, rows, None)


def _examples(rows: pa.Table, n: int) -> Iterator[tuple[str, str]]:
    if rows["example_id"].to_pylist() != list(range(n)):
        yield "other example_id", f"0 to {n - 1}, in order"


def _bits(store: Store, rows: pa.Table, outcomes: pa.Table | None) -> Iterator[tuple[str, str]]:
    trained, correct = (blob_array(rows[name]) for name in ("trained", "correct"))
    width = bits.width(store.manifest.n_subsets)
    if {trained.shape[1], correct.shape[1]} != {width}:
        yield f"BLOBs of {trained.shape[1]} and {correct.shape[1]} bytes", f"{width} bytes each"
        return
    padding = np.packbits(np.arange(8 * width) >= store.manifest.n_subsets)
    claims = {
        "trained is the same in every row": trained == trained[:1],
        "padding bits are zero": (trained & padding) == 0,
        "correct lies within trained": (correct & ~trained) == 0,
        "n_models is bit_count(trained)": rows["n_models"].to_numpy() == bits.count(trained),
    }
    if outcomes is not None:
        of_study = blob_array(outcomes["trained"])[:1]
        claims["trained lies within that of outcomes"] = (trained & ~of_study) == 0
    for claim, holds in claims.items():
        if not holds.all():
            yield "rows that break it", claim


_Check = Callable[[Store, pa.Table, pa.Table], Iterator[tuple[str, str]]]
_CHECKS: Final[dict[str, _Check]] = {
    "votes": _votes,
    "margins": _margins,
    "epoch_outcomes": _epochs,
    "repeats": _repeats,
}
