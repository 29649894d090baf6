"""The version of the contract, its tables and files, and the values of its columns of names.

Readers start from here: nothing heavy is imported to find a file.
"""

from __future__ import annotations

import re
from typing import Final

CONTRACT_VERSION: Final = 1

# Tables of what was recorded besides outcomes; stores from before lack their files.
RECORDED_TABLES: Final = ("votes", "margins", "epoch_outcomes", "repeats")
# Tables that are added to a store that is there: builds and imports of anything else leave them.
ADDED_TABLES: Final = ("annotations", "attributions")
# All that no build computes from the others.
STORED_TABLES: Final = (
    "examples", "models", "outcomes", "proxies", *RECORDED_TABLES, "influence", *ADDED_TABLES,
)  # fmt: skip
# What came after the first stores were shipped. One that lacks such a table has no rows of it, one
# that lacks such columns has NULL there, until it is built again.
LATER_TABLES: Final = frozenset(
    {
        *RECORDED_TABLES, *ADDED_TABLES, "finding_facts", "change_by_score", "true_changes",
        "class_changes", "distillation_parts", "membership_risk", "membership_risk_summary",
        "influence_prediction", "near_duplicates", "duplicate_recall", "label_posteriors",
    }
)  # fmt: skip
LATER_COLUMNS: Final = frozenset(
    {
        *(("findings", name) for name in ("reason", "bound_side", "bound_value", "post_hoc")),
        *(
            ("influence_prediction", f"margin_{name}")
            for name in ("estimate", "ci_low", "ci_high", "n_folds", "n_examples")
        ),
    }
)

# Further settings of distillation have an objective of their own: distilled_<name>.
OBJECTIVES: Final = ("one_hot", "distilled")
SPLITS: Final = ("train", "test")
# Continuous outcomes of one model on one example; each has sums inside and outside the subset.
SIGNALS: Final = ("probability", "margin", "loss")
HALVES: Final = ("a", "b")

# A size is the name of a folder and part of file names; longer ones some file systems refuse.
_SIZE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


def table_file(table: str) -> str:
    """The file of a table, by its path inside the store."""
    return f"{table}.parquet" if table in STORED_TABLES else f"derived/{table}.parquet"


def is_size(name: object) -> bool:
    """True if ``name`` can be the name of a size: letters, digits and ``_ . + -``, no path."""
    return isinstance(name, str) and _SIZE.fullmatch(name) is not None


def variant_objective(name: str) -> str:
    """The objective of the students of the distillation variant ``name``."""
    return f"{OBJECTIVES[1]}_{name}"


def is_objective(name: str) -> bool:
    """True if ``name`` is one of ``OBJECTIVES`` or ``distilled_<name>``, name of [a-z0-9]+."""
    return name in OBJECTIVES or re.fullmatch(f"{OBJECTIVES[1]}_[a-z0-9]+", name) is not None


def objective_order(name: str) -> tuple[int, str]:
    """Sort key: ``OBJECTIVES`` in their order, then variants by name."""
    return (OBJECTIVES.index(name) if name in OBJECTIVES else len(OBJECTIVES)), name
