"""``memanalysis check``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.terminal import say


@click.command("check")
@click.argument("store", type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, store: Path) -> None:
    """List every fault of STORE: files, checksums, schema, invariants.

    Exits with 1 if there are any.

    \b
    Example:
      memanalysis check runs/mine
    """
    from memanalysis.checking import check

    faults = check(store)
    for fault in faults:
        say(str(fault))
    if faults:
        say(f"{len(faults)} fault{'s' * (len(faults) > 1)} in {store}", err=True)
        context.exit(1)
    say(f"{store}: no faults", err=True)
