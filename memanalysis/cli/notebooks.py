"""``memanalysis notebooks``: copies of the notebooks that come with memanalysis."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.terminal import say
from memanalysis.errors import MemanalysisError
from memanalysis.storage import atomic


@click.command("notebooks")
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Copy the notebooks into FOLDER, which is made if there is none.

    A tour, wrong labels, trajectories and distillation, proxies, twenty
    queries, training your own. A file that is already there stays.

    \b
    Example:
      memanalysis notebooks mine
      jupyter lab mine
    """
    source = _source()
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.ipynb")):
        target = folder / path.name
        if target.exists():
            say(f"{target} is there already and stays", err=True)
            continue
        atomic.write_bytes(target, path.read_bytes())
        say(f"wrote {target}", err=True)


def _source() -> Path:
    """Inside the package once installed, at the top of a clone."""
    package = Path(__file__).parents[1]
    for place in (package / "notebooks", package.parent / "notebooks"):
        if place.is_dir():
            return place
    raise MemanalysisError(
        "This installation has no notebooks. They are in the folder notebooks/ of the repository."
    )
