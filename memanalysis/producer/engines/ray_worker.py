"""A worker on a node of a Ray cluster: one ensemble trained for each task."""

from __future__ import annotations

import json
import os
import platform
from functools import lru_cache
from typing import Any

from memanalysis import settings
from memanalysis.errors import MemanalysisError
from memanalysis.producer.plan import Task
from memanalysis.storage.store import Store

Trainer = Any  # of memanalysis.producer.worker, which needs torch: the driver may have none


def train(study: str, store: str, device: str, message: dict[str, Any]) -> str | None:
    """Train one ensemble into the store, which every node must see under the same path.

    ``study`` is the JSON of what ``Study.to_message`` made.

    Returns
    -------
    str | None
        None when its files are written; what went wrong, where trying again would not help.
    """
    try:
        _trainer(study, store, device).run(Task.from_message(message))
    except MemanalysisError as error:
        return f"{error} (on node {platform.node()}, process {os.getpid()})"
    return None


@lru_cache(maxsize=1)
def _trainer(study: str, store: str, device: str) -> Trainer:
    """Ray keeps its processes from task to task, so the data are read once in each of them."""
    from memanalysis.producer import worker

    worker.limit_threads()
    return worker.Trainer(settings.from_message(json.loads(study)), Store.open(store), device)
