"""Tables of a study as LaTeX: findings, accuracy by size, shares of trajectories."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from memanalysis.errors import QueryError
from memanalysis.exporting.print_tables import latex
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading

_ACCURACY = ("objective", "size", "parameters", "n_models", "accuracy_in", "accuracy_out",
             "memorization", "accuracy_test")  # fmt: skip


def tables(reading: Reading) -> Iterator[blocks.Block]:
    """Each table that has rows, as a snippet to copy."""
    frames = (
        ("findings", "Table of the findings in LaTeX", _findings(reading), None),
        ("accuracy", "Table of accuracy and memorisation in LaTeX", _accuracy(reading), _ACCURACY),
        ("trajectories", "Table of trajectory shares in LaTeX", _shares(reading), None),
    )
    for name, title, frame, columns in frames:
        if frame.is_empty():
            continue
        try:
            text = latex(frame, columns, note=f"study {reading.manifest.study}")
        except QueryError as error:  # too many sizes for a printed table
            yield blocks.Note(f"{title}: {error}")
            continue
        yield blocks.Snippet(
            name=f"latex-{name}",
            title=title,
            text=text.rstrip("\n"),
            language="latex",
            caption="Needs the package booktabs; brackets are 95 % intervals.",
        )


def _findings(reading: Reading) -> pl.DataFrame:
    found = reading.table("findings").filter(pl.col("row") == "headline")
    provisional = pl.when("provisional").then(pl.lit(" (provisional)")).otherwise(pl.lit(""))
    return found.select(
        pl.col("finding").str.replace_all("_", " "),
        (pl.col("verdict").fill_null("undetermined") + provisional).alias("verdict"),
        "estimate", "ci_low", "ci_high", pl.col("n_groups").alias("groups"),
    )  # fmt: skip


def _accuracy(reading: Reading) -> pl.DataFrame:
    table = reading.table("accuracy").sort(
        pl.col("objective") != "one_hot", "objective", "size_rank"
    )
    return table.with_columns(pl.col("objective").str.replace_all("_", "-"))


def _shares(reading: Reading) -> pl.DataFrame:
    own = pl.col("objective").replace_strict(reading.alphas, default=None, return_dtype=pl.Float64)
    return (
        reading.table("trajectory_shares")
        .filter(pl.col("rule") == "shape", pl.col("alpha").eq_missing(own))
        .select(
            pl.col("objective").str.replace_all("_", "-"),
            *("category", "share", "share_low", "share_high", "noise_share", "n_examples"),
        )
    )
