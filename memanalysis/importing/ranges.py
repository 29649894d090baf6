"""Ranges of quantities: do numbers lie where what they are called lies?"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis import proxies
from memanalysis.importing.problems import fault

Range = tuple[float | None, float | None]

_UNITS: Final = ("probability", "share of epochs", "nats")
_SLACK: Final = 1e-3  # rounding, of float16 at most
# Words in names of columns, and where such a quantity lies.
_NAMED: Final[tuple[tuple[re.Pattern[str], Range], ...]] = (
    (re.compile(r"(?:^|_)(?:log_?prob\w*|log_?likelihood)(?:_|$)"), (None, 0.0)),
    (re.compile(r"(?:^|_)(?:confidence|prob|probability|accuracy|c_?score)$"), (0.0, 1.0)),
    (re.compile(r"(?:^|_)(?:loss|nll|cross_entropy)$"), (0.0, None)),
)
_LOOKS: Final = {
    "above": "Losses and margins go beyond it; give them their own name.",
    "below": "Margins, logits and log-probabilities go below it; give them their own name.",
}


def range_of(name: str) -> Range:
    """(lowest, highest) value of what is called ``name``, None where it has no bound.

    By the definition of a proxy of this name, if it is a probability or a loss, else by its words.
    """
    definition = proxies.find(name)
    if definition is not None:
        judged = definition.unit in _UNITS
        return (definition.low, definition.high) if judged else (None, None)
    return next((span for words, span in _NAMED if words.search(name.lower())), (None, None))


def require_range(
    name: str, values: NDArray[np.float64], where: str, span: Range | None = None
) -> None:
    """Raise DataError if values [n] lie outside the range of their quantity.

    ``span``: the range, where it is not that of the name; NaN and infinity are not judged.
    """
    low, high = range_of(name) if span is None else span
    finite = np.isfinite(values)
    below = np.zeros(len(values), np.bool_) if low is None else finite & (values < low - _SLACK)
    above = np.zeros(len(values), np.bool_) if high is None else finite & (values > high + _SLACK)
    if not (below | above).any():
        return
    at = int(np.argmax(below | above))
    bounds = f"at least {low:g}" if high is None else f"at most {high:g}"
    if low is not None and high is not None:
        bounds = f"from {low:g} to {high:g}"
    raise fault(
        where, f"{name} = {values[at]:.4g} at position {at}, {np.count_nonzero(below | above):,} "
        "such values", f"numbers {bounds}", _LOOKS["below" if below[at] else "above"],
    )  # fmt: skip
