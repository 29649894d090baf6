"""Numbers as readers expect them: signs, percentages, intervals and lists."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

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
_OBJECTIVES: Final = {"one_hot": "one-hot labels", "distilled": "distilled"}


def objective(name: str) -> str:
    """An objective as running text names it."""
    variant = name.removeprefix("distilled_")
    return _OBJECTIVES.get(name, name if variant == name else f"distilled ({variant})")


def kind(name: str) -> str:
    """Examples of a kind, planted or judged, as running text names them: 'wrong labels'."""
    return f"{KINDS[name]}s" if name in KINDS else f"{name.replace('_', ' ')} examples"


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
