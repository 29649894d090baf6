"""How the scores are distributed at each size, and whether they part into two ends."""

from __future__ import annotations

from typing import Any

import polars as pl

from memanalysis import figures
from memanalysis.figures import theme
from memanalysis.reporting import blocks, wording
from memanalysis.reporting.context import Reading

_HISTOGRAM_SQL = """select objective, size, round(bin_low, 4) as bin_low,
    round(bin_high, 4) as bin_high, n_examples, share, density
from memorization_histogram
where bin_low >= (select min(bin_low) from memorization_histogram where n_examples > 0)
order by objective desc, size_rank, bin"""

_DENSITY_SQL = """select size, bin_low, bin_high, share, share_low, share_high, n_examples, n_groups
from memorization_density
where objective = '{objective}'
order by size_rank, bin_low"""

_BIMODALITY_SQL = """select * from bimodality
order by objective desc, size_rank"""

_TRENDS_SQL = """select objective, statistic, sizes, n_sizes, first, last, change, change_low,
    change_high, slope, slope_low, slope_high, n_groups
from bimodality_trends
order by statistic, objective desc, sizes"""

_ERRORS_SQL = """select size, bin_low, bin_high, n_examples, share, expected_one, expected_two
from held_out_errors
where objective = '{objective}'
order by size_rank, bin_low"""


def section(reading: Reading) -> blocks.Section:
    """Return the section on the distribution of scores."""
    content: list[blocks.Block] = []
    histogram = reading.table("memorization_histogram")
    if histogram.filter(pl.col("n_examples") > 0).is_empty():
        content.append(blocks.Note("No example was both trained on and held out: no scores."))
    else:
        content += [
            blocks.Text(
                "A score near 0 says that models treat the example alike whether they saw it or "
                "not; near 1, that they get it right only if they saw it. How many examples are "
                "where, and does that change with size?"
            ),
            _histogram(reading),
            *_noise_removed(reading),
        ]
    if reading.table("bimodality").is_empty():
        content.append(
            blocks.Note("No measures of bi-modality: they need at least two groups of models.")
        )
    else:
        content += [_explanation(), _bimodality(reading), *_trends(reading), *_clusters(reading)]
    return blocks.Section("scores", "How the scores are distributed", content)


def _histogram(reading: Reading) -> blocks.Figure:
    step = " Stepped lines are distilled training." if reading.students else ""
    return reading.figure(
        "memorization-histogram",
        figures.memorization_histogram(reading),
        _HISTOGRAM_SQL,
        "How many training examples have which memorisation score, one panel per size. A score is "
        "a difference of two shares of models, so only some values are possible; bins hold "
        f"equal numbers of them{_widths(reading)}, and the one at 0 is that of examples which "
        "being seen does not help. The square-root axis keeps small shares visible beside "
        f"that peak.{step}{_ends(reading)}{reading.stars()}",
    )


def _widths(reading: Reading) -> str:
    """How wide the bins are; those at either end reach beyond the last possible score."""
    table = reading.table("memorization_histogram")
    wide = (table["bin_high"] - table["bin_low"]).drop_nulls()
    if wide.is_empty():
        return ""
    width = wording.number(float(wide.to_numpy().max()), 3)
    return f" and are {width} wide, less at the ends, where a bar is as high as it is dense"


def _ends(reading: Reading) -> str:
    """How many examples lie at either end at the largest size, in words."""
    table = reading.table("bimodality").filter(pl.col("objective") == reading.primary)
    known = table.drop_nulls(["low_mass_plain", "high_mass_plain"]).sort("size_rank")
    if known.is_empty():
        return ""
    last = known.row(-1, named=True)
    return (
        f" At {last['size']}, with {wording.objective(reading.primary)}, "
        f"{wording.percent(last['low_mass_plain'])} of the examples have a score of at most 0.1 "
        f"and {wording.percent(last['high_mass_plain'])} one of at least 0.9."
    )


