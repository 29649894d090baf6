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
    from memanalysis.building.check import check

    faults = [str(fault) for fault in check(store)]
    faults += _of_relations(store, quiet=bool(faults))
    for fault in faults:
        say(fault)
    if faults:
        say(f"{len(faults)} fault{'s' * (len(faults) > 1)} in {store}", err=True)
        context.exit(1)
    say(f"{store}: no faults", err=True)


def _of_relations(store: Path, *, quiet: bool) -> list[str]:
    """Faults that the relations of queries/checks find.

    Where they cannot even be loaded and faults are known already, those are the reason.
    """
    from memanalysis.errors import StoreError
    from memanalysis.sql.checks import violations
    from memanalysis.storage.store import Store

    try:
        return [str(violation) for violation in violations(Store.open(store))]
    except StoreError as error:
        return [] if quiet else [str(error)]
