"""Checks that outcomes can be what they are said to be, while models are written.

Labels in another order than the outcomes leave every number possible and make most of them wrong.
What gives them away: models that agree with each other on an example that they trained on, and not
with its label.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.outcomes import Outcome
from memanalysis.importing.problems import fault

# Accuracy beyond chance, as a share of what chance leaves: near chance, and plain agreement.
_CHANCE: Final = 0.1
_AGREE: Final = 0.3
# Fewer judgements than these say nothing.
_FEW: Final = 100
_SPREAD: Final = 4.0  # standard errors
_READ_AS: Final = {
    "probabilities": "are probabilities (rows within 0 and 1 that sum to 1) in place of logits: "
    "their logarithms are taken, which gives the same probability, margin and loss",
    "log-probabilities": "are log-probabilities, which as logits give the same numbers",
    "numbers from 0 to 1": "lie between 0 and 1 without summing to 1, as sigmoids do, and logits "
    "hardly ever: probability, margin and loss are those of a softmax of them and may be wrong",
}


class Tally:
    """Sums over the models of one size and objective; ``where`` for messages.

    ``labels`` int64 [n_train], where they are known.
    """

    def __init__(self, where: str, labels: NDArray[np.int64] | None) -> None:
        self.where = where
        self.labels = labels
        self.hits, self.seen = np.zeros(2), np.zeros(2)  # held out, trained on
        self.test_hits = self.test_seen = 0
        self.ties = self.outcomes = self._n = 0
        self.quantities: set[str] = set()
        self._first: NDArray[np.int64] | None = None
        self._again = self._alike = 0
        self._classes: dict[str, NDArray[np.float64]] = {}

    def add(self, mask: NDArray[np.bool_], outcome: Outcome, test: Outcome | None = None) -> None:
        """Count one model: bool [n_train], its outcome on these examples, and on those of test."""
        if test is not None:
            self.test_hits += int(np.count_nonzero(test.correct))
            self.test_seen += len(test.correct)
        for side, rows in enumerate((~mask, mask)):
            self.seen[side] += np.count_nonzero(rows)
            self.hits[side] += np.count_nonzero(outcome.correct[rows])
        self._n = len(mask)
        self.ties += outcome.ties
        self.outcomes += len(mask)
        self.quantities.add(outcome.quantity)
        if outcome.predicted is not None:
            self._agree(mask, outcome.predicted)

    def raise_if_impossible(self) -> None:
        """Raise DataError if models agree on what they trained on, and labels do not."""
        chance = self._chance()
        if chance is None or self._again < _FEW or self.seen[1] < _FEW:
            return
        alike = self._alike / self._again
        agreement = self._by_chance("predicted", "predicted")
        right = float(self.hits[1] / self.seen[1])
        agree = _beyond(alike, agreement) - max(_beyond(right, chance), 0)
        if agree >= _AGREE and self._near_chance(right, chance):
            raise fault(
                self.where,
                f"models that are right on {right:.1%} of the examples that they trained on, as by "
                f"chance ({chance:.1%}), and agree with one another on {alike:.1%}",
                "labels of the same examples in the same order",
                "The labels are in another order than the outcomes, or of other examples.",
            )

    def notes(self) -> Iterator[str]:
        """Notes on these outcomes."""
        for quantity in sorted(self.quantities & _READ_AS.keys()):
            yield f"{self.where}: outputs {_READ_AS[quantity]}."
        if self.ties:
            yield (
                f"{self.where}: {self.ties:,} of {self.outcomes:,} outcomes have their largest "
                "logit in several classes; the first of them counts as predicted, so that class 0 "
                "gains."
            )
        if self.seen.min() < 1:
            return
        out, inside = self.hits / self.seen
        error = float(np.sqrt((0.25 / self.seen).sum()))
        chance = self._chance()
        if chance is not None and self._near_chance(inside, chance) and self.seen[1] >= _FEW:
            yield (
                f"{self.where}: WARNING: models are right on {inside:.1%} of the examples that "
                f"they trained on, near chance ({chance:.1%}): are labels and outcomes in the same "
                "order?"
            )
        elif inside < out - _SPREAD * error:
            yield (
                f"{self.where}: WARNING: models are right on {out:.1%} of the examples that they "
                f"held out, and on {inside:.1%} of those that they trained on: do the masks mark "
                "what was held out, or are they in another order?"
            )
        yield from self._test_notes(out, chance)
        if self.hits.sum() in (0, self.seen.sum()):
            every = "right" if self.hits.sum() else "wrong"
            yield (
                f"{self.where}: WARNING: every outcome is {every}, in train and out: is this "
                "correctness?"
            )

    def _near_chance(self, share: float, chance: float) -> bool:
        """True if labels in another order would be met as often.

        Models judge the same examples, so that only these count as independent draws.
        """
        error = float(np.sqrt(chance * (1 - chance) / max(self._n, 1)))
        return _beyond(share, chance) < max(_CHANCE, _beyond(chance + 3 * error, chance))

    def _test_notes(self, out: float, chance: float | None) -> Iterator[str]:
        if chance is None or self.test_seen < _FEW:
            return
        share = self.test_hits / self.test_seen
        if _beyond(share, chance) < _CHANCE and _beyond(out, chance) >= _AGREE:
            yield (
                f"{self.where}: WARNING: models are right on {share:.1%} of the test examples, "
                f"near chance, and on {out:.1%} of the training examples that they held out: are "
                "test labels and test outcomes in the same order?"
            )

    def _agree(self, mask: NDArray[np.bool_], predicted: NDArray[np.int64]) -> None:
        """Compare with the first model that trained on each example."""
        if self._first is None:
            self._first = np.full(len(mask), -1, np.int64)
        both = mask & (self._first >= 0)
        self._again += int(np.count_nonzero(both))
        self._alike += int(np.count_nonzero(self._first[both] == predicted[both]))
        fresh = mask & (self._first < 0)
        self._first[fresh] = predicted[fresh]
        self._count("predicted", predicted[mask])
        if self.labels is not None:
            self._count("label", self.labels[mask])

    def _count(self, what: str, classes: NDArray[np.int64]) -> None:
        found = np.bincount(classes).astype(np.float64)
        old = self._classes.get(what, np.zeros(0))
        width = max(len(found), len(old))
        total = np.zeros(width)
        total[: len(found)] += found
        total[: len(old)] += old
        self._classes[what] = total

    def _by_chance(self, one: str, other: str) -> float:
        """Probability that two independent draws of classes agree."""
        a, b = self._classes[one], self._classes[other]
        width = min(len(a), len(b))
        return float((a[:width] / a.sum()) @ (b[:width] / b.sum()))

    def _chance(self) -> float | None:
        """Accuracy of these predictions, or of guesses, on labels in another order."""
        if "label" in self._classes and self._classes["label"].sum():
            return self._by_chance("predicted", "label")
        if self.labels is None or not len(self.labels):
            return None
        shares = np.bincount(self.labels) / len(self.labels)
        return float(shares @ shares)


def _beyond(share: float, chance: float) -> float:
    """Agreement beyond chance, 1 where the share is 1; Cohen's kappa (1960).

    Where chance alone is always right, nothing lies beyond it.
    """
    return (share - chance) / (1 - chance) if chance < 1 else 0.0
