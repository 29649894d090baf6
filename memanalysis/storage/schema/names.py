"""The version of the contract, and the values that its columns of names can have."""

from __future__ import annotations

import re
from typing import Final

CONTRACT_VERSION: Final = 1

# Further settings of distillation have an objective of their own: distilled_<name>.
OBJECTIVES: Final = ("one_hot", "distilled")
SPLITS: Final = ("train", "test")
# Continuous outcomes of one model on one example; each has sums inside and outside the subset.
SIGNALS: Final = ("probability", "margin", "loss")
HALVES: Final = ("a", "b")

# A size is the name of a folder and part of file names; longer ones some file systems refuse.
_SIZE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


def is_size(name: object) -> bool:
    """True if ``name`` can be the name of a size: letters, digits and ``_ . + -``, no path."""
    return isinstance(name, str) and _SIZE.fullmatch(name) is not None


def variant_objective(name: str) -> str:
    """The objective of the students of the distillation variant ``name``."""
    return f"{OBJECTIVES[1]}_{name}"


def is_objective(name: str) -> bool:
    """True if ``name`` is one of ``OBJECTIVES`` or ``distilled_<name>``, name of [a-z0-9]+."""
    return name in OBJECTIVES or re.fullmatch(f"{OBJECTIVES[1]}_[a-z0-9]+", name) is not None


def objective_order(name: str) -> tuple[int, str]:
    """Sort key: ``OBJECTIVES`` in their order, then variants by name."""
    return (OBJECTIVES.index(name) if name in OBJECTIVES else len(OBJECTIVES)), name
