"""Training again for a store: the study behind it, checked to give the same examples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from memanalysis import settings
from memanalysis.errors import StoreError
from memanalysis.producer import run
from memanalysis.producer.families import imported
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


def require_trusted(store: Store, study: settings.Study, trust_code: bool) -> settings.Study:
    """The study, able to find its networks in the store if they are trusted.

    Networks of the user's own are code. What a store says of itself names that code, and may bring
    it along, so it runs only where its user says so; functions handed over in this process are the
    user's.

    Raises
    ------
    StoreError
        If the study has networks of its own that nobody trusts.
    """
    if study.family in settings.FAMILIES or imported.is_given(study.family):
        return study
    if not trust_code:
        raise StoreError(
            f"The networks of '{store.path}' are made by '{study.family}', code that whoever made "
            "the store chose and that was not run. If you trust it, give --trust-code "
            "(trust_code=True in Python)."
        )
    return replace(study, folder=str(store.path.resolve()))


@contextmanager
def one_thread() -> Iterator[None]:
    """Bits are reproducible on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
