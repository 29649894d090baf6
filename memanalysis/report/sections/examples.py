"""The most memorised examples of each class."""

from __future__ import annotations

import polars as pl

from memanalysis import charts
from memanalysis.charts import theme
from memanalysis.report import blocks, wording
from memanalysis.report.reading import Reading
from memanalysis.report.sections.trajectories import example_images, tile

_CLASS_SQL = """select class_name, size, n_examples, memorization, accuracy_in, accuracy_out
from memorization_by_class
where objective = '{objective}'
order by label, size_rank"""

_MOST_SQL = """select label, rank, example_id, size, memorization, ci_low, ci_high,
    accuracy_in, accuracy_out, n_in, n_out
from most_memorized
where objective = '{objective}'
order by label, rank"""

_PER_CLASS = 8
_MOST_CLASSES = 24


def section(reading: Reading) -> blocks.Section:
    """Return the section on the most memorised examples."""
    objective = reading.primary
    table = reading.table("most_memorized").filter(
        pl.col("objective") == objective, pl.col("rank") <= _PER_CLASS
    )
    content: list[blocks.Block]
    if table.is_empty():
        content = [blocks.Note("No example was both trained on and held out: no scores.")]
    else:
        content = [
            reading.figure(
                "memorization-by-class",
                charts.memorization_by_class(reading, objective),
                _CLASS_SQL.format(objective=objective),
                "Mean memorisation of each class, one point per size; the line joins its extremes.",
                (objective,),
            ),
            _gallery(reading, _highest_classes(table)),
        ]
        if reading.table("examples").filter(pl.col("image").is_not_null()).is_empty():
            content.append(blocks.Note("This store keeps no images, so examples show as numbers."))
    return blocks.Section("examples", "The most memorised examples", content)


def _gallery(reading: Reading, table: pl.DataFrame) -> blocks.Gallery:
    objective = reading.primary
    size = theme.in_order(table)[-1]
    return blocks.Gallery(
        name="most-memorized",
        title=f"Highest scores of {_which(reading, table)} at {size}",
        caption="A high score says that models get the example right only when they trained on it: "
        "a rare case, an ambiguous one or a wrong label. The score does not tell these apart. "
        "Chosen on the models that are shown, so the scores look higher than they are.",
        conditions=reading.conditions(objective),
        rows=_rows(reading, table),
        sql=_MOST_SQL.format(objective=objective),
    )


def _highest_classes(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the classes with the highest scores, all of them where there are few."""
    highest = table.group_by("label").agg(pl.col("memorization").max())
    kept = highest.sort("memorization", "label", descending=[True, False]).head(_MOST_CLASSES)
    return table.join(kept, on="label", how="semi", nulls_equal=True)


def _which(reading: Reading, table: pl.DataFrame) -> str:
    shown, there = table["label"].n_unique(), len(reading.manifest.class_names)
    if shown < _MOST_CLASSES or there <= shown:
        return "each class"
    return f"{shown} classes of {wording.count(there)}, those with the highest scores,"


def _rows(reading: Reading, table: pl.DataFrame) -> list[blocks.Row]:
    images = example_images(reading)
    rows = []
    for part in table.sort("label", "rank").partition_by("label", maintain_order=True):
        tiles = [
            tile(reading, images, row, [row["memorization"]], "ink")
            for row in part.iter_rows(named=True)
        ]
        highest = wording.number(part["memorization"][0], 2)
        rows.append(blocks.Row(reading.class_name(part["label"][0]), f"up to {highest}", tiles))
    return rows
