"""Oracles: what the relations and tests of trajectories say, by loops over subsets."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import handmade
import numpy as np
import pytest


def rate(values: np.ndarray) -> float | None:
    """Share of True, None of nothing."""
    return float(values.mean()) if len(values) else None


def minus(a: float | None, b: float | None) -> float | None:
    """a - b, None where either is."""
    return None if a is None or b is None else a - b


def unpaired_variance(condition: handmade.Condition, i: int) -> float | None:
    """Variance of one score from (k + 1)/(n + 2) rates, None where a side is empty."""
    total = 0.0
    for side in (condition.in_train[i], condition.trained & ~condition.in_train[i]):
        n, k = int(side.sum()), int(condition.correct[i][side].sum())
        if n == 0:
            return None
        p = (k + 1) / (n + 2)
        total += p * (1 - p) / n
    return total


def contrast(a: handmade.Condition, b: handmade.Condition, i: int) -> dict[str, object]:
    """The change of example i from a to b, subset by subset."""
    cells = {"in": [0, 0, 0], "out": [0, 0, 0]}  # models, right at b alone, right at a alone
    for k in range(len(a.trained)):
        if a.trained[k] and b.trained[k] and a.in_train[i, k] == b.in_train[i, k]:
            cell = cells["in" if a.in_train[i, k] else "out"]
            cell[0] += 1
            cell[1] += int(b.correct[i, k] and not a.correct[i, k])
            cell[2] += int(a.correct[i, k] and not b.correct[i, k])
    moved: dict[str, float | None] = {}
    variance: float | None = 0.0
    paired = any(n > 0 for n, _, _ in cells.values())
    for side, (n, gained, lost) in cells.items():
        if paired:
            d = (gained - lost) / (n + 2)
            more = ((gained + lost + 1) / (n + 2) - d**2) / (n + 2)
            variance = None if n == 0 or variance is None else variance + more
            moved[side] = (gained - lost) / n if n else None
        else:
            masks = [c.in_train[i] if side == "in" else c.trained & ~c.in_train[i] for c in (a, b)]
            rates = [rate(c.correct[i][m]) for c, m in zip((a, b), masks, strict=True)]
            moved[side] = minus(rates[1], rates[0])
    if not paired:
        both = [unpaired_variance(c, i) for c in (a, b)]
        variance = None if None in both else sum(v for v in both if v is not None)
    return {
        "paired": paired,
        "n_in": cells["in"][0],
        "n_out": cells["out"][0],
        "change_in": moved["in"],
        "change_out": moved["out"],
        "change": minus(moved["in"], moved["out"]),
        "change_se": None if variance is None else sqrt(variance),
    }


def score(condition: handmade.Condition, i: int) -> float | None:
    """Memorisation of example i."""
    inside, outside = condition.in_train[i], condition.trained & ~condition.in_train[i]
    return minus(rate(condition.correct[i][inside]), rate(condition.correct[i][outside]))


def agree(row: dict[str, object], expected: dict[str, object]) -> None:
    """Every expected value stands in the row, numbers up to rounding."""
    for name, value in expected.items():
        if isinstance(value, float):
            assert row[name] == pytest.approx(value, abs=1e-12), name
        else:
            assert row[name] == value, name


def shape_of(m: list[float], alpha: float) -> str:
    """The plain threshold rule on exact lattice values; alpha itself counts as reached."""
    reached = lambda difference: difference > alpha - 1e-9  # noqa: E731
    first, last, inner = m[0], m[-1], m[1:-1]
    cap = any(reached(x - first) and reached(x - last) for x in inner)
    u = any(reached(first - x) and reached(last - x) for x in inner)
    later = [(a, b) for i, a in enumerate(m) for b in m[i + 1 :]]
    if not reached(max(m) - min(m)):
        return "fixed"
    if cap != u:
        return "cap" if cap else "u"
    if not cap and reached(last - first) and not any(reached(a - b) for a, b in later):
        return "increasing"
    if not cap and reached(first - last) and not any(reached(b - a) for a, b in later):
        return "decreasing"
    return "mixed"


def adjusted(a: handmade.Condition, b: handmade.Condition, i: int) -> float | None:
    """The change that is tested: half a model added to each of the four cells of a stratum."""
    found = contrast(a, b, i)
    if not found["paired"]:
        change = found["change"]
        return change if isinstance(change, float) else None
    total = 0.0
    for side, sign in (("in", 1), ("out", -1)):
        n, moved = found[f"n_{side}"], found[f"change_{side}"]
        if not isinstance(moved, float) or not isinstance(n, int):
            return None
        total += sign * moved * n / (n + 2)
    return total


def tested(course: list[handmade.Condition], i: int, least: int) -> bool:
    """True if both ends have enough models on both sides, and something to compare."""
    for c in (course[0], course[-1]):
        n_in, n = int(c.in_train[i].sum()), int(c.trained.sum())
        if min(n_in, n - n_in) < least:
            return False
    return adjusted(course[0], course[-1], i) is not None


def p_value(course: list[handmade.Condition], i: int) -> float:
    """Two-sided normal test of no change from the first to the last size."""
    middle, error = adjusted(course[0], course[-1], i), contrast(course[0], course[-1], i)
    assert middle is not None
    assert isinstance(error["change_se"], float)
    return 2 * (1 - NormalDist().cdf(abs(middle) / error["change_se"]))


def registered_shape(
    course: list[handmade.Condition], i: int, q: float, alpha: float
) -> tuple[str, str]:
    """Shape and direction of a tested example by the registered rule, pair by pair."""
    size = len(course)
    change, z, bound = {}, {}, {}
    for j in range(size):
        for k in range(j + 1, size):
            found, middle = contrast(course[j], course[k], i), adjusted(course[j], course[k], i)
            raw, error = found["change"], found["change_se"]
            known = isinstance(raw, float) and isinstance(error, float) and middle is not None
            change[j, k] = raw if known else float("nan")
            z[j, k] = middle / error if known else float("nan")
            bound[j, k] = abs(middle) + 1.645 * error if known else float("nan")
    up = lambda pair: change[pair] >= alpha - 1e-9  # noqa: E731
    down = lambda pair: -change[pair] >= alpha - 1e-9  # noqa: E731
    peak = NormalDist().inv_cdf(1 - 0.05 / (2 * max(size - 2, 1)))
    drop = NormalDist().inv_cdf(1 - 0.05 / len(change))
    first, last = 0, size - 1
    cap = any(
        up((first, j)) and z[first, j] > peak and down((j, last)) and -z[j, last] > peak
        for j in range(1, last)
    )
    u = any(
        down((first, j)) and -z[first, j] > peak and up((j, last)) and z[j, last] > peak
        for j in range(1, last)
    )
    rises, falls = (q <= 0.05 and s * change[first, last] > 0 for s in (1, -1))
    shape = "undetermined"
    if all(value < alpha for value in bound.values()):
        shape = "fixed"
    elif cap or u:
        shape = "mixed" if cap and u else "cap" if cap else "u"
    elif rises and up((first, last)) and not any(down(p) and -z[p] > drop for p in change):
        shape = "increasing"
    elif falls and down((first, last)) and not any(up(p) and z[p] > drop for p in change):
        shape = "decreasing"
    if rises or falls:
        return shape, "increasing" if rises else "decreasing"
    if shape in ("cap", "u", "mixed"):
        return shape, "mixed"
    return shape, "fixed" if bound[first, last] < alpha else "undetermined"