def _noise_removed(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    if reading.table("memorization_density").filter(pl.col("objective") == objective).is_empty():
        return []
    return [
        reading.figure(
            "memorization-density",
            figures.memorization_density(reading, objective),
            _DENSITY_SQL.format(objective=objective),
            "A score from a finite number of models is the true one plus noise, which spreads "
            "every peak to both sides. Bars: scores as estimated, as above. Line: the distribution "
            "of true scores that explains the counts best, noise removed; the band is its 95 % "
            "interval over groups of models. The fit is kept smooth on purpose, so features "
            "narrower than about 0.1 are not to be read."
            f"{reading.stars(objective)}",
            (objective,),
        )
    ]


def _explanation() -> blocks.Text:
    return blocks.Text(
        "Do examples part into those that are not memorised at all and those that are memorised "
        "entirely? Then scores would gather at both ends. Polarisation measures how far they do: 0 "
        "where all examples have the same score, 1 where every score is 0 or 1. It is the variance "
        "of the scores, less the variance that a finite number of models adds, as a share of the "
        "largest possible for their mean."
    )


def _bimodality(reading: Reading) -> blocks.Figure:
    return reading.figure(
        "bimodality",
        figures.bimodality(reading),
        _BIMODALITY_SQL,
        "Polarisation; the shares of examples at either end; the upper-mode ratio, "
        "share(0.9, 1] over share(0.7, 0.8], above 1 where the upper end is a peak of its own, "
        "absent where next to no score lies there; "
        "Hartigan’s dip, the distance to the nearest distribution with one peak; Sarle’s "
        "coefficient, which skewness alone lifts and which is here to compare with other work. "
        "Filled points and solid lines have the noise of a finite number of models removed; hollow "
        "points and dashed lines are plain. Upright lines are 95 % intervals over groups of models."
        f"{reading.stars()}",
    )


def _trends(reading: Reading) -> list[blocks.Block]:
    table = reading.table("bimodality_trends").drop_nulls("change")
    if table.is_empty():
        return []
    without = (
        ""
        if (table["sizes"] == "saturated").any()
        else " Fewer than two sizes are saturated here, so that comparison is not possible."
    )
    return [
        reading.figure(
            "bimodality-trends",
            figures.bimodality_trends(reading),
            _TRENDS_SQL,
            "Each measure at the largest size minus the smallest, noise removed, with 95 % "
            "intervals over groups of models: right of the upright line it grows with size. A "
            "small model that cannot fit an example cannot memorise it either, so growth over all "
            "sizes may only say that larger models fit more; among saturated sizes (mean p_in of "
            f"at least 0.99) that explanation is gone.{without} A measure that is absent at an end "
            f"has no row.{_rise(reading, table)}",
            theme.told_apart(table),
        )
    ]


def _rise(reading: Reading, table: pl.DataFrame) -> str:
    """The rise of polarisation over all sizes and among saturated ones, in words."""
    rows = table.filter(
        pl.col("statistic") == "polarisation", pl.col("objective") == reading.primary
    )
    found = {row["sizes"]: row for row in rows.iter_rows(named=True)}
    if "all" not in found:
        return ""
    text = f" Polarisation with {wording.objective(reading.primary)} changes by "
    text += _change(found["all"]) + " over all sizes"
    if "saturated" in found:
        text += f" and by {_change(found['saturated'])} among the saturated ones"
    return text + "."


def _change(row: dict[str, Any]) -> str:
    interval = wording.interval(row["change_low"], row["change_high"], 2)
    return f"{wording.number(row['change'], 2, signed=True)} ({interval})"


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
        reading.figure(
            "held-out-errors",
            figures.held_out_errors(reading, objective),
            _ERRORS_SQL.format(objective=objective),
            "Share of training examples by the share of models that get them wrong when held out "
            "(bars), with what one Beta distribution of true error rates expects (solid) and what "
            "two expect (dashed), binomial noise included. Where models fit all they are shown, "
            "the held-out error rate is the memorisation score."
            f"{reading.stars(objective)}",
            (objective,),
        ),
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


def _fit(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = row["bic_difference_low"], row["bic_difference_high"]
    description = "not decided"
    if low is not None and low > 0:
        description = "two clusters"
    if high is not None and high < 0:
        description = "one continuum"
    shape = {True: "U-shaped", False: "not U-shaped", None: wording.NONE}[row["u_shaped"]]
    return (
        row["size"],
        description,
        wording.number(row["bic_difference"], 1, signed=True),
        wording.interval(low, high, 1),
        shape,
        wording.percent(row["high_weight"]),
        wording.number(row["high_mean"], 2),
        wording.number(row["ashman_d"], 1),
    )
