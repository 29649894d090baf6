"""Kinds of example: means over a kind, and how well a number finds it.

Kinds are given beforehand (planted, or judged by something that never saw a score), so nothing is
selected on the models that measure it, and groups of models alone are resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memanalysis.analysis.intervals import Floats
from memanalysis.analysis.outcomes import ratio

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Kinds:
    """The kind of each example.

    Attributes
    ----------
    names
        Names of the K kinds.
    codes
        int64 [n], the kind of each example, -1 where it has none.
    ordinary
        The kind that others are compared with; None where each is compared with all others.
    """

    names: tuple[str, ...]
    codes: Codes
    ordinary: int | None = None


def means(values: Floats, kinds: Kinds) -> Floats:
    """Mean over the examples of each kind that are known: [..., n] -> [..., K], NaN without any."""
    return np.stack(
        [_mean(values[..., kinds.codes == code]) for code in range(len(kinds.names))], axis=-1
    )


def members(values: Floats, kinds: Kinds) -> NDArray[np.int64]:
    """Known examples of each kind: [..., n] -> [..., K]."""
    known = np.isfinite(values)
    return np.stack(
        [known[..., kinds.codes == code].sum(axis=-1) for code in range(len(kinds.names))], axis=-1
    )


def detect(values: Floats, kinds: Kinds) -> Floats:
    """Retrieval of each kind by ``values`` [P, n] (high: named first): [2, P, K].

    First the area under the ROC curve against ordinary examples: the chance that an example of the
    kind has the larger value, ties counting half (Mann and Whitney 1947). Then the precision: the
    share of the m largest values that belong to the kind, m being its examples, so that it is the
    recall as well; examples tied at the limit share the places that are left. NaN where the kind or
    what it is compared with has no known value; the ordinary kind has no area.
    """
    found = np.full((2, len(values), len(kinds.names)), np.nan)
    for row, line in enumerate(values):
        known = np.isfinite(line)
        codes = kinds.codes[known]
        order = np.argsort(line[known], kind="stable")
        ordered, codes = line[known][order], codes[order]
        for code in range(len(kinds.names)):
            found[:, row, code] = _detected(ordered, codes, code, kinds.ordinary)
    return found


def _detected(
    ordered: Floats, codes: Codes, code: int, ordinary: int | None
) -> tuple[float, float]:
    mine = ordered[codes == code]
    if len(mine) == 0:
        return np.nan, np.nan
    others = ordered[codes != code] if ordinary is None else ordered[codes == ordinary]
    area = np.nan
    if len(others) and code != ordinary:
        below = np.searchsorted(others, mine, "left") + np.searchsorted(others, mine, "right")
        area = float(below.mean()) / (2 * len(others))
    cut = ordered[-len(mine)]
    above, tied = mine > cut, mine == cut
    room = len(mine) - int((ordered > cut).sum())
    share = room / int((ordered == cut).sum())
    return area, float((above.sum() + share * tied.sum()) / len(mine))


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))
