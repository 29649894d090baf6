"""Charts: each takes a study, or anything with ``.table(name)``, and returns an Altair chart.

Every chart draws one small relation of the study (never above 5,000 rows) and has the same look in
a notebook and in the report.
"""

from memanalysis.charts.accuracy import accuracy
from memanalysis.charts.classes import memorization_by_class, trajectories_by_class
from memanalysis.charts.distillation import (
    distillation_change,
    distillation_density,
    distillation_groups,
)
from memanalysis.charts.histograms import bimodality, memorization_histogram
from memanalysis.charts.proxies import proxy_correlations, proxy_correlations_by, proxy_trends
from memanalysis.charts.trajectories import (
    example_curves,
    trajectories,
    trajectory_shares,
    trajectory_sweep,
)

__all__ = [
    "accuracy",
    "bimodality",
    "distillation_change",
    "distillation_density",
    "distillation_groups",
    "example_curves",
    "memorization_by_class",
    "memorization_histogram",
    "proxy_correlations",
    "proxy_correlations_by",
    "proxy_trends",
    "trajectories",
    "trajectories_by_class",
    "trajectory_shares",
    "trajectory_sweep",
]
