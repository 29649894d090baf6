"""Beliefs about each training label, by models that never saw its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memanalysis.analysis import wrong_labels
from memanalysis.analysis.wrong_labels import Posterior, Votes
from memanalysis.evidence.conditions import Condition
from memanalysis.evidence.load import Study
from memanalysis.storage.schema import VOTES
from memanalysis.storage.store import Store

_OBJECTIVE = "one_hot"

Index = NDArray[np.int64]


def label_posteriors(store: Store, study: Study) -> dict[str, Any]:
    """One row per training example with a label that some model held out, at one size.

    The size is the largest whose models fit their training examples, else the largest: what does
    not fit them shares its errors with them. By votes where every model's are recorded, else by
    hits alone, and then without a preferred class.
    """
    condition = study.conditions.get(_OBJECTIVE)
    if condition is None or len(study.class_names) < 2:
        return {}
    limit = study.evidence.rules.common.saturated_accuracy_in
    saturated = np.flatnonzero(condition.accuracy_in() >= limit).tolist()
    row = saturated[-1] if saturated else len(condition.sizes) - 1
    counts = condition.counts.sum(0)
    n_out, hits = (values[row].astype(np.int64) for values in (counts.n_out, counts.hits_out))
    known = np.flatnonzero((n_out > 0) & (study.labels >= 0))
    if not len(known):
        return {}
    size = condition.sizes[row]
    votes = _votes(store, study, condition, size, known)
    if votes is not None and np.array_equal(np.bincount(votes.image, votes.n), n_out[known]):
        basis, found = "votes", wrong_labels.from_votes(votes)
    else:
        basis = "hits"
        found = wrong_labels.from_hits(hits[known], n_out[known], len(study.class_names))
    return {
        "objective": [_OBJECTIVE] * len(known),
        "size": [size] * len(known),
        "size_rank": np.full(len(known), study.size_rank[size]),
        "example_id": condition.outcomes.example_id[known],
        "saturated": np.full(len(known), bool(saturated)),
        "basis": [basis] * len(known),
        **_preferred(found),
        "n_out": n_out[known],
        "wrong": found.wrong,
        "wrong_low": found.wrong_low,
        "wrong_high": found.wrong_high,
    }


@dataclass(frozen=True)
class HeldOut:
    """Shares of held-out votes float64 [examples, classes], int64 [examples] labels and ids."""

    size: str
    example_id: Index
    labels: Index
    shares: NDArray[np.float64]


def held_out_votes(store: Store) -> HeldOut | None:
    """Votes on labelled training examples, of the size that ``label_posteriors`` takes.

    None where no model held an example out, or votes were not recorded.
    """
    table = store.read_table("label_posteriors") if _has_posteriors(store) else None
    if table is None or not len(table) or table["basis"][0].as_py() != "votes":
        return None
    size = table["size"][0].as_py()
    ids = table["example_id"].to_numpy()
    examples = store.read_table("examples", ["example_id", "label"])
    at = pc.index_in(pa.array(ids), examples["example_id"].combine_chunks())
    labels = examples["label"].take(at).to_numpy().astype(np.int64)
    rows = _rows(store, size, ids)
    shares = np.zeros((len(ids), len(store.manifest.class_names)))
    image, voted, n = (rows[name].to_numpy() for name in ("image", "class", "n_out"))
    shares[image, voted] = n
    return HeldOut(size, ids, labels, shares / shares.sum(axis=1, keepdims=True))


def _has_posteriors(store: Store) -> bool:
    return bool(store.table_path("label_posteriors").is_file())


def _preferred(found: Posterior) -> dict[str, list[int | None]]:
    there = (found.preferred >= 0).tolist()
    return {
        name: [
            value if known else None for value, known in zip(values.tolist(), there, strict=True)
        ]
        for name, values in (("preferred", found.preferred), ("votes", found.votes))
    }


def _votes(
    store: Store, study: Study, condition: Condition, size: str, known: Index
) -> Votes | None:
    """Held-out votes on the examples at ``known``; None where an example has none."""
    if not store.table_path("votes").is_file():
        return None
    table = _rows(store, size, condition.outcomes.example_id[known])
    image, voted, n = (
        table[name].to_numpy().astype(np.int64) for name in ("image", "class", "n_out")
    )
    if len(np.unique(image)) < len(known):
        return None
    return Votes(image, voted, n, study.labels[known], len(study.class_names))


def _rows(store: Store, size: str, ids: Index) -> pa.Table:
    """Held-out votes by image (the place in ``ids``), then class."""
    table = pq.read_table(
        store.table_path("votes"),
        columns=["example_id", "class", "n_out"],
        schema=VOTES,
        filters=[("objective", "=", _OBJECTIVE), ("size", "=", size), ("n_out", ">", 0)],
    )
    image = pc.index_in(table["example_id"], pa.array(ids))
    table = table.append_column("image", image).filter(pc.is_valid(image))
    return table.sort_by([("image", "ascending"), ("class", "ascending")])
