"""From a model's logits or probabilities to what a store keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.problems import fault
from memanalysis.storage.model_arrays import MOST_CLASSES

# Values of logits in memory at a time, in float64.
_BLOCK: Final = 2**23
_HALF_LARGEST: Final = float(np.finfo(np.float16).max)
# log(0) for probabilities that underflowed; the smallest positive float32 normal number.
_SMALLEST: Final = float(np.finfo(np.float32).tiny)
_SUM_TOLERANCE: Final = 1e-2
# Rows that are judged by their numbers, and how few may lie between 0 and 1 by chance.
_JUDGED: Final = 2**14
_SOME: Final = 20
QUANTITIES: Final = (
    "logits", "probabilities", "log-probabilities", "numbers from 0 to 1", "percentages",
    "losses by class",
)  # fmt: skip
_REFUSED: Final = {
    "percentages": "Divide them by 100: probabilities are recognised.",
    "losses by class": "Turn their sign: log-probabilities are logits.",
}


@dataclass(frozen=True)
class Outcome:
    """Outcome of one model on some examples.

    ``correct`` bool [n]; ``signals`` float [n] by name (of ``schema.SIGNALS``), NaN nowhere;
    ``logits`` float16 [n, classes] where they are to be kept; ``predicted`` classes, int [n], where
    the source says them; ``ties``: examples whose largest logit several classes share;
    ``quantity``: what outputs turned out to be, if not logits.
    """

    correct: NDArray[np.bool_]
    signals: Mapping[str, NDArray[np.float16]] = field(default_factory=dict)
    logits: NDArray[np.float16] | None = None
    predicted: NDArray[np.int64] | None = None
    ties: int = 0
    quantity: str = "logits"


def quantity_of(outputs: NDArray[Any]) -> str:
    """Quantity of outputs [n, classes] by their numbers, one of ``QUANTITIES``.

    Rows of softmax sum to 1 within 0 … 1, those of its logarithm do once exponentiated, and so does
    the negative of a loss by class. Logits do none of this in every row of many.
    """
    z = np.asarray(outputs, dtype=np.float64)[:_JUDGED]
    if not z.size or not np.isfinite(z).all():
        return "logits"
    with np.errstate(over="ignore", invalid="ignore"):  # of the largest floats: no sum of 1 or 100
        low, high, sums = z.min(), z.max(), z.sum(axis=1)
    if low >= 0 and high <= 1 + _SUM_TOLERANCE and (abs(sums - 1) <= _SUM_TOLERANCE).all():
        return "probabilities"
    if low >= 0 and (abs(sums - 100) <= 100 * _SUM_TOLERANCE).all():
        return "percentages"
    for sign, name in ((1, "log-probabilities"), (-1, "losses by class")):
        if (sign * z).max() <= _SUM_TOLERANCE:
            total = np.exp(sign * z).sum(axis=1)
            if (abs(total - 1) <= _SUM_TOLERANCE).all():
                return name
    between = 0 <= low < high <= 1 and len(z) >= _SOME
    return "numbers from 0 to 1" if between else "logits"


def require_quantity(outputs: NDArray[Any], where: str) -> str:
    """``quantity_of(outputs)``; DataError where logits do not follow from it as it is."""
    quantity = quantity_of(outputs)
    if quantity in _REFUSED:
        raise fault(where, f"{quantity} in place of logits", "logits", _REFUSED[quantity])
    return quantity


def of_outputs(
    outputs: NDArray[Any], labels: NDArray[np.int64], where: str, *, keep: bool = False
) -> Outcome:
    """Outcomes from what a source calls logits [n, classes]: converted if they are another thing.

    Raises
    ------
    DataError
        If they are percentages or losses, or ``of_logits`` refuses them.
    """
    quantity = require_quantity(outputs, where)
    compute = of_probabilities if quantity == "probabilities" else of_logits
    return replace(compute(outputs, labels, where, keep=keep), quantity=quantity)


def of_logits(
    logits: NDArray[Any], labels: NDArray[np.int64], where: str, *, keep: bool = False
) -> Outcome:
    """Outcomes from logits [n, classes] and labels int64 [n].

    An example is correct if its label is the argmax, the first of the largest in a tie; margin =
    the label's logit less the largest other; loss = -log softmax; probability = exp(-loss).
    """
    n, classes = logits.shape
    if classes < 2:
        hint = "Of a binary classifier with one output z, give the two logits 0 and z."
        raise fault(where, f"logits of {classes} class", "at least two classes", hint)
    require_classes(labels, classes, where)
    ties = 0
    predicted = np.empty(n, dtype=np.int64)
    margin, loss = np.empty(n), np.empty(n)
    for part in _parts(logits):
        z, y = _finite(logits[part], where, part.start), labels[part]
        if keep:
            _require_half(z, where, part.start)
        rows = np.arange(len(z))
        own = z[rows, y]
        predicted[part] = z.argmax(axis=1)
        top = z.max(axis=1, keepdims=True)
        ties += int(np.count_nonzero((z == top).sum(axis=1) > 1))
        with np.errstate(over="ignore"):  # differences of the largest floats are infinite
            loss[part] = np.log(np.exp(z - top).sum(axis=1)) + (top[:, 0] - own)
            z[rows, y] = -np.inf
            margin[part] = own - z.max(axis=1)
    signals = {"probability": np.exp(-loss), "margin": margin, "loss": np.maximum(loss, 0.0)}
    kept = half(logits) if keep else None
    halves = {name: half(values) for name, values in signals.items()}
    return Outcome(predicted == labels, halves, kept, predicted, ties)


def require_classes(labels: NDArray[np.int64], classes: int, where: str) -> None:
    """Raise DataError unless labels int64 [n] are of so many classes, numbered from 0."""
    if not len(labels) or 0 <= labels.min() <= labels.max() < classes:
        return
    at = int(np.argmax(labels))
    raise fault(
        where, f"{classes} classes", f"more than the largest label, {labels[at]}, at example {at}",
        "Labels that count from 1 must be lowered by 1." if labels.min() == 1 else "",
    )  # fmt: skip


def of_predictions(
    correct: NDArray[np.bool_],
    predicted: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    where: str,
) -> Outcome:
    """Outcomes bool [n] with the classes int64 [n] that a model predicts.

    Raises
    ------
    DataError
        If a class is no class, or with ``labels`` int64 [n] an outcome is not whether it is right.
    """
    if len(predicted) and not (predicted.min() >= 0 and predicted.max() < MOST_CLASSES):
        found = f"classes from {predicted.min()} to {predicted.max()}"
        raise fault(where, found, f"0 to {MOST_CLASSES - 1}")
    if labels is not None and (wrong := (predicted == labels) != correct).any():
        at = int(np.argmax(wrong))
        raise fault(
            where,
            f"class {predicted[at]} at example {at}, of label {labels[at]} and correctness "
            f"{int(correct[at])}; {np.count_nonzero(wrong):,} such",
            "correct exactly where the label is predicted",
            "Predictions, correctness or labels are of other models or in another order.",
        )
    return Outcome(correct, predicted=predicted)


def of_probabilities(
    probabilities: NDArray[Any], labels: NDArray[np.int64], where: str, *, keep: bool = False
) -> Outcome:
    """Outcomes from softmax outputs [n, classes] and labels int64 [n].

    The logarithms of probabilities are logits, up to a constant that no outcome depends on.
    """
    for part in _parts(probabilities):
        p = _finite(probabilities[part], where, part.start)
        with np.errstate(over="ignore"):  # of the largest floats: no sum of 1
            sums = p.sum(axis=1)
        wrong = (p.min(axis=1) < 0) | (abs(sums - 1) > _SUM_TOLERANCE)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise fault(
                where,
                f"numbers from {p[at].min():.4g} that sum to {sums[at]:.4g} at example "
                f"{part.start + at}",
                "probabilities of at least 0 that sum to 1",
                "Give unnormalised outputs, or logarithms, as logits.",
            )
    found = np.log(np.maximum(np.asarray(probabilities, dtype=np.float32), _SMALLEST))
    return of_logits(found, labels, where, keep=keep)


def half(values: NDArray[Any]) -> NDArray[np.float16]:
    """float16, with what it cannot hold at its largest number instead of infinity."""
    clipped: NDArray[np.float16] = np.clip(values, -_HALF_LARGEST, _HALF_LARGEST).astype(np.float16)
    return clipped


def _parts(values: NDArray[Any]) -> list[slice]:
    n, width = values.shape
    step = max(1, _BLOCK // max(1, width))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def _require_half(logits: NDArray[np.float64], where: str, start: int) -> None:
    """Refuse to keep logits that would all become the largest number of float16."""
    if (abs(logits) > _HALF_LARGEST).any():
        row, column = np.argwhere(abs(logits) > _HALF_LARGEST)[0]
        raise fault(
            where,
            f"{logits[row, column]:.4g} at example {start + row}, class {column}",
            f"logits of at most {_HALF_LARGEST:g}, which float16 can hold",
            "Leave out keep_logits (--keep-logits), or subtract the largest logit of each example.",
        )


def _finite(values: NDArray[Any], where: str, start: int) -> NDArray[np.float64]:
    if np.asarray(values).dtype.kind in "US":
        raise fault(where, "text", "numbers")
    numbers = np.asarray(values).astype(np.float64)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise fault(
            where,
            f"{numbers[row, column]} at example {start + row}, class {column}",
            "finite numbers",
            "A training that diverged has no outcomes; leave its model out.",
        )
    return numbers
