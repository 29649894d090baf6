"""Kinds of example: how much each is memorised, which trajectory it takes, and what finds it."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from memanalysis import figures, numbers, proxies, wording
from memanalysis.figures import theme
from memanalysis.figures.proxies import strongest_first
from memanalysis.literals import literal
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.tiles import Tiles

_PRECISION_SQL: Final = """select proxy, kind, precision, precision_low, precision_high, share,
    n_examples
from kind_retrieval
where objective = {objective} and size = {size} and auc is not null
order by proxy <> 'memorization', proxy, kind"""

_HIGHEST_SQL: Final = """select kind, example_id, m.label, clean_label, memorization,
    ci_low, ci_high
from memorization as m
inner join examples as e using (example_id)
where objective = {objective} and size = {size} and m.split = 'train'
    and kind is not null and memorization is not null
qualify row_number() over (partition by kind order by memorization desc, example_id) <= {most}
order by kind, memorization desc, example_id"""

_MEANING: Final = {
    "clean": "nothing was changed",
    "flipped": "given a wrong label",
    "blended": "the mean of two images of different classes, with either label",
    "rotated": "turned by 90°, with its right label",
    "random": "given a random label",
    "noisy": "its label is another than its clean label",
    "easy": "judged easy",
    "ambiguous": "judged to lie between two classes",
    "suspected_mislabel": "judged to carry a wrong label",
    "hard": "judged hard",
}
_SHOWN: Final = 8
_FIRST: Final = ("clean", "easy")


def section(reading: Reading) -> blocks.Section:
    """Return the section on kinds of example."""
    title = "Wrong labels, ambiguous and hard images"
    if reading.table("kind_effects").is_empty():
        return blocks.Section("kinds", title, asks=_asks(reading))
    content: list[blocks.Block] = [_explanation(reading), reading.figure(figures.kind_scores)]
    content.append(_highest(reading))
    more = [*_shapes(reading), *_changes(reading), *_retrieval(reading)]
    return blocks.Section("kinds", title, content, blocks.Fold(_summary(reading), more))


def _asks(reading: Reading) -> str:
    known = reading.table("examples").filter(pl.col("split") == "train")["kind"].drop_nulls()
    kinds = known.unique().to_list()
    if len(kinds) == 1:
        return f"examples of another kind than “{kinds[0]}” to compare with"
    return (
        "kinds of example: `memanalysis judge` sorts them by models that never saw them (doubtful "
        "labels alone: `memanalysis suspects`), "
        "`[data.noise]` in a study file plants wrong labels, blends and rotations"
    )


def _summary(reading: Reading) -> str:
    """Retrieval of the kinds by the score, in words."""
    rows = reading.table("kind_retrieval").filter(
        pl.col("objective") == reading.primary,
        pl.col("size") == _largest(reading),
        pl.col("proxy") == "memorization",
        pl.col("auc").is_not_null(),
    )
    told = [
        f"{wording.kind(row['kind'])} by {wording.number(row['auc'], 2)}"
        for row in rows.sort("auc", descending=True).iter_rows(named=True)
    ]
    finds = f"the score tells {wording.listed(told)} (AUC); " if told else ""
    return f"Checks: {finds}trajectories of each kind, and what else finds them"


def _explanation(reading: Reading) -> blocks.Text:
    counts = (
        reading.table("examples")
        .filter(pl.col("split") == "train", pl.col("kind").is_not_null())
        .group_by("kind")
        .len()
    )
    kinds = theme.known_order(counts["kind"].to_list(), _FIRST)
    numbers = dict(counts.iter_rows())
    parts = [
        f"{wording.KINDS.get(kind, kind.replace('_', ' '))} ({wording.count(numbers[kind])}"
        + (f": {_MEANING[kind]})" if kind in _MEANING else ")")
        for kind in kinds
    ]
    return blocks.Text(
        f"Kinds were planted or judged without any score: {wording.listed(parts)}. "
        f"{_judge(reading)}"
    )


def _judge(reading: Reading) -> str:
    """Judge of the kinds, where the store names one."""
    said = reading.manifest.dataset.get("judged")
    if not isinstance(said, dict):
        return ""
    family = (said.get("size") or {}).get("family", "network")
    return (
        f"The judge is {said.get('folds')} models of another family ({family}), trained on "
        f"{wording.count(said.get('n_images'))} images that the study left out; they are right on "
        f"{wording.percent(said.get('accuracy'), 0)} of images that they did not learn from. "
    )


def _shapes(reading: Reading) -> list[blocks.Block]:
    shapes = reading.figure(figures.kind_shapes, objective=reading.primary)
    if shapes.frame.is_empty():
        return [blocks.Note("Trajectories of kinds need at least two sizes; this study has one.")]
    return [shapes]


def _changes(reading: Reading) -> list[blocks.Block]:
    return [reading.figure(figures.kind_distillation)] if reading.distilled else []


def _retrieval(reading: Reading) -> list[blocks.Block]:
    retrieval = reading.figure(figures.kind_retrieval, objective=reading.primary)
    if retrieval.frame.is_empty():
        return []
    return [retrieval, _found(reading, reading.primary, _largest(reading))]


def _found(reading: Reading, objective: str, size: str) -> blocks.Table:
    """Number of examples of a kind among as many of the highest values."""
    sql = _PRECISION_SQL.format(objective=literal(objective), size=literal(size))
    table = reading.sql(sql)
    kinds = theme.known_order(table["kind"].to_list(), [])
    known = {
        (row["proxy"], row["kind"]): wording.prose(
            numbers.share_with_interval(
                row["precision"], row["precision_low"], row["precision_high"], digits=0
            )
        )
        for row in table.iter_rows(named=True)
    }
    chance = {row["kind"]: wording.percent(row["share"], 0) for row in table.iter_rows(named=True)}
    order = ["memorization", *strongest_first(reading, objective)]
    names = theme.known_order(table["proxy"].to_list(), order)
    rows = [
        (
            "the score itself" if name == "memorization" else proxies.label(name),
            *(known.get((name, kind), wording.NONE) for kind in kinds),
        )
        for name in names
    ]
    return blocks.Table(
        title="If you look only at the highest, how many are of the kind? "
        f"({reading.spoken.get(size, size)})",
        columns=("ranked by", *(wording.KINDS.get(kind, kind.replace("_", " ")) for kind in kinds)),
        rows=[*rows, ("by chance", *(chance[kind] for kind in kinds))],
        caption="As many examples are looked at as the kind has, so that this is precision and "
        "recall at once; equal values share the places evenly. In brackets, 95 % intervals over "
        "groups of models. The kinds compete for the same places.",
        numeric=tuple(range(1, len(kinds) + 1)),
        sql=sql,
    )


def _highest(reading: Reading) -> blocks.Gallery:
    objective, size = reading.primary, _largest(reading)
    sql = _HIGHEST_SQL.format(objective=literal(objective), size=literal(size), most=_SHOWN)
    table = reading.sql(sql)
    tiles = Tiles(reading)
    rows = [
        blocks.Row(
            wording.KINDS.get(kind, kind.replace("_", " ")),
            _MEANING.get(kind, ""),
            [
                _tile(tiles, row)
                for row in table.filter(pl.col("kind") == kind).iter_rows(named=True)
            ],
        )
        for kind in theme.known_order(table["kind"].to_list(), _FIRST)
        if kind not in _FIRST
    ]
    return blocks.Gallery(
        name="kinds",
        title=f"The highest scores of each kind at {reading.spoken.get(size, size)}",
        caption="The label that models were given, the score, and what the label was before or, of "
        "suspects, what models call them that were not trained on them. Chosen on the models "
        "that are shown, so they look higher than they are.",
        conditions=reading.conditions(objective),
        rows=rows,
        sql=sql,
    )


def _tile(tiles: Tiles, row: dict[str, Any]) -> blocks.Tile:
    score = wording.number(row["memorization"], 2)
    example = row["example_id"]
    return tiles.train(example, score, tiles.was(example) or tiles.called(example))


def _largest(reading: Reading) -> str:
    table = reading.table("kind_effects").filter(pl.col("objective") == reading.primary)
    return theme.in_order(table)[-1]
