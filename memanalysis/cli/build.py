"""``memanalysis build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memanalysis.cli.progress import progress_bar
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    from memanalysis.storage.store import Store


@click.command("build")
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--pack", is_flag=True, help="Then remove the model files, to ship the store.")
def command(store: Path, pack: bool) -> None:
    """Turn the model files of STORE into its tables.

    \b
    Example:
      memanalysis build runs/mine
    """
    build_shown(store, pack=pack)


def build_shown(store: Path, *, pack: bool) -> Store:
    """Build ``store``, show how far it is, and return it."""
    from memanalysis.building.build import build

    with progress_bar() as report:
        built = build(store, pack=pack, progress=report)
    say(f"built {built.path}", err=True)
    return built
