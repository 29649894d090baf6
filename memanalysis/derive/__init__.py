"""Store -> statistics -> ``derived/*.parquet``.

Everything that SQL cannot compute: tests, resampling, fits, pairs, findings. Reads the
example-major tables with pyarrow, and the detail per group of models where a store still has it;
writes ``influence`` and every table of ``schema.DERIVED``, with zero rows where nothing can be
computed, stamped with the fingerprint of the outcomes.
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from memanalysis.derive.influence import influence_tables
from memanalysis.derive.proxies import proxy_correlations, proxy_trends
from memanalysis.derive.reading import foreign_names, read_study
from memanalysis.derive.shapes import trajectory_tables
from memanalysis.derive.sizes import accuracy_intervals, bimodality
from memanalysis.derive.students import (
    distillation_by_size,
    distillation_effects,
    distillation_transitions,
    students,
)
from memanalysis.derive.tables import Columns, as_table
from memanalysis.derive.verdicts import findings_table
from memanalysis.schema import DERIVED
from memanalysis.store import Store

__all__ = ["derive", "derive_foreign"]


def derive(store: Store) -> None:
    """Compute and write every derived table of a built store, and its manifest."""
    study = read_study(store)
    tests, shares, directions = trajectory_tables(study)
    influence, influence_summary, memorized_partners = influence_tables(store, study)
    taught = students(study)
    found: dict[str, Columns] = {
        "trajectory_tests": tests,
        "trajectory_shares": shares,
        "accuracy_intervals": accuracy_intervals(study),
        "bimodality": bimodality(study),
        "proxy_correlations": proxy_correlations(study, directions),
        "proxy_trends": proxy_trends(study),
        "influence_summary": influence_summary,
        "memorized_partners": memorized_partners,
        "distillation_effects": distillation_effects(taught),
        "distillation_by_size": distillation_by_size(taught),
        "distillation_transitions": distillation_transitions(taught),
        "findings": findings_table(study),
    }
    store.write_table("influence", influence)
    for name in DERIVED:
        store.write_table(name, as_table(found[name], DERIVED[name]))
    store.write_manifest()


def derive_foreign(store: Store, names: Collection[str]) -> None:
    """Add what is computed from imported scores to the derived tables of a store.

    A packed store no longer has the detail per group that its other rows were computed from, so
    those rows stay as they are. Scores of foreign origin need no such detail.
    """
    wanted = set(names) & foreign_names(store.read_table("proxies"))
    study = read_study(store, wanted)
    _, _, directions = trajectory_tables(study)
    found: dict[str, Columns] = {
        "proxy_correlations": proxy_correlations(study, directions),
        "proxy_trends": proxy_trends(study),
    }
    for name, columns in found.items():
        added = as_table(columns, DERIVED[name])
        store.write_table(name, pa.concat_tables([store.read_table(name), added]))
    store.write_manifest()
