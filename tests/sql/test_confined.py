"""Confined SQL: everything that reads the study works, and nothing else does."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from memanalysis.errors import QueryError
from memanalysis.sql.confined import Confined
from memanalysis.sql.limits import Limits
from memanalysis.storage.store import Store

ALLOWED = [
    "from classes",
    "from classes;",
    "select label from classes -- a comment",
    "select label /* a ) in a comment */ from classes",
    "with a as (from classes) select count(*) as n from a",
    "with recursive t as (select 1 as a union all select a + 1 from t where a < 3) from t",
    "(select 1 as a)",
    "table classes",
    "values (1), (2)",
    "describe memorization",
    "summarize classes",
    "show tables",
    "pivot classes on label in (0, 1) using first(class_name)",
    "from (pivot classes on label in (0, 1) using first(class_name))",
    "unpivot (select label, 1 as one from classes) on one",
    "from memorization_by(signal := 'loss')",
    "from trajectories_at(alpha := 0.15)",
    "select unnest([1, 2]) as a",
    "from range(3)",
    "select column_name from duckdb_columns() where table_name = 'classes'",
    "select finished_at from models",
    "select sum(n_models) as n from outcomes",
]

# What the contract names, and what else comes to mind, with a word that the message must contain.
REFUSED = {
    "copy classes to 'evil.csv'": "COPY",
    "copy (select 1) to '{store}/outcomes.parquet'": "COPY",
    "with x as (copy (select 1) to '{store}/evil.csv') select 1": "top level",
    "from (with x as (copy (select 1) to '{store}/evil.csv') select 1)": "top level",
    "select * from query('with x as (copy (select 1) to ''{store}/evil.csv'') select 1')": "query",
    "from query('select 1')": "query",
    "from query_table('classes')": "query_table",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))": "json_execute",
    "pivot classes on label using first(class_name)": "listed",
    "explain pivot classes on label using first(class_name)": "",
    "from (pivot classes on label using first(class_name))": "listed",
    "attach ':memory:' as other": "ATTACH",
    "attach '{store}/other.db' as other": "ATTACH",
    "create table t (a int)": "CREATE",
    "create or replace view memorization as select 1": "CREATE",
    "drop view memorization": "DROP",
    "set variable store = '/'": "SET",
    "set enable_external_access = true": "SET",
    "reset threads": "SET",
    "pragma enable_profiling": "PRAGMA",
    "call pragma_version()": "CALL",
    "from pragma_version()": "pragma_version",
    "from pragma_database_list()": "pragma_database_list",
    "from duckdb_secrets()": "duckdb_secrets",
    "from which_secret('a', 'b')": "which_secret",
    "checkpoint": "CALL",
    "from checkpoint()": "checkpoint",
    "from enable_logging()": "enable_logging",
    "install httpfs": "LOAD",
    "load httpfs": "LOAD",
    "explain select 1": "EXPLAIN",
    "explain analyze select 1": "EXPLAIN",
    "prepare p as select 1": "PREPARE",
    "execute p": "EXECUTE",
    "begin": "TRANSACTION",
    "use memory": "SET",
    "vacuum": "VACUUM",
    "insert into classes values (1, 'x') returning *": "INSERT",
    "delete from classes": "DELETE",
    "update classes set label = 1": "UPDATE",
    "import database '{store}'": "",
    "export database '{store}/export'": "",
    "from read_text('/etc/passwd')": "read_text",
    "from read_csv('/etc/passwd')": "read_csv",
    "from read_blob('{store}/manifest.json')": "read_blob",
    "from read_parquet('{store}/outcomes.parquet')": "read_parquet",
    "from parquet_metadata('{store}/outcomes.parquet')": "parquet_metadata",
    "from sniff_csv('/etc/passwd')": "sniff_csv",
    "from glob('/etc/*')": "glob",
    "from glob('{store}/../*')": "glob",
    "from '/etc/passwd.csv'": "is a file",
    "from '{store}/outcomes.parquet'": "is a file",
    "from '../other/outcomes.parquet'": "is a file",
    "from 'outcomes.parquet'": "is a file",
    'select * from "classes.csv"': "is a file",
    "select (select count(*) from read_text('/etc/passwd'))": "read_text",
    "select 1 where exists (from read_text('/etc/passwd'))": "read_text",
    "with a as (from read_text('/etc/passwd')) from a": "read_text",
    "select 1 union all select length(content) from read_text('/etc/passwd')": "read_text",
    "select [x for x in (select list(content) from read_text('/etc/passwd'))]": "read_text",
    "describe from read_text('/etc/passwd')": "read_text",
    "summarize from read_csv('/etc/passwd')": "read_csv",
    "from classes, lateral (from read_text(class_name))": "read_text",
    "from READ_TEXT('/etc/passwd')": "read_text",
    "from \"read_text\"('/etc/passwd')": "read_text",
    "from main.read_text('/etc/passwd')": "read_text",
    "pivot (from read_text('/etc/passwd')) on size in (1) using count(*)": "read_text",
    "select getenv('HOME')": "getenv",
    "select 1) as a, (select 2": "cannot be read",
    "select 1) union all select * from (select 2": "cannot be read",
    "select 1 --\n) union all (select 2": "cannot be read",
    "select 1 /* open": "cannot be read",
    "select 1; select 2": "2 statements",
    "select 1; drop view classes": "2 statements",
    "select 'a": "cannot be read",
    "": "empty",
    " ; ": "empty",
    "-- nothing": "0 statements",
    "selct 1": "cannot be read",
}


@pytest.mark.parametrize("text", ALLOWED)
def test_every_way_to_ask_is_allowed(confined: Confined, text: str) -> None:
    """Queries of every form that reads run and give rows."""
    assert confined.query(text).height > 0


@pytest.mark.parametrize(("text", "word"), REFUSED.items())
def test_nothing_but_the_relations_can_be_reached(
    confined: Confined, random_store: Store, files: dict[Path, int], text: str, word: str
) -> None:
    """Tricks to read elsewhere, to write or to leave the query end in one line that says why."""
    with pytest.raises(QueryError) as caught:
        confined.query(text.format(store=random_store.path))
    message = str(caught.value)
    assert word.lower() in message.lower()
    assert "\n" not in message
    after = {path: path.stat().st_mtime_ns for path in random_store.path.rglob("*")}
    assert after == files


def test_the_connection_itself_is_locked(confined: Confined, random_store: Store) -> None:
    """Even past the checks of the text, the engine refuses to leave the store or be set again."""
    connection = confined._connection
    for text in (
        "select * from read_text('/etc/passwd')",
        f"select * from read_text('{random_store.path}/../../elsewhere')",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "copy (select 1) to 'evil.csv'",
    ):
        with pytest.raises(Exception, match=r"disabled by configuration|locked|Cannot"):
            connection.execute(text)


def test_a_link_out_of_the_store_is_refused(tmp_path: Path) -> None:
    """A symbolic link inside the store does not make a file outside it readable."""
    import handmade

    store = handmade.write(tmp_path / "store", handmade.random_conditions(("one",)))
    (store.path / "link.txt").symlink_to("/etc/passwd")
    with pytest.raises(Exception, match="Cannot access"):
        Confined(store)._connection.execute(f"select * from read_text('{store.path}/link.txt')")


def test_order_is_kept(confined: Confined) -> None:
    """The order that a query asks for survives the wrapping."""
    text = "select example_id from memorization order by memorization desc nulls last, example_id"
    inside = confined.query(text)["example_id"].to_list()
    frame = confined.query("from memorization")
    names = frame.columns
    expected = frame.select("example_id", "memorization").sort(
        "memorization", "example_id", descending=[True, False], nulls_last=True
    )
    assert names[0] == "objective"
    assert inside == expected["example_id"].to_list()


def test_frames_are_read_by_name(confined: Confined) -> None:
    """Polars, lazy, Arrow and plain columns join with the relations, and are gone afterwards."""
    columns = {"example_id": [1, 2]}
    for mine in (pl.DataFrame(columns), pl.LazyFrame(columns), pa.table(columns), columns):
        joined = confined.query(
            "from memorization join mine using (example_id) where size = 'small'", {"mine": mine}
        )
        assert joined.height == 4
    with pytest.raises(QueryError, match="no relation 'mine'"):
        confined.query("from mine")


def test_variables_of_the_caller_are_no_relations(confined: Confined) -> None:
    """DuckDB's habit of reading Python variables by name is switched off."""
    secret = pl.DataFrame({"a": [1]})
    with pytest.raises(QueryError, match="no relation 'secret'"):
        confined.query("from secret")
    assert secret.height == 1


