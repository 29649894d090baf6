"""The contract in code: every file of a store, its columns and their types.

What each column means, its unit and its range stand where every client can read them: in the
``COMMENT ON`` lines of ``queries/tables/<name>.sql``. Writers and readers meet only here and in the
files.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from memanalysis.storage.schema.derived import DERIVED
from memanalysis.storage.schema.names import (
    CONTRACT_VERSION,
    HALVES,
    OBJECTIVES,
    SIGNALS,
    SPLITS,
    is_objective,
    is_size,
    objective_order,
    variant_objective,
)
from memanalysis.storage.schema.stored import (
    ANNOTATIONS,
    ATTRIBUTIONS,
    EPOCH_OUTCOMES,
    EXAMPLES,
    INFLUENCE,
    MARGINS,
    MODELS,
    OUTCOMES,
    PROXIES,
    REPEATS,
    TRUTH,
    VOTES,
)

__all__ = [
    "ADDED",
    "ANNOTATIONS",
    "ATTRIBUTIONS",
    "CONTRACT_VERSION",
    "DERIVED",
    "EPOCH_OUTCOMES",
    "EXAMPLES",
    "HALVES",
    "INFLUENCE",
    "LATER_COLUMNS",
    "LATER_TABLES",
    "MARGINS",
    "MODELS",
    "OBJECTIVES",
    "OUTCOMES",
    "PROXIES",
    "RECORDED",
    "REPEATS",
    "SIGNALS",
    "SPLITS",
    "TABLES",
    "TRUTH",
    "VOTES",
    "is_objective",
    "is_size",
    "objective_order",
    "variant_objective",
]

# Tables of what was recorded besides outcomes; stores from before lack their files.
RECORDED: Final[dict[str, pa.Schema]] = {
    "votes": VOTES,
    "margins": MARGINS,
    "epoch_outcomes": EPOCH_OUTCOMES,
    "repeats": REPEATS,
}

# Tables that are added to a store that is there: builds and imports of anything else leave them.
ADDED: Final[dict[str, pa.Schema]] = {
    "annotations": ANNOTATIONS,
    "attributions": ATTRIBUTIONS,
}

# What came after the first stores were shipped. One that lacks such a table has no rows of it, one
# that lacks such columns has NULL there, until it is built again.
LATER_TABLES: Final = frozenset(
    {
        *RECORDED, *ADDED, "finding_facts", "change_by_score", "true_changes", "class_changes",
        "distillation_parts", "membership_risk", "membership_risk_summary", "influence_prediction",
        "near_duplicates", "duplicate_recall", "label_posteriors",
    }
)  # fmt: skip
LATER_COLUMNS: Final = frozenset(
    {("findings", name) for name in ("reason", "bound_side", "bound_value", "post_hoc")}
)

# File of each table, relative to the store.
TABLES: Final[dict[str, tuple[str, pa.Schema]]] = {
    "examples": ("examples.parquet", EXAMPLES),
    "models": ("models.parquet", MODELS),
    "outcomes": ("outcomes.parquet", OUTCOMES),
    "proxies": ("proxies.parquet", PROXIES),
    **{name: (f"{name}.parquet", schema) for name, schema in RECORDED.items()},
    "influence": ("influence.parquet", INFLUENCE),
    **{name: (f"{name}.parquet", schema) for name, schema in ADDED.items()},
    **{name: (f"derived/{name}.parquet", schema) for name, schema in DERIVED.items()},
}
