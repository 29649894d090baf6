"""Other people's names of examples: positions where all are whole numbers, else names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memanalysis.importing.problems import fault
from memanalysis.importing.source import Examples, Options


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
        """How many there are."""
        return len(self.rank)

    @property
    def are_positions(self) -> bool:
        """Whether every name is a whole number from 0, of 18 digits at most (int64)."""
        return all(name.isascii() and name.isdigit() and len(name) < 19 for name in self.rank)

    def ids(self) -> NDArray[np.int64] | list[str]:
        """Positions int64 [n], or names that a store keeps as ``source_id``."""
        if self.are_positions:
            return np.array([int(name) for name in self.rank], np.int64)
        return list(self.rank)

    def ids_of(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64] | list[str]:
        """The same for some of them: bool [n]."""
        ids = self.ids()
        if isinstance(ids, np.ndarray):
            return ids[chosen]
        return [name for name, keep in zip(ids, chosen, strict=True) if keep]


def examples_of(guids: Guids, labels: NDArray[np.int64] | None, options: Options) -> Examples:
    """What a file says of the training examples; ``labels`` int64 [n] in its order, if any.

    Numbers that leave no gap are all examples. Otherwise the store, ``--labels`` or ``--n-train``
    says how many there are; labels are then compared with the store's where both are known.
    """
    ids = guids.ids()
    n = len(guids)
    if isinstance(ids, np.ndarray):
        if n and int(ids.max()) == n - 1:
            return Examples(n_train=n, labels=None if labels is None else labels[np.argsort(ids)])
        _compare(guids, ids, labels, options.store_labels)
        return Examples(n_train=options.n_train)
    if options.store_labels is not None:
        return Examples()  # the store knows the names
    return Examples(n_train=options.n_train or n, labels=labels, source_ids=ids)


def _compare(
    guids: Guids,
    ids: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    known: NDArray[np.int64] | None,
) -> None:
    if labels is None or known is None:
        return
    inside = ids < len(known)
    wrong = np.flatnonzero(labels[inside] != known[ids[inside]])
    if len(wrong):
        at = ids[inside][wrong[0]]
        raise fault(
            guids.where,
            f"label {labels[inside][wrong[0]]} for example {at}, and {len(wrong) - 1:,} more",
            f"{known[at]}, as the store has",
            "The names are no positions of this store, or labels were changed.",
        )
