"""The findings: rules fixed before the data, one module each.

``findings.toml`` holds every threshold. ``evaluate`` applies the rules to the evidence of one
study, and again to parts of it (half of the models, another signal, saturated sizes, other alphas):
a supported headline that a half or the other signal contradicts becomes undetermined.

Where each part of a rule is computed, and what checks it (under ``tests/``):

- polarisation, tails: ``analysis.polarisation``, ``analysis.mixing``, ``analysis.extrapolation``;
  ``analysis/test_polarisation.py``, ``analysis/test_extrapolation.py``
- shapes, directions, q-values: ``analysis.trajectories``, ``analysis.contrasts``; ``naive.py`` by
  loops in ``test_ragged.py``, error rates and recall in ``oracles/test_planted.py``
- jackknife and leave-one-group-out intervals: ``analysis.intervals``; coverage with 6 and 20 groups
  in ``analysis/test_intervals.py`` and ``oracles/test_planted.py``
- changes by distillation: ``analysis.distillation``; ``analysis/test_distillation.py``
- areas of proxies: ``analysis.trends``; ``analysis/test_trends.py``
- the score itself: ``oracles/test_leave_one_out.py``, ``oracles/test_canaries.py``
- nothing is found where there is nothing: ``findings/test_controls.py``
"""

from memanalysis.evidence.conditions import Condition, Evidence, ProxyEvidence, Teacher
from memanalysis.findings.robustness import FINDINGS
from memanalysis.findings.rows import Row, evaluate
from memanalysis.rules import Rules, load

__all__ = [
    "FINDINGS",
    "Condition",
    "Evidence",
    "ProxyEvidence",
    "Row",
    "Rules",
    "Teacher",
    "evaluate",
    "load",
]
