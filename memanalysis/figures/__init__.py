"""Figures: each declared once, with its query, its drawing and its caption.

A figure called with a study, or with anything that has ``.sql(text)`` and ``.table(name)``, is an
Altair chart of the rows of its query (never above 5,000), alike in a notebook and in the report.
``ORDER`` has all of them in the order of the report. A new figure is a ``Figure`` in the module of
its family and its name here, twice: in ``__all__`` and in its place in ``ORDER``.
"""

from typing import Final

from memanalysis.figures.accuracy import accuracy, accuracy_spread
from memanalysis.figures.bimodality import bimodality, bimodality_trends, held_out_errors
from memanalysis.figures.classes import memorization_by_class, trajectories_by_class
from memanalysis.figures.distillation import (
    distillation_change,
    distillation_density,
    distillation_halves,
)
from memanalysis.figures.distillation_effects import (
    distillation_gap,
    distillation_groups,
    distillation_settings,
)
from memanalysis.figures.example import example_scores
from memanalysis.figures.figure import Figure
from memanalysis.figures.histograms import memorization_density, memorization_histogram
from memanalysis.figures.influence import memorized_partners
from memanalysis.figures.kinds import kind_distillation, kind_retrieval, kind_scores, kind_shapes
from memanalysis.figures.proxies import proxy_correlations, proxy_correlations_by, proxy_trends
from memanalysis.figures.proxy_value import proxy_retrieval, proxy_trajectories, proxy_values
from memanalysis.figures.reliability import reliability, reliability_growth
from memanalysis.figures.trajectories import (
    example_curves,
    example_curves_by_class,
    trajectories,
    trajectory_shares,
    trajectory_sweep,
)
from memanalysis.figures.transitions import distillation_transitions

__all__ = [
    "BY_NAME",
    "ORDER",
    "Figure",
    "accuracy",
    "accuracy_spread",
    "bimodality",
    "bimodality_trends",
    "distillation_change",
    "distillation_density",
    "distillation_gap",
    "distillation_groups",
    "distillation_halves",
    "distillation_settings",
    "distillation_transitions",
    "example_curves",
    "example_curves_by_class",
    "example_scores",
    "held_out_errors",
    "kind_distillation",
    "kind_retrieval",
    "kind_scores",
    "kind_shapes",
    "memorization_by_class",
    "memorization_density",
    "memorization_histogram",
    "memorized_partners",
    "proxy_correlations",
    "proxy_correlations_by",
    "proxy_retrieval",
    "proxy_trajectories",
    "proxy_trends",
    "proxy_values",
    "reliability",
    "reliability_growth",
    "trajectories",
    "trajectories_by_class",
    "trajectory_shares",
    "trajectory_sweep",
]

ORDER: Final[tuple[Figure, ...]] = (
    accuracy,
    accuracy_spread,
    memorization_histogram,
    memorization_density,
    bimodality,
    bimodality_trends,
    held_out_errors,
    trajectory_shares,
    trajectory_sweep,
    trajectories,
    trajectories_by_class,
    example_curves,
    example_curves_by_class,
    kind_scores,
    kind_shapes,
    kind_distillation,
    kind_retrieval,
    memorization_by_class,
    example_scores,
    memorized_partners,
    distillation_settings,
    distillation_change,
    distillation_density,
    distillation_halves,
    distillation_groups,
    distillation_gap,
    distillation_transitions,
    proxy_correlations,
    proxy_correlations_by,
    proxy_retrieval,
    proxy_trajectories,
    proxy_trends,
    proxy_values,
    reliability,
    reliability_growth,
)
BY_NAME: Final = {figure.name: figure for figure in ORDER}
