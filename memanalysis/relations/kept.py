"""Results that a packed store can no longer compute, kept from the time when it could.

Packing drops the sums per group of models. Tables that resample groups of a proxy or of a
continuous signal were computed before; computed again, they would lose their intervals. As long as
the outcomes are the same, the rows from before are therefore kept, as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memanalysis.findings import load
from memanalysis.storage.schema import DERIVED
from memanalysis.storage.store import Store

Flags = NDArray[np.bool_]

# Rows that came from sums per group, by table. The others can be computed from bits and halves.
_FROM_GROUPS: Final[dict[str, Callable[[pa.Table], Flags]]] = {
    "proxy_correlations": lambda t: _everything_if(t, _known(t, "ci_low")),
    # By halves, which a packed store has: kept for the last digits alone.
    "proxy_trends": lambda t: _everything_if(t, _known(t, "auc_low")),
    "proxy_retrieval": lambda t: _everything_if(t, _known(t, "precision_low")),
    "proxy_polarisation": lambda t: _everything_if(t, _known(t, "polarisation_low")),
    "signal_agreement": lambda t: _everything_if(t, _known(t, "ci_low")),
    "kind_retrieval": lambda t: _everything_if(
        t, _known(t, "auc_low") & ~_equal(t, "proxy", "memorization")
    ),
    # Verdicts by other rules than today's are no better than undetermined ones by today's.
    "findings": lambda t: _everything_if(
        t,
        _equal(t, "row", "probability")
        & _known(t, "estimate")
        & (_numbers(t, "version") == load().version),
    ),
    "controls": lambda t: _everything_if(t, _numbers(t, "version") == load().version),
    "reliability": lambda t: ~_equal(t, "signal", "correctness") & (_numbers(t, "n_splits") > 1),
}


def kept_tables(store: Store) -> dict[str, pa.Table]:
    """Rows of the store's derived tables that are better than what can be computed, by table.

    Nothing where the store has sums per group, or where a table came from other outcomes. Columns
    that a table did not have when it was written are NULL.
    """
    if any((store.path / "groups").glob("*/*.safetensors")):
        return {}
    found = {}
    for name, from_groups in _FROM_GROUPS.items():
        path = store.table_path(name)
        if not path.exists() or store.stamp_of(name) != store.manifest.outcomes_fingerprint:
            continue
        table = _of_schema(store.read_table(name), DERIVED[name])
        table = table.filter(pa.array(from_groups(table)))
        if table.num_rows:
            found[name] = table
    if not _judged_today(store):  # trends were measured otherwise under other rules
        found.pop("proxy_trends", None)
    if "findings" in found:  # the facts go with their rows
        known = store.table_path("finding_facts").exists()
        schema = DERIVED["finding_facts"]
        found["finding_facts"] = (
            store.read_table("finding_facts") if known else schema.empty_table()
        )
    return found


def _judged_today(store: Store) -> bool:
    """True if the store's findings were decided by the rules of this version."""
    if not store.table_path("findings").exists():
        return False
    findings = _of_schema(store.read_table("findings"), DERIVED["findings"])
    return bool((_numbers(findings, "version") == load().version).any())


def with_kept(computed: pa.Table, kept: pa.Table | None) -> pa.Table:
    """Computed rows, those of signals with kept rows replaced by them."""
    if kept is None:
        return computed
    others = pc.invert(pc.is_in(computed["signal"], pc.unique(kept["signal"])))
    return pa.concat_tables([computed.filter(others), kept])


def _everything_if(table: pa.Table, telling: Flags) -> Flags:
    """All rows, if any row tells that groups were known."""
    return np.full(table.num_rows, bool(telling.any()))


def _known(table: pa.Table, column: str) -> Flags:
    return np.asarray(pc.is_valid(table[column]).to_numpy(), dtype=np.bool_)


def _equal(table: pa.Table, column: str, value: str) -> Flags:
    equal = pc.fill_null(pc.equal(table[column], value), False)
    return np.asarray(equal.to_numpy(), dtype=np.bool_)


def _numbers(table: pa.Table, column: str) -> NDArray[np.int64]:
    filled = pc.fill_null(table[column].cast(pa.int64()), 0)
    return np.asarray(filled.to_numpy(), dtype=np.int64)


def _of_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.schema.names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
