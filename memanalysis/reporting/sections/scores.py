"""Distributions of scores at each size, and whether they part into two ends."""

from __future__ import annotations

from typing import Any

import polars as pl

from memanalysis import figures, wording
from memanalysis.figures import theme
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading


def section(reading: Reading) -> blocks.Section:
    """Return the section on the distribution of scores."""
    histogram = reading.table("memorization_histogram")
    title = "How the scores are distributed"
    if histogram.filter(pl.col("n_examples") > 0).is_empty():
        asks = "examples that some models trained on and some did not"
        return blocks.Section("scores", title, asks=asks)
    more: list[blocks.Block] = [*_noise_removed(reading)]
    if not reading.table("bimodality").is_empty():
        more += [_explanation(), reading.figure(figures.bimodality)]
        more += [*_trends(reading), *_clusters(reading)]
    fold = blocks.Fold(_result(reading), more) if more else None
    return blocks.Section("scores", title, [reading.figure(figures.memorization_histogram)], fold)


def _result(reading: Reading) -> str:
    """Result of the checks of the distribution, in words."""
    parts = []
    rows = (
        reading.table("bimodality")
        .filter(pl.col("objective") == reading.primary)
        .drop_nulls("polarisation")
        .sort("size_rank")
    )
    if not rows.is_empty():
        ends = [wording.number(rows["polarisation"][place], 2) for place in (0, -1)]
        goes = f"goes from {ends[0]} to {ends[1]}" if rows.height > 1 else f"is {ends[1]}"
        parts.append(f"without noise, polarisation {goes}")
    fits = reading.table("beta_binomial").filter(pl.col("objective") == reading.primary)
    one = sum(1 for row in fits.iter_rows(named=True) if _described(row) == "one continuum")
    if fits.height:
        parts.append(f"one continuum describes the scores best at {one} of {fits.height} sizes")
    return f"Checks: {'; '.join(parts) or 'noise removed'}"


def _noise_removed(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    if reading.table("memorization_density").filter(pl.col("objective") == objective).is_empty():
        return []
    return [reading.figure(figures.memorization_density, objective=objective)]


def _explanation() -> blocks.Text:
    return blocks.Text(
        "Do examples part into those that are not memorised at all and those that are memorised "
        "entirely? Then scores would gather at both ends. Polarisation measures how far they do: 0 "
        "where all examples have the same score, 1 where every score is 0 or 1. It is the variance "
        "of the scores, less the variance that a finite number of models adds, as a share of the "
        "largest possible for their mean."
    )


def _trends(reading: Reading) -> list[blocks.Block]:
    table = reading.table("bimodality_trends").drop_nulls("change")
    if table.is_empty():
        return []
    return [reading.figure(figures.bimodality_trends, objectives=theme.told_apart(table))]


def _clusters(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    errors = reading.table("held_out_errors").filter(
        pl.col("objective") == objective, pl.col("expected_one").is_not_null()
    )
    if errors.is_empty():
        return []
    return [
        blocks.Text(
            "Gathering at both ends does not make two kinds of examples: one continuum can be "
            "U-shaped, too. So two descriptions of the held-out error rates are compared: one Beta "
            "distribution, U-shaped or not, and a mixture of two with one peak each."
        ),
        reading.figure(figures.held_out_errors, objective=objective),
        _fits(reading, objective),
    ]


def _fits(reading: Reading, objective: str) -> blocks.Table:
    table = reading.table("beta_binomial").filter(pl.col("objective") == objective)
    return blocks.Table(
        title="Which description fits better",
        columns=(
            "size", "description", "ΔBIC", "95 % interval", "one: shape", "upper cluster: share",
            "its mean error rate", "Ashman’s D",
        ),
        rows=[_fit(row) for row in table.sort("size_rank").iter_rows(named=True)],
        numeric=(2, 5, 6, 7),
        caption="ΔBIC compares both fits, each charged for its number of parameters: above 0 two "
        "clusters describe the counts better, below 0 one continuum does; where its interval "
        "over groups of models includes 0 the counts do not tell. Ashman’s D above 2 says that two "
        "clusters, if there are two, are cleanly apart.",
    )  # fmt: skip


def _described(row: dict[str, Any]) -> str:
    """Description that fits better, where the interval tells."""
    low, high = row["bic_difference_low"], row["bic_difference_high"]
    if low is not None and low > 0:
        return "two clusters"
    return "one continuum" if high is not None and high < 0 else "not decided"


def _fit(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = row["bic_difference_low"], row["bic_difference_high"]
    shape = {True: "U-shaped", False: "not U-shaped", None: wording.NONE}[row["u_shaped"]]
    return (
        row["size"],
        _described(row),
        wording.number(row["bic_difference"], 1, signed=True),
        wording.interval(low, high, 1),
        shape,
        wording.percent(row["high_weight"]),
        wording.number(row["high_mean"], 2),
        wording.number(row["ashman_d"], 1),
    )
