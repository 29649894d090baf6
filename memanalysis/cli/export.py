"""``memanalysis export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from memanalysis.cli.options import guard_option, guards_formulas, store_argument
from memanalysis.cli.progress import progress_bar
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    import polars as pl

    from memanalysis.studies import Study

_TABLES: Final = ("csv", "parquet", "json", "latex", "markdown")
_PER_CONDITION: Final = ("npz", "cleanlab", "scores")
_FORMATS: Final = (*_PER_CONDITION, "examples", "huggingface", "duckdb", *_TABLES)


@click.command("export")
@store_argument
@click.option("--to", "to", required=True, type=click.Choice(_FORMATS), help="The layout.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The file or folder to write."
)
@click.option("--objective", help="npz, cleanlab, scores: only models of this one.")
@click.option("--size", help="npz, cleanlab, scores: only models of this one.")
@click.option("--influence", is_flag=True, help="npz: also influence of all pairs [test, train].")
@click.option("--relation", help="Tables: a relation (see `memanalysis tables`).")
@click.option("--query", help="Tables: an SQL query, in place of --relation.")
@click.option("--columns", help="latex, markdown: which columns, separated by commas.")
@guard_option
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(store: Path | None, to: str, out: Path, force: bool, **options: object) -> None:
    """Write a study in another tool's layout.

    \b
    npz          masks, correctness and scores as NumPy arrays; a file
                 per objective and size (--out FILE.npz or a folder)
    cleanlab     pred_probs: mean held-out probabilities, from logits
    scores       one .parquet or .csv: a row per objective, size and
                 training example: plain index, score with interval,
                 counts, held-out accuracy, trajectory, membership area
    examples     one Parquet: a row per example, image and all scores
    huggingface  a data set folder with a card
    duckdb       one database file, every relation a table with
                 comments, for DuckDB clients from 1.4 on
    csv, parquet, json       a relation or the result of a query
    latex, markdown          the same, printed: estimates with intervals

    \b
    Example:
      memanalysis export --to npz --out arrays
      memanalysis export --to latex --relation accuracy --out table.tex
      memanalysis export runs/mine --to scores --out scores.csv
      memanalysis export runs/mine --to examples --out examples.parquet
    """
    given = {name for name, value in options.items() if value}
    _require_fitting(to, given)
    from memanalysis.studies import open as open_study

    study = open_study(store)
    for path in _write(study, to, out, force, options):
        say(f"wrote {path}", err=True)


def _require_fitting(to: str, given: set[str]) -> None:
    """Refuse options that the format would ignore, and tables without a source."""
    fitting = {"objective", "size"} if to in _PER_CONDITION else set()
    fitting |= {"influence"} if to == "npz" else set()
    fitting |= {"relation", "query"} if to in _TABLES else set()
    fitting |= {"columns"} if to in ("latex", "markdown") else set()
    if strange := sorted(given - fitting):
        raise click.UsageError(f"--{strange[0]} does not go with --to {to}.")
    if to in _TABLES and len(given & {"relation", "query"}) != 1:
        raise click.UsageError(f"--to {to} takes either --relation NAME or --query SQL.")


def _write(study: Study, to: str, out: Path, force: bool, options: dict[str, object]) -> list[Path]:
    from memanalysis import exporting

    chosen = {name: _text(options[name]) for name in ("objective", "size")}
    with progress_bar() as progress:
        if to == "npz":
            influence = bool(options["influence"])
            return exporting.write_npz(
                study, out, **chosen, influence=influence, force=force, progress=progress
            )
        if to == "cleanlab":
            return exporting.write_cleanlab(study, out, **chosen, force=force, progress=progress)
        if to == "scores":
            return [exporting.write_scores(study, out, **chosen, force=force)]
        if to == "examples":
            return [exporting.write_examples(study, out, force=force)]
        if to == "huggingface":
            return [exporting.write_huggingface(study, out, force=force)]
        if to == "duckdb":
            return [exporting.write_database(study, out, force=force)]
    exporting.require_replaceable([out], force=force)  # before a query that may be long
    query, relation = _text(options["query"]), _text(options["relation"])
    frame = study.sql(query) if query else study.table(relation or "")
    columns = _text(options["columns"])
    content = _encoded(study, frame, to, columns.split(",") if columns else None)
    return [exporting.write_new(out, content, force=force)]


def _encoded(study: Study, frame: pl.DataFrame, to: str, columns: list[str] | None) -> bytes:
    from memanalysis.cli import formats
    from memanalysis.exporting import latex, markdown

    if to == "latex":
        return latex(frame, columns, note=f"study {study.manifest.study}").encode()
    if to == "markdown":
        return markdown(frame, columns).encode()
    return formats.encode(frame, to, guard_formulas=guards_formulas())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
