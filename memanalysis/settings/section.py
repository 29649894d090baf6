"""A TOML table that collects faults instead of stopping at the first one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from memanalysis.errors import did_you_mean

_INT64: Final = 2**63
_SHOWN: Final = 100  # characters of a value in a message


class Section:
    """A TOML table that collects faults instead of stopping at the first one."""

    def __init__(self, name: str, content: dict[str, Any], faults: list[str]) -> None:
        self.name, self.content, self.faults = name, content, faults
        self.known: list[str] = []

    def fault(self, text: str) -> None:
        """Note one fault."""
        self.faults.append(text)

    def label(self, key: str) -> str:
        """The dotted name of a key."""
        return f"{self.name}.{key}" if self.name else key

    def section(self, key: str, *, required: bool = False) -> Section:
        """The table under a key, empty where it is missing."""
        self.known.append(key)
        content = self.content.get(key, {})
        if not isinstance(content, dict):
            self.fault(f"[{self.label(key)}] must be a table, not {content!r}")
            content = {}
        elif required and key not in self.content:
            self.fault(f"[{self.label(key)}] is missing")
        return Section(self.label(key), content, self.faults)

    def get(
        self,
        key: str,
        kind: type | tuple[type, ...],
        default: Any = None,
        *,
        required: bool = False,
        valid: Callable[[Any], bool] = lambda _value: True,
        expected: str = "",
    ) -> Any:
        """The value of a key; ``default`` where it is missing or faulty, with the fault noted."""
        self.known.append(key)
        if key not in self.content:
            if required:
                hint = f": expected {expected}" if expected else ""
                self.fault(f"{self.label(key)} is missing{hint}")
            return default
        value = self.content[key]
        # bool is an int to Python and never one to the writer of a study file.
        if not isinstance(value, kind) or isinstance(value, bool) or not valid(value):
            self.fault(f"{self.label(key)} = {_shown(value)}: expected {expected or _names(kind)}")
            return default
        if limit := _beyond(value):
            self.fault(f"{self.label(key)} = {_shown(value)}: expected {limit}")
            return default
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Whether a key is set to true; ``default`` where it is missing or faulty."""
        self.known.append(key)
        value = self.content.get(key, default)
        if not isinstance(value, bool):
            self.fault(f"{self.label(key)} = {_shown(value)}: expected true or false")
            return default
        return value

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self.content:
            if key not in self.known:
                hint = did_you_mean(key, self.known) or f" Known: {', '.join(self.known)}."
                self.fault(f"unknown key {self.label(key)}.{hint}")


def _beyond(value: Any) -> str:
    """What a value of the right kind must be besides, empty where it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return "a finite number"
    if isinstance(value, int) and abs(value) >= _INT64:
        return "a number of 64 bits"
    if isinstance(value, str) and not (value.strip() and value.isprintable()):
        return "a text of characters that can be printed"
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _names(kind: type | tuple[type, ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(k.__name__ for k in kinds)
