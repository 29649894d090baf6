"""The section "Ask your own question" of the page on SQL: each query and each line of Python."""

import ast
import json

import altair as alt
import duckdb
import polars as pl
import pytest
import readme_parts

import memanalysis as ma

SECTION = readme_parts.section("Ask your own question")
TOP, HEADLINES, PARTNERS, REFUSED, RELATIONS = readme_parts.commands(SECTION)
(PYTHON,) = readme_parts.blocks(SECTION, "python")

pytestmark = pytest.mark.usefixtures("embedded")


def test_the_most_memorised_examples(shell) -> None:
    """As many rows as asked for, of the size that is named, the highest score first."""
    lines = shell(TOP).splitlines()
    first = lines[2 : 2 + 5]  # what does not fit goes on below
    assert all("resnet8w4" in line for line in first)
    assert sum(line.startswith("5 ") for line in lines) == sum(line[:1] == "#" for line in lines)
    (query,) = readme_parts.words(TOP)[1:]
    scores = ma.open().sql(query)["memorization"]
    best = ma.open().sql("from memorization where size = 'resnet8w4'")["memorization"]
    assert scores.to_list() == best.drop_nulls().sort(descending=True).head(5).to_list()


def test_headlines_as_json(shell) -> None:
    """One verdict for each finding, in a sentence."""
    rows = json.loads(shell(HEADLINES))
    findings = ma.open().table("findings")["finding"].unique(maintain_order=True)
    assert [row["finding"] for row in rows] == findings.to_list()
    assert all(row["sentence"] for row in rows)


def test_whom_an_example_helps(shell) -> None:
    """Five rows of the macro, each with its error."""
    assert len(shell(PARTNERS).splitlines()) == 2 + 5
    (query,) = readme_parts.words(PARTNERS)[1:]
    found = ma.open().sql(query)
    assert found.columns == ["test_id", "influence", "std_error"]
    assert (found["std_error"] > 0).all()


def test_sql_changes_nothing(shell, folder) -> None:
    """Refused with a message, and the file is not there."""
    assert "error" in shell(REFUSED, code=1)
    assert list(folder.iterdir()) == []


def test_the_relations_are_for_any_client(shell) -> None:
    """The text that is printed makes the relations in a plain connection."""
    with duckdb.connect() as engine:
        engine.execute(shell(RELATIONS))
        assert engine.sql("select count(*) from accuracy").fetchall() == [
            (ma.open().accuracy.height,)
        ]


def test_the_same_in_python(folder) -> None:
    """Each line gives what its comment says; one's own frame is joined by name."""
    mine = pl.DataFrame({"example_id": [3, 5], "note": ["a", "b"]})
    names = {"my_frame": mine}
    values = []
    for line in ast.parse(PYTHON).body:
        if isinstance(line, ast.Expr):
            values.append(eval(ast.unparse(line), names))
        else:
            exec(ast.unparse(line), names)
    increasing, joined, by_value, accuracy, chart, connection, _ = values
    assert set(increasing["direction"]) == {"increasing"}
    assert increasing["change"].is_sorted(descending=True)
    assert set(joined.select("example_id", "note").rows()) == {(3, "a"), (5, "b")}
    assert by_value["size"].unique().to_list() == ["resnet8w4"]
    n_conditions = ma.open().sql("select distinct objective, size from models").height
    assert accuracy.select("objective", "size").n_unique() == n_conditions
    assert isinstance(chart, alt.TopLevelMixin)
    assert isinstance(connection, duckdb.DuckDBPyConnection)
    assert connection.sql("select count(*) from examples").fetchall() == [(72,)]
    connection.close()
    assert (folder / "report.html").read_text().rstrip().endswith("</html>")


def test_tables_lists_what_is_documented(shell) -> None:
    """`memanalysis tables`, which the section begins with, names the relations used in it."""
    assert "memanalysis tables" in readme_parts.spans(SECTION)
    listed = shell("memanalysis tables")
    for relation in ("memorization", "findings", "trajectories", "accuracy"):
        assert relation in SECTION
        assert relation in listed
