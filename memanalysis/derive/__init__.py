"""Store -> statistics -> ``derived/*.parquet``.

Everything that SQL cannot compute: tests, resampling, fits, pairs, findings. Reads the
example-major tables with pyarrow, and the detail per group of models where a store still has it;
writes ``influence`` and every table of ``schema.DERIVED``, with zero rows where nothing can be
computed, stamped with the fingerprint of the outcomes.
"""

from __future__ import annotations

from memanalysis.derive.influence import influence_tables
from memanalysis.derive.proxies import proxy_correlations, proxy_trends
from memanalysis.derive.reading import read_study
from memanalysis.derive.shapes import trajectory_tables
from memanalysis.derive.sizes import accuracy_intervals, bimodality
from memanalysis.derive.students import distillation_effects
from memanalysis.derive.tables import Columns, as_table
from memanalysis.derive.verdicts import findings_table
from memanalysis.schema import DERIVED
from memanalysis.store import Store

__all__ = ["derive"]


def derive(store: Store) -> None:
    """Compute and write every derived table of a built store, and its manifest."""
    study = read_study(store)
    tests, shares, directions = trajectory_tables(study)
    influence, influence_summary, memorized_partners = influence_tables(store, study)
    found: dict[str, Columns] = {
        "trajectory_tests": tests,
        "trajectory_shares": shares,
        "accuracy_intervals": accuracy_intervals(study),
        "bimodality": bimodality(study),
        "proxy_correlations": proxy_correlations(study, directions),
        "proxy_trends": proxy_trends(study),
        "distillation_effects": distillation_effects(study),
        "influence_summary": influence_summary,
        "memorized_partners": memorized_partners,
        "findings": findings_table(study),
    }
    store.write_table("influence", influence)
    for name in DERIVED:
        store.write_table(name, as_table(found[name], DERIVED[name]))
    store.write_manifest()
