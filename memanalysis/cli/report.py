"""``memanalysis report``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.options import store_argument
from memanalysis.cli.progress import progress_bar
from memanalysis.cli.startup import without_iri_grammar
from memanalysis.cli.terminal import say
from memanalysis.errors import MemanalysisError, MissingDependencyError


@click.command("report")
@store_argument
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write, replaced if it exists.  [default: report.html]",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(("html", "md", "json", "pdf")),
    help="Default: by the ending of --out.",
)
@click.option("--sections", metavar="NAMES", help="Only these, in this order: a,b,c.")
@click.option("--title", metavar="TEXT", help="In place of the study's title.")
@click.option(
    "--examples",
    metavar="N",
    type=click.IntRange(min=0),
    help="Number of examples that carry their images.",
)
@click.option(
    "--images",
    metavar="FOLDER|SOURCE",
    help="Your own copy of the images, of a store that ships none: see `memanalysis images`.",
)
def command(
    store: Path | None,
    out: Path | None,
    format_: str | None,
    sections: str | None,
    title: str | None,
    examples: int | None,
    images: str | None,
) -> None:
    """Write one file: findings, charts and how they came about.

    Without STORE, of the study that comes with memanalysis.

    \b
    html  a page that opens offline, with the example explorer
    md    every number as tables, no charts
    json  findings, tables and figures as data, with a JSON Schema
    pdf   typeset, for reading and print; needs memanalysis[pdf]

    \b
    Example:
      memanalysis report runs/mine --out mine.html
      memanalysis report --out mine.pdf --title "Our study"
      memanalysis report --sections findings,accuracy,methods --out short.md
      memanalysis report --examples 500 --out small.html

    A name that is no section gets the list of them.
    """
    without_iri_grammar()
    from memanalysis.bundled_studies import embedded_path
    from memanalysis.cli.images import lay
    from memanalysis.reporting import check, report
    from memanalysis.studies import open as open_study

    path = out or Path(f"report.{format_ or 'html'}")
    try:
        check(path, sections=sections, title=title, examples=examples, format=format_)
    except MissingDependencyError:
        raise
    except MemanalysisError as error:
        raise click.UsageError(str(error)) from error
    if images is not None:
        lay(embedded_path() if store is None else store, images)
    with progress_bar() as progress:
        report(
            open_study(store), path, sections=sections, title=title, examples=examples,
            format=format_, progress=progress,
        )  # fmt: skip
    say(f"wrote {path}", err=True)
