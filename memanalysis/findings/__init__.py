"""The findings: rules fixed in ``findings.toml``, decided in codes and numbers, then explained.

One module per question (``bimodality``, ``diversity``, ``inhibition``, ``proxy_trends``) holds its
``FINDING``: what it claims, how it is decided on evidence, how outcomes are put into words, and
where the report shows the evidence. The rules of version 3 themselves are pure functions of counts
(``bimodality_grows``, ``falling``, ``inhibits_particularly``, ``proxies_miss_trends``), so that
simulated worlds (``experiments.controls``) go through the same code as studies; README.md here says
what they do where the answer is known.

``evaluate`` applies the rules to the evidence of one study, and again to parts of it (half of the
models, another signal, saturated sizes, other alphas): a supported headline that a half or the
other signal contradicts becomes undetermined. What was not recorded is not checked, and says so.
Facts flow, sentences do not: ``Outcome`` holds a reason, facts and a bound; ``rows`` writes them to
the relations ``findings`` and ``finding_facts`` and reads them back, and ``explain`` makes the
words whenever they are wanted.

Where each part of a rule is computed, and what checks it (under ``tests/``):

- modes, polarisation: ``analysis.modes``, ``analysis.polarisation``; the tests of these names
- shapes, directions, q-values: ``analysis.trajectories``, ``analysis.contrasts``; ``naive.py`` by
  loops in ``evidence/test_ragged.py``, error rates and recall in ``oracles/test_planted.py``
- middling scores that fall: ``analysis.falling``, ``analysis.true_changes``; tests of these names
- jackknife and leave-one-group-out intervals: ``analysis.intervals``; coverage with 6 and 20 groups
  in ``analysis/test_intervals.py`` and ``oracles/test_planted.py``
- changes by distillation: ``analysis.distillation``, ``analysis.equal_gain``; tests of these names
- areas of proxies: ``analysis.standardised_change``; ``analysis/test_standardised_change.py``
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
