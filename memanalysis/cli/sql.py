"""``memanalysis sql``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.options import emit, output_options


@click.command("sql")
@click.argument("arguments", metavar='[STORE] "SQL"', nargs=-1)
@click.option(
    "--print-relations",
    is_flag=True,
    help="Print the SQL that makes the relations of STORE in any DuckDB client, and ask nothing.",
)
@output_options
def command(
    arguments: tuple[str, ...], print_relations: bool, format_: str | None, out: Path | None
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
    from memanalysis.study import open as open_study

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
    emit(open_study(store).sql(arguments[-1]), format_, out)


def _print_relations(arguments: tuple[str, ...]) -> None:
    from memanalysis.bundled_studies import embedded_path
    from memanalysis.sql.connection import as_script
    from memanalysis.storage.store import Store

    if len(arguments) > 1:
        raise click.UsageError("--print-relations takes a store and no SQL.")
    click.echo(as_script(Store.open(*arguments or (embedded_path(),))))
