"""Stores of your own: ``ma.store.write(...)`` from arrays, ``ma.store.Store`` for what is there."""

from memanalysis.importing.writing import write
from memanalysis.storage.model_files import ModelInfo, read_model, read_model_info
from memanalysis.storage.store import Store, write_model

__all__ = ["ModelInfo", "Store", "read_model", "read_model_info", "write", "write_model"]


def __dir__() -> list[str]:
    return sorted(__all__)
