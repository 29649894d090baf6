"""``memanalysis init``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    from memanalysis.producer.drafting import Draft


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--minutes",
    type=click.FloatRange(1),
    default=30,
    show_default=True,
    help="Time that models may train on this machine.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="study.toml",
    show_default=True,
    help="The study file to write; one that exists is left as it is.",
)
def command(folder: Path, minutes: float, out: Path) -> None:
    """Write a study file for your own images, which asks what labels are wrong.

    FOLDER has a folder of images for each class, or train/ and test/ with such folders, or Parquet
    files; or it is an .npz file. No test split is needed. Network, image size, epochs and groups
    are chosen by timing a few steps on this machine.

    \b
    Example:
      memanalysis init photos --minutes 30
      memanalysis produce study.toml --out photos-store
      memanalysis suspects photos-store
    """
    drafted = write_draft(folder, minutes, out)
    say(f"wrote {out}: {describe(drafted)}", err=True)
    say(f"next: memanalysis produce {out} --out STORE", err=True)


def describe(drafted: Draft) -> str:
    """Summary of the study in words."""
    minutes = max(1, round(drafted.minutes))
    among = f" with {drafted.workers} workers" if drafted.workers > 1 else ""
    return (
        f"{drafted.n_models} models on {drafted.n_images:,} images, about {minutes} min on this "
        f"machine{among}"
    )


def write_draft(folder: Path, minutes: float, out: Path) -> Draft:
    """Write a study file for the images in ``folder``.

    Raises
    ------
    SettingsError
        If ``out`` exists, or its folder does not.
    DataError
        If the images cannot be read.
    MissingDependencyError
        If torch is not installed.
    """
    from importlib.util import find_spec

    from memanalysis.errors import MissingDependencyError, SettingsError
    from memanalysis.storage import atomic

    if out.exists():
        raise SettingsError(f"'{out}' exists and stays as it is. Remove it, or give another --out.")
    if not out.resolve().parent.is_dir():
        raise SettingsError(f"There is no folder '{out.parent}' to write '{out.name}' to.")
    if find_spec("torch") is None:
        raise MissingDependencyError.for_feature("Timing a training", "producer")
    from memanalysis.producer.drafting import draft

    drafted = draft(folder, minutes, out.resolve().parent)
    atomic.write_bytes(out, drafted.text.encode())
    return drafted


def studied(folder: Path, minutes: float) -> Path:
    """The store of a study of the images in ``folder``, made or continued beside it.

    For ``photos`` that is ``photos-study``, by the study file ``photos-study.toml``, which is taken
    as it is where it exists.
    """
    from memanalysis import settings

    folder = Path(folder)
    store = folder.resolve().parent / f"{folder.resolve().name}-study"
    file = store.with_name(f"{store.name}.toml")
    if file.exists():
        say(f"continuing the study of {file}", err=True)
    else:
        say(f"wrote {file}: {describe(write_draft(folder, minutes, file))}", err=True)
    from memanalysis.cli.build import build_shown
    from memanalysis.producer.run import produce

    produce(settings.load(file), store)
    build_shown(store, pack=False)
    return store
