"""The contract in code: every file of a store, its columns and their types.

What each column means, its unit and its range stand where every client can read them: in the
``COMMENT ON`` lines of ``queries/tables/<name>.sql``. Writers and readers meet only here and in the
files.
"""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa

CONTRACT_VERSION: Final = 1

# Further settings of distillation have an objective of their own: distilled_<name>.
OBJECTIVES: Final = ("one_hot", "distilled")
SPLITS: Final = ("train", "test")
# Continuous outcomes of one model on one example; each has sums inside and outside the subset.
SIGNALS: Final = ("probability", "margin", "loss")
HALVES: Final = ("a", "b")

_EXAMPLE_SIZE: Final = [
    ("objective", pa.string()),
    ("size", pa.string()),
    ("size_rank", pa.int32()),
    ("example_id", pa.int64()),
]


def variant_objective(name: str) -> str:
    """The objective of the students of the distillation variant ``name``."""
    return f"{OBJECTIVES[1]}_{name}"


def is_objective(name: str) -> bool:
    """Whether ``name`` is one of ``OBJECTIVES`` or ``distilled_<name>``, name of [a-z0-9]+."""
    return name in OBJECTIVES or re.fullmatch(f"{OBJECTIVES[1]}_[a-z0-9]+", name) is not None


def objective_order(name: str) -> tuple[int, str]:
    """Sort key: ``OBJECTIVES`` in their order, then variants by name."""
    return (OBJECTIVES.index(name) if name in OBJECTIVES else len(OBJECTIVES)), name


def _signal_columns() -> list[tuple[str, pa.DataType]]:
    """Sums and sums of squares of each signal: overall, then over each half of the groups."""
    return [
        (f"{signal}_{side}_{moment}{half}", pa.float32())
        for half in ("", *(f"_{half}" for half in HALVES))
        for signal in SIGNALS
        for side in ("in", "out")
        for moment in ("sum", "sumsq")
    ]


def _interval(name: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.float64()), (f"{name}_low", pa.float64()), (f"{name}_high", pa.float64())]


EXAMPLES: Final = pa.schema(
    [
        ("example_id", pa.int64()),
        ("split", pa.string()),
        ("label", pa.int32()),
        ("clean_label", pa.int32()),
        ("kind", pa.string()),
        ("image", pa.binary()),
        ("source_id", pa.string()),
    ]
)

MODELS: Final = pa.schema(
    [
        ("model_id", pa.int64()),
        ("subset_id", pa.int32()),
        ("group_id", pa.int32()),
        ("half", pa.string()),
        ("family", pa.string()),
        ("size", pa.string()),
        ("size_rank", pa.int32()),
        ("parameters", pa.int64()),
        ("objective", pa.string()),
        ("teacher_model_id", pa.int64()),
        ("teacher_size", pa.string()),
        ("teacher_scope", pa.string()),
        ("temperature", pa.float64()),
        ("distillation_weight", pa.float64()),
        ("seed", pa.int64()),
        ("epochs", pa.int32()),
        ("accuracy_in", pa.float64()),
        ("accuracy_out", pa.float64()),
        ("accuracy_test", pa.float64()),
        ("train_seconds", pa.float64()),
        ("device", pa.string()),
        ("evaluation_mode", pa.string()),
        ("finished_at", pa.timestamp("us", tz="UTC")),
    ]
)

OUTCOMES: Final = pa.schema(
    [
        *_EXAMPLE_SIZE,
        ("split", pa.string()),
        ("label", pa.int32()),
        ("n_models", pa.int32()),
        ("trained", pa.binary()),
        ("in_train", pa.binary()),
        ("correct", pa.binary()),
        *_signal_columns(),
    ]
)

PROXIES: Final = pa.schema(
    [
        *_EXAMPLE_SIZE,
        ("proxy", pa.string()),
        *(
            column
            for half in ("", *(f"_{half}" for half in HALVES))
            for side in ("in", "out")
            for column in (
                (f"value_{side}{half}", pa.float32()),
                (f"n_{side}{half}", pa.int32()),
            )
        ),
    ]
)

INFLUENCE: Final = pa.schema(
    [
        ("train_id", pa.int64()),
        ("test_id", pa.int64()),
        ("objective", pa.string()),
        ("size", pa.string()),
        ("split", pa.string()),  # of test_id: test | train
        ("influence", pa.float64()),
        ("n_in", pa.int32()),
        ("n_out", pa.int32()),
        ("std_error", pa.float64()),
        ("q_value", pa.float64()),
    ]
)

# What a simulated store knows besides: truth.parquet, no public relation.
TRUTH: Final = pa.schema(
    [
        *_EXAMPLE_SIZE,
        ("p_in", pa.float64()),
        ("p_out", pa.float64()),
        ("shape", pa.string()),
    ]
)

