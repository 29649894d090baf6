"""Training again for a store: the study behind it, checked to give the same examples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from memanalysis import settings
from memanalysis.errors import StoreError
from memanalysis.producer import run
from memanalysis.storage.store import Store


def study_of(store: Store) -> settings.Study:
    """The study of a store, checked to give the same examples again.

    Raises
    ------
    StoreError
        If the store was not made by ``produce``, or its data set is another one by now.
    DataError
        If the data set cannot be read.
    """
    study = kept_study(store)
    run.require_alike(store, study)
    return study


def kept_study(store: Store) -> settings.Study:
    """The study that a store's manifest keeps.

    Raises
    ------
    StoreError
        If the store was not made by ``produce``.
    """
    text = store.manifest.settings.get("text")
    if not text:
        raise StoreError(
            f"'{store.path}' was not trained by memanalysis, so its models cannot be trained "
            "again: its manifest holds no study file. Give a store made by `memanalysis produce`."
        )
    return settings.parse(text, where=f"study file in {store.path / 'manifest.json'}")


@contextmanager
def one_thread() -> Iterator[None]:
    """Bits are reproducible on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
