"""``memanalysis sql``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.options import emit, output_options


@click.command("sql")
@click.argument("arguments", metavar='[STORE] "SQL"', nargs=-1, required=True)
@output_options
def command(arguments: tuple[str, ...], format_: str | None, out: Path | None) -> None:
    """Ask a study one question in SQL.

    The query reads the study's relations (see `memanalysis tables`) and can change nothing.
    Without STORE, the study that comes with memanalysis is asked.

    \b
    Example:
      memanalysis sql "from memorization order by memorization desc limit 5"
      memanalysis sql runs/mine "from accuracy" --format csv
    """
    from memanalysis.study import open as open_study

    if len(arguments) > 2:
        raise click.UsageError(
            f"Expected [STORE] and one SQL text, got {len(arguments)} arguments: quote the SQL."
        )
    store = arguments[0] if len(arguments) == 2 else None
    emit(open_study(store).sql(arguments[-1]), format_, out)
