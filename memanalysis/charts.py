"""Charts: ``ma.charts.trajectories(study)`` and its like, each an Altair chart of one query.

Every other name here is a ``Figure``: ``ma.charts.trajectories.sql()`` is its query and
``ma.charts.trajectories.frame(study)`` the rows that are drawn. ``ma.charts.theme("paper")`` draws
for a column of a paper.
"""

from memanalysis.figures import *  # noqa: F403 - a façade: every figure, by its name
from memanalysis.figures import BY_NAME
from memanalysis.figures.paper import use

theme = use

__all__ = sorted([*BY_NAME, "theme"])


def __dir__() -> list[str]:
    return __all__
