"""A DuckDB database with every relation as a table, for the shell, DBeaver and other clients."""

from __future__ import annotations

from pathlib import Path

from memanalysis.exporting.placing import placing, require_replaceable
from memanalysis.sql import database
from memanalysis.storage.store import Store
from memanalysis.studies import Study


def write_database(study: Study, out: str | Path, *, force: bool = False) -> Path:
    """Write the study as one DuckDB file and return its path; see ``sql.database.write``.

    Raises
    ------
    MemanalysisError
        If ``out`` exists and ``force`` is not given, or cannot be written.
    """
    path = Path(out)
    require_replaceable([path], force=force)
    with placing(path) as temporary:
        database.write(Store.open(study.path), temporary)
    return path
