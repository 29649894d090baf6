"""The picture of the first screen and the sentence above it, chosen by what the store has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from memanalysis import figures, numbers, proxies, wording
from memanalysis.figures import theme
from memanalysis.figures.distillation_effects import SCORE_CHANGE
from memanalysis.figures.trajectories import IN_WORDS, shares_in_words
from memanalysis.literals import literal
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections.tiles import Tiles

Choice = tuple[str, blocks.Picture]

_IMAGES: Final = 8
_KIND_SQL: Final = """select kind, example_id, memorization
from memorization as m
inner join examples as e using (example_id)
where objective = {objective} and size = {size} and m.split = 'train'
    and kind is not null and memorization is not null
qualify row_number() over (partition by kind order by memorization desc, example_id) <= {most}
order by kind, memorization desc, example_id"""
_SUSPECTS_SQL: Final = "from suspects order by rank limit {most}"
_EXTREMES_SQL: Final = """select example_id, memorization
from memorization
where objective = {objective} and size = {size} and split = 'train'
    and memorization is not null
order by memorization desc, example_id
limit {most}"""
_VALUES_SQL: Final = """select proxy, count(*) as n, quantile_cont(value, 0.05) as low,
    median(value) as middle
from (
    select proxy, coalesce(value_in, value_out)::double as value
    from proxies
)
where value is not null
group by proxy
order by n desc, proxy
limit 1"""
_ENDS_SQL: Final = """with known as (
    select example_id, coalesce(value_in, value_out) as value
    from proxies
    where proxy = {proxy} and coalesce(value_in, value_out) is not null
)
(select example_id, value, 'lowest' as "end" from known order by value, example_id limit {most})
union all
(
    select example_id, value, 'highest' as "end"
    from known
    order by value desc, example_id
    limit {most}
)
order by "end" desc, value, example_id"""
# Kinds that were left as they are.
_ORDINARY: Final = frozenset({"clean", "easy"})
_MEMORISED: Final = 0.5


def choose(reading: Reading) -> tuple[str, blocks.Picture | None]:
    """The answer in one sentence, and its picture; empty and None where there is neither.

    Planted kinds, several ways of teaching, trajectories, scores of one size, numbers of others, in
    this order.
    """
    chosen: Callable[[Reading], Choice | None]
    for chosen in (_kinds, _ways, _trajectories, _one_size, _imported):
        made = chosen(reading)
        if made is not None and made[0]:
            return made
    return "", None


def _kinds(reading: Reading) -> Choice | None:
    """Scores of what was planted."""
    planted = reading.manifest.dataset.get("planted") or {}
    if len(planted) < 2 or reading.table("kind_effects").is_empty():
        return None
    figure = reading.figure(figures.kind_scores, "opening")
    objective = reading.primary
    table = reading.table("kind_effects").filter(pl.col("objective") == objective)
    size = theme.in_order(table)[-1]
    changed = [kind for kind in planted if kind not in _ORDINARY]
    shown = reading.sql(
        _KIND_SQL.format(
            objective=literal(objective),
            size=literal(size),
            most=max(_IMAGES // max(len(changed), 1), 1),
        )
    )
    tiles = Tiles(reading)
    rows = [
        blocks.Row(
            wording.kind(kind),
            "",
            [
                tiles.train(row["example_id"], wording.number(row["memorization"], 2), "")
                for row in shown.filter(pl.col("kind") == kind).iter_rows(named=True)
            ],
        )
        for kind in changed
    ]
    return f"{figure.title}." if figure.subtitle else "", blocks.Picture(figure, rows)


def _ways(reading: Reading) -> Choice | None:
    """Every way of teaching beside the others."""
    if len(reading.students) < 2 or reading.table("distillation_by_size").is_empty():
        return None
    figure = reading.figure(
        figures.distillation_settings,
        "opening",
        objectives=reading.objectives,
        quantity=SCORE_CHANGE,
    )
    return f"{figure.title}." if figure.subtitle else "", blocks.Picture(figure)


def _trajectories(reading: Reading) -> Choice | None:
    """Mean curves of each shape, with examples at their ends."""
    objective = reading.primary
    if len(reading.sizes) < 2 or reading.table("trajectory_curves").is_empty():
        return None
    shares = figures.trajectory_shares.frame(reading.study)
    first, last = (reading.spoken[reading.sizes[place]] for place in (0, -1))
    told = "" if shares.is_empty() else shares_in_words(shares, reading.things)
    figure = reading.figure(
        figures.trajectories, "opening", objective=objective, quantity="memorisation"
    )
    strongest = reading.table("strongest_examples").filter(pl.col("objective") == objective)
    tiles = Tiles(reading)
    shapes = [shape for shape in theme.SHAPES if shape in set(strongest["shape"].to_list())]
    shapes = [shape for shape in shapes if shape != "undetermined"]
    each = max(_IMAGES // max(len(shapes), 1), 1)
    rows = []
    for shape in shapes:
        mine = strongest.filter(pl.col("shape") == shape).sort("rank", "size_rank")
        examples = mine.partition_by("example_id", maintain_order=True)[:each]
        shown = [
            tiles.trajectory(part["example_id"][0], part["memorization"].to_list(), shape)
            for part in examples
        ]
        rows.append(blocks.Row(IN_WORDS.get(shape, shape), "", shown, shape))
    answer = f"From {first} to {last}, {told}." if told else ""
    return answer, blocks.Picture(figure, rows)


def _one_size(reading: Reading) -> Choice | None:
    """The distribution of the scores, and the examples that look wrongly labelled."""
    objective = reading.primary
    if not reading.sizes:
        return None
    size = reading.sizes[-1]
    scores = reading.sql(
        "select count(memorization) as n, avg(memorization) as mean, "
        f"avg((memorization >= {_MEMORISED})::int) as memorised from memorization "
        f"where objective = {literal(objective)} and size = {literal(size)} and split = 'train'"
    ).row(0, named=True)
    if not scores["n"]:
        return None
    figure = reading.figure(figures.memorization_histogram, "opening")
    suspects = reading.sql(_SUSPECTS_SQL.format(most=_IMAGES))
    tiles = Tiles(reading)
    if suspects.is_empty():
        title = "highest scores"
        rows = reading.sql(
            _EXTREMES_SQL.format(objective=literal(objective), size=literal(size), most=_IMAGES)
        )
    else:
        title, rows = "first suspects", suspects
    shown = [
        tiles.train(
            row["example_id"],
            wording.number(row["memorization"], 2),
            tiles.called(row["example_id"]),
        )
        for row in rows.iter_rows(named=True)
    ]
    at = f"At {size}, " if len(reading.sizes) > 1 else ""
    answer = (
        f"{at}{numbers.percent(scores['memorised'])} of the {reading.things} are memorised: models "
        f"get them right mostly if they trained on them (score {_MEMORISED:g} or more); the mean "
        f"score is {wording.number(scores['mean'], 2)}."
    )
    return answer[0].upper() + answer[1:], blocks.Picture(figure, [blocks.Row(title, "", shown)])


def _imported(reading: Reading) -> Choice | None:
    """Picture of a store with scores but no models: distribution and both ends."""
    rows = reading.sql(_VALUES_SQL)
    if rows.is_empty():
        return None
    row = rows.row(0, named=True)
    name = row["proxy"]
    figure = reading.figure(figures.proxy_values, "opening", objectives=(), proxy=name)
    ends = reading.sql(_ENDS_SQL.format(proxy=literal(name), most=_IMAGES // 2))
    tiles = Tiles(reading)
    shown = [
        blocks.Row(
            f"{end} values",
            "",
            [
                tiles.train(example, wording.number(value, 2), "")
                for example, value in ends.filter(pl.col("end") == end)
                .select("example_id", "value")
                .iter_rows()
            ],
        )
        for end in ("lowest", "highest")
    ]
    answer = (
        f"{wording.count(row['n'])} imported values of {proxies.label(name)}: the median is "
        f"{wording.number(row['middle'], 2)}, and one in twenty lies below "
        f"{wording.number(row['low'], 2)}."
    )
    return answer, blocks.Picture(figure, shown)
