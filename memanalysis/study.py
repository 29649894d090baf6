"""What users hold: one study, its relations and its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from memanalysis import bundled_studies
from memanalysis.errors import QueryError, StoreError, did_you_mean
from memanalysis.sql import frames as wide
from memanalysis.sql.confined import Confined
from memanalysis.sql.connection import connect, require_intact
from memanalysis.sql.limits import Limits
from memanalysis.storage.store import Manifest, Store

if TYPE_CHECKING:
    import duckdb
    import polars as pl

_EMBEDDED: Final = "fashion-mnist"


class Study:
    """A study in a store, ready to be asked.

    Relations are lazy: nothing is read before it is asked for.
    """

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store, self._limits = store, limits

    @property
    def path(self) -> Path:
        """The directory of the store."""
        return self._store.path

    @property
    def manifest(self) -> Manifest:
        """What the store says of itself."""
        return self._store.manifest

    @cached_property
    def _confined(self) -> Confined:
        return Confined(self._store, self._limits)

    def sql(
        self,
        text: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        /,
        **frames: Any,
    ) -> pl.DataFrame:
        """The result of one query over the study's relations, as a Polars frame.

        Parameters
        ----------
        text
            One query in DuckDB's SQL; ``from memorization limit 5`` is one. It can read the
            relations and the frames given here, and change nothing.
        parameters
            Values for the text's ``$name``, by name, or for its ``?``, in order: they need no
            quotes and cannot be taken for SQL.
        frames
            Tables of your own (Polars, Arrow, pandas, a mapping of columns) by the name that the
            query gives them.

        Raises
        ------
        QueryError
            If the text is not one query, takes more than the study's limits, or fails.
        StoreError
            If a table that it reads is damaged, or the store was built anew since it was opened.
        """
        return self._asked(text, frames, parameters)

    def _asked(self, text: str, *given: Any) -> pl.DataFrame:
        confined = self._confined
        try:
            return confined.query(text, *given)
        finally:
            if confined.is_stuck:  # the next query gets a connection of its own
                self.__dict__.pop("_confined", None)

    def table(self, name: str) -> pl.DataFrame:
        """The relation ``name`` as a Polars frame."""
        confined = self._confined
        if name in confined.relations:
            return self._asked(f'from "{name}"')
        if name in confined.macros:
            return self._asked(f'from "{name}"()')
        known = sorted(confined.relations | confined.macros)
        hint = did_you_mean(name, known) or f" There are: {', '.join(known)}."
        raise QueryError(f"There is no relation '{name}'.{hint}")

    def frame(self, name: str) -> pl.DataFrame:
        """Relations joined into one wide Polars frame; ``examples`` joins everything per example.

        ``frame("examples")`` has one row per example, its scores, trajectories and proxies in
        columns such as ``memorization_one_hot_<size>``; see ``memanalysis.sql.frames.examples``.

        Raises
        ------
        QueryError
            If there is no frame of that name.
        """
        if name != "examples":
            raise QueryError(
                f"There is no frame '{name}'; there is: examples. For one relation use table()."
            )
        return wide.examples(self.sql)

    def suspects(self, top: int | None = None) -> pl.DataFrame:
        """The relation ``suspects``: images with doubtful labels, most probably wrong ones first.

        All of them, or the first ``top``; see ``memanalysis tables`` for what each column is.
        """
        limit = "" if top is None else f" limit {int(top)}"
        return self.sql(f"from suspects order by rank{limit}")

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A new DuckDB connection with the relations loaded, unconfined, for experts.

        Tables are compared with their checksums now and not with every query.
        """
        require_intact(self._store)
        return connect(self._store)

    def close(self) -> None:
        """Close the connection behind ``sql`` and ``table``; they open it anew when used."""
        confined = self.__dict__.pop("_confined", None)
        if confined is not None:
            confined.close()

    def __repr__(self) -> str:
        """The study's name and path."""
        return f"<Study '{self.manifest.study}' at '{self.path}'>"


def open(  # noqa: A001 - the contract's name: ma.open()
    path: str | Path | None = None, *, limits: Limits | None = None
) -> Study:
    """Open the study in the store at ``path``, by default the study that comes with memanalysis.

    ``limits`` bound what a query may take; see ``memanalysis.sql.limits.Limits``.

    Raises
    ------
    StoreError
        If there is no store at ``path``.
    """
    return Study(Store.open(embedded_path() if path is None else path), limits)


def compare(first: str | Path | Study, second: str | Path | Study) -> pl.DataFrame:
    """Correlate the memorisation scores of every size of two studies over their common examples.

    Two architectures on the same images, two seeds, your models and somebody else's: see
    ``relations.comparison.compare`` for what each column is and which examples are the same.

    Raises
    ------
    StoreError
        If one is no built store, or they have nothing in common.
    """
    from memanalysis.relations import comparison  # needs SciPy, which nothing else here does

    stores = (
        Store.open(study.path if isinstance(study, Study) else study) for study in (first, second)
    )
    return comparison.compare(*stores)


def embedded_path() -> Path:
    """Where the embedded study lies: beside the package in a checkout, else inside it.

    Raises
    ------
    StoreError
        If this installation has none.
    """
    place = bundled_studies.find(_EMBEDDED, "manifest.json")
    if place is None:
        looked = " and ".join(f"'{place}'" for place in bundled_studies.places(_EMBEDDED))
        raise StoreError(
            f"The embedded study is not installed: looked in {looked}. Give the path of a store."
        )
    return place
