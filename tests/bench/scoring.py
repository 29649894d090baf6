"""Ratios against named alternatives, measured side by side in one run.

Each pair runs in turn, A B A B ..., after a warm-up of both; the median of the pairwise ratios is
printed with its range. Absolute times are of this machine and mean little.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

N_EXAMPLES, N_MODELS, ROUNDS = 50_000, 400, 5

Bits = NDArray[np.bool_]


def main() -> None:
    """Run every comparison and print one table."""
    table = Table(title=f"scoring {N_EXAMPLES:,} examples × {N_MODELS} models, one size", width=80)
    for column in ("ours", "against", "times faster", "range"):
        table.add_column(column)
    with tempfile.TemporaryDirectory() as folder:
        for ours, other, ratios in scoring(Path(folder)):
            spread = f"{min(ratios):.1f}–{max(ratios):.1f}"
            table.add_row(ours, other, f"{statistics.median(ratios):.1f}", spread)
    Console().print(table)


def scoring(folder: Path) -> list[tuple[str, str, list[float]]]:
    """The packed estimator from Parquet against the same outcomes in other layouts."""
    generator = np.random.default_rng(0)
    in_train = generator.random((N_MODELS, N_EXAMPLES)) < 0.7
    correct = generator.random((N_MODELS, N_EXAMPLES)) < np.where(in_train, 0.95, 0.8)
    packed, long, npz = folder / "packed.parquet", folder / "long.parquet", folder / "npz"
    write_packed(packed, in_train, correct)
    write_long(long, in_train, correct)
    write_npz(npz, in_train, correct)
    expected = numpy_scores(in_train, correct)
    for scores in (duckdb_packed(packed), duckdb_long(long), polars_long(long), npz_scores(npz)):
        assert np.allclose(scores, expected, atol=1e-6)
    ours = "packed bits, DuckDB"
    floor = (np.packbits(in_train.T, axis=1), np.packbits(correct.T, axis=1))
    alternatives: list[tuple[str, Callable[[], object]]] = [
        ("long table, DuckDB", lambda: duckdb_long(long)),
        ("long table, Polars", lambda: polars_long(long)),
        ("one npz per model, NumPy", lambda: npz_scores(npz)),
        ("NumPy popcount in memory (the floor)", lambda: popcount(*floor)),
    ]
    return [
        (ours, name, paired_ratios(lambda: duckdb_packed(packed), run))
        for name, run in alternatives
    ]


def paired_ratios(ours: Callable[[], object], other: Callable[[], object]) -> list[float]:
    """How many times longer ``other`` takes than ``ours``, pair by pair."""
    ours(), other()
    return [seconds(other) / seconds(ours) for _ in range(ROUNDS)]


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def write_packed(path: Path, in_train: Bits, correct: Bits) -> None:
    """One row per example, two BLOBs: the store's layout."""
    columns = {"in_train": in_train, "correct": correct}
    blobs = {k: [row.tobytes() for row in np.packbits(v.T, axis=1)] for k, v in columns.items()}
    pq.write_table(pa.table({"example_id": np.arange(N_EXAMPLES), **blobs}), path)


def write_long(path: Path, in_train: Bits, correct: Bits) -> None:
    """One row per model and example."""
    rows = {
        "model_id": np.repeat(np.arange(N_MODELS, dtype=np.int32), N_EXAMPLES),
        "example_id": np.tile(np.arange(N_EXAMPLES, dtype=np.int32), N_MODELS),
        "in_train": in_train.ravel(),
        "correct": correct.ravel(),
    }
    pq.write_table(pa.table(rows), path)


def write_npz(folder: Path, in_train: Bits, correct: Bits) -> None:
    """One file per model, as the published demonstration writes them."""
    folder.mkdir()
    for model in range(N_MODELS):
        np.savez(folder / f"{model}.npz", mask=in_train[model], correctness=correct[model])


def duckdb_packed(path: Path) -> NDArray[np.float64]:
    """The store's estimator."""
    query = f"""
        select bit_count(i & c) / bit_count(i)
            - (bit_count(c) - bit_count(i & c)) / ({N_MODELS} - bit_count(i))
        from (select example_id, in_train::bit as i, correct::bit as c from '{path}')
        order by example_id"""
    return column(query)


def duckdb_long(path: Path) -> NDArray[np.float64]:
    """Averages over a long table in DuckDB."""
    return column(
        f"""select avg(correct::int) filter (in_train) - avg(correct::int) filter (not in_train)
        from '{path}' group by example_id order by example_id"""
    )


def column(query: str) -> NDArray[np.float64]:
    """The only column of a query's result."""
    with duckdb.connect() as connection:
        return connection.sql(query).to_arrow_table().column(0).to_numpy()


def polars_long(path: Path) -> NDArray[np.float64]:
    """Averages over a long table in Polars."""
    correct = pl.col("correct").cast(pl.Float64)
    inside = correct.filter(pl.col("in_train")).mean()
    outside = correct.filter(~pl.col("in_train")).mean()
    frame = pl.scan_parquet(path).group_by("example_id").agg(score=inside - outside)
    return frame.sort("example_id").collect()["score"].to_numpy()


def npz_scores(folder: Path) -> NDArray[np.float64]:
    """The published estimator (google-research/heldout-influence-estimation), fed from files."""
    files = [np.load(folder / f"{model}.npz") for model in range(N_MODELS)]
    masks = np.stack([file["mask"] for file in files])
    return numpy_scores(masks, np.stack([file["correctness"] for file in files]))


def numpy_scores(in_train: Bits, correct: Bits) -> NDArray[np.float64]:
    """Masked averages over models."""
    inside = (in_train & correct).sum(axis=0) / in_train.sum(axis=0)
    return inside - (~in_train & correct).sum(axis=0) / (~in_train).sum(axis=0)


def popcount(in_train: NDArray[np.uint8], correct: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Bit counts over packed arrays that are in memory already."""
    hits = np.bitwise_count(in_train & correct).sum(axis=1)
    n_in = np.bitwise_count(in_train).sum(axis=1)
    return hits / n_in - (np.bitwise_count(correct).sum(axis=1) - hits) / (N_MODELS - n_in)


if __name__ == "__main__":
    main()
