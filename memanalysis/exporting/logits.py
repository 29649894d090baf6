"""Logits of a store's models, read one model file at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import StoreError
from memanalysis.storage.model_files import open_safetensors, read_model
from memanalysis.storage.store import Store
from memanalysis.studies import Study


def kept_logits(
    study: Study, objective: str, size: str, subsets: Sequence[int]
) -> Iterator[NDArray[np.float16]] | None:
    """Logits float16 [examples, classes] of each subset's model in turn; None if any lacks them.

    Only headers are read before the first model is asked for.
    """
    store = Store(study.path, study.manifest)
    paths = [store.model_path(objective, size, subset) for subset in subsets]
    if not all(path.is_file() and _has_logits(path) for path in paths):
        return None
    return (_logits(path, study.manifest.n_train + study.manifest.n_test) for path in paths)


def _has_logits(path: Path) -> bool:
    with open_safetensors(path, "model file") as file:
        return "logits" in file.keys()  # noqa: SIM118 - the file is no mapping


def _logits(path: Path, n_examples: int) -> NDArray[np.float16]:
    logits = read_model(path, with_logits=True).logits
    if logits is None or logits.ndim != 2 or len(logits) != n_examples:
        found = None if logits is None else logits.shape
        raise StoreError(f"'{path}' has logits {found}; expected [{n_examples}, classes].")
    if not np.isfinite(logits).all():
        raise StoreError(f"'{path}' has logits that are not finite; produce it again.")
    return logits
