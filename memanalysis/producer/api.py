"""``ma.produce``: a study from Python, with a network and arrays of the caller's if wanted."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from memanalysis import bundled_studies, settings
from memanalysis.building.build import build
from memanalysis.errors import DataError
from memanalysis.producer import run, size_order
from memanalysis.producer.data import arrays
from memanalysis.producer.families import imported
from memanalysis.settings import Study
from memanalysis.storage.store import Store

if TYPE_CHECKING:
    from torch import nn

Changes = dict[str, dict[str, Any]]


def produce(
    study: str | Path | Study,
    out: str | Path,
    *,
    model: Callable[..., nn.Module] | None = None,
    data: Mapping[str, Any] | Sequence[Any] | None = None,
    workers: int | None = None,
    device: str = "auto",
) -> Store:
    """Train the models of a study that the store at ``out`` lacks, then build its tables.

    Parameters
    ----------
    study
        Path of a study file, name of one that comes with memanalysis, TOML as a text of several
        lines, or a ``settings.Study``.
    model
        A function ``(size, classes, channels, image_size) -> torch.nn.Module``, called with each
        value of ``sizes.size``; it replaces ``sizes.family``. Worker processes import it by its
        name. One that they cannot import, since it was typed into a notebook or is a lambda, is
        trained in this process, and a warning says so.
    data
        Arrays in place of the section [data]'s source: a mapping or the four of
        (train_images, train_labels, test_images, test_labels); ``arrays.from_arrays`` has their
        types. Only their fingerprint is kept in the store, so hand them over again to continue it.
    workers, device
        As for ``run.produce``.

    Returns
    -------
    Store
        Built; ``ma.open(store.path)`` asks it. A warning says where a size has no more
        parameters than the one before.
    """
    changes: Changes = {}
    with ExitStack() as stack:
        if data is not None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="memanalysis-")))
            changes["data"] = _written(data, folder / "arrays.npz")
        if model is not None:
            path = imported.path_of(model)
            if path is None:
                path, workers = imported.give_unnamed(model), 0
            changes["sizes"] = {"family": path}
        store = run.produce(study_of(study, changes), out, workers=workers, device=device)
    built = build(store.path)
    note = size_order.note(built)
    if note is not None:
        warnings.warn(note, stacklevel=2)
    return built


def study_of(study: str | Path | Study, changes: Changes) -> Study:
    """The settings of a study that is given as file, name, text or themselves, with changes."""
    if isinstance(study, Study):
        if not changes:
            return study
        merged = {**study.changes}
        for section, values in changes.items():
            merged[section] = {**merged.get(section, {}), **values}
        return settings.parse(study.text, folder=study.folder, changes=merged)
    if isinstance(study, str) and "\n" in study:
        return settings.parse(study, "the study", changes=changes)
    file = Path(study)
    if not file.is_file() and (place := bundled_studies.find(str(study), "study.toml")) is not None:
        file = place / "study.toml"
    return settings.load(file, changes=changes)


def _written(data: Mapping[str, Any] | Sequence[Any], file: Path) -> dict[str, Any]:
    """Arrays as a file that workers can read; the settings that name it."""
    if not isinstance(data, Mapping):
        if len(data) != len(arrays.REQUIRED):
            raise DataError(
                f"data has {len(data)} arrays; expected four: {', '.join(arrays.REQUIRED)}."
            )
        data = dict(zip(arrays.REQUIRED, data, strict=True))
    known = {key: np.asarray(value) for key, value in data.items()}
    unknown = sorted(known.keys() - {*arrays.REQUIRED, *arrays.OPTIONAL})
    if unknown:
        raise DataError(
            f"data has {', '.join(unknown)}; expected {', '.join(arrays.REQUIRED)} and, if you "
            f"like, {', '.join(arrays.OPTIONAL)}."
        )
    arrays.from_arrays(known, "data", "data")
    arrays.write_npz(file, known)
    return {"source": "npz", "file": str(file)}
