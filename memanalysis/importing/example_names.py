"""Other people's names of examples: one rule for which example a row is.

The store's names (``source_id``) come first; numbers are positions only where the store's examples
have none. Where no store says, numbers from 0 without a gap are positions, and everything else is a
name. What tools wrap around a number or text is read, and said: ``tensor(45)``, ``12.0``, ``b'12'``
and leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.problems import fault
from memanalysis.importing.source import Examples, Options

Ids = NDArray[np.int64] | list[str]

_WRAPPED: Final = re.compile(
    r"(?:\w+\.)?(?:tensor|Tensor|array|Array|u?int(?:8|16|32|64)|str_|bytes_|float(?:16|32|64))"
    r"\(\[?\s*(?P<inner>[^()\[\]]*?)\s*\]?(?:,\s*(?:device|dtype)=[^()]*)?\)"
)
_BYTES: Final = re.compile(r"b(?P<quote>['\"])(?P<inner>.*)(?P=quote)", re.DOTALL)
_QUOTED: Final = re.compile(r"(?P<quote>['\"])(?P<inner>.*)(?P=quote)", re.DOTALL)
_WHOLE: Final = re.compile(r"(?P<inner>[0-9]+)\.0*")
_SHELLS: Final = (_WRAPPED, _BYTES, _QUOTED, _WHOLE)
_DIGITS: Final = 18  # as many as always fit into int64
_SHOWN: Final = 3
_LABELS: Final = "Give labels with their names: a CSV of name,label."


class Guids:
    """The names of a file's examples in its order; ``where`` is for messages."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.rank: dict[str, int] = {}

    def add(self, guid: object, place: str) -> int:
        """Take the next name and return its number here; each comes once."""
        name = str(guid)
        if guid is None or not name:
            raise fault(self.where, f"an example without a name in {place}", "one in each")
        if name in self.rank:
            raise fault(self.where, f"example '{name}' again in {place}", "each example once")
        return self.rank.setdefault(name, len(self.rank))

    def __len__(self) -> int:
        """Number of names."""
        return len(self.rank)


@dataclass(frozen=True, eq=False)
class Rows:
    """Examples of a source's rows: ``ids``, positions int64 [n] or names; ``notes`` on them."""

    where: str
    ids: Ids
    notes: tuple[str, ...] = ()

    @property
    def are_positions(self) -> bool:
        """True if ``ids`` are positions."""
        return isinstance(self.ids, np.ndarray)

    def of(self, picked: NDArray[np.bool_]) -> Ids:
        """The ids of some rows: bool [n]."""
        if isinstance(self.ids, np.ndarray):
            return self.ids[picked]
        return [name for name, keep in zip(self.ids, picked, strict=True) if keep]


def unwrapped(name: str) -> str:
    """``name`` without what a tool wrapped around it: ``tensor(45)`` is 45, ``b'a'`` is a."""
    name = name.strip()
    while match := next((m for shell in _SHELLS if (m := shell.fullmatch(name))), None):
        name = match["inner"].strip()
    return name


def number(name: str) -> str:
    """An unwrapped name without leading zeros, if it is a whole number; else as it is."""
    plain = unwrapped(name)
    return str(int(plain)) if _is_number(plain) else plain


def positions(names: Sequence[str], among: Sequence[str | None]) -> NDArray[np.int64]:
    """Positions of ``names`` among other names, int64 [n]; -1 for those that are not there.

    Names are compared as they are; else without their wrapping, else as numbers, whichever way
    finds the most.
    """
    best = np.full(len(names), -1, np.int64)
    for read in (str, unwrapped, number):
        there = _places(among, read)
        places = np.array([there.get(read(name), -1) for name in names], np.int64)
        if np.count_nonzero(places >= 0) > np.count_nonzero(best >= 0):
            best = places
        if len(best) and best.min() >= 0:
            break
    return best


def read_rows(
    names: Sequence[str], options: Options, where: str, *, n_train: int | None = None
) -> Rows:
    """Examples that the rows called ``names`` are; see the module's text.

    ``n_train``: how many training examples a new store has, where anything says it.

    Raises
    ------
    DataError
        If two names are of one example.
    """
    store = options.store_names
    if any(name is not None for name in store):
        return _of_store(names, store, where)
    plain = [unwrapped(name) for name in names]
    said = _said(names, plain, where)
    _require_distinct(plain, names, where)
    if not all(_is_number(name) for name in plain):
        return Rows(where, plain, said)
    values = np.array([int(name) for name in plain], np.int64)
    largest = int(values.max(initial=-1))
    if len(np.unique(values)) < len(values):
        return Rows(where, plain, (*said, f"{where}: numbers that differ in zeros alone: names."))
    n = options.n_train or n_train
    if options.has_store or largest == len(values) - 1 or (n is not None and largest < n):
        zeros = next((name for name in plain if name != str(int(name))), None)
        note = f"{where}: leading zeros are read as numbers: {zeros} is position {int(zeros or 0)}."
        return Rows(where, values, said if zeros is None else (*said, note))
    note = (
        f"{where}: {len(values):,} numbers to {largest:,} leave gaps, so they are the examples' "
        "names (source_id), not positions; --n-train N says that they are positions of N examples."
    )
    return Rows(where, plain, (*said, note))


