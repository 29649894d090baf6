"""Studies as users hold them: relations and a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memanalysis.bundled_studies import embedded_path
from memanalysis.errors import QueryError, did_you_mean
from memanalysis.sql import card, thumbnails
from memanalysis.sql import frames as wide
from memanalysis.sql.catalogue import as_frame, overview
from memanalysis.sql.confined import Confined
from memanalysis.sql.connection import connect, require_intact
from memanalysis.sql.limits import Limits
from memanalysis.sql.scripts import macros, views
from memanalysis.storage.store import Manifest, Store

if TYPE_CHECKING:
    import duckdb
    import polars as pl


class Study:
    """A study in a store, ready to be asked.

    Relations are lazy: nothing is read before it is asked for.
    """

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store, self._limits = store, limits

    @property
    def path(self) -> Path:
        """The folder of the store."""
        return self._store.path

    @property
    def manifest(self) -> Manifest:
        """The manifest of the store: settings, versions, data set, sizes, checksums."""
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

        Examples
        --------
        >>> study = open()
        >>> study.sql("select count(*) as n from memorization where memorization > 0.9").item()
        1542
        >>> width = {"size": "resnet8w16"}
        >>> study.sql("select max(n_in) from memorization where size = $size", width).item()
        140
        >>> mine = {"example_id": [17, 4]}
        >>> study.sql("from mine join examples using (example_id)", mine=mine)["label"].len()
        2
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
        """The relation ``name`` as a Polars frame; so is the attribute of its name.

        Examples
        --------
        >>> study = open()
        >>> study.table("classes").height, study.classes.height
        (10, 10)
        """
        confined = self._confined
        if name in confined.relations:
            return self._asked(f'from "{name}"')
        if name in confined.macros:
            return self._asked(f'from "{name}"()')
        raise QueryError.of_relation(name, confined.relations | confined.macros)

    def cache(self, *names: str) -> None:
        """Compute relations once, so that the queries to come read their rows instead.

        Worth it before dozens of queries over scores; ``close`` forgets them.

        Raises
        ------
        StoreError
            If a table that they read is damaged, or the store was built anew since it was opened.

        Examples
        --------
        >>> study = open()
        >>> study.cache("memorization", "trajectories")
        >>> study.sql("select count(*) as n from memorization where memorization > 0.9").item()
        1542
        """
        confined = self._confined
        for name in names:
            if name not in confined.relations:
                raise QueryError.of_relation(name, confined.relations)
        confined.cache(names)

    def tables(self) -> pl.DataFrame:
        """Every relation: its folder, its name, what a row is, a macro's parameters, its rows.

        ``rows`` is NULL where they are computed when asked for.
        """
        return as_frame(overview(self._store), columns=False)

    def __getattr__(self, name: str) -> Any:
        """``study.memorization`` is the relation, ``study.influence_of(example=17)`` a macro's."""
        if name in views():
            return self.table(name)
        if name in macros():
            return partial(self._call, name)
        hint = "" if name.startswith("_") else did_you_mean(name, dir(self))
        raise AttributeError(f"A study has no '{name}'.{hint}")

    def _call(self, name: str, **values: Any) -> pl.DataFrame:
        given = ", ".join(f"{parameter} := ${parameter}" for parameter in values)
        return self.sql(f'from "{name}"({given})', values or None)

    def __dir__(self) -> list[str]:
        """Public names and relations, for completion."""
        public = [name for name in super().__dir__() if not name.startswith("_")]
        return sorted({*public, *views(), *macros()})

    def frame(self, name: str, *, images: bool = False) -> pl.DataFrame:
        """Relations joined into one wide Polars frame; ``examples`` joins everything per example.

        ``frame("examples")`` has one row per example, its scores, trajectories and proxies in
        columns such as ``memorization_one_hot_<size>``, and with ``images`` its image as PNG bytes;
        see ``memanalysis.sql.frames.examples``.

        Raises
        ------
        QueryError
            If there is no frame of that name.
        """
        if name != "examples":
            raise QueryError(
                f"There is no frame '{name}'; there is: examples. For one relation use table()."
            )
        return wide.examples(self.sql, images=images)

    def suspects(self, top: int | None = None) -> pl.DataFrame:
        """The relation ``suspects``: images with doubtful labels, most probably wrong ones first.

        All of them, or the first ``top``; see ``memanalysis tables`` for what each column is.

        Examples
        --------
        >>> open().suspects(2)["source_id"].to_list()
        ['train/22264', 'train/45592']
        """
        limit = "" if top is None else f" limit {int(top)}"
        return self.sql(f"from suspects order by rank{limit}")

    def examples(self, ids: int | Sequence[int] | pl.Series) -> thumbnails.Thumbnails:
        """Pictures of some examples with label, score and its curve over sizes, for a notebook.

        ``study.examples(study.suspects(8)["example_id"])``; the relation of all examples is
        ``study.table("examples")``. At most 200 at once.

        Raises
        ------
        QueryError
            If an id is no example's, or there are too many.
        """
        return thumbnails.read(self.sql, ids)

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

    def _repr_html_(self) -> str:
        return card.html(self)

    def __repr__(self) -> str:
        """The study's name and path."""
        return f"<Study '{self.manifest.study}' at '{self.path}'>"


def open(  # noqa: A001 - the contract's name: ma.open()
    path: str | Path | None = None, *, limits: Limits | None = None
) -> Study:
    """Open the study in the store at ``path``.

    By default that is the study that comes with memanalysis: ResNet-8 of seven widths on 4,000
    Fashion-MNIST images, trained on labels and distilled. ``limits`` bound what a query may take;
    see ``memanalysis.sql.limits.Limits``.

    Raises
    ------
    StoreError
        If there is no store at ``path``.

    Examples
    --------
    >>> open().manifest.study
    'width'
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
