"""Masks and outcomes that lie in arrays, models along the first axis: npz files, Python arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError
from memanalysis.importing.arrays import Array, as_bools, as_integers, require_shape
from memanalysis.importing.labels import Labels
from memanalysis.importing.outcomes import (
    Outcome,
    of_outputs,
    of_predictions,
    of_probabilities,
    quantity_of,
)
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import Models, Output

KINDS: Final = ("correct", "logits", "probabilities")


@dataclass(frozen=True, eq=False)
class Split:
    """Outcomes of all models on one split: ``array`` of the kind ``kind``, one of ``KINDS``.

    ``correct`` is 0/1 [models, examples]; the others are [models, examples, classes] and need
    ``labels``. Beside ``correct``, ``predictions`` are predicted classes, int [models, examples].
    """

    kind: str
    array: Array
    labels: Labels | None = None
    predictions: Array | None = None

    def outcomes(self, n_models: int, keep_logits: bool) -> Iterator[Outcome]:
        """The outcome of each of the first ``n_models`` models."""
        if self.kind == "correct" and self.predictions is not None:
            yield from self._predicted(self.predictions, n_models)
            return
        for at, row in enumerate(islice(self.array.rows(), n_models)):
            if self.kind == "correct":
                yield Outcome(as_bools(row, self.array.where, at))
                continue
            if self.labels is None:
                raise fault(self.array.where, "no labels", "labels to judge them by")
            where = f"{self.array.where}, model {at}"
            if self.kind == "probabilities":
                yield of_probabilities(row, self.labels, where, keep=keep_logits)
                continue
            if quantity_of(row) == "probabilities":
                raise fault(where, "probabilities given as logits", "logits, or `probabilities`")
            yield of_outputs(row, self.labels, where, keep=keep_logits)

    def _predicted(self, predictions: Array, n_models: int) -> Iterator[Outcome]:
        both = zip(self.array.rows(), predictions.rows(), strict=True)
        implied = np.full(self.array.shape[1], -1, np.int64)
        for at, (row, classes) in enumerate(islice(both, n_models)):
            where = f"{predictions.where}, model {at}"
            correct = as_bools(row, self.array.where, at)
            outcome = of_predictions(correct, as_integers(classes, where), self.labels, where)
            _require_one_label(implied, outcome, where)
            yield outcome


def _require_one_label(implied: NDArray[np.int64], outcome: Outcome, where: str) -> None:
    """Models that are right about an example predict one class, its label, labels given or not.

    ``implied`` int64 [n], -1 where no model was right yet, is updated.
    """
    assert outcome.predicted is not None  # of_predictions keeps them
    right = outcome.correct
    other = right & (implied >= 0) & (implied != outcome.predicted)
    if other.any():
        at = int(np.argmax(other))
        raise fault(
            where, f"class {outcome.predicted[at]} at example {at}, said to be correct, and class "
            f"{implied[at]} of another model, too",
            "one class that is correct", "Predictions and correctness are in another order.",
        )  # fmt: skip
    implied[right] = outcome.predicted[right]


@dataclass(frozen=True, eq=False)
class Arrays:
    """Masks [models, n_train] and outcomes of one size and objective."""

    masks: Array
    train: Split
    test: Split | None = None

    def check(
        self,
        faults: Faults,
        n_models: int | None,
        n_train: int | None,
        n_test: int | None,
        *,
        axes_known: bool,
    ) -> tuple[int, int, int]:
        """(models, training examples, test examples), with every wrong shape noted.

        ``None`` where nothing but the arrays says; then as many models as examples, or more, are
        a fault unless ``axes_known``, because that is what a transposed array looks like.
        """
        known = n_train is not None or n_models is not None
        if len(self.masks.shape) == 2:
            found = self.masks.shape
            if not axes_known and (found[0] == found[1] or (not known and found[0] > found[1])):
                faults.add(
                    self.masks.where,
                    f"shape {found}",
                    "fewer models than examples, models first",
                    "If models do come first, say so with --axes-known; else it is transposed.",
                )
            turned = (n_models is not None and found[0] != n_models == found[1]) or (
                n_train is not None and found[1] != n_train == found[0]
            )
            rows, columns = found[::-1] if turned else found
            n_models = rows if n_models is None else n_models
            n_train = columns if n_train is None else n_train
        self._note(faults, self.masks, (n_models, n_train), ("models", "training examples"))
        self._note_split(faults, self.train, n_models, n_train, "training examples")
        if self.test is not None:
            if n_test is None and len(self.test.array.shape) > 1:
                n_test = self.test.array.shape[1]
            self._note_split(faults, self.test, n_models, n_test, "test examples")
            self._note_classes(faults, self.train, self.test)
        return n_models or 0, n_train or 0, (n_test or 0) if self.test is not None else 0

    def _note_split(
        self, faults: Faults, split: Split, n_models: int | None, n: int | None, what: str
    ) -> None:
        expected: tuple[int | None, ...] = (n_models, n)
        axes: tuple[str, ...] = ("models", what)
        if split.kind != "correct":
            expected, axes = (*expected, None), (*axes, "classes")
            if split.labels is None:
                faults.add(
                    split.array.where, "no labels", f"labels of the {what}", "Give --labels."
                )
            elif (
                len(split.array.shape) == 3 and split.labels.max(initial=0) >= split.array.shape[2]
            ):
                faults.add(
                    split.array.where,
                    f"{split.array.shape[2]} classes",
                    f"more than the largest label, {split.labels.max()}",
                )
        self._note(faults, split.array, expected, axes)
        if split.predictions is not None:
            self._note(faults, split.predictions, expected[:2], axes[:2])

    @staticmethod
    def _note_classes(faults: Faults, train: Split, test: Split) -> None:
        shapes = train.array.shape, test.array.shape
        if all(len(shape) == 3 for shape in shapes) and shapes[0][2] != shapes[1][2]:
            found, expected = f"{shapes[1][2]} classes", f"{shapes[0][2]}, as in training"
            faults.add(test.array.where, found, expected)

    @staticmethod
    def _note(
        faults: Faults, array: Array, expected: tuple[int | None, ...], axes: tuple[str, ...]
    ) -> None:
        try:
            require_shape(array, expected, axes)
        except DataError as error:
            faults.note(error)

    def models(
        self,
        size: str,
        objective: str,
        n_models: int,
        *,
        keep_logits: bool = False,
        group_ids: NDArray[np.int64] | None = None,
        about: Mapping[str, Any],
    ) -> Models:
        """Describe the first ``n_models`` models; ``about``: further fields of ``Models``."""

        def masks() -> Iterator[NDArray[np.bool_]]:
            for at, row in enumerate(islice(self.masks.rows(), n_models)):
                yield as_bools(row, self.masks.where, at)

        def outputs() -> Iterator[Output]:
            train = self.train.outcomes(n_models, keep_logits)
            if self.test is None:
                yield from (Output(outcome) for outcome in train)
                return
            both = zip(train, self.test.outcomes(n_models, keep_logits), strict=True)
            yield from (Output(outcome, test) for outcome, test in both)

        return Models(
            size=size,
            objective=objective,
            n_models=n_models,
            masks=masks,
            outputs=outputs,
            group_ids=None if group_ids is None else group_ids[:n_models].tolist(),
            where=self.masks.where,
            **about,
        )
