"""Scores of every example: from the store, and from the same outcomes in other layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
from inputs import Bits, Scale, write_long, write_npz, write_store
from numpy.typing import NDArray
from rich.table import Table
from timing import paired_ratios, ratio_cells, ratio_table, size_of

from memanalysis.sql.connection import connect
from memanalysis.storage.parquet import blob_array

Scores = NDArray[np.float64]


def compare(folder: Path, scale: Scale) -> Table:
    """Ratios of scoring from the store to all others; all give the same scores."""
    store = write_store(folder / "store", scale)
    long, npz = folder / "long.parquet", folder / "npz"
    write_long(long, scale)
    write_npz(npz, scale)
    engine = connect(store, documented=False)

    def ours() -> Scores:  # rows come in the store's order: objective, size, example
        return column(engine, "select memorization from memorization")

    def whole() -> object:
        return engine.sql("from memorization").to_arrow_table()

    outcomes = pq.read_table(store.table_path("outcomes"), columns=["in_train", "correct"])
    packed = blob_array(outcomes["in_train"]), blob_array(outcomes["correct"])
    others: list[tuple[str, float | None, Path | None, Callable[[], Scores]]] = [
        ("published estimator, one npz per model", 20, npz, lambda: npz_scores(npz, scale)),
        ("long table, Polars", 10, long, lambda: polars_long(long)),
        ("long table, DuckDB", 10, long, lambda: duckdb_long(long)),
        ("NumPy popcount in memory: the floor", None, None, lambda: popcount(*packed, scale)),
    ]
    for name, _, _, run in others:
        assert np.allclose(run(), ours(), atol=1e-5), name
    title = f"scores from the store ({size_of(store.table_path('outcomes'))}), {scale}"
    table = ratio_table(title, "against", "on disk", "times faster", "range", "goal")
    for name, goal, path, run in others:
        median, spread = ratio_cells(paired_ratios(ours, run))
        disk = "" if path is None else size_of(path)
        table.add_row(name, disk, median, spread, "" if goal is None else f"{goal:g}")
    median, spread = ratio_cells(paired_ratios(ours, whole))
    table.add_row("the whole relation, with errors and intervals", "", median, spread, "")
    engine.close()
    return table


def column(engine: duckdb.DuckDBPyConnection, query: str) -> Scores:
    """The only column of a query's result."""
    return np.asarray(engine.sql(query).to_arrow_table().column(0).to_numpy())


def duckdb_long(path: Path) -> Scores:
    """Averages over a long table in DuckDB."""
    with duckdb.connect() as engine:
        return column(
            engine,
            f"""select avg(correct::int) filter (in_train) - avg(correct::int) filter (not in_train)
            from '{path}' group by condition, example_id order by condition, example_id""",
        )


def polars_long(path: Path) -> Scores:
    """Averages over a long table in Polars."""
    correct = pl.col("correct").cast(pl.Float64)
    inside = correct.filter(pl.col("in_train")).mean()
    outside = correct.filter(~pl.col("in_train")).mean()
    frame = pl.scan_parquet(path).group_by("condition", "example_id").agg(score=inside - outside)
    return frame.sort("condition", "example_id").collect()["score"].to_numpy()


def npz_scores(folder: Path, scale: Scale) -> Scores:
    """The published estimator, fed from one file per model."""
    found = []
    for condition in range(len(scale.conditions)):
        masks, correct = [], []
        for model in range(scale.models):
            with np.load(folder / str(condition) / f"{model}.npz") as file:
                masks.append(file["mask"])
                correct.append(file["correctness"])
        found.append(published(np.stack(masks), np.stack(correct)))
    return np.concatenate(found)


def published(masks: Bits, correct: Bits) -> Scores:
    """Masked averages over models, [models, examples] (google-research, heldout-influence)."""

    def average(mask: Bits) -> Scores:
        return (correct * mask).sum(axis=0) / np.maximum(mask.sum(axis=0), 1e-10)

    return np.asarray(average(masks) - average(~masks))


def popcount(in_train: NDArray[np.uint8], correct: NDArray[np.uint8], scale: Scale) -> Scores:
    """Bit counts over packed arrays that are in memory already, eight bytes at a time."""
    if in_train.shape[1] % 8 == 0:
        in_train, correct = in_train.view(np.uint64), correct.view(np.uint64)
    hits = np.bitwise_count(in_train & correct).sum(axis=1, dtype=np.int32)
    n_in = np.bitwise_count(in_train).sum(axis=1, dtype=np.int32)
    right = np.bitwise_count(correct).sum(axis=1, dtype=np.int32)
    return np.asarray(hits / n_in - (right - hits) / (scale.models - n_in))
