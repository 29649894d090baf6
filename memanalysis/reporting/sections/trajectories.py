"""Trajectories of single examples: shares, mean curves, the examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from memanalysis import figures, numbers, wording
from memanalysis.figures import theme
from memanalysis.figures.trajectories import IN_WORDS
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.tiles import Tiles

_EXAMPLES_SQL = """select shape, rank, example_id, label, size, memorization, ci_low, ci_high,
    accuracy_in, accuracy_out
from strongest_examples
where objective = '{objective}'
order by shape, rank, size_rank"""

_BY_CLASS_SQL = """select label, class_name, shape, rank, example_id, size, memorization,
    accuracy_in, accuracy_out, n_moving
from strongest_examples_by_class
where objective = '{objective}'
order by label, shape, rank, size_rank"""

_MEANING: Final = {
    "increasing": "memorised more by larger models",
    "decreasing": "memorised less by larger models",
    "cap": "memorised most by a size in between",
    "u": "memorised least by a size in between",
    "mixed": "several turns",
    "fixed": "the same within α at all sizes",
}
_PER_ROW: Final = 8
_SHOWN: Final = [shape for shape in theme.SHAPES if shape != "undetermined"]


def section(reading: Reading) -> blocks.Section:
    """Return the section on trajectories."""
    title = "Who rises, who stays, who falls"
    if len(reading.sizes) < 2:
        return blocks.Section("trajectories", title, asks="models of at least two sizes")
    if reading.table("trajectory_shares").is_empty():
        asks = "more models: each example trained on and held out several times at each size"
        return blocks.Section("trajectories", title, asks=asks)
    content: list[blocks.Block] = [
        _explanation(reading),
        reading.figure(
            figures.trajectory_shares,
            objectives=theme.told_apart(reading.table("trajectory_shares")),
        ),
        *_images(reading),
    ]
    more = [
        reading.figure(figures.trajectory_sweep, objective=reading.primary),
        *_curves(reading),
        *_by_class(reading),
    ]
    return blocks.Section("trajectories", title, content, blocks.Fold(_summary(reading), more))


def _summary(reading: Reading) -> str:
    """Contents of the fold, and the outcome for other α."""
    rows = reading.table("trajectory_shares").filter(
        pl.col("objective") == reading.primary,
        pl.col("rule") == "shape",
        pl.col("category") == "increasing",
    )
    shares = sorted(share for share in rows["share"].to_list() if share is not None)
    if not shares:
        return "Checks: other α, the rates behind the curves, class by class"
    reach = " to ".join(dict.fromkeys(numbers.percent(s) for s in (shares[0], shares[-1])))
    return (
        f"Checks: with other α, {reach} of the {reading.things} rise; the rates behind the "
        "curves; class by class"
    )


def _explanation(reading: Reading) -> blocks.Text:
    alphas = set(reading.alphas.values())
    here = f" (here {alphas.pop():g})" if len(alphas) == 1 else ""
    return blocks.Text(
        "An example’s trajectory is its score at every size. It rises or falls if the change is "
        f"significant and at least α{here}; a cap is memorised most by a size in between, a u "
        "least; it is fixed if all sizes are equal within α. “Undetermined” says that there are "
        "too few models to tell, not that nothing happens."
    )


def _curves(reading: Reading) -> list[blocks.Block]:
    if reading.table("trajectory_curves").is_empty():
        return []
    return [
        reading.figure(figures.trajectories, objective=reading.primary),
        reading.figure(figures.example_curves, objective=reading.primary),
        reading.figure(figures.trajectories_by_class, objective=reading.primary),
    ]


def _images(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    table = reading.table("strongest_examples").filter(
        pl.col("objective") == objective, pl.col("shape").is_in(_SHOWN)
    )
    moving = table.filter(pl.col("shape") != "fixed")
    if moving.is_empty():
        return [blocks.Note("No example has a shape other than fixed or undetermined.")]
    return [
        blocks.Gallery(
            name="strongest",
            title=f"The {reading.things} whose scores change most",
            caption="Below each, its score at the smallest and the largest size, with the turn in "
            "between where it has one, and its curve. Chosen on the models that are shown, so they "
            "look stronger here than on new models.",
            conditions=reading.conditions(objective),
            rows=_rows(reading, table),
            sql=_EXAMPLES_SQL.format(objective=objective),
        ),
    ]


def _by_class(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    table = reading.table("strongest_examples_by_class").filter(pl.col("objective") == objective)
    if table.is_empty():
        return []
    shown = table["label"].n_unique()
    return [
        reading.figure(figures.example_curves_by_class, objective=objective),
        blocks.Gallery(
            name="strongest-by-class",
            title="Class by class: the images behind the curves",
            caption="The examples of the figure above, with the shape of their trajectory, their "
            "score at the smallest and the largest size, and the score over sizes.",
            conditions=reading.conditions(objective),
            rows=_class_rows(reading, table),
            sql=_BY_CLASS_SQL.format(objective=objective),
            folded=f"Show the images of {wording.plural(shown, 'class', 'classes')}",
        ),
    ]


def _class_rows(reading: Reading, table: pl.DataFrame) -> list[blocks.Row]:
    tiles = Tiles(reading)
    rows = []
    for part in table.partition_by("label", maintain_order=True):
        first = part.row(0, named=True)
        shown = [
            replace(tile, label=shape)
            for shape in theme.known_order(part["shape"].to_list(), theme.SHAPES)
            for tile in _tiles(tiles, part, shape)
        ]
        detail = wording.plural(first["n_moving"], "example") + " whose score moves"
        rows.append(blocks.Row(first["class_name"], detail, shown))
    return rows


def _rows(reading: Reading, table: pl.DataFrame) -> list[blocks.Row]:
    tiles = Tiles(reading)
    return [
        blocks.Row(
            IN_WORDS.get(shape, shape),
            f"{shape}: {_MEANING.get(shape, '')}",
            _tiles(tiles, table, shape),
            shape,
        )
        for shape in _SHOWN
        if shape in set(table["shape"])
    ]


def _tiles(tiles: Tiles, table: pl.DataFrame, shape: str) -> list[blocks.Tile]:
    """The examples of one shape, the strongest first."""
    mine = table.filter(pl.col("shape") == shape).sort("rank", "size_rank")
    return [
        tiles.trajectory(part["example_id"][0], part["memorization"].to_list(), shape)
        for part in mine.partition_by("example_id", maintain_order=True)[:_PER_ROW]
    ]
