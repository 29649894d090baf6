"""Hartigan's dip: how far a distribution is from the nearest unimodal one.

Written from the description in Hartigan & Hartigan (1985), "The dip test of unimodality", Annals of
Statistics 13: 70-84, section 3.

There is no p-value here, on purpose. Tabulated ones hold for independent draws of a continuous
quantity; scores of examples share their models, lie on a lattice, and are so many that any
departure from unimodality would be "significant". Compare dips, with intervals over models.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FEW: Final = 2_000  # points that a plain loop takes in milliseconds


def dip(sample: Floats) -> float:
    """Dip of the empirical distribution of a sample, float64 [n]; NaN for an empty one.

    At most 1/4, and 1/(2 n) or more without ties; ties are atoms, and one atom alone has dip 0.
    """
    sample = sample[np.isfinite(sample)]
    if len(sample) == 0:
        return float("nan")
    values, multiplicity = np.unique(sample, return_counts=True)
    high = np.cumsum(multiplicity) / len(sample)
    return dip_of_distribution(values, high - multiplicity / len(sample), high)


def dip_of_distribution(knots: Floats, left: Floats, right: Floats) -> float:
    """Dip of a distribution function F that is linear between knots and may jump at them.

    Parameters
    ----------
    knots
        float64 [K], increasing.
    left, right
        float64 [K]: F just before and at each knot. F is 0 before the first, 1 from the last on.

    A modal interval, at first everything, shrinks: on it, G is the greatest convex minorant and H
    the least concave majorant of F. Where they are farthest apart, at distance d, the new modal
    interval ends. To the left of it F should be convex, to the right concave; D is the largest
    distance by which it is not. Once d <= D nothing inside can matter, and the dip is D/2. An atom
    at the mode itself costs nothing, hence the ends of the modal interval are judged only once they
    lie outside it.
    """
    first, last, largest = 0, len(knots) - 1, 0.0
    while True:
        inside = slice(first, last + 1)
        x = knots[inside]
        minorant_at = _hull(x, left[inside], 1)
        majorant_at = _hull(x, right[inside], -1)
        minorant = np.interp(x, x[minorant_at], left[inside][minorant_at])
        majorant = np.interp(x, x[majorant_at], right[inside][majorant_at])
        begin, end, distance = _modal_interval(minorant_at, majorant_at, majorant - minorant)
        if distance <= largest + 1e-15 or len(x) == 1:
            return largest / 2
        before = (right[inside] - minorant)[:begin].max(initial=0.0)
        after = (majorant - left[inside])[end + 1 :].max(initial=0.0)
        largest = max(largest, float(before), float(after))
        first, last = first + begin, first + end


def _modal_interval(
    minorant_at: NDArray[np.intp], majorant_at: NDArray[np.intp], gap: Floats
) -> tuple[int, int, float]:
    """Ends of the next modal interval, and the largest gap at a point of contact."""
    at_minorant = int(minorant_at[np.argmax(gap[minorant_at])])
    at_majorant = int(majorant_at[np.argmax(gap[majorant_at])])
    if gap[at_minorant] > gap[at_majorant]:
        end = int(majorant_at[np.searchsorted(majorant_at, at_minorant)])
        return at_minorant, end, float(gap[at_minorant])
    begin = int(minorant_at[np.searchsorted(minorant_at, at_majorant, side="right") - 1])
    return begin, at_majorant, float(gap[at_majorant])


def _hull(x: Floats, y: Floats, sign: int) -> NDArray[np.intp]:
    """Positions of the vertices of the lower (sign 1) or upper (sign -1) convex hull of points."""
    candidates = _thinned(x, y, sign)
    hull: list[int] = []
    for point in candidates.tolist():
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            turn = (x[b] - x[a]) * (y[point] - y[a]) - (y[b] - y[a]) * (x[point] - x[a])
            if sign * turn > 0:
                break
            hull.pop()
        hull.append(point)
    return np.asarray(hull, dtype=np.intp)


def _thinned(x: Floats, y: Floats, sign: int) -> NDArray[np.intp]:
    """Positions of the points less those that a chord of two others rules out of the hull.

    Every second point is held against the chord of its two neighbours, all at once, until that
    rules out few. A million points are down to thousands before the loop of ``_hull`` begins.
    """
    left = np.arange(len(x), dtype=np.intp)
    odd = True
    idle = 0
    while len(left) > _FEW and idle < 2:
        middle = np.arange(1 if odd else 2, len(left) - 1, 2)
        a, b, c = left[middle - 1], left[middle], left[middle + 1]
        turn = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        inside = sign * turn <= 0
        idle = 0 if inside.sum() > len(left) // 50 else idle + 1
        left = np.delete(left, middle[inside])
        odd = not odd
    return left