# Computed by `build` in NumPy and SciPy from the tables above; one file each under derived/.
DERIVED: Final[dict[str, pa.Schema]] = {
    "trajectory_tests": pa.schema(
        [
            ("objective", pa.string()),
            ("example_id", pa.int64()),
            ("shape", pa.string()),
            ("direction", pa.string()),
            ("p_value", pa.float64()),
            ("q_value", pa.float64()),
            ("alpha", pa.float64()),
        ]
    ),
    "trajectory_shares": pa.schema(
        [
            ("objective", pa.string()),
            ("rule", pa.string()),  # shape | direction | threshold
            ("alpha", pa.float64()),
            ("category", pa.string()),
            *_interval("share"),
            ("noise_share", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
        ]
    ),
    "accuracy_intervals": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            *_interval("accuracy_in"),
            *_interval("accuracy_out"),
            *_interval("accuracy_test"),
            *_interval("memorization"),
            ("saturated", pa.bool_()),
            ("n_groups", pa.int32()),
        ]
    ),
    "bimodality": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
            *_interval("mean"),
            *_interval("polarisation"),
            *_interval("low_mass"),
            *_interval("high_mass"),
            *_interval("low_mass_plain"),
            *_interval("high_mass_plain"),
            *_interval("upper_mode_ratio"),
            *_interval("bimodality_coefficient"),
            *_interval("dip"),
            *_interval("dip_plain"),
        ]
    ),
    "memorization_density": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("bin_low", pa.float64()),
            ("bin_high", pa.float64()),
            *_interval("share"),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
        ]
    ),
    "proxy_correlations": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),  # NULL for changes
            ("size_rank", pa.int32()),
            ("quantity", pa.string()),  # level | change
            ("stratum", pa.string()),  # all | class: | direction: | shape: <name>
            ("proxy", pa.string()),
            ("method", pa.string()),  # pearson | spearman | kendall
            ("estimate", pa.float64()),
            ("ci_low", pa.float64()),
            ("ci_high", pa.float64()),
            ("reliability", pa.float64()),
            ("corrected_estimate", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
            ("n_splits", pa.int32()),
        ]
    ),
    "proxy_trends": pa.schema(
        [
            ("objective", pa.string()),
            ("proxy", pa.string()),
            *_interval("auc"),
            *_interval("level"),  # Spearman with the score, mean over sizes
            ("share_rising", pa.float64()),
            ("polarisation_first", pa.float64()),
            ("polarisation_last", pa.float64()),
            ("n_increasing", pa.int64()),
            ("n_groups", pa.int32()),
            ("verdict", pa.string()),
        ]
    ),
    "distillation_effects": pa.schema(
        [
            ("objective", pa.string()),  # distilled, or a named variant
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("teacher_size", pa.string()),
            ("teacher_scope", pa.string()),
            ("gap", pa.float64()),  # log of the teacher's parameters over the student's
            ("grouping", pa.string()),  # all | score | bin | shape
            ("category", pa.string()),
            ("selected_on", pa.string()),  # one_hot or objective; NULL where nothing is selected
            ("estimator", pa.string()),  # leave_one_group_out | naive | jackknife
            *_interval("change"),
            ("change_in", pa.float64()),
            ("change_out", pa.float64()),
            ("n_examples", pa.float64()),  # mean over folds
            ("n_groups", pa.int32()),
        ]
    ),
    "influence_summary": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("split", pa.string()),
            ("threshold", pa.float64()),
            ("same_class", pa.bool_()),
            ("n_models", pa.int32()),
            ("n_pairs", pa.int64()),
            ("n_above", pa.int64()),
            ("n_above_by_noise", pa.float64()),
            ("n_significant", pa.int64()),
            ("least_p_value", pa.float64()),
            ("jaccard", pa.float64()),
            ("n_train", pa.int64()),
            ("n_test", pa.int64()),
        ]
    ),
    "memorized_partners": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("threshold", pa.float64()),
            ("n_examples", pa.int64()),
            *_interval("n_memorized"),
            *_interval("n_memorized_noise_removed"),
            *_interval("share_with_partner"),
            ("n_groups", pa.int32()),
        ]
    ),
    "distillation_by_size": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("teacher_size", pa.string()),
            ("teacher_scope", pa.string()),
            ("temperature", pa.float64()),
            ("distillation_weight", pa.float64()),
            ("gap", pa.float64()),
            *_interval("change"),
            *_interval("change_in"),
            *_interval("change_out"),
            *_interval("accuracy_gain"),  # all test images, paired
            *_interval("agreement"),  # Pearson of both scores, opposite halves
            *_interval("agreement_corrected"),
            *_interval("inhibition"),  # share of their score that memorised examples lose
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
        ]
    ),
    "distillation_transitions": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),  # NULL for shapes
            ("size_rank", pa.int32()),
            ("grouping", pa.string()),  # score | shape
            ("category_one_hot", pa.string()),
            ("category_distilled", pa.string()),
            ("n_examples", pa.float64()),  # mean over both ways to assign the halves
            *_interval("share"),  # of the examples of category_one_hot
            ("share_unchanged", pa.float64()),  # the same from one_hot to one_hot
            ("n_groups", pa.int32()),
        ]
    ),
    "findings": pa.schema(
        [
            ("finding", pa.string()),
            ("row", pa.string()),  # 'headline' or the name of a condition, robustness row ...
            ("claim", pa.string()),
            ("verdict", pa.string()),
            ("provisional", pa.bool_()),
            ("estimate", pa.float64()),
            ("ci_low", pa.float64()),
            ("ci_high", pa.float64()),
            ("bound", pa.string()),  # the rule in words, for instance 'lower limit > 0.02'
            ("core", pa.bool_()),
            ("n_groups", pa.int32()),
            ("alpha", pa.float64()),
            ("sentence", pa.string()),
            ("query", pa.string()),
            ("version", pa.int32()),  # of findings.toml
        ]
    ),
    "reliability": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),  # NULL for the change from the first to the last size
            ("size_rank", pa.int32()),
            ("quantity", pa.string()),  # level | change | distillation
            ("signal", pa.string()),  # correctness | probability | margin | loss
            ("n_groups", pa.int32()),
            ("n_models", pa.int64()),
            ("correlation", pa.float64()),
            ("spread", pa.float64()),
            ("reliability", pa.float64()),
            ("std_error", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_splits", pa.int32()),
            ("split_seed", pa.int64()),
        ]
    ),
    "bimodality_trends": pa.schema(
        [
            ("objective", pa.string()),
            ("sizes", pa.string()),  # all | saturated
            ("statistic", pa.string()),  # a column of bimodality
            ("first", pa.float64()),
            ("last", pa.float64()),
            *_interval("change"),
            *_interval("slope"),
            ("n_sizes", pa.int32()),
            ("n_groups", pa.int32()),
        ]
    ),
    "beta_binomial": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
            *_interval("mean"),
            *_interval("precision"),
            ("u_shaped", pa.bool_()),
            *_interval("low_mean"),
            *_interval("low_precision"),
            *_interval("high_mean"),
            *_interval("high_precision"),
            *_interval("high_weight"),
            *_interval("bic_difference"),
            *_interval("ashman_d"),
        ]
    ),
    "proxy_retrieval": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("proxy", pa.string()),
            ("target", pa.string()),  # top 1 % | top 5 % | top 10 % | memorization >= .25 | >= .5
            ("selection", pa.string()),  # as many | top 1 % | top 5 % | top 10 %
            *_interval("precision"),
            *_interval("recall"),
            *_interval("lift"),
            ("score_precision", pa.float64()),
            ("n_target", pa.float64()),  # means over halves
            ("n_selected", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
            ("n_splits", pa.int32()),
        ]
    ),
    "proxy_polarisation": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("proxy", pa.string()),
            *_interval("polarisation"),
            ("n_groups", pa.int32()),
            ("n_splits", pa.int32()),
        ]
    ),
    "signal_agreement": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),  # NULL for changes
            ("size_rank", pa.int32()),
            ("quantity", pa.string()),  # level | change
            ("signal_a", pa.string()),
            ("signal_b", pa.string()),
            ("method", pa.string()),  # pearson | spearman
            ("estimate", pa.float64()),
            ("ci_low", pa.float64()),
            ("ci_high", pa.float64()),
            ("reliability", pa.float64()),
            ("corrected_estimate", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
            ("n_splits", pa.int32()),
        ]
    ),
    "kind_effects": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),  # NULL for shares of shapes
            ("size_rank", pa.int32()),
            ("kind", pa.string()),
            # memorization | accuracy_in | accuracy_out | distillation | share
            ("quantity", pa.string()),
            ("shape", pa.string()),  # NULL but for shares
            ("estimate", pa.float64()),
            ("ci_low", pa.float64()),
            ("ci_high", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
        ]
    ),
    "kind_retrieval": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            ("size_rank", pa.int32()),
            ("kind", pa.string()),
            ("proxy", pa.string()),  # 'memorization' is the score itself
            *_interval("auc"),
            *_interval("precision"),
            ("share", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_groups", pa.int32()),
        ]
    ),
    "controls": pa.schema(
        [
            ("control", pa.string()),  # exchanged_subsets
            ("finding", pa.string()),
            ("claim", pa.string()),
            ("verdict", pa.string()),
            ("estimate", pa.float64()),
            ("ci_low", pa.float64()),
            ("ci_high", pa.float64()),
            ("n_groups", pa.int32()),
            ("sentence", pa.string()),
            ("version", pa.int32()),  # of findings.toml
        ]
    ),
}

# File of each table, relative to the store.
TABLES: Final[dict[str, tuple[str, pa.Schema]]] = {
    "examples": ("examples.parquet", EXAMPLES),
    "models": ("models.parquet", MODELS),
    "outcomes": ("outcomes.parquet", OUTCOMES),
    "proxies": ("proxies.parquet", PROXIES),
    "influence": ("influence.parquet", INFLUENCE),
    **{name: (f"derived/{name}.parquet", schema) for name, schema in DERIVED.items()},
}
