"""Whom each example helps and who helps it: the strongest pairs of ``influence``."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from memanalysis.reporting.context import Reading
from memanalysis.reporting.explorer.numbers import Numbers
from memanalysis.reporting.explorer.payload import Column, quantised, whole

# Of each training example; a pair that stands out in several conditions counts once.
_MOST: Final = 6
# Pairs altogether; the strongest are kept.
_MOST_PAIRS: Final = 60_000

_SQL: Final = f"""with
pairs as (
    select
        train_id,
        test_id,
        max(split) as split,
        max(influence) as influence,
        arg_max(std_error, influence) as std_error,
        arg_max(objective, influence) as objective,
        arg_max(size, influence) as size,
        count(*) as n_conditions
    from influence
    where influence > 0
    group by train_id, test_id
    qualify row_number() over (partition by train_id order by max(influence) desc, test_id)
        <= {_MOST}
),
labels as (
    select example_id as test_id, label from examples
)
select pairs.*, labels.label
from pairs
left join labels using (test_id)
order by influence desc, train_id, test_id
limit {_MOST_PAIRS}"""


def read(reading: Reading) -> pl.DataFrame:
    """Pairs, strongest first: train_id, test_id, split, influence, std_error, where, label.

    A pair that stands out in several conditions shows the one with the largest influence.
    """
    return reading.study.sql(_SQL)


def columns(pairs: pl.DataFrame, numbers: Numbers) -> list[Column]:
    """The pairs as columns [pairs] of the page; ``partner_test`` is 1 for test examples."""
    if pairs.is_empty():
        return []
    error = pairs["std_error"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    labels = pairs["label"].fill_null(-1).to_numpy()
    return [
        whole("pair_train", pairs["train_id"].to_numpy()),
        whole("pair_partner", pairs["test_id"].to_numpy()),
        whole("pair_test", (pairs["split"] == "test").cast(pl.UInt8).to_numpy()),
        whole("pair_label", labels, null=-1),
        quantised("pair_influence", pairs["influence"].to_numpy()),
        quantised("pair_se", error),
        _place("pair_objective", pairs["objective"], numbers.objectives),
        _place("pair_size", pairs["size"], numbers.sizes),
        whole("pair_conditions", pairs["n_conditions"].to_numpy()),
    ]


def _place(name: str, values: pl.Series, order: list[str]) -> Column:
    places = {value: place for place, value in enumerate(order)}
    codes = values.replace_strict(places, default=len(order), return_dtype=pl.Int64)
    return whole(name, codes.to_numpy(), null=len(order))


def ids(pairs: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Every example of a pair once, those of the strongest pairs first."""
    both = pairs.select(pl.concat_list("train_id", "test_id").alias("id")).explode("id")
    return both["id"].unique(maintain_order=True).cast(pl.Int64).to_numpy()
