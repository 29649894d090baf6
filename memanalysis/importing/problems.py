"""Faults of a source, collected so that people mend their files in one pass."""

from __future__ import annotations

from typing import Final

from memanalysis.errors import DataError

# Faults that are listed: of 256 models with the same fault nobody reads every line.
_MOST: Final = 20


def fault(where: str, found: str, expected: str, hint: str = "") -> DataError:
    """The error for one thing that is wrong: which file and key, what is there, what should be."""
    return DataError(_sentence(where, found, expected, hint))


class Faults:
    """Faults of one source, raised together."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._found: list[str] = []

    def add(self, where: str, found: str, expected: str, hint: str = "") -> None:
        """Note one fault."""
        self._found.append(_sentence(where, found, expected, hint))

    def note(self, error: DataError) -> None:
        """Note a fault that came as an error."""
        self._found.append(str(error))

    def raise_any(self) -> None:
        """Raise one DataError that lists every fault, if there are any."""
        if len(self._found) == 1:
            raise DataError(self._found[0])
        if self._found:
            listed = "\n".join(f"  - {line}" for line in self._found[:_MOST])
            if len(self._found) > _MOST:
                listed += f"\n  - and {len(self._found) - _MOST} more"
            raise DataError(f"'{self.source}' has {len(self._found)} faults:\n{listed}")


def _sentence(where: str, found: str, expected: str, hint: str) -> str:
    return f"{where}: found {found}; expected {expected}.{' ' + hint if hint else ''}"
