"""How the scores of single examples change with size: shares, mean curves, the examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from memanalysis import figures
from memanalysis.figures import theme
from memanalysis.reporting import blocks, wording
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.tiles import Tiles

_SHARES_SQL = """select objective, category, share, share_low, share_high, noise_share, alpha,
    n_examples, n_groups
from trajectory_shares
where rule = 'shape'
order by alpha, objective desc, share desc, category"""

_SWEEP_SQL = """select rule, alpha, category, share, share_low, share_high, noise_share
from trajectory_shares
where objective = '{objective}' and rule in ('shape', 'threshold')
order by rule, alpha, category"""

_CURVES_SQL = """select shape, size, n_examples, memorization, accuracy_in, accuracy_out
from trajectory_curves
where objective = '{objective}'
order by shape, size_rank"""

_CLASSES_SQL = """select label, shape, size, n_examples, memorization
from trajectory_curves_by_class
where objective = '{objective}'
order by label, shape, size_rank"""

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
_SHOWN: Final = [shape for shape in theme.SHAPES if shape != "undetermined"]


def section(reading: Reading) -> blocks.Section:
    """Return the section on trajectories."""
    content: list[blocks.Block]
    if len(reading.sizes) < 2:
        has = "one" if reading.sizes else "no models"
        content = [blocks.Note(f"Trajectories need at least two sizes; this study has {has}.")]
    elif reading.table("trajectory_shares").is_empty():
        content = [
            blocks.Note("This store holds no tests of trajectories: too few models, or not built.")
        ]
    else:
        content = [
            _explanation(reading),
            _shares(reading),
            _sweep(reading),
            *_curves(reading),
            *_examples(reading),
            *_by_class(reading),
        ]
    return blocks.Section("trajectories", "Trajectories across sizes", content)


def _explanation(reading: Reading) -> blocks.Text:
    alphas = set(reading.alphas.values())
    here = f" (here {alphas.pop():g})" if len(alphas) == 1 else ""
    return blocks.Text(
        "An example’s trajectory is its score at every size. Its shape is decided with intervals: "
        f"“increasing” and “decreasing” ask for a significant change of at least α{here}; “cap” is "
        "memorised most by a size in between, “u” least, again by α; “fixed” asks for all pairs of "
        "sizes to be equal within α, and “mixed” turns more than once. Everything else is "
        "“undetermined”, which says that there are too few models to tell, not that nothing "
        "happens."
    )


def _shares(reading: Reading) -> blocks.Figure:
    alphas = reading.alphas
    alpha = "directions only: too few models for an α"
    if len(set(alphas.values())) == 1:
        alpha = f"α = {next(iter(alphas.values())):g}"
    elif alphas:
        each = [f"{value:g} with {wording.objective(name)}" for name, value in alphas.items()]
        alpha = f"α = {wording.listed(each)}"
    return reading.figure(
        "trajectory-shares",
        figures.trajectory_shares(reading),
        _SHARES_SQL,
        "Share of training examples with each shape; lines are 95 % intervals over groups of "
        "models (cautious: with 20 groups about twice as wide as need be), and the upright ticks "
        "mark the share that noise alone would produce if no example changed "
        f"({alpha}). The findings subtract the false discoveries that the rule admits, so that "
        "their shares, except of fixed, are 0.95 of these.",
        theme.told_apart(reading.table("trajectory_shares")),
    )


def _sweep(reading: Reading) -> blocks.Figure:
    objective = reading.primary
    return reading.figure(
        "trajectory-sweep",
        figures.trajectory_sweep(reading, objective),
        _SWEEP_SQL.format(objective=objective),
        "Share of examples with each shape for other values of α: filled points decide with "
        "intervals, as above; hollow points take the scores at face value (the plain threshold "
        "rule). Lines without points are what noise alone produces, dashed where intervals decide "
        "and dotted at face value. Each panel has a scale "
        "of its own.",
        (objective,),
    )


def _curves(reading: Reading) -> list[blocks.Block]:
    if reading.table("trajectory_curves").is_empty():
        return []
    objective = reading.primary
    selected = (
        " The examples were sorted and averaged on the same models, which exaggerates every shape "
        "that asks for a change."
    )
    return [
        reading.figure(
            "trajectories",
            figures.trajectories(reading, objective),
            _CURVES_SQL.format(objective=objective),
            "Mean score of the examples of each shape, beside the two rates it is made of: a score "
            "rises because larger models fit the example (p_in), or because they miss it when it "
            f"is held out (p_out).{selected}{reading.stars(objective)}",
            (objective,),
        ),
        reading.figure(
            "trajectories-by-class",
            figures.trajectories_by_class(reading, objective),
            _CLASSES_SQL.format(objective=objective),
            "The same curves of the score, class by class; the wider the line, the more examples.",
            (objective,),
        ),
    ]


def _examples(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    table = reading.table("strongest_examples").filter(
        pl.col("objective") == objective, pl.col("shape").is_in(_SHOWN)
    )
    moving = table.filter(pl.col("shape") != "fixed")
    if moving.is_empty():
        return [blocks.Note("No example has a shape other than fixed or undetermined.")]
    conditions = reading.conditions(objective)
    sql = _EXAMPLES_SQL.format(objective=objective)
    return [
        reading.figure(
            "example-curves",
            figures.example_curves(reading, objective),
            sql,
            "The examples of each shape whose score changes most, one line each. They were chosen "
            "on the models that are shown, so they look stronger here than on new models."
            f"{reading.stars(objective)}",
            (objective,),
        ),
        blocks.Gallery(
            name="strongest",
            title="The images behind the curves",
            caption="The same examples: label, score at the smallest and the largest size, with "
            "the highest or lowest in between of a cap or u, and the score over sizes (from −0.1 "
            "to 1; the faint line is 0).",
            conditions=conditions,
            rows=_rows(reading, table),
            sql=sql,
        ),
    ]


def _by_class(reading: Reading) -> list[blocks.Block]:
    objective = reading.primary
    table = reading.table("strongest_examples_by_class").filter(pl.col("objective") == objective)
    if table.is_empty():
        return []
    sql = _BY_CLASS_SQL.format(objective=objective)
    shown = table["label"].n_unique()
    some = (
        f" Of {len(reading.manifest.class_names)} classes, those {shown} where most examples move."
        if shown < len(reading.manifest.class_names)
        else ""
    )
    return [
        reading.figure(
            "example-curves-by-class",
            figures.example_curves_by_class(reading, objective),
            sql,
            "The same class by class: at most three examples of each shape that moves."
            f"{some}{reading.stars(objective)}",
            (objective,),
        ),
        blocks.Gallery(
            name="strongest-by-class",
            title="Class by class: the images behind the curves",
            caption="The examples of the figure above, with the shape of their trajectory, their "
            "score at the smallest and the largest size, and the score over sizes.",
            conditions=reading.conditions(objective),
            rows=_class_rows(reading, table),
            sql=sql,
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
        blocks.Row(shape, _MEANING.get(shape, ""), _tiles(tiles, table, shape), shape)
        for shape in _SHOWN
        if shape in set(table["shape"])
    ]


def _tiles(tiles: Tiles, table: pl.DataFrame, shape: str) -> list[blocks.Tile]:
    """The examples of one shape, the strongest first."""
    mine = table.filter(pl.col("shape") == shape).sort("rank", "size_rank")
    return [
        tiles.trajectory(part["example_id"][0], part["memorization"].to_list(), shape)
        for part in mine.partition_by("example_id", maintain_order=True)
    ]
