"""DuckDB's errors of several lines, as one line each that names the nearest thing there is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from memanalysis.errors import did_you_mean

_NO_TABLE: Final = re.compile(r'Table(?: Function)? with name "?([^"\s]+)"? does not exist')
_NO_COLUMN: Final = re.compile(r'Referenced column "([^"]+)" (?:was )?not found')
_NO_FIELD: Final = re.compile(r'does not have a column named "([^"]+)"')
_KIND: Final = re.compile(r"^[A-Z][A-Za-z ]* Error: ")


def one_line(error: BaseException) -> str:
    """The first line of an error's text, without DuckDB's name for its kind, as a sentence."""
    text = str(error).strip()
    first = _KIND.sub("", text.splitlines()[0] if text else type(error).__name__).strip()
    return first if first.endswith((".", "!", "?")) else f"{first}."


def explain(error: BaseException, relations: Iterable[str], columns: Iterable[str]) -> str:
    """One line that says what is wrong with a query, given the names that it could have used."""
    text = str(error)
    if match := _NO_TABLE.search(text):
        name = match[1]
        known = list(relations)
        hint = did_you_mean(name, known) or f" There are: {', '.join(sorted(known))}."
        return f"There is no relation '{name}'.{hint}"
    if match := _NO_COLUMN.search(text) or _NO_FIELD.search(text):
        name = match[1]
        hint = _nearest_column(name, _candidates(text), set(columns))
        return f"There is no column '{name}' in what the query reads.{hint}"
    return one_line(error)


def _nearest_column(name: str, candidates: list[str], others: set[str]) -> str:
    """Suggest a column: ``candidates`` are of the relations read, ``others`` of all."""
    if hint := did_you_mean(name, candidates):
        return hint
    near = f" Near by: {', '.join(candidates)}." if candidates else ""
    if name in others:
        listed = near or " `describe RELATION` lists those of one."
        return f" Other relations have one.{listed}"
    return did_you_mean(name, others) or near


def _candidates(text: str) -> list[str]:
    """The names that DuckDB lists after 'Candidate bindings', without their tables."""
    _, _, listed = text.partition("Candidate bindings:")
    return [name.rpartition(".")[2] for name in re.findall(r'"([^"]+)"', listed.split("\n")[0])]
