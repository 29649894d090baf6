"""The findings: rules fixed before the data, one module each.

``findings.toml`` holds every threshold. ``evaluate`` applies the rules to the evidence of one
study, and again to parts of it (half of the models, another signal, saturated sizes, other alphas):
a supported headline that a half or the other signal contradicts becomes undetermined.
"""

from memanalysis.findings.evidence import Condition, Evidence, ProxyEvidence, Teacher
from memanalysis.findings.robustness import Row, evaluate
from memanalysis.findings.rules import Rules, load

__all__ = ["Condition", "Evidence", "ProxyEvidence", "Row", "Rules", "Teacher", "evaluate", "load"]
