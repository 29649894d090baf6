"""The most memorised examples of each class."""

from __future__ import annotations

import polars as pl

from memanalysis import figures, wording
from memanalysis.figures import theme
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.tiles import Tiles

_MOST_SQL = """select m.label, rank, m.example_id, clean_label, kind, size, memorization, ci_low,
    ci_high, accuracy_in, accuracy_out, n_in, n_out
from most_memorized as m
left join examples as e using (example_id)
where objective = '{objective}'
order by m.label, rank"""

_PER_CLASS = 6
_CLASSES = 20
_KNOWN = (
    "Where it is known, the label before it was changed and the kind of the example stand below. "
)


def section(reading: Reading) -> blocks.Section:
    """Return the section on the most memorised examples, class by class."""
    objective = reading.primary
    title = "Class by class"
    table = reading.table("most_memorized").filter(
        pl.col("objective") == objective, pl.col("rank") <= _PER_CLASS
    )
    if table.is_empty():
        asks = "examples that some models trained on and some did not"
        return blocks.Section("examples", title, asks=asks)
    content = [reading.figure(figures.memorization_by_class, objective=objective)]
    fold = blocks.Fold(_summary(reading), [*content, _gallery(reading, table)])
    return blocks.Section("examples", title, fold=fold)


def _summary(reading: Reading) -> str:
    """The classes with the highest and the lowest mean score, in words."""
    classes = (
        reading.table("memorization_by_class")
        .filter(pl.col("objective") == reading.primary)
        .drop_nulls("memorization")
        .sort("size_rank", "memorization", descending=True, maintain_order=True)
    )
    if classes["label"].n_unique() < 2:
        return f"The {reading.things} with the highest scores"
    size = classes["size"][0]
    there = classes.filter(pl.col("size") == size)
    most, least = there.row(0, named=True), there.row(-1, named=True)
    return (
        f"At {reading.spoken.get(size, size)}, {reading.class_name(most['label'])} has the highest "
        f"mean score ({wording.number(most['memorization'], 2)}) and "
        f"{reading.class_name(least['label'])} the lowest "
        f"({wording.number(least['memorization'], 2)}); the most memorised {reading.things} of "
        "each class"
    )


def _kinds_known(reading: Reading) -> bool:
    return not reading.table("examples")["kind"].drop_nulls().is_empty()


def _gallery(reading: Reading, table: pl.DataFrame) -> blocks.Gallery:
    objective = reading.primary
    size = theme.in_order(table)[-1]
    first = table.filter(pl.col("rank") == 1)
    fewer = ""
    if first.height > _CLASSES:
        chosen = first.sort("memorization", "label", descending=[True, False]).head(_CLASSES)
        table = table.join(chosen.select("label"), on="label", how="semi")
        fewer = f" Of the {first.height} classes, the {_CLASSES} with the highest scores are shown."
    return blocks.Gallery(
        name="most-memorized",
        title=f"Highest scores of each class at {reading.spoken.get(size, size)}",
        caption="A high score says that models get the example right only when they trained on it: "
        "a rare case, an ambiguous one or a wrong label. "
        f"{_KNOWN if _kinds_known(reading) else ''}"
        "Chosen on the models that are shown, so the scores look higher than they "
        f"are; of equal scores the lowest numbers are shown.{fewer}",
        conditions=reading.conditions(objective),
        rows=_rows(reading, table),
        sql=_MOST_SQL.format(objective=objective),
    )


def _rows(reading: Reading, table: pl.DataFrame) -> list[blocks.Row]:
    tiles = Tiles(reading)
    rows = []
    for part in table.sort("label", "rank").partition_by("label", maintain_order=True):
        shown = [
            tiles.train(row["example_id"], wording.number(row["memorization"], 2), labelled=False)
            for row in part.iter_rows(named=True)
        ]
        highest = wording.number(part["memorization"][0], 2)
        rows.append(blocks.Row(reading.class_name(part["label"][0]), f"up to {highest}", shown))
    return rows
