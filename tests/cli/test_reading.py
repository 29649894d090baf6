"""sql, tables, check and report: commands that read a store."""

import io
import json

import polars as pl
import pytest

from memanalysis.cli import formats

QUERY = "select size, example_id, accuracy_in, trained from memorization join outcomes using " \
    "(objective, size, example_id) where objective = 'one_hot' order by all limit 4"  # fmt: skip


def test_tables_fit_eighty_columns_and_leave_nothing_out(memanalysis, store) -> None:
    """A result wider than the screen continues below, row by row of the same number."""
    result = memanalysis("sql", store, "from memorization limit 60")
    lines = result.out.splitlines()
    assert result.code == 0
    assert max(len(line) for line in lines) <= 80
    heads = [line.split() for line in lines if line.split()[:1] == ["#"]]
    names = [name for head in heads for name in head]
    assert names[1] == "objective"
    assert {"size", "n_in", "accuracy_out", "std_error"} <= set(names)
    assert "memorization [ci_low, ci_high]" in result.out
    assert sum(line.split()[:1] == ["50"] for line in lines) == len(heads)
    assert result.err == "first 50 of 60 rows\n"


def test_rows_of_long_texts_are_records(memanalysis, store) -> None:
    """Each row is a paragraph in which every column stands with its whole text."""
    result = memanalysis("sql", store, "from findings where row = 'headline'")
    frame = memanalysis("sql", store, "from findings where row = 'headline'", "--format", "json")
    rows = json.loads(frame.out)
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert result.out.count("\nverdict ") == len(rows)
    words = " ".join(result.out.split())
    assert all(" ".join(row["sentence"].split()) in words for row in rows)


@pytest.mark.usefixtures("opened")
def test_narrow_results_are_shown_whole(memanalysis, store) -> None:
    """A result that fits has no ellipsis and a note of its rows alone."""
    result = memanalysis("sql", store, "from classes")
    assert "…" not in result.out
    assert result.err == "3 rows\n"


@pytest.mark.usefixtures("opened")
def test_csv_and_json_go_to_standard_output_whole(memanalysis, store) -> None:
    """Both hold every row; bits are hexadecimal digits."""
    csv = memanalysis("sql", store, QUERY, "--format", "csv")
    frame = pl.read_csv(io.StringIO(csv.out))
    assert csv.err == ""
    assert frame.columns == ["size", "example_id", "accuracy_in", "trained"]
    rows = json.loads(memanalysis("sql", store, QUERY, "--format", "json").out)
    assert [row["example_id"] for row in rows] == frame["example_id"].to_list()
    assert rows[0]["trained"] == frame["trained"][0] == "fffff8"


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
@pytest.mark.usefixtures("opened")
def test_out_takes_the_format_of_its_ending(memanalysis, store, tmp_path, ending: str) -> None:
    """--out writes the file that its name promises, and says so on standard error."""
    path = tmp_path / f"result.{ending}"
    result = memanalysis("sql", store, "from classes", "--out", path)
    assert result.code == 0
    assert result.out == ""
    assert f"wrote 3 rows to {path}" in result.err
    read = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}[ending]
    assert read(path)["class_name"].to_list() == ["cat", "dog", "owl"]


@pytest.mark.usefixtures("opened")
def test_out_can_be_a_table(memanalysis, store, tmp_path) -> None:
    """Any other ending gets the table that would have been printed."""
    memanalysis("sql", store, "from classes", "--out", tmp_path / "classes.txt")
    assert (tmp_path / "classes.txt").read_text().splitlines()[0].split() == ["label", "class_name"]


@pytest.mark.usefixtures("opened")
def test_a_folder_that_cannot_be_written_is_named(memanalysis, store, tmp_path) -> None:
    """--out to an impossible place is an error of ours."""
    (tmp_path / "file").touch()
    result = memanalysis("sql", store, "from classes", "--out", tmp_path / "file" / "x.csv")
    assert result.code == 1
    assert "cannot be written" in result.err


def test_too_many_arguments_hint_at_quotes(memanalysis, store) -> None:
    """SQL without quotes is told apart from a store and a text."""
    result = memanalysis("sql", store, "from", "classes")
    assert result.code == 2
    assert "quote the SQL" in result.err


