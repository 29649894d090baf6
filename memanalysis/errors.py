"""Every fault a user can cause is one of these: one message, no traceback.

A message says what was given, what was expected, where, and what to do. The command line prints
it on stderr and exits with 1; libraries raise, only the command line prints.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MemanalysisError(Exception):
    """Base of all errors meant for users."""

    def _render_traceback_(self) -> list[str]:
        """Lines that a notebook shows in place of a traceback: the message says what to do."""
        return [f"{type(self).__name__}: {self}"]


class StoreError(MemanalysisError):
    """A store is missing, damaged, stale or in use."""


class SettingsError(MemanalysisError):
    """A study file does not describe a study that can be run."""


class DataError(MemanalysisError):
    """Images or labels are missing or are not what they should be."""


class QueryError(MemanalysisError):
    """SQL that cannot be run, or must not be."""

    @classmethod
    def of_relation(cls, name: str, known: Iterable[str]) -> QueryError:
        """The error for a relation ``name`` that is none of ``known``."""
        names = sorted(known)
        hint = did_you_mean(name, names) or f" There are: {', '.join(names)}."
        return cls(f"There is no relation '{name}'.{hint}")


class TrainingError(MemanalysisError):
    """A training went wrong; everything finished before it is intact."""


class MissingDependencyError(MemanalysisError):
    """A feature needs packages of an extra that is not installed."""

    @classmethod
    def for_feature(cls, feature: str, extra: str) -> MissingDependencyError:
        """The error for ``feature``, which needs the packages of ``extra``."""
        return cls(
            f"{feature} needs packages that are not installed. "
            f"Install them with: pip install 'memanalysis[{extra}]'"
        )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The member of ``known`` most like ``name``, or None where nothing comes close."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with a leading space, or an empty string."""
    match = nearest(name, known)
    return f" Did you mean '{match}'?" if match else ""