def test_a_frame_cannot_hide_a_relation(confined: Confined) -> None:
    """A frame named like a relation is refused rather than read in its place."""
    with pytest.raises(QueryError, match="'classes' is a relation of the study"):
        confined.query("from classes", {"classes": pl.DataFrame({"a": [1]})})


def test_what_is_no_frame_is_named(confined: Confined) -> None:
    """Something that is no table is refused with its name and type."""
    with pytest.raises(QueryError, match="mine = int is not a table"):
        confined.query("from mine", {"mine": 3})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from memorizatoin", "There is no relation 'memorizatoin'. Did you mean 'memorization'?"),
        ("from trajectory_at()", "not one of the study's. Did you mean 'trajectories_at'?"),
        ("select memorisation from memorization", "Did you mean 'memorization'?"),
        ("select m.acuracy_in from memorization as m", "Did you mean 'accuracy_in'?"),
        ("select label from classes where nme = 1", "There is no column 'nme'"),
        ("select proxy from memorization", "Other relations have one. Near by: "),
        ("select\n  1 +\n from classes", "cannot be read in line 3"),
        ("from memorization_by(signal := 'los')", "is none of 'probability', 'margin', 'loss'"),
        ("from memorization_by(alpha := 1)", "memorization_by"),
        ("select 1 % 0", ""),
        ("select 'a'::integer", "Could not convert string 'a' to INT32"),
    ],
)
def test_errors_are_one_line_that_helps(confined: Confined, text: str, message: str) -> None:
    """DuckDB's errors of several lines become one that names the nearest thing there is."""
    with pytest.raises(QueryError) as caught:
        confined.query(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_with_a_quote_is_a_path(tmp_path: Path) -> None:
    """Stores whose path has quotes and spaces can be queried, and their lock holds."""
    import handmade

    store = handmade.write(tmp_path / "it's a store", handmade.random_conditions(("one",)))
    assert Confined(store).query("from classes").height == 3


def test_the_temporary_folder_goes_with_the_connection(random_store: Store) -> None:
    """Nothing is left in the temporary directory, and nothing ever in the working directory."""
    confined = Confined(random_store)
    folder = Path(confined._temporary)
    assert folder.is_dir()
    confined.close()
    assert not folder.exists()


@pytest.mark.parametrize(("share", "tables"), [(0.1, 2), (1e-6, 1)])
def test_a_cached_relation_gives_the_same(
    random_store: Store, monkeypatch: pytest.MonkeyPatch, share: float, tables: int
) -> None:
    """Relations that are cached give equal rows in equal order; what is too large stays a view."""
    monkeypatch.setattr("memanalysis.sql.confined._CACHED", share)
    means = "select size, avg(memorization) as mean from memorization group by all order by all"
    plain, cached = Confined(random_store), Confined(random_store, Limits(1 << 30, 0, 60.0))
    for _ in range(2):
        cached.cache(["memorization", "classes"])
    for query in ("from memorization", "from classes", means):
        assert cached.query(query).equals(plain.query(query))
    made = cached.query("select table_name from duckdb_columns() where table_name like 'cached%'")
    assert made["table_name"].n_unique() == tables
