"""Loading the relations over a store."""

import shutil
from pathlib import Path

import duckdb
import handmade
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from memanalysis.checking import check
from memanalysis.errors import StoreError
from memanalysis.sql import connection, scripts
from memanalysis.storage.schema import LATER_COLUMNS, LATER_TABLES, TABLES
from memanalysis.storage.store import Store


@pytest.fixture
def copy(random_store: Store, tmp_path: Path) -> Store:
    """A copy of the store that a test may damage."""
    shutil.copytree(random_store.path, tmp_path / "copy")
    return Store.open(tmp_path / "copy")


def test_every_script_makes_the_relation_it_is_named_after() -> None:
    """A file is one CREATE of a view or table macro of its name, then comments."""
    for script in scripts.scripts():
        with duckdb.connect() as engine:
            first, *others = engine.extract_statements(script.text)
        assert first.type == duckdb.StatementType.CREATE, script.name
        assert {statement.type for statement in others} <= {duckdb.StatementType.ALTER}
        kind = "macro" if "create or replace macro" in script.text else "view"
        assert f"create or replace {kind} {script.name}" in script.text


def test_loading_twice_is_harmless(random_store: Store) -> None:
    """The scripts replace what they make, so they can be loaded again."""
    with connection.connect(random_store) as engine:
        for script in scripts.scripts():
            engine.execute(script.text)
        assert len(engine.sql("from classes").fetchall()) == 3


