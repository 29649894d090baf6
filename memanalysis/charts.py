"""Charts: ``ma.charts.trajectories(study)`` and its like, each an Altair chart of one relation."""

from memanalysis import figures
from memanalysis.figures import *  # noqa: F403 - a façade: what figures makes public

__all__ = figures.__all__


def __dir__() -> list[str]:
    return sorted(__all__)
