"""The sections of the report, in their order."""

from memanalysis.report.sections import (
    accuracy,
    distillation,
    examples,
    findings,
    methods,
    proxies,
    scores,
    trajectories,
)

ORDER = (findings, accuracy, scores, trajectories, examples, distillation, proxies, methods)

__all__ = ["ORDER"]
