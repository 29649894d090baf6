"""A study of which some relations have other rows."""

import polars as pl

from memanalysis.studies import Study


class Altered:
    """``study`` with some relations replaced by frames; what is computed from them follows."""

    def __init__(self, study: Study, /, **frames: pl.DataFrame) -> None:
        self._connection = study.connect()
        for name, frame in frames.items():
            self._connection.register(f"altered_{name}", frame)
            self._connection.execute(f'create or replace view "{name}" as from altered_{name}')

    def table(self, name: str, /) -> pl.DataFrame:
        """The relation ``name``, whole."""
        return self.sql(f'from "{name}"')

    def sql(self, text: str, /) -> pl.DataFrame:
        """The result of one query."""
        return self._connection.sql(text).pl()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
