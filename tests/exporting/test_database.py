"""A study as one DuckDB database."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from memanalysis.errors import MemanalysisError
from memanalysis.exporting import write_database
from memanalysis.sql.scripts import scripts
from memanalysis.studies import Study


@pytest.fixture(scope="module")
def database(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random store as a database."""
    return write_database(study, tmp_path_factory.mktemp("database") / "study.duckdb")


def test_it_holds_what_the_relations_hold(study: Study, database: Path) -> None:
    """Every relation but the checks is a table with the same columns and as many rows."""
    views = [s.name for s in scripts() if s.folder != "checks" and not s.is_macro]
    with duckdb.connect(str(database), read_only=True) as engine:
        for name in views:
            ours, theirs = study.table(name), engine.sql(f'from "{name}"').pl()
            assert (ours.columns, ours.height) == (theirs.columns, theirs.height), name
        scores = engine.sql("from memorization order by objective, size, example_id").pl()
    assert scores.equals(study.sql("from memorization order by objective, size, example_id"))


def test_it_needs_nothing_else(study: Study, database: Path) -> None:
    """Macros answer from its tables as the study does, with no access to files."""
    call = "from influence_of(example := 1) order by all"
    with duckdb.connect(str(database), read_only=True) as engine:
        engine.execute("set enable_external_access = false")
        assert engine.sql(call).pl().equals(study.sql(call))
        shapes = engine.sql("from trajectories_at(alpha := 0.3)").pl()
    assert isinstance(shapes, pl.DataFrame)
    assert shapes.height == study.sql("from trajectories_at(alpha := 0.3)").height


def test_it_says_what_everything_means(database: Path) -> None:
    """Tables, columns and macros carry the comments of ``queries/``."""
    with duckdb.connect(str(database), read_only=True) as engine:
        comments = engine.sql(
            "select comment from duckdb_tables() union all "
            "select comment from duckdb_columns() where not internal"
        ).fetchall()
    assert comments
    assert all(comment for (comment,) in comments)


def test_clients_of_before_read_its_layout(database: Path) -> None:
    """The file has the layout of DuckDB 1.0, number 64, and not that of the library writing it."""
    head = database.read_bytes()[:20]
    assert head[8:12] == b"DUCK"
    assert int.from_bytes(head[12:20], "little") == 64


def test_a_file_that_exists_is_kept(study: Study, database: Path) -> None:
    """Without ``force`` it is refused and stays as it is."""
    before = database.read_bytes()
    with pytest.raises(MemanalysisError, match="exists"):
        write_database(study, database)
    assert database.read_bytes() == before
