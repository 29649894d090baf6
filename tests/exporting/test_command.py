"""``memanalysis export``: what goes with what, and what is written."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from memanalysis.cli import run
from memanalysis.studies import Study


@pytest.fixture
def export(study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run ``memanalysis export STORE ...`` on the random store; return exit code and stderr."""
    monkeypatch.setattr("memanalysis.studies.open", lambda _: study)

    def call(*arguments: object) -> tuple[int, str]:
        code = run(["export", str(study.path), *map(str, arguments)])
        captured = capsys.readouterr()
        assert captured.out == ""
        return code, captured.err

    return call


def test_archives_and_their_names(export, tmp_path: Path) -> None:
    """A folder gets one file per condition, each named on standard error."""
    code, said = export("--to", "npz", "--out", tmp_path / "a", "--objective", "one_hot")
    assert code == 0
    assert said.splitlines() == [
        f"wrote {tmp_path / 'a' / f'one_hot-{size}.npz'}" for size in ("small", "large")
    ]
    with np.load(tmp_path / "a" / "one_hot-small.npz", allow_pickle=False) as archive:
        assert archive["trainset_mask"].dtype == bool


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_relations_are_written_whole(export, study, tmp_path, ending: str) -> None:
    """Each format holds the relation's rows."""
    path = tmp_path / f"x.{ending}"
    assert export("--to", ending, "--relation", "classes", "--out", path)[0] == 0
    read = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}[ending]
    assert read(path)["class_name"].to_list() == study.table("classes")["class_name"].to_list()


def test_a_table_for_a_paper(export, tmp_path) -> None:
    """Any query can be printed."""
    query = "select size, count(*) as models from models group by size order by size"
    code, _ = export("--to", "latex", "--query", query, "--out", tmp_path / "t.tex")
    assert code == 0
    lines = (tmp_path / "t.tex").read_text().splitlines()
    assert lines[0].endswith("study handmade")
    assert lines[3] == r"size & models \\"
    code, _ = export("--to", "markdown", "--relation", "models", "--columns", "size,half",
                     "--out", tmp_path / "t.md")  # fmt: skip
    assert (tmp_path / "t.md").read_text().startswith("| size | half |\n")


def test_examples_and_data_set(export, tmp_path) -> None:
    """Both come from the same frame, with or without images."""
    assert export("--to", "examples", "--out", tmp_path / "e.parquet")[0] == 0
    assert pl.read_parquet(tmp_path / "e.parquet").height == 46
    assert export("--to", "huggingface", "--out", tmp_path / "hf")[0] == 0
    assert (tmp_path / "hf" / "README.md").exists()


def test_nothing_is_replaced_unasked(export, tmp_path) -> None:
    """An existing file is an error, --force replaces it."""
    path = tmp_path / "x.csv"
    path.write_text("mine")
    code, said = export("--to", "csv", "--relation", "classes", "--out", path)
    assert (code, path.read_text()) == (1, "mine")
    assert said == (
        f"memanalysis: error: '{path}' exists. Give another --out, or --force to replace it.\n"
    )
    assert export("--to", "csv", "--relation", "classes", "--out", path, "--force")[0] == 0
    assert path.read_text().startswith("label,class_name")
    code, said = export("--to", "csv", "--relation", "classes", "--out", tmp_path)
    assert (code, "is a folder" in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "csv"], "takes either --relation NAME or --query SQL"),
        (["--to", "csv", "--relation", "a", "--query", "b"], "either --relation"),
        (["--to", "examples", "--size", "small"], "--size does not go with --to examples"),
        (["--to", "cleanlab", "--influence"], "--influence does not go with --to cleanlab"),
        (["--to", "csv", "--relation", "a", "--columns", "b"], "--columns does not go"),
    ],
)
def test_options_that_would_be_ignored_are_refused(export, tmp_path, arguments, message) -> None:
    """Wrong usage is exit code 2 and one sentence."""
    code, said = export(*arguments, "--out", tmp_path / "x")
    assert code == 2
    assert message in said


def test_impossible_places_and_missing_logits_are_our_errors(export, tmp_path) -> None:
    """Exit code 1, one line."""
    (tmp_path / "file").touch()
    code, said = export("--to", "npz", "--out", tmp_path / "file" / "x")
    assert (code, said.count("\n")) == (1, 1)
    assert "cannot be written" in said
    code, said = export("--to", "cleanlab", "--out", tmp_path / "c")
    assert (code, said.count("\n")) == (1, 1)
    assert "keep_logits" in said
