"""Numbers as readers expect them: signs, percentages, intervals and lists."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl

from memanalysis import numbers

NONE: Final = numbers.NONE
# Leaves room for an ending and for what browsers add to a name that is taken.
_LONGEST_NAME: Final = 100
# Kinds of example as readers know them, where the stored name does not say it.
KINDS: Final = {
    "flipped": "wrong label",
    "random": "random label",
    "suspected_mislabel": "suspected wrong label",
}
# Columns of relations and figures as readers know them, where the name does not say it.
_COLUMNS: Final = {
    "accuracy_in": "right when trained on",
    "accuracy_out": "right when held out",
    "alpha": "α",
    "auc": "AUC",
    "class_name": "class",
    "corrected_estimate": "estimate, corrected for noise",
    "example_id": "example",
    "finder": "found by",
    "memorization": "score",
    "n": "number",
    "noise_share": "share by noise alone",
    "objective": "trained with",
    "ranks": "how well it ranks",
    "selected_on": "chosen on",
    "std_error": "standard error",
}
# Beginnings of columns that are the edges of a bin, not the limits of an interval.
_EDGES: Final = ("bin_", "value_", "score_", "one_hot_", "distilled_")
# Columns that only put rows in order.
_ORDERING: Final = frozenset({"size_rank"})
_DIGITS: Final = 4  # significant digits of the largest number of a column
_MOST_DECIMALS: Final = 6
_OBJECTIVES: Final = {"one_hot": "one-hot labels", "distilled": "distilled"}


def objective(name: str) -> str:
    """An objective as running text names it."""
    variant = name.removeprefix("distilled_")
    return _OBJECTIVES.get(name, name if variant == name else f"distilled ({variant})")


def kind(name: str) -> str:
    """Examples of a kind, planted or judged, as running text names them: 'wrong labels'."""
    return f"{KINDS[name]}s" if name in KINDS else f"{name.replace('_', ' ')} examples"


def column(name: str) -> str:
    """A column as readers know it: ``ci_low`` is '95 % from', ``n_models`` 'models'."""
    if name in _COLUMNS:
        return _COLUMNS[name]
    stem, _, end = name.rpartition("_")
    if (stem and end in ("low", "high")) or name in ("low", "high"):
        side = "from" if end == "low" else "to"
        if name.startswith(_EDGES):
            return f"{column(stem)} {side}"
        limit = f"95 % {side}"
        return limit if stem in ("", "ci") else f"{column(stem)}, {limit}"
    return name.removeprefix("n_").replace("one_hot", "one-hot").replace("_", " ")


def shown(frame: pl.DataFrame) -> list[str]:
    """The columns of a figure's rows that tables for readers have."""
    return [name for name in frame.columns if name not in _ORDERING]


def table(frame: pl.DataFrame, sizes: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    """The columns of ``frame`` and its rows as text, numbers of a column with equal decimals.

    ``sizes`` has the words for the names of sizes.
    """
    words: Mapping[str, Callable[[str], str]] = {
        "objective": objective,
        "kind": lambda name: KINDS.get(name, name.replace("_", " ")),
        "size": lambda name: sizes.get(name, name),
    }
    names = shown(frame)
    columns = [
        [NONE if value is None else words[name](value) for value in frame[name]]
        if name in words and frame[name].dtype == pl.String
        else _cells(frame[name])
        for name in names
    ]
    return [column(name) for name in names], [list(row) for row in zip(*columns, strict=True)]


def _cells(values: pl.Series) -> list[str]:
    """Floats with the decimals that the largest needs, counts with thousands separated."""
    names = values.name == "label" or values.name.endswith(("_id", "rank"))
    if not values.dtype.is_numeric() or names:
        return [cell(value) for value in values]
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    if all(value % 1 == 0 for value in known):
        return [number(value, 0) for value in values]
    digits = _DIGITS - 1 - math.floor(math.log10(max(known)))
    return [number(value, min(max(digits, 0), _MOST_DECIMALS)) for value in values]


def count(value: float | None) -> str:
    """A whole number with thousands separated: 4,000."""
    return NONE if value is None else f"{value:,.0f}"


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """A number with a true minus sign: −0.014."""
    return numbers.number(value, digits, signed=signed)


def percent(value: float | None, digits: int = 1, *, signed: bool = False) -> str:
    """A share as a percentage with a narrow space: 12.3 %."""
    return numbers.percent(value, digits, signed=signed).replace(" ", "\u202f")


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval: 0.43 to 0.51; a dash where it cannot be estimated."""
    if low is None or high is None:
        return NONE
    return f"{number(low, digits)} to {number(high, digits)}"


def listed(words: Sequence[str]) -> str:
    """Words as a list with a final "and"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def plural(value: int, noun: str, nouns: str = "") -> str:
    """A count with its noun: 1 size, 5 sizes; ``nouns`` where it is no mere s."""
    return f"{count(value)} {noun if value == 1 else nouns or noun + 's'}"


def cell(value: object) -> str:
    """A value of a table: floats to four significant digits, NULL as a dash."""
    if value is None or value != value:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return numbers.significant(value)
    return str(value)


def prose(text: str) -> str:
    """Running text with true signs, full decimals, curved quotes, narrow spaces, and α."""
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = re.sub(r"(?<![\w-])-(?=\.?\d)", "−", text)
    text = text.replace("<=", "≤").replace(">=", "≥")
    text = re.sub(r"(?<=\d) %", "\u202f%", text)
    text = re.sub(r"\balpha\b", "α", text)
    text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    return re.sub(r"(?<!\w)'([^']+)'(?!\w)", r"‘\1’", text)


def file_name(*parts: str) -> str:
    """A name that any file system takes, from texts that may hold anything: small a-z, 0-9, -."""
    plain = unicodedata.normalize("NFKD", " ".join(parts)).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return name[:_LONGEST_NAME].rstrip("-") or "figure"
