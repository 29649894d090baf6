"""The sections of the report, in their order."""

from memanalysis.reporting.sections import (
    accuracy,
    controls,
    distillation,
    examples,
    explorer,
    findings,
    influence,
    kinds,
    methods,
    proxies,
    reliability,
    scores,
    trajectories,
)

ORDER = (
    findings,
    accuracy,
    scores,
    trajectories,
    examples,
    kinds,
    influence,
    distillation,
    proxies,
    reliability,
    controls,
    explorer,
    methods,
)

__all__ = ["ORDER"]
