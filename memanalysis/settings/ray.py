"""The section [ray]: which cluster trains, and what one training needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from memanalysis.settings.keys import CLOSED, FROM_ZERO, Int, Key, Number, Text


@dataclass(frozen=True)
class Ray:
    """Demands of ``--engine ray`` on a Ray cluster; no number in a store depends on it."""

    __pydantic_config__: ClassVar = CLOSED

    address: Annotated[Text, Key("a text")] = "auto"
    """Address of the cluster: `auto` for the one that this machine belongs to, or `host:port`."""
    cpus: Annotated[
        Number, Key("processors for one ensemble, above 0", lambda value: value > 0)
    ] = 1.0
    """Processors reserved for each ensemble in training."""
    gpus: Annotated[
        Number,
        Key(
            "0, a fraction of a GPU, or 1: one ensemble uses one GPU at most",
            lambda value: value == 1 or 0 <= value < 1,
        ),
    ] = 0.0
    """GPUs reserved for each ensemble; a fraction lets several share one."""
    retries: Annotated[Int, FROM_ZERO] = 3
    """Attempts to train an ensemble again that was lost with its worker."""
