"""How the scores are distributed at each size: histograms and measures of bi-modality."""

from __future__ import annotations

import polars as pl

from memanalysis import charts
from memanalysis.report import blocks
from memanalysis.report.reading import Reading

_HISTOGRAM_SQL = """select objective, size, floor(bin_low * 10 + 1e-6) / 10 as bin_low,
    sum(n_examples) as n_examples, sum(share) as share
from memorization_histogram
group by objective, size, size_rank, floor(bin_low * 10 + 1e-6)
having sum(n_examples) > 0
order by objective desc, size_rank, bin_low"""

_BIMODALITY_SQL = """select * from bimodality
order by objective desc, size_rank"""


def section(reading: Reading) -> blocks.Section:
    """Return the section on the distribution of scores."""
    content: list[blocks.Block] = []
    histogram = reading.table("memorization_histogram")
    if histogram.filter(pl.col("n_examples") > 0).is_empty():
        content.append(blocks.Note("No example was both trained on and held out: no scores."))
    else:
        content.append(_histogram(reading))
    if reading.table("bimodality").is_empty():
        content.append(
            blocks.Note("No measures of bi-modality: they need at least two groups of models.")
        )
    else:
        content += [_explanation(), _bimodality(reading)]
    return blocks.Section("scores", "How the scores are distributed", content)


def _histogram(reading: Reading) -> blocks.Figure:
    step = " The stepped line is distilled training." if reading.distilled else ""
    return reading.figure(
        "memorization-histogram",
        charts.memorization_histogram(reading),
        _HISTOGRAM_SQL,
        "Share of training examples by memorisation score in bins of .1, one panel per size. The "
        "score is a multiple of 1 over the models that hold an example out, so with few of them "
        "bins hold unequal numbers of possible values. The square-root "
        f"axis keeps small shares visible beside the peak at zero.{step} Scores carry the noise "
        "of a finite number of models, which alone spreads them to both sides of their true value.",
    )


def _explanation() -> blocks.Text:
    return blocks.Text(
        "Bi-modal would mean that scores gather at both ends. Polarisation says how far: 0 where "
        "all examples have the same score, 1 where every score is 0 or 1. It is the variance of "
        "the scores, less the variance that a finite number of models adds, as a share of the "
        "largest possible for their mean."
    )


def _bimodality(reading: Reading) -> blocks.Figure:
    return reading.figure(
        "bimodality",
        charts.bimodality(reading),
        _BIMODALITY_SQL,
        "Polarisation, the shares of examples at either end, and the upper-mode ratio: "
        "share(.9, 1] over share(.7, .8], above 1 where the upper end is a mode of its own. "
        "Filled points and solid lines have the noise of a finite number of models removed; hollow "
        "points and dashed lines are plain. 95 % intervals resample groups of models.",
    )