def test_the_scripts_run_as_one_text_from_inside_the_store(
    random_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Concatenated, as a shell reads them, they need no variable where the store is the folder."""
    monkeypatch.chdir(random_store.path)
    with duckdb.connect() as engine:
        engine.execute("\n".join(script.text for script in scripts.scripts()))
        counted = engine.sql("select count(*) from memorization").fetchall()
    assert counted == [(6 * 46,)]


def test_one_text_serves_clients_of_before(random_store: Store) -> None:
    """Printed, the relations name the store and use nothing that only DuckDB 2 knows."""
    text = connection.as_script(random_store)
    assert "allow_empty" not in text
    with duckdb.connect() as engine, connection.connect(random_store) as ours:
        engine.execute(text)
        for name in ("memorization", "distillation_parts", "membership_risk", "finding_facts"):
            counted = f"select count(*) from {name}"
            assert engine.sql(counted).fetchall() == ours.sql(counted).fetchall()


def test_relations_are_made_when_they_are_named(random_store: Store) -> None:
    """A name brings what it reads and no more; a list of relations brings all."""
    assert scripts.mentioned("select 1") == frozenset()
    assert scripts.mentioned('FROM "Memorization"') == {"memorization"}
    assert scripts.mentioned("from duckdb_views()") == {s.name for s in scripts.scripts()}
    with connection.connect(random_store, names={"memorization"}) as engine:
        views = engine.sql("select view_name from duckdb_views() where not internal").fetchall()
    assert {name for (name,) in views} == {"memorization", "outcomes"}


def test_every_relation_can_be_made_alone(random_store: Store) -> None:
    """What a file's text names covers what it reads."""
    for script in scripts.scripts():
        with connection.connect(random_store, documented=False, names={script.name}) as engine:
            call = "()" if script.is_macro else ""
            engine.sql(f'select * from "{script.name}"{call} limit 0').fetchall()


def test_a_stale_table_is_refused_when_it_is_asked_for(copy: Store) -> None:
    """Queries of what is not stale answer, those of what is do not."""
    from memanalysis.sql.confined import Confined

    stale = copy.read_table("finding_facts")
    copy.manifest.outcomes_fingerprint, good = "0" * 64, copy.manifest.outcomes_fingerprint
    copy.write_table("finding_facts", stale)
    copy.manifest.outcomes_fingerprint = good
    copy.write_manifest()
    confined = Confined(Store.open(copy.path))
    assert confined.query("from classes").height == 3
    with pytest.raises(StoreError, match=r"derived/finding_facts.parquet was computed from other"):
        confined.query("from finding_facts")
    confined.close()


def test_an_unbuilt_store_is_named(copy: Store) -> None:
    """Where tables are missing, all of them are listed with the command that makes them."""
    copy.table_path("outcomes").unlink()
    copy.table_path("findings").unlink()
    with pytest.raises(StoreError) as caught:
        connection.connect(copy)
    message = str(caught.value)
    assert "outcomes.parquet is missing" in message
    assert "derived/findings.parquet is missing" in message
    assert f"memanalysis build {copy.path}" in message


def test_a_store_of_before_opens_without_what_came_later(copy: Store) -> None:
    """Tables that came later have no rows, columns NULL; nothing is a fault. Gone ones are."""
    given = pa.table({"finding": ["a"], "row": ["headline"], "verdict": ["supported"]})
    schema = TABLES["findings"][1]
    missing = [pa.nulls(1, field.type) for field in schema if field.name not in given.schema.names]
    names = [field.name for field in schema if field.name not in given.schema.names]
    rows = pa.table([*given.columns, *missing], names=[*given.schema.names, *names])
    copy.write_table("findings", rows.select(schema.names))
    later = [column for table, column in LATER_COLUMNS if table == "findings"]
    stored = pq.read_table(copy.table_path("findings"))
    pq.write_table(stored.drop_columns(later), copy.table_path("findings"))
    copy.note_table("findings")
    for name in LATER_TABLES:
        copy.table_path(name).unlink()
        del copy.manifest.files[TABLES[name][0]]
    copy.write_manifest()
    with connection.connect(copy) as engine:
        for name in LATER_TABLES:
            assert engine.sql(f"from {name}").fetchall() == []
        found = engine.sql(f"select finding, {', '.join(later)} from findings").fetchall()
    assert found == [("a", *[None] * len(later))]
    faults = [fault.where for fault in check(copy.path)]
    assert not {"derived/findings.parquet", *(TABLES[n][0] for n in LATER_TABLES)} & set(faults)
    copy.write_table("finding_facts", TABLES["finding_facts"][1].empty_table())
    copy.write_manifest()
    copy.table_path("finding_facts").unlink()
    with pytest.raises(StoreError, match=r"derived/finding_facts.parquet is missing"):
        connection.connect(copy)


def test_a_stale_derived_table_is_named(copy: Store) -> None:
    """Derived tables of other outcomes than the present ones are refused, not read."""
    outcomes = copy.read_table("outcomes")
    copy.write_table("outcomes", outcomes.slice(1))
    copy.write_manifest()
    derived = [n for n, (file, _) in TABLES.items() if file.startswith("derived/")]
    for name in derived[1:]:
        copy.write_table(name, copy.read_table(name))
    with pytest.raises(StoreError, match=f"derived/{derived[0]}.parquet was computed from other"):
        connection.connect(copy)


def test_a_missing_column_is_named(copy: Store, tmp_path: Path) -> None:
    """A table without a column of the contract gives one line with its relation and the column."""
    import pyarrow.parquet as pq

    table = copy.read_table("models")
    pq.write_table(table.drop_columns(["seed"]), copy.table_path("models"))
    with pytest.raises(StoreError, match=r"relation 'models' cannot be read.*\"seed\""):
        connection.connect(copy)
    assert tmp_path.exists()


def test_queries_beside_the_package_come_first() -> None:
    """In a checkout the SQL files are those of the checkout."""
    root = Path(scripts.__file__).parents[2]
    assert scripts.queries_folder() == root / "queries"


def test_missing_queries_are_an_error_that_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without SQL files the message names both places that were looked into."""
    monkeypatch.setattr(scripts, "__file__", str(tmp_path / "a" / "sql" / "scripts.py"))
    monkeypatch.setattr(scripts.resources, "files", lambda _name: tmp_path / "nowhere")
    with pytest.raises(StoreError, match="SQL files of memanalysis are missing"):
        scripts.queries_folder()


def test_one_connection_is_one_store(tmp_path: Path) -> None:
    """Two connections to two stores do not disturb each other."""
    stores = [
        handmade.write(tmp_path / name, handmade.random_conditions((name,), ("one_hot",)))
        for name in ("first", "second")
    ]
    engines = [connection.connect(store) for store in stores]
    sizes = [engine.sql("select distinct size from outcomes").fetchall() for engine in engines]
    assert sizes == [[("first",)], [("second",)]]
