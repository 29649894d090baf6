"""``ma.study``: the study of a torch user's own network and dataset, in one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memanalysis import settings, studies
from memanalysis.building.build import build
from memanalysis.errors import DataError
from memanalysis.producer import drafting, run
from memanalysis.producer.data import arrays, datasets
from memanalysis.producer.families import imported
from memanalysis.storage import atomic

if TYPE_CHECKING:
    from torch import nn


def study(
    model: Callable[..., nn.Module],
    dataset: Any,
    *,
    minutes: float = 30,
    out: str | Path = "memanalysis-study",
    workers: int | None = None,
    device: str = "auto",
) -> studies.Study:
    """Train copies of a network on parts of a dataset, and open the study of what they memorise.

    Every image is held out by some of the models, so none is put aside::

        ma.study(lambda: resnet18(num_classes=10), dataset, minutes=30).suspects()

    Parameters
    ----------
    model
        A function that makes a ``torch.nn.Module`` for images float32 [batch, channels, H, W] and
        logits [batch, classes]: of no arguments, or as for ``produce``.
    dataset
        A map-style torch ``Dataset`` of pairs (image, label), neither augmented nor normalised;
        ``producer.data.datasets.read`` says which images it takes.
    minutes
        How long models may train on this machine; epochs and the number of models follow from it.
    out
        The store. ``<out>.toml``, the study file, and ``<out>.npz``, the images, lie beside it. The
        same call continues a study that was stopped, by its study file as it is then.
    workers, device
        As for ``run.produce``.

    Returns
    -------
    Study
        As ``ma.open(out)``.

    Raises
    ------
    DataError
        If the dataset cannot be taken, or is another one than that of the study at ``out``.
    """
    out = Path(out)
    file, images = (out.with_name(f"{out.name}{suffix}") for suffix in (".toml", ".npz"))
    _keep(datasets.read(dataset), images)
    path = imported.path_of(model)
    if path is None:
        path, workers = imported.give_unnamed(model), 0
    if not file.exists():
        together = 1 if workers == 0 else workers
        drafted = drafting.draft(
            images, minutes, out.resolve().parent, family=path, workers=together
        )
        atomic.write_bytes(file, drafted.text.encode())
    store = run.produce(settings.load(file), out, workers=workers, device=device)
    return studies.open(build(store.path).path)


def _keep(found: dict[str, Any], file: Path) -> None:
    """Write the arrays, or compare them with those of a study that is continued."""
    if not file.exists():
        arrays.from_arrays(found, "the dataset", file.stem)
        arrays.write_npz(file, found)
        return
    with np.load(file, allow_pickle=False) as kept:
        same = kept.files == list(found) and all(
            np.array_equal(kept[name], values) for name, values in found.items()
        )
    if not same:
        raise DataError(
            f"The study beside '{file}' is of other images or labels than this dataset's. Give "
            "another `out`, or the dataset that it was begun with."
        )
