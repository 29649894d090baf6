"""Charts: ``ma.charts.trajectories(study)`` and its like, each an Altair chart of one query.

Every name here is a ``Figure``: ``ma.charts.trajectories.sql()`` is its query and
``ma.charts.trajectories.frame(study)`` the rows that are drawn.
"""

from memanalysis.figures import *  # noqa: F403 - a façade: every figure, by its name
from memanalysis.figures import BY_NAME

__all__ = sorted(BY_NAME)
