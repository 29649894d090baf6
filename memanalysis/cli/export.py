"""``memanalysis export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memanalysis.cli.options import guard_option, guards_formulas, store_argument
from memanalysis.cli.progress import progress_bar
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    import polars as pl

    from memanalysis.studies import Study


class Layout(click.ParamType[str]):
    """The name of a format; what there are is looked up when one is given."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if there is such a format."""
        from memanalysis.exporting import FORMATS

        if value not in FORMATS:
            self.fail(f"{value!r} is not one of {', '.join(map(repr, FORMATS))}.", param, ctx)
        return str(value)


class ExportCommand(click.Command):
    """A command whose help lists the formats."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The formats, then the options."""
        from memanalysis.exporting import FORMATS

        with formatter.section("Formats"):
            formatter.write_dl([(name, format_.gives) for name, format_ in FORMATS.items()])
        super().format_options(ctx, formatter)


@click.command("export", cls=ExportCommand)
@store_argument
@click.option("--to", "to", required=True, type=Layout(), help="The layout.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The file or folder to write."
)
@click.option("--objective", help="npz, scores, cleanlab: only models of this one.")
@click.option("--size", help="npz, scores, cleanlab: only models of this one.")
@click.option("--influence", is_flag=True, help="npz: also influence of all pairs [test, train].")
@click.option("--relation", help="csv to markdown: a relation (see `memanalysis tables`).")
@click.option("--query", help="csv to markdown: an SQL query, in place of --relation.")
@click.option("--columns", help="latex, markdown: which columns, separated by commas.")
@guard_option
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(store: Path | None, to: str, out: Path, force: bool, **options: object) -> None:
    """Write a study in another tool's layout.

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
    from memanalysis.exporting import FORMATS

    fitting = FORMATS[to].options
    if strange := sorted(given.difference(fitting)):
        raise click.UsageError(f"--{strange[0]} does not go with --to {to}.")
    if "relation" in fitting and len(given & {"relation", "query"}) != 1:
        raise click.UsageError(f"--to {to} takes either --relation NAME or --query SQL.")


def _write(study: Study, to: str, out: Path, force: bool, options: dict[str, object]) -> list[Path]:
    from memanalysis import exporting

    format_ = exporting.FORMATS[to]
    if format_.writer is not None:
        chosen = {name: options[name] for name in format_.options}
        with progress_bar() as progress:
            if format_.is_long:
                chosen["progress"] = progress
            written = format_.writer(study, out, force=force, **chosen)
        return written if isinstance(written, list) else [written]
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
