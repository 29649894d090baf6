"""Tables that hold what was trained and observed."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from memanalysis.storage.names import HALVES, SIGNALS

_EXAMPLE_SIZE: Final = [
    ("objective", pa.string()),
    ("size", pa.string()),
    ("size_rank", pa.int32()),
    ("example_id", pa.int64()),
]


def _signal_columns() -> list[tuple[str, pa.DataType]]:
    """Sum and sum of squares of each signal, and the sum over the first half of the groups.

    The sum over the other half is what is left, and the relation ``outcomes`` has it.
    """
    return [
        (f"{signal}_{side}_{column}", pa.float32())
        for signal in SIGNALS
        for side in ("in", "out")
        for column in ("sum", "sumsq", f"sum_{HALVES[0]}")
    ]


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

# What was recorded besides outcomes; a store from before has none of these four.
VOTES: Final = pa.schema(
    [
        *_EXAMPLE_SIZE,
        ("class", pa.int32()),
        ("n_in", pa.int32()),
        ("n_out", pa.int32()),
    ]
)

MARGINS: Final = pa.schema(
    [
        *_EXAMPLE_SIZE,
        ("margin_in_sumsq_a", pa.float32()),
        ("margin_out_sumsq_a", pa.float32()),
        ("margins", pa.binary()),
    ]
)

EPOCH_OUTCOMES: Final = pa.schema(
    [
        *_EXAMPLE_SIZE,
        ("epoch", pa.int32()),
        ("n_models", pa.int32()),
        ("trained", pa.binary()),
        ("correct", pa.binary()),
    ]
)

REPEATS: Final = pa.schema(
    [
        *_EXAMPLE_SIZE,
        ("n_models", pa.int32()),
        ("trained", pa.binary()),
        ("correct", pa.binary()),
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

# What people and other sources say of examples; no build makes it.
ANNOTATIONS: Final = pa.schema(
    [
        ("name", pa.string()),
        ("example_id", pa.int64()),
        ("value", pa.string()),
        ("number", pa.float64()),
    ]
)

# What tools of data attribution say of pairs; no build makes it.
ATTRIBUTIONS: Final = pa.schema(
    [
        ("name", pa.string()),
        ("test_id", pa.int64()),
        ("train_id", pa.int64()),
        ("score", pa.float64()),
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
