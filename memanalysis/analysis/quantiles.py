"""Tails and quantiles of the normal distribution and of Student's t.

``scipy.stats`` has the same numbers and takes longer to import than most commands to run; these are
the functions of ``scipy.special`` that it calls.
"""

from __future__ import annotations

from typing import Any

from scipy import special


def tail(value: Any, degrees: Any = None) -> Any:
    """The probability above ``value``; normal, or Student's t with ``degrees`` of freedom."""
    return special.ndtr(-value) if degrees is None else special.stdtr(degrees, -value)


def quantile(probability: Any, degrees: Any = None) -> Any:
    """The value below which lies ``probability``."""
    if degrees is None:
        return special.ndtri(probability)
    return special.stdtrit(degrees, probability)


def upper_quantile(probability: Any, degrees: Any = None) -> Any:
    """The value above which lies ``probability``."""
    return -quantile(probability, degrees)
