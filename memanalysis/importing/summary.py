"""An import in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.planning import Plan
from memanalysis.importing.source import Models, Scores
from memanalysis.importing.subset_groups import Design
from memanalysis.storage.store import Store


def summary(plan: Plan, store: Store | None) -> list[str]:
    """Lines for people: counts, ranges, and everything that they should know."""
    contents = plan.contents
    return [
        f"{contents.format}: {contents.source}",
        _examples(plan, store),
        *(
            _models(models, design, [group for _, group in places])
            for models, design, places in zip(
                contents.models, plan.designs, plan.places, strict=True
            )
        ),
        *(_scores(scores) for scores in contents.scores),
        *_pairs(plan),
        *(f"note: {note}" for note in plan.notes),
    ]


def _examples(plan: Plan, store: Store | None) -> str:
    manifest = plan.manifest
    labels = [label for label in plan.examples["label"].to_pylist() if label is not None]
    classes = f"labels of {len(set(labels)):,} classes" if labels else "no labels"
    origin = "new" if store is None else "as in the store"
    counts = f"{manifest.n_train:,} of train, {manifest.n_test:,} of test"
    return f"examples: {counts} ({origin}), {classes}"


def _models(models: Models, design: Design, groups: list[int]) -> str:
    n_in = design.n_in
    members = Counter(groups).values()
    return (
        f"models: {models.n_models:,} of size {models.size}, {models.objective}; "
        f"{design.density:.1%} of the examples in train; an example is in {_range(n_in)} models "
        f"and out of {_range(models.n_models - n_in)}; {len(members)} groups of "
        f"{_range(np.array([*members]))}; evaluation mode {models.evaluation_mode}"
    )


def _scores(scores: Scores) -> str:
    values = scores.values[np.isfinite(scores.values)]
    span = f" from {values.min():.4g} to {values.max():.4g}" if len(values) else ""
    return (
        f"proxy: {scores.name}, {len(values):,} values{span}, hard = {scores.hard_is}, "
        f"size {scores.size}, {scores.objective}"
    )


def _pairs(plan: Plan) -> Iterator[str]:
    for pairs in plan.contents.pairs:
        yield (
            f"influence: {len(pairs.influence):,} pairs of {len(np.unique(pairs.train_ids)):,} "
            f"training and {len(np.unique(pairs.test_ids)):,} test examples, size {pairs.size}, "
            f"{pairs.objective}"
        )


def _range(values: NDArray[Any]) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
