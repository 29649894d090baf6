"""Store -> statistics -> ``derived/*.parquet``.

Everything that SQL cannot compute: tests, resampling, fits, pairs, findings. Reads the
example-major tables with pyarrow, and the detail per group of models where a store still has it;
writes ``influence`` and every table of ``schema.DERIVED``, with zero rows where nothing can be
computed, stamped with the fingerprint of the outcomes. In a packed store, what takes that detail is
kept as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

import pyarrow as pa

from memanalysis.evidence.load import foreign_names, read_study
from memanalysis.evidence.signals import read_signals
from memanalysis.relations.agreement import signal_agreement
from memanalysis.relations.change_by_score import change_by_score, true_changes
from memanalysis.relations.distillation_effects import (
    distillation_by_size,
    distillation_effects,
    distillation_transitions,
    students,
)
from memanalysis.relations.distillation_parts import distillation_parts
from memanalysis.relations.findings import controls_table, findings_tables
from memanalysis.relations.influence import influence_tables
from memanalysis.relations.kept import kept_tables, with_kept
from memanalysis.relations.kinds import describes, kind_effects, kind_retrieval, read_kinds
from memanalysis.relations.labels import label_posteriors
from memanalysis.relations.membership_risk import membership_risk_tables
from memanalysis.relations.proxies import proxy_correlations, proxy_trends
from memanalysis.relations.reliability import reliability_table
from memanalysis.relations.retrieval import proxy_polarisations, proxy_retrieval
from memanalysis.relations.sizes import accuracy_intervals, beta_binomial, bimodality
from memanalysis.relations.tables import Columns, as_table
from memanalysis.relations.trajectories import trajectory_tables
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store

__all__ = ["derive", "derive_foreign", "derive_kinds"]


def derive(store: Store) -> None:
    """Compute and write every derived table of a built store, and its manifest."""
    kept = kept_tables(store)
    study = read_study(store)
    signals = read_signals(store, study)
    tests, shares, _ = trajectory_tables(study)
    sizes, trends, densities = bimodality(study)
    influence, influence_summary, memorized_partners = influence_tables(store, study)
    taught = students(study)
    risk, risk_summary = membership_risk_tables(store, study)
    kinds = read_kinds(store, study)
    if "kind_retrieval" in kept and not describes(kept["kind_retrieval"], study, kinds):
        del kept["kind_retrieval"]
    judged = cache(lambda: findings_tables(study))
    # Slow ones are functions, so that what is kept is not computed.
    found: dict[str, Columns | Callable[[], Columns]] = {
        "trajectory_tests": tests,
        "trajectory_shares": shares,
        "accuracy_intervals": accuracy_intervals(study),
        "bimodality": sizes,
        "memorization_density": densities,
        "proxy_correlations": lambda: proxy_correlations(study, tests),
        "proxy_trends": lambda: proxy_trends(study),
        "distillation_effects": distillation_effects(taught),
        "distillation_by_size": distillation_by_size(taught),
        "distillation_transitions": distillation_transitions(taught),
        "change_by_score": change_by_score(study),
        "true_changes": true_changes(study),
        "distillation_parts": distillation_parts(taught),
        "membership_risk": risk,
        "membership_risk_summary": risk_summary,
        "influence_summary": influence_summary,
        "memorized_partners": memorized_partners,
        "findings": lambda: judged()[0],
        "finding_facts": lambda: judged()[1],
        "reliability": reliability_table(study, signals),
        "bimodality_trends": trends,
        "beta_binomial": beta_binomial(study),
        "proxy_retrieval": lambda: proxy_retrieval(study),
        "proxy_polarisation": lambda: proxy_polarisations(study),
        "signal_agreement": lambda: signal_agreement(study, signals),
        "kind_effects": kind_effects(study, kinds),
        "kind_retrieval": lambda: kind_retrieval(study, kinds),
        "controls": lambda: controls_table(study),
        "label_posteriors": label_posteriors(store, study),
    }
    store.write_table("influence", influence)
    for name, schema in DERIVED.items():
        columns = found[name]
        if callable(columns):
            table = kept[name] if name in kept else as_table(columns(), schema)
        else:
            table = with_kept(as_table(columns, schema), kept.get(name))
        store.write_table(name, table)
    store.write_manifest()


def derive_foreign(store: Store, names: Collection[str]) -> None:
    """Add what is computed from imported scores to the derived tables of a store.

    A packed store no longer has the detail per group that its other rows were computed from, so
    those rows stay as they are. Scores of foreign origin need no such detail.
    """
    wanted = set(names) & foreign_names(store.read_table("proxies"))
    study = read_study(store, wanted)
    tests, _, _ = trajectory_tables(study)
    found: dict[str, Columns] = {
        "proxy_correlations": proxy_correlations(study, tests),
        "proxy_trends": proxy_trends(study),
        "proxy_retrieval": proxy_retrieval(study),
        "proxy_polarisation": proxy_polarisations(study),
    }
    for name, columns in found.items():
        added = as_table(columns, DERIVED[name])
        store.write_table(name, pa.concat_tables([store.read_table(name), added]))
    store.write_manifest()


def derive_kinds(store: Store) -> None:
    """Compute the tables on kinds of example again, after ``examples.kind`` has changed."""
    study = read_study(store)
    kinds = read_kinds(store, study)
    found = {
        "kind_effects": kind_effects(study, kinds),
        "kind_retrieval": kind_retrieval(study, kinds),
    }
    for name, columns in found.items():
        store.write_table(name, as_table(columns, DERIVED[name]))
    store.write_manifest()
