"""``memanalysis sql``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from memanalysis.cli.options import emit, output_options
from memanalysis.cli.terminal import say


@click.command("sql")
@click.argument("arguments", metavar='[STORE] "SQL"', nargs=-1)
@click.option(
    "--print-relations",
    is_flag=True,
    help="Print the SQL that makes the relations of STORE in any DuckDB client, and ask nothing.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0),
    default=600.0,
    show_default=True,
    help="Stop the query after this time; 0 for never.",
)
@click.option(
    "--memory",
    metavar="GIB",
    type=click.FloatRange(0, min_open=True),
    help="Memory limit of the query.  [default: 4, or half of the machine's]",
)
@output_options
def command(
    arguments: tuple[str, ...],
    print_relations: bool,
    timeout: float,
    memory: float | None,
    format_: str | None,
    out: Path | None,
) -> None:
    """Ask a study one question in SQL.

    The query reads the study's relations (see `memanalysis tables`) and can change nothing.
    Without STORE, the study that comes with memanalysis is asked.

    \b
    Example:
      memanalysis sql "from memorization order by memorization desc limit 5"
      memanalysis sql runs/mine "from accuracy" --format csv
      memanalysis sql --print-relations > relations.sql
    """
    from memanalysis.sql.limits import Limits
    from memanalysis.studies import open as open_study

    if print_relations:
        _print_relations(arguments)
        return
    if not arguments:
        raise click.UsageError("Missing the SQL; memanalysis tables lists what it can ask.")
    if len(arguments) > 2:
        raise click.UsageError(
            f"Expected [STORE] and one SQL text, got {len(arguments)} arguments: quote the SQL."
        )
    store = arguments[0] if len(arguments) == 2 else None
    limits = replace(Limits.default(), seconds=timeout or None)
    if memory is not None:
        limits = replace(limits, memory=round(memory * (1 << 30)))
    emit(open_study(store, limits=limits).sql(arguments[-1]), format_, out)


def _print_relations(arguments: tuple[str, ...]) -> None:
    from memanalysis.bundled_studies import embedded_path
    from memanalysis.sql.connection import as_script
    from memanalysis.storage.store import Store

    if len(arguments) > 1:
        raise click.UsageError("--print-relations takes a store and no SQL.")
    say(as_script(Store.open(*arguments or (embedded_path(),))), exact=True)
