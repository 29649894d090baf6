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
@click.option(
    "--proxies",
    metavar="NAMES",
    help="With --pack: keep values of single examples of these alone: a,b,c.",
)
def command(store: Path, pack: bool, proxies: str | None) -> None:
    """Turn the model files of STORE into its tables.

    \b
    Example:
      memanalysis build runs/mine
      memanalysis build runs/mine --pack --proxies aum,el2n
    """
    if proxies is not None and not pack:
        raise click.UsageError("--proxies goes with --pack.")
    build_shown(store, pack=pack, proxies=proxies.split(",") if proxies else None)


def build_shown(store: Path, *, pack: bool, proxies: list[str] | None = None) -> Store:
    """Build ``store``, show how far it is, and return it."""
    from memanalysis.building.build import build

    with progress_bar() as report:
        built = build(store, pack=pack, proxies=proxies, progress=report)
    say(f"built {built.path}", err=True)
    return built
