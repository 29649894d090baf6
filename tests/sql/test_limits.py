"""Bounds on queries, their parameters, and what a terminal is shown of the answers."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import memanalysis as ma
from memanalysis.cli import run
from memanalysis.cli.terminal import visible, visible_json
from memanalysis.errors import QueryError
from memanalysis.sql.limits import Limits, is_query_left, run_interruptibly
from memanalysis.storage.store import Store
from memanalysis.studies import Study

ENDLESS = "with recursive a as (select 1 x union all select x + 1 from a) select max(x) from a"
MIB = 1 << 20


@pytest.fixture
def study(simulated_store: Store) -> Study:
    """A study with 128 MiB, 64 MiB on disk and a second for a query."""
    limits = replace(Limits.default(), memory=128 * MIB, disk=64 * MIB, seconds=30.0)
    return ma.open(simulated_store.path, limits=limits)


@pytest.mark.parametrize(
    "query",
    ["select list(range) from range(1000000000)", "select list_sum(range(1000000000))",
     "select string_agg(range::varchar, ',') from range(1000000000)", "select range(300000000)",
     "from range(100000000000)", "select repeat('x', 3000000000)",
     "select a.range, b.range from range(100000) a, range(100000) b order by 2, 1"],
)  # fmt: skip
def test_a_query_keeps_to_its_memory(study: Study, query: str) -> None:
    """Large values, large states and large results are refused in a sentence, not by the system."""
    with pytest.raises(QueryError, match=r"more than 0\.\d+ GiB.* Larger limits: --memory"):
        study.sql(query)
    assert study.sql("select 1 as one").item() == 1  # the study can still be asked


@pytest.mark.parametrize("query", [ENDLESS, "select count(*) from range(100000) a, "
                                   "range(100000) b, range(100000) c"])  # fmt: skip
def test_a_query_keeps_to_its_time(simulated_store: Store, query: str) -> None:
    """What would not end is stopped, and the study can still be asked."""
    limits = replace(Limits.default(), seconds=0.5)
    study = ma.open(simulated_store.path, limits=limits)
    begin = time.monotonic()
    with pytest.raises(QueryError, match=r"stopped after 0\.5 seconds.*--timeout"):
        study.sql(query)
    assert time.monotonic() - begin < 15
    assert study.sql("select 1 as one").item() == 1


def test_the_command_line_has_a_timeout(
    simulated_store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    """`memanalysis sql --timeout` ends with 1 and says what to do."""
    assert run(["sql", "--timeout", "0.5", str(simulated_store.path), ENDLESS]) == 1
    assert "The query was stopped after 0.5 seconds" in capfd.readouterr().err


def test_ctrl_c_stops_a_query(simulated_store: Store) -> None:
    """SIGINT ends the command at once, with the exit code of an interrupt."""
    command = [sys.executable, "-m", "memanalysis", "sql", str(simulated_store.path), ENDLESS]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ)
    try:
        time.sleep(12)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert b"interrupted" in error


@pytest.mark.parametrize("values", [{"memory": 1}, {"disk": -1}, {"seconds": 0},
                                    {"seconds": float("nan")}, {"seconds": -1}])  # fmt: skip
def test_limits_are_numbers_that_can_be_kept(values: dict[str, float]) -> None:
    """Nothing, less than nothing and no number are refused."""
    with pytest.raises(QueryError, match="expected"):
        replace(Limits.default(), **values)


def test_statements_without_a_name_are_refused(study: Study) -> None:
    """A kind of statement that Python's DuckDB does not know is a query error like any other."""
    with pytest.raises(QueryError, match="The SQL is not a query"):
        study.sql("update extensions")


def test_deep_nesting_is_one_message(study: Study) -> None:
    """Thousands of brackets end in a query error."""
    with pytest.raises(QueryError):
        study.sql("select " + "(" * 3000 + "1" + ")" * 3000)


# Parameters


def test_parameters_are_bound(study: Study) -> None:
    """By name and in order, beside frames of the caller's; quotes in them stay text."""
    named = study.sql("from memorization where size = $size", {"size": "s1"})
    assert named.height == study.sql("from memorization where size = 's1'").height > 0
    assert study.sql("from memorization where size = ?", ["s1"]).equals(named)
    assert study.sql("select $text as t", {"text": "'; drop table x --"}).item() == (
        "'; drop table x --"
    )
    joined = study.sql(
        "from accuracy join mine using (size) where size = $size", {"size": "s1"},
        mine={"size": ["s1", "s2"]},
    )  # fmt: skip
    assert joined["size"].unique().to_list() == ["s1"]


@pytest.mark.parametrize("parameters", [None, {}, {"other": 1}, [1, 2], {"size": object()}])
def test_parameters_that_do_not_fit_are_refused(study: Study, parameters: object) -> None:
    """Missing, strange and too many values are query errors."""
    with pytest.raises(QueryError):
        study.sql("from accuracy where size = $size", parameters)


# What is shown


def test_a_terminal_is_shown_what_would_steer_it(
    study: Study, capfd: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences, bells and direction marks of cells, names and errors are escapes."""
    text = "chr(27) || '[31m' || chr(7) || chr(8238) || chr(10) || chr(155)"
    for format_ in ("table", "json"):
        query = f'select {text} as "a\u202eb"'
        assert run(["sql", "--format", format_, str(study.path), query]) == 0
        out = capfd.readouterr().out
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(out)
        assert r"\u202e" in out
    assert run(["sql", str(study.path), 'from "a\x1b[31m"']) == 1
    assert "\x1b" not in capfd.readouterr().err


def test_ordinary_text_is_shown_as_it_is() -> None:
    """Letters of every script, emoji with joiners and soft hyphens are left alone."""
    for text in ("naïve", "שלום العربية", "👩‍🔬", "می‌خواهم", "a\\b"):
        assert visible(text) == visible_json(text) == text
    assert visible("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert visible_json("\U000e0041") == r"\udb40\udc41"


def test_formulas_are_guarded_on_request(
    study: Study, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Cells and names that spreadsheets would run get an apostrophe; numbers do not."""
    query = (
        """select '=1+1' as "=x", '@a' as b, '-2' as c, -2 as d, 'x=1' as e, chr(9)||'=1' as f"""
    )
    assert run(["sql", "--format", "csv", str(study.path), query]) == 0
    assert capfd.readouterr().out == "=x,b,c,d,e,f\n=1+1,@a,-2,-2,x=1,\t=1\n"
    guarded = "'=x,b,c,d,e,f\n'=1+1,'@a,'-2,-2,x=1,'\t=1\n"
    assert run(["sql", "--guard-formulas", "--format", "csv", str(study.path), query]) == 0
    assert capfd.readouterr().out == guarded
    out = tmp_path / "t.csv"
    command = ["export", str(study.path), "--to", "csv", "--query", query, "--out", str(out)]
    assert run([*command, "--guard-formulas"]) == 0
    assert out.read_text() == guarded


def test_a_query_is_told_to_stop_until_it_does() -> None:
    """DuckDB forgets what it is told before a query begins, so it is told again."""
    told = threading.Event()
    calls: list[float] = []

    def interrupt() -> None:
        calls.append(time.monotonic())
        if len(calls) == 3:
            told.set()

    with pytest.raises(QueryError, match="stopped after"):
        run_interruptibly(told.wait, interrupt, 0.1, lambda: None)
    assert len(calls) == 3
    assert not is_query_left()