def examples_of(rows: Rows, labels: NDArray[np.int64] | None, options: Options) -> Examples:
    """A file's training examples; ``labels`` int64 [n] in its order, if any.

    Labels are compared with the store's where both are known.
    """
    ids, n = rows.ids, len(rows.ids)
    if options.has_store:
        _compare(rows, labels, options)
        return Examples()
    if isinstance(ids, np.ndarray):
        if n and int(ids.max()) == n - 1:
            return Examples(n_train=n, labels=None if labels is None else labels[np.argsort(ids)])
        _compare(rows, labels, options)
        return Examples(n_train=options.n_train)
    if options.n_train not in (None, n):
        raise fault(
            rows.where, f"{n:,} names such as '{ids[0] if n else ''}'",
            f"{options.n_train:,}, as --n-train says, or positions below it",
            "Numbers beyond --n-train are names; leave it out.",
        )  # fmt: skip
    return Examples(n_train=n, labels=labels, source_ids=ids)


def require_named_labels(rows_are_named: bool, labels_are_named: bool, where: str) -> None:
    """Refuse labels in order beside rows that have names, whose order is their own."""
    if rows_are_named and not labels_are_named:
        raise fault(where, "labels without names beside rows with names", "names in both", _LABELS)


def _of_store(names: Sequence[str], store: Sequence[str | None], where: str) -> Rows:
    """Rows by the store's names; what the store does not know stays as it is, to be named."""
    places = positions(names, store)
    ids = [
        name if at < 0 else str(store[at]) for name, at in zip(names, places.tolist(), strict=True)
    ]
    _require_distinct(ids, names, where)
    notes = list(_said(names, ids, where))
    plain = [unwrapped(name) for name in names]
    could = all(_is_number(name) and int(name) < len(store) for name in plain)
    if could and any(int(name) != at for name, at in zip(plain, places.tolist(), strict=True)):
        notes.append(
            f"{where}: numbers are the store's names (source_id), not positions, although they "
            "could be both."
        )
    return Rows(where, ids, tuple(notes))


def _said(names: Sequence[str], read: Sequence[str], where: str) -> tuple[str, ...]:
    changed = [(a, b) for a, b in zip(names, read, strict=True) if a != b]
    if not changed:
        return ()
    shown = ", ".join(f"{a} as {b}" for a, b in changed[:_SHOWN])
    return (f"{where}: {len(changed):,} ids are read without their wrapping: {shown}.",)


def _require_distinct(ids: Sequence[str], names: Sequence[str], where: str) -> None:
    first: dict[str, str] = {}
    for name, given in zip(ids, names, strict=True):
        if name in first:
            same = f" ('{first[name]}' and '{given}')" if first[name] != given else ""
            raise fault(
                where, f"ids more than once, first {name}{same}", "each example once",
                "Several scores below one another? Save each in a file of its own.",
            )  # fmt: skip
        first[name] = given


def _places(among: Sequence[str | None], read: Callable[[str], str]) -> dict[str, int]:
    """Places by name; names that become equal in this reading have none."""
    there: dict[str, int] = {}
    twice = set()
    for at, name in enumerate(among):
        if name is None:
            continue
        key = read(name)
        if key in there:
            twice.add(key)
        there[key] = at
    return {key: at for key, at in there.items() if key not in twice}


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= _DIGITS


def _compare(rows: Rows, labels: NDArray[np.int64] | None, options: Options) -> None:
    known = options.store_labels
    if labels is None or known is None:
        return
    ids = rows.ids
    places = ids if isinstance(ids, np.ndarray) else positions(ids, options.store_names)
    inside = (places >= 0) & (places < len(known))
    wrong = np.flatnonzero(labels[inside] != known[places[inside]])
    if len(wrong):
        at = places[inside][wrong[0]]
        raise fault(
            rows.where,
            f"label {labels[inside][wrong[0]]} for example {at}, and {len(wrong) - 1:,} more",
            f"{known[at]}, as the store has",
            "The names are not positions in this store, or labels were changed.",
        )
