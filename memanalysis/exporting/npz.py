"""Masks and outcomes as a NumPy archive, under the key names of published ones.

The names are those of Zenodo record 14687826 ("Label Memorization of CIFAR-10N", 2025), so what
reads that reads this: ``total_runs``, ``trainset_mask``, ``trainset_correctness``, ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from memanalysis.errors import QueryError
from memanalysis.exporting.archive import Archive
from memanalysis.exporting.logits import kept_logits
from memanalysis.exporting.placing import (
    Condition,
    archives,
    conditions,
    placing,
    require_replaceable,
)
from memanalysis.storage import bits
from memanalysis.studies import Study

Progress = Callable[[str, int, int], None]

# Test examples, and training examples, whose influence is computed at a time.
_TEST_BLOCK: Final = 64
_TRAIN_BLOCK: Final = 8192


def write_npz(
    study: Study,
    out: str | Path,
    *,
    objective: str | None = None,
    size: str | None = None,
    influence: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write one archive per objective and size; return their paths.

    Each loads with ``np.load(path, allow_pickle=False)``. Models are in ``subset_id`` order. NULL
    is NaN in floats and -1 in labels; what the study lacks is no key.

    =========================== ====================== ===========================================
    key                         dtype, shape           meaning
    =========================== ====================== ===========================================
    ``total_runs``              int64 ()               number of models
    ``trainset_mask``           bool [models, train]   example in the training subset
    ``trainset_correctness``    bool [models, train]   argmax equals label
    ``trainset_predictions``    int32 [models, train]  argmax; where model files keep logits
    ``testset_correctness``     bool [models, test]    as above
    ``testset_predictions``     int32 [models, test]   as above
    ``memorization``            float64 [train]        the study's score, NaN where NULL
    ``influence``               float32 [test, train]  of train on test examples, NaN where NULL
    ``labels``, ``test_labels`` int32 [train], [test]  classes
    ``clean_labels``            int32 [train]          classes before labels were changed
    ``example_id``              int64 [train]          the study's ids
    ``class_names``             str [classes]
    ``objective``, ``size``     str ()                 which models these are
    ``subset_id``, ``group_id`` int32 [models]         models to pair over archives; groups
    =========================== ====================== ===========================================

    Parameters
    ----------
    out
        A file ending in .npz for one objective and size, or a folder for any number.
    influence
        Also compute every influence, blockwise: 4 bytes per test and training example.

    Raises
    ------
    MemanalysisError
        If nothing fits ``objective`` and ``size``, or a file exists and ``force`` is not given.
    """
    targets = archives(Path(out), conditions(study, objective, size))
    require_replaceable(targets.values(), force=force)
    if influence and not study.manifest.n_test:
        raise QueryError(f"'{study.path}' has no test examples, so there is no influence on any.")
    for done, (condition, path) in enumerate(targets.items()):
        with placing(path) as temporary, Archive(temporary) as archive:
            _fill(archive, _Outcomes.read(study, condition), influence=influence)
        if progress:
            progress("writing archives", done + 1, len(targets))
    return list(targets.values())


@dataclass(frozen=True)
class _Outcomes:
    """One condition, its bits packed: ``in_train``, ``correct`` uint8 [examples, bytes].

    They are stored column by column, since models are written one after the other. ``rows`` has
    the other columns of the examples, training examples first, ``models`` those of the runs.
    """

    study: Study
    condition: Condition
    rows: pl.DataFrame
    models: pl.DataFrame
    in_train: NDArray[np.uint8]
    correct: NDArray[np.uint8]
    n_train: int

    @classmethod
    def read(cls, study: Study, condition: Condition) -> _Outcomes:
        rows = study.sql(f"""
            select o.example_id, o.label, x.clean_label, o.split, o.in_train, o.correct,
                   m.memorization
            from outcomes as o
            join examples as x using (example_id)
            join memorization as m using (objective, size, example_id)
            where {condition.where}
            order by o.example_id
        """)
        models = study.sql(
            f"select subset_id, group_id from models where {condition.where} order by subset_id"
        )
        return cls(
            study,
            condition,
            rows.drop("in_train", "correct"),
            models,
            _packed(rows["in_train"]),
            _packed(rows["correct"]),
            rows.filter(split="train").height,
        )

    @cached_property
    def train(self) -> pl.DataFrame:
        return self.rows.head(self.n_train)

    @cached_property
    def test(self) -> pl.DataFrame:
        return self.rows.tail(self.rows.height - self.n_train)

    @cached_property
    def subsets(self) -> list[int]:
        return [int(subset) for subset in self.models["subset_id"]]

    def by_model(self, packed: NDArray[np.uint8]) -> Iterator[NDArray[np.bool_]]:
        """Each model's bits in turn, bool [examples]."""
        return (bits.column(packed, subset) for subset in self.subsets)

    def unpacked(self, packed: NDArray[np.uint8], rows: slice) -> NDArray[np.float32]:
        """0 and 1 of some examples, float32 [examples, runs]."""
        wide = np.unpackbits(np.ascontiguousarray(packed[rows]), axis=1)
        return wide[:, self.subsets].astype(np.float32)


