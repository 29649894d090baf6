"""The SQL files of ``queries/``: where they are, in which order, and what each reads of others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from memanalysis.errors import StoreError
from memanalysis.storage.names import table_file

_WORD: Final = re.compile(r"\w+")
# What names no relation and yet lists them.
_LISTING: Final = frozenset({"show", "information_schema"})
_LISTING_PREFIXES: Final = ("duckdb_", "pg_", "sqlite_")
# Load order: a file uses relations of earlier folders only.
FOLDERS: Final = ("tables", "scores", "changes", "summaries", "checks")


@dataclass(frozen=True)
class Script:
    """One file of ``queries/``: the relation ``name``, made by ``text``."""

    folder: str
    name: str
    text: str

    @property
    def code(self) -> str:
        """The statement that makes the relation, without comments."""
        lines = (line.partition("--")[0] for line in self.text.splitlines())
        return "\n".join(lines).partition("\ncomment on")[0]

    @property
    def is_macro(self) -> bool:
        """True if the relation is a table macro, with parameters, and no view."""
        return "create or replace macro" in self.text

    @property
    def row(self) -> str:
        """Meaning of a row of the relation, by the first line of its file."""
        return self.text.splitlines()[0].removeprefix("-- ")


def queries_folder() -> Traversable:
    """Folder of the SQL files: beside the package in a checkout, else inside it.

    An editable install leaves a stale copy in site-packages, so the checkout comes first.

    Raises
    ------
    StoreError
        If there is neither.
    """
    package = Path(__file__).parents[1]
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "queries").is_dir():
        return checkout / "queries"
    installed = resources.files("memanalysis") / "queries"
    if installed.is_dir():
        return installed
    raise StoreError(
        f"The SQL files of memanalysis are missing: looked in '{checkout / 'queries'}' and "
        f"'{package / 'queries'}'. Reinstall memanalysis."
    )


@cache
def scripts() -> tuple[Script, ...]:
    """Every SQL file in load order: by folder, then by name."""
    root = queries_folder()
    return tuple(
        Script(folder, file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for file in sorted((root / folder).iterdir(), key=lambda f: f.name)
        if file.name.endswith(".sql")
    )


@cache
def tables() -> dict[str, str]:
    """The relations that are a file of the store, each with its path inside it."""
    reading = (s for s in scripts() if s.folder == FOLDERS[0] and "read_parquet(" in s.text)
    return {script.name: table_file(script.name) for script in reading}


@cache
def uses() -> dict[str, frozenset[str]]:
    """Each relation with those that it reads, if need be through others.

    A name that is only mentioned counts, so there may be some too many and never one too few.
    """
    uses: dict[str, frozenset[str]] = {}
    for script in scripts():
        direct = _mentioned(script.code) & uses.keys()
        uses[script.name] = frozenset({script.name}).union(*(uses[name] for name in direct))
    return uses


def _mentioned(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def mentioned(text: str) -> frozenset[str]:
    """The relations that a query may read, by the names in its text; all if it asks for a list."""
    words = _mentioned(text)
    names = frozenset(words & uses().keys())
    lists = words & _LISTING or any(word.startswith(_LISTING_PREFIXES) for word in words)
    if lists or ("describe" in words and not names):
        return frozenset(uses())
    return names


def views() -> frozenset[str]:
    """The relations that are asked by their name alone."""
    return frozenset(script.name for script in scripts() if not script.is_macro)


def macros() -> frozenset[str]:
    """The relations that are called, with parameters."""
    return frozenset(script.name for script in scripts() if script.is_macro)
