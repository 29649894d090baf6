"""A simulated store with kinds of example and with test examples that need one training example."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from memanalysis.evidence.load import read_study
from memanalysis.experiments.simulate import read_truth
from memanalysis.relations.influence import influence_tables
from memanalysis.relations.kinds import kind_effects, kind_retrieval, read_kinds
from memanalysis.relations.tables import as_table
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store

# Planted shape -> kind; examples of other shapes are clean.
KINDS = {"increasing": "flipped", "cap": "blended", "decreasing": "rotated"}
WITHOUT_KIND = 5  # the first examples
N_PARTNERS = 6  # the first test examples each need one training example of their class


def make(path: Path, simulated: Store) -> Store:
    """A copy of ``simulated`` with kinds and partners, derived."""
    shutil.copytree(simulated.path, path)
    store = Store.open(path)
    examples = store.read_table("examples").to_pylist()
    n_train = store.manifest.n_train
    partners = _partners(examples, n_train)
    _write(store, "examples", _with_kinds(store, examples))
    _write(store, "outcomes", _with_partners(store.read_table("outcomes").to_pylist(), partners))
    store.write_manifest()
    _derive(store)
    return Store.open(path)


def _derive(store: Store) -> None:
    """What changes is derived, the rest stamped again."""
    study = read_study(store)
    kinds = read_kinds(store, study)
    influence, summary, partners = influence_tables(store, study)
    found = {
        "kind_effects": kind_effects(study, kinds),
        "kind_retrieval": kind_retrieval(study, kinds),
        "influence_summary": summary,
        "memorized_partners": partners,
    }
    store.write_table("influence", influence)
    for name, schema in DERIVED.items():
        same = store.read_table(name)
        store.write_table(name, as_table(found[name], schema) if name in found else same)
    store.write_manifest()


def kind_of(store: Store) -> dict[int, str | None]:
    """The kind of each training example, by its planted shape."""
    truth = read_truth(store)
    shapes = dict(zip(truth["example_id"].to_pylist(), truth["shape"].to_pylist(), strict=True))
    return {
        example: None if example < WITHOUT_KIND else KINDS.get(shape, "clean")
        for example, shape in shapes.items()
        if example < store.manifest.n_train
    }


def _with_kinds(store: Store, examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = kind_of(store)
    n_classes = len(store.manifest.class_names)
    for row in examples:
        row["kind"] = kinds.get(row["example_id"])
        if row["kind"] is not None:
            moved = (row["label"] + 1) % n_classes
            row["clean_label"] = moved if row["kind"] == "flipped" else row["label"]
    return examples


def _partners(examples: list[dict[str, Any]], n_train: int) -> dict[int, int]:
    """Test example -> a training example of its class."""
    train, test = examples[:n_train], examples[n_train:]
    return {
        row["example_id"]: next(
            other["example_id"] for other in train[at::N_PARTNERS] if other["label"] == row["label"]
        )
        for at, row in enumerate(test[:N_PARTNERS])
    }


def _with_partners(
    outcomes: list[dict[str, Any]], partners: dict[int, int]
) -> list[dict[str, Any]]:
    """Right on such a test example exactly where its partner was trained on."""
    inside = {
        (row["objective"], row["size"], row["example_id"]): row["in_train"] for row in outcomes
    }
    for row in outcomes:
        partner = partners.get(row["example_id"])
        if partner is not None:
            seen = np.frombuffer(inside[row["objective"], row["size"], partner], np.uint8)
            # A few models err, the same ones at every size: influences below 1.
            noise = np.random.default_rng(row["example_id"]).random((len(seen), 8)) < 0.05
            row["correct"] = (seen & ~np.packbits(noise, axis=1)[:, 0]).tobytes()
    return outcomes


def _write(store: Store, name: str, rows: list[dict[str, Any]]) -> None:
    store.write_table(name, pa.Table.from_pylist(rows, store.read_table(name).schema))
