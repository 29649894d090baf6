"""The contract in code: every file of a store, its columns and their types.

What each column means, its unit and its range stand where every client can read them: in the
``COMMENT ON`` lines of ``queries/tables/<name>.sql``. Writers and readers meet only here and in the
files.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from memanalysis.storage.names import (
    ADDED_TABLES,
    CONTRACT_VERSION,
    HALVES,
    LATER_COLUMNS,
    LATER_TABLES,
    OBJECTIVES,
    RECORDED_TABLES,
    SIGNALS,
    SPLITS,
    is_objective,
    is_size,
    objective_order,
    table_file,
    variant_objective,
)
from memanalysis.storage.schema.derived import DERIVED
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

RECORDED: Final[dict[str, pa.Schema]] = dict(
    zip(RECORDED_TABLES, (VOTES, MARGINS, EPOCH_OUTCOMES, REPEATS), strict=True)
)
ADDED: Final[dict[str, pa.Schema]] = dict(
    zip(ADDED_TABLES, (ANNOTATIONS, ATTRIBUTIONS), strict=True)
)

# File of each table, relative to the store, and its columns.
TABLES: Final[dict[str, tuple[str, pa.Schema]]] = {
    name: (table_file(name), schema)
    for name, schema in {
        "examples": EXAMPLES,
        "models": MODELS,
        "outcomes": OUTCOMES,
        "proxies": PROXIES,
        **RECORDED,
        "influence": INFLUENCE,
        **ADDED,
        **DERIVED,
    }.items()
}
