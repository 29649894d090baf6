"""Names and numbers of models, from a source or the user, that a store can hold."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Final

import numpy as np

from memanalysis.importing.problems import Faults
from memanalysis.importing.source import Models, Options
from memanalysis.storage.schema import MODELS, OBJECTIVES

# A size is the name of a folder; longer names are refused by some file systems.
_LONGEST: Final = 64
_LONGEST_PROXY: Final = 100
_SIZE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_WHOLE: Final = ("parameters", "epochs", "seed")
_TEXTS: Final = ("family", "evaluation_mode", "teacher_size", "teacher_scope")
_POSITIVE: Final = ("temperature", "distillation_weight")


def note_name(faults: Faults, where: str, size: Any, objective: Any) -> None:
    """Note a size that cannot be a folder's name, and an objective that there is not."""
    fits = isinstance(size, str) and len(size) <= _LONGEST and _SIZE_NAME.fullmatch(size)
    if not fits:
        expected = (
            f"at most {_LONGEST} letters, digits and _ . + - beginning with a letter or digit"
        )
        shown = size if not isinstance(size, str) or len(size) <= _LONGEST else f"{size[:30]}…"
        faults.add(where, f"a size called {shown!r}", expected, "Give --size.")
    if objective not in OBJECTIVES:
        faults.add(where, f"objective {objective!r}", f"one of {', '.join(OBJECTIVES)}")


def note_proxy(faults: Faults, where: str, name: str) -> None:
    """Note a proxy's name that cannot be shown in a line."""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_PROXY:
        shown = repr(name if len(name) <= _LONGEST_PROXY else f"{name[:30]}…")
        expected = f"at most {_LONGEST_PROXY} characters that can be printed"
        faults.add(where, f"a proxy called {shown}", expected, "Rename the column.")


def note_facts(faults: Faults, models: Models) -> None:
    """Note what is said of ``models`` and is no name or number that a store can hold."""
    about = {name: getattr(models, name) for name in (*_WHOLE[:2], *_TEXTS, *_POSITIVE)}
    for said in (about, *models.per_model):
        for name, value in said.items():
            expected = _expected(name, value)
            if value is not None and expected:
                faults.add(models.where, f"{name} = {value!r}", expected)


def note_options(faults: Faults, options: Options) -> None:
    """Note numbers among the options that are out of range, whoever gave them."""
    ratio = options.ratio
    if ratio is not None and not 0 < ratio < 1:
        faults.add("--ratio", f"{ratio}", "a share between 0 and 1")
    if options.size == "":
        faults.add("--size", "an empty name", "the name of a size")


def note_class_names(faults: Faults, where: str, names: Sequence[str] | str) -> None:
    """Note class names that are no list of different texts."""
    expected = "a list of different names, one for each class"
    if isinstance(names, str):
        faults.add(f"{where}, class_names", f"the text '{names[:40]}'", expected)
        return
    strange = [name for name in names if not isinstance(name, str) or not name]
    twice = [name for name, count in Counter(map(str, names)).items() if count > 1]
    if strange or twice:
        found = f"{strange[0]!r}" if strange else f"'{twice[0]}' more than once"
        faults.add(f"{where}, class_names", found, expected)


def _expected(name: str, value: Any) -> str:
    """Expectation of ``value``, empty where it holds."""
    if name in _WHOLE:
        lowest = 0 if name == "seed" else 1
        largest = 2 ** (MODELS.field(name).type.bit_width - 1) - 1
        whole = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
        fits = whole and lowest <= int(value) <= largest
        return "" if fits else f"a whole number from {lowest} to {largest:,}"
    if name in _POSITIVE:
        number = isinstance(value, Real) and not isinstance(value, bool)
        fits = number and math.isfinite(value) and value > 0
        return "" if fits else "a number above 0"
    return "" if name not in _TEXTS or (isinstance(value, str) and value) else "a name"