def _packed(blobs: pl.Series) -> NDArray[np.uint8]:
    joined = np.frombuffer(b"".join(blobs), dtype=np.uint8)
    return np.asfortranarray(joined.reshape(len(blobs), -1))


def _fill(archive: Archive, outcomes: _Outcomes, *, influence: bool) -> None:
    runs, n_train = len(outcomes.subsets), outcomes.n_train
    archive.put("total_runs", np.int64(runs))
    splits = {"trainset": slice(n_train), "testset": slice(n_train, None)}
    if not outcomes.test.height:
        del splits["testset"]
    archive.put_rows("trainset_mask", bool, (runs, n_train),
                     outcomes.by_model(outcomes.in_train[:n_train]))  # fmt: skip
    for split, part in splits.items():
        correct = outcomes.correct[part]
        shape = (runs, len(correct))
        archive.put_rows(f"{split}_correctness", bool, shape, outcomes.by_model(correct))
        predictions = _predictions(outcomes, part)
        if predictions is not None:
            archive.put_rows(f"{split}_predictions", np.int32, shape, predictions)
    scores = outcomes.train["memorization"]
    archive.put("memorization", scores.fill_null(float("nan")).to_numpy().astype(np.float64))
    if influence and outcomes.test.height:
        shape = (outcomes.test.height, n_train)
        archive.put_rows("influence", np.float32, shape, _influence(outcomes))
    for name, values in _descriptions(outcomes).items():
        archive.put(name, values)


def _descriptions(outcomes: _Outcomes) -> dict[str, Any]:
    """Descriptions of models and examples, without columns that are NULL throughout."""
    columns = {
        "labels": outcomes.train["label"],
        "test_labels": outcomes.test["label"],
        "clean_labels": outcomes.train["clean_label"],
    }
    found: dict[str, Any] = {
        name: column.fill_null(-1).to_numpy().astype(np.int32)
        for name, column in columns.items()
        if column.count()
    }
    names = outcomes.study.manifest.class_names
    return {
        **found,
        "example_id": outcomes.train["example_id"].to_numpy().astype(np.int64),
        **({"class_names": np.array(names, dtype=np.str_)} if names else {}),
        "objective": np.str_(outcomes.condition.objective),
        "size": np.str_(outcomes.condition.size),
        "subset_id": outcomes.models["subset_id"].to_numpy().astype(np.int32),
        "group_id": outcomes.models["group_id"].to_numpy().astype(np.int32),
    }


def _predictions(outcomes: _Outcomes, part: slice) -> Iterator[NDArray[np.int32]] | None:
    """Each model's predicted classes int32 [examples], or None where logits are not kept."""
    condition = outcomes.condition
    kept = kept_logits(outcomes.study, condition.objective, condition.size, outcomes.subsets)
    labels = outcomes.rows["label"][part]
    if kept is None or labels.null_count():
        return None
    truth = labels.to_numpy().astype(np.int64)
    rows = np.arange(len(truth))

    def predicted(logits: NDArray[np.float16], correct: NDArray[np.bool_]) -> NDArray[np.int32]:
        # Kept as float16, two logits can tie that did not; the bit says which of them won.
        others = logits.astype(np.float32)
        others[rows, truth] = -np.inf
        return np.where(correct, truth, others.argmax(axis=1)).astype(np.int32)

    return (
        predicted(logits[part], correct)
        for logits, correct in zip(kept, outcomes.by_model(outcomes.correct[part]), strict=True)
    )


def _influence(outcomes: _Outcomes) -> Iterator[NDArray[np.float32]]:
    """Rows of influence float32 [test examples of a block, train] (Feldman and Zhang 2020).

    Accuracy on the test example of the models trained with the training example, minus that of
    the others; NaN where there are none of either.
    """
    n_train, runs = outcomes.n_train, len(outcomes.subsets)
    n_in = bits.count(outcomes.in_train[:n_train])
    n_out = runs - n_in
    for start in range(n_train, len(outcomes.correct), _TEST_BLOCK):
        correct = outcomes.unpacked(outcomes.correct, slice(start, start + _TEST_BLOCK))
        hits = correct.sum(axis=1, keepdims=True)
        block = np.empty((len(correct), n_train), dtype=np.float32)
        for first in range(0, n_train, _TRAIN_BLOCK):
            some = slice(first, min(first + _TRAIN_BLOCK, n_train))
            # Sums of 0 and 1 are exact in float32 up to 2^24 models.
            inside = correct @ outcomes.unpacked(outcomes.in_train, some).T
            with np.errstate(divide="ignore", invalid="ignore"):
                block[:, some] = inside / n_in[some] - (hits - inside) / n_out[some]
        block[:, (n_in == 0) | (n_out == 0)] = np.nan
        yield block
