"""``memanalysis images``."""

from __future__ import annotations

from pathlib import Path

import click

from memanalysis.cli.terminal import say


@click.command("images")
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "place",
    required=True,
    metavar="FOLDER|SOURCE",
    help="Your copy of the data set, or a source whose files lie in their usual place.",
)
@click.option("--source", help="The kind of its files, such as cifar10, for imported stores.")
def command(store: Path, place: str, source: str | None) -> None:
    """Lay your own copy of the images beside a store that ships none.

    A store that was trained by memanalysis keeps a fingerprint of all pixels and labels, after
    resizing and whatever was planted; your copy must have it. Of an imported store the labels of
    all examples must agree. The pictures go to images.parquet in the store, which its manifest
    does not list and `build --pack` removes; report, explorer, suspects and notebooks show them.

    \b
    Example:
      memanalysis images data/cifar10 --from downloads/cifar-10-batches-bin
      memanalysis images runs/imagenet --from imagenet --source folder
    """
    lay(store, place, source)


def lay(store: Path, place: str, source: str | None = None) -> None:
    """Lay the images and say how they were checked."""
    from memanalysis.producer.images import lay_images
    from memanalysis.storage.store import Store

    done = lay_images(Store.open(store), place, source)
    say(f"{done.n_images:,} images in {done.path}; checked: {done.checked}", err=True)
