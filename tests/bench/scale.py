"""Growth of time and memory: the relation, and what is computed from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inputs import Scale, write_large_store
from rich.table import Table
from timing import MOST_MEMORY, apart, exponent, ratio_table

# The whole relation is computed: its sums need every column of every row.
_RELATION = """
from memanalysis.sql.connection import connect
from memanalysis.storage.store import Store
engine = connect(Store.open(arguments[0]), documented=False)
query = "select count(memorization), sum(std_error), sum(ci_low), sum(ci_high) from memorization"
start = time.perf_counter()
engine.sql(query).fetchall()
took = time.perf_counter() - start
"""
_DERIVE = """
from memanalysis.relations import derive
from memanalysis.storage.store import Store
store = Store.open(arguments[0])
start = time.perf_counter()
derive(store)
took = time.perf_counter() - start
"""


def growth(folder: Path, largest: Scale) -> Table:
    """Seconds and peak memory of ``memorization`` over a decade of examples and of models."""
    steps = (0.1, 10**-0.5, 1.0)
    table = ratio_table(
        "the relation memorization, every column; a process of its own",
        "examples", "models", "seconds", "peak GiB",
    )  # fmt: skip
    times: dict[Scale, float] = {}
    by_examples = [replace(largest, examples=round(largest.examples * step)) for step in steps]
    by_models = [replace(largest, models=10 * round(largest.models * step / 10)) for step in steps]
    for scale in dict.fromkeys((*by_examples, *by_models)):
        store = write_large_store(folder / f"{scale.examples}x{scale.models}", scale)
        runs = [apart(_RELATION, str(store.path)) for _ in range(2)]
        times[scale] = min(took for took, _ in runs)
        peak = max(peak for _, peak in runs)
        assert peak * 2**30 < MOST_MEMORY
        table.add_row(
            f"{scale.examples:,}", f"{scale.models:,}", f"{times[scale]:.2f}", f"{peak:.2f}"
        )
        store.table_path("outcomes").unlink()
    exponents = [
        exponent([scale.examples for scale in by_examples], [times[s] for s in by_examples]),
        exponent([scale.models for scale in by_models], [times[s] for s in by_models]),
    ]
    table.caption = (
        f"time grows with examples to the power {exponents[0]:.2f}, with models {exponents[1]:.2f}"
    )
    return table


def deriving(folder: Path, scales: list[Scale]) -> Table:
    """Seconds and peak memory of ``derive``: every test, resampling and finding."""
    table = ratio_table(
        "derive; a process of its own", "examples", "conditions", "models", "seconds", "peak GiB"
    )
    for scale in scales:
        store = write_large_store(folder / f"derive{scale.examples}x{scale.models}", scale)
        took, peak = apart(_DERIVE, str(store.path))
        table.add_row(
            f"{scale.examples:,}", str(len(scale.conditions)), f"{scale.models:,}",
            f"{took:.1f}", f"{peak:.2f}",
        )  # fmt: skip
    return table