@pytest.mark.usefixtures("opened")
def test_wrong_sql_is_one_line(memanalysis, store) -> None:
    """A wrong name gives the nearest one, in one line."""
    result = memanalysis("sql", store, "from acuracy")
    assert result.code == 1
    assert result.out == ""
    expected = "There is no relation 'acuracy'. Did you mean 'accuracy'?"
    assert result.err == f"memanalysis: error: {expected}\n"


def test_values_for_people() -> None:
    """NULL is named, floats have four digits, bytes are counted, and no text is markup."""
    assert [formats.cell(v) for v in (None, 0.123456, b"abc", True, 12345678)] == [
        "NULL", "0.1235", "<3 bytes>", "True", "12345678",
    ]  # fmt: skip
    text = formats.encode(pl.DataFrame({"a": ["[bold]x[/bold]"]}), "table").decode()
    assert "[bold]x[/bold]" in text


def test_values_for_programs() -> None:
    """Lists, times, bytes and what is no number survive CSV and JSON."""
    frame = pl.DataFrame({"l": [[1, 2], None], "f": [float("nan"), 1.5], "b": [b"\x01", None]})
    assert json.loads(formats.encode(frame, "json")) == [
        {"l": [1, 2], "f": None, "b": "01"},
        {"l": None, "f": 1.5, "b": None},
    ]
    assert formats.encode(frame, "csv").decode().splitlines()[1] == '"[1, 2]",NaN,01'
    assert formats.encode(pl.DataFrame({"a": []}), "json") == b"[]\n"


def test_tables_describes_every_relation(memanalysis, store) -> None:
    """Each relation is listed with what a row is, its columns and its rows, in 80 columns."""
    result = memanalysis("tables", store, "--count")
    assert result.code == 0
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert "  memorization · 184 rows" in result.out
    assert "  trajectories_at(alpha double := 0.2) · 80 rows" in result.out
    assert "      change_se DOUBLE: Standard error of change" in result.out
    brief = memanalysis("tables", store, "--brief")
    assert len(brief.out) < len(result.out) / 4


def test_tables_of_a_name_describes_that_alone(memanalysis, store) -> None:
    """A named relation is counted; a wrong name, with or without a store, gives the nearest."""
    result = memanalysis("tables", store, "memorization")
    assert "  memorization · 184 rows" in result.out
    assert "n_out INTEGER" in result.out
    assert "trajectories" not in result.out
    hint = "memanalysis: error: There is no relation 'acuracy'. Did you mean 'accuracy'?\n"
    assert memanalysis("tables", store, "acuracy").err == hint
    assert memanalysis("tables", "acuracy").err == hint


def test_tables_as_data(memanalysis, store) -> None:
    """--format gives one row per relation and column."""
    rows = json.loads(memanalysis("tables", store, "--format", "json").out)
    assert {"relation", "row", "rows", "column", "type", "comment"} <= rows[0].keys()


def test_check_lists_every_fault(memanalysis, store, monkeypatch) -> None:
    """Every fault is a line on standard output, and the exit code is 1."""
    import memanalysis.checking as module

    faults = [module.Fault("one", "a", "b", "Do it."), module.Fault("two", "c", "d", "Do that.")]
    monkeypatch.setattr(module, "check", lambda _path: faults)
    result = memanalysis("check", store)
    assert result.code == 1
    assert result.out.splitlines() == ["one: a; expected b. Do it.", "two: c; expected d. Do that."]
    assert "2 faults" in result.err


def test_report_is_given_the_study_and_the_file(memanalysis, store, tmp_path, monkeypatch) -> None:
    """`report STORE --out` calls ma.report with the opened study and what was asked for."""
    import memanalysis.reporting as module

    calls = []

    def record(study: object, out: object, **asked: object) -> None:
        calls.append((study.path, out, {name: v for name, v in asked.items() if v is not None}))

    monkeypatch.setattr(module, "report", record)
    result = memanalysis("report", store, "--out", tmp_path / "page.html", "--title", "Ours")
    assert result.code == 0
    assert calls == [(store, tmp_path / "page.html", {"title": "Ours"})]
