"""Which examples distillation changes, against which teachers, and where they go."""

from __future__ import annotations

import polars as pl

from memanalysis import figures
from memanalysis.figures import score_ranges
from memanalysis.reporting import blocks, wording
from memanalysis.reporting.context import Reading

_EFFECTS_SQL = """from distillation_effects
where objective = '{objective}' and "grouping" = '{grouping}'
order by size_rank, category, selected_on, estimator"""

_GAP_SQL = """select size, teacher_size, teacher_scope, gap, exp(gap) as ratio, inhibition,
    inhibition_low, inhibition_high, change, change_low, change_high, change_in, change_in_low,
    change_in_high, change_out, change_out_low, change_out_high, n_examples, n_groups
from distillation_by_size
where objective = '{objective}'
order by size_rank"""

_TRANSITIONS_SQL = """select size, category_one_hot, category_distilled, n_examples, share,
    share_low, share_high, share_unchanged, n_groups
from distillation_transitions
where objective = '{objective}' and "grouping" = '{grouping}'
order by size_rank, category_one_hot, category_distilled"""

_GROUPINGS = {
    "shape": "of each trajectory shape",
    "score": "memorised or not, by their score",
    "bin": "in each tenth of the score",
}
_FEWEST_GAPS = 2  # between which a change can be seen


def named(name: str, objective: str) -> str:
    """The name of a figure; those of other ways of teaching end in the variant's."""
    variant = objective.removeprefix("distilled").removeprefix("_")
    return f"{name}-{variant}" if variant else name


def effect_blocks(reading: Reading, objective: str, effects: pl.DataFrame) -> list[blocks.Block]:
    """Changes of groups of examples, changes against the teacher's size, and transitions."""
    groupings = [name for name in ("score", "bin", "shape") if name in set(effects["grouping"])]
    content: list[blocks.Block] = []
    if groupings:
        content.append(_how_to_choose())
    content += [
        _grouped(reading, objective, name, effects, first=name == groupings[0])
        for name in groupings
    ]
    gaps = reading.table("distillation_by_size").filter(pl.col("objective") == objective)
    known = gaps["gap"].drop_nulls().n_unique()
    if known < _FEWEST_GAPS:
        why = "one size is taught" if known else "parameters are not known"
        content.append(blocks.Note(f"No change against the teacher’s size: {why}."))
    else:
        content.append(_gap(reading, objective, gaps))
    return content + _transitions(reading, objective)


def _how_to_choose() -> blocks.Text:
    return blocks.Text(
        "Whose score changes? Choosing examples by a noisy score and then measuring them on the "
        "same models finds a change where there is none: the lucky ones fall back. In the next "
        "figures the examples are therefore chosen on all groups of models but one and measured on "
        "that one (filled points); the naive estimate stands beside it (hollow points)."
    )


def _grouped(
    reading: Reading, objective: str, grouping: str, effects: pl.DataFrame, *, first: bool
) -> blocks.Figure:
    return reading.figure(
        named(f"distillation-by-{grouping}", objective),
        figures.distillation_groups(reading, grouping, objective),
        _EFFECTS_SQL.format(objective=objective, grouping=grouping),
        f"{_how_to_read(grouping, first)}{_bias(effects, grouping)}"
        f"{reading.stars('one_hot', objective)}",
        ("one_hot", objective),
    )


def _how_to_read(grouping: str, first: bool) -> str:
    """The caption of the first figure of groups; the others refer to it."""
    examples = f"for examples {_GROUPINGS[grouping]}, one panel per size."
    if not first:
        return f"The same {examples} Bars, lines and points are as in the figure before."
    return (
        f"Mean change of the score {examples} Bars split the change into what p_in and what p_out "
        "add to it. Circles choose the examples on one-hot scores, diamonds on distilled scores; a "
        "claim needs both to agree. Lines are 95 % intervals over groups of models; hollow points "
        "are naive. Groups of fewer than 5 examples are left out."
    )


def _bias(effects: pl.DataFrame, grouping: str) -> str:
    """How far the naive estimates are off on average, in words."""
    keys = ["size", "category", "selected_on"]
    table = effects.filter(pl.col("grouping") == grouping, pl.col("n_examples") >= 5)
    naive = table.filter(pl.col("estimator") == "naive").select(*keys, "change")
    measured = table.filter(pl.col("estimator") == "leave_one_group_out").select(*keys, "change")
    off = naive.join(measured, on=keys).select((pl.col("change") - pl.col("change_right")).abs())
    if off.is_empty():
        return ""
    mean = float(off.to_series().to_numpy().mean())
    return f" The naive estimates are {wording.number(mean)} off on average."


def _gap(reading: Reading, objective: str, table: pl.DataFrame) -> blocks.Figure:
    return reading.figure(
        named("distillation-gap", objective),
        figures.distillation_gap(reading, objective),
        _GAP_SQL.format(objective=objective),
        "Does a teacher that is much larger than its student change more? The teacher is the same, "
        "students differ: to the right it has more parameters than they; at 1 it has as many. "
        "Memorised examples have a score of 0.5 or more, chosen without the models that measure "
        "them (on one-hot scores: circles, on distilled ones: diamonds; hollow: naive); the share "
        "of their score that they lose is the mean of both choices. All examples together are "
        "squares, split into the part from p_in and the part from p_out. Lines are 95 % intervals "
        f"over groups of models.{_losses(table)}",
        ("one_hot", objective),
    )


def _losses(table: pl.DataFrame) -> str:
    """What memorised examples lose at each size, nearest to the teacher first, in words."""
    known = table.drop_nulls(["gap", "inhibition"]).sort("gap")
    if known.height < 2:
        return ""
    lost = [
        f"{wording.percent(row['inhibition'])} ({_limits(row)}) of their score in {row['size']}"
        for row in known.iter_rows(named=True)
    ]
    return f" Memorised examples lose {wording.listed(lost)}."


def _limits(row: dict[str, float | None]) -> str:
    low, high = (wording.percent(row[f"inhibition_{end}"]) for end in ("low", "high"))
    return f"{low} to {high}"


def _transitions(reading: Reading, objective: str) -> list[blocks.Block]:
    table = reading.table("distillation_transitions").filter(pl.col("objective") == objective)
    content: list[blocks.Block] = []
    moved = table.filter(pl.col("grouping") == "score")
    if moved["n_examples"].sum() >= 10:
        content.append(
            reading.figure(
                named("distillation-transitions", objective),
                figures.distillation_transitions(reading, "score", objective),
                _TRANSITIONS_SQL.format(objective=objective, grouping="score"),
                "Of the examples in a range of one-hot score (rows), how many have which distilled "
                "score (columns)? Rows sum to 100 %. The small numbers are what noise alone would "
                "give: the shares that move so from one half of the one-hot models to the other "
                "half. Colours show the difference: teal where distillation puts more examples "
                f"than noise would, amber where fewer.{_stay(moved)} Rows of fewer than 10 "
                f"examples are left out.{reading.stars('one_hot', objective)}",
                ("one_hot", objective),
            )
        )
    shapes = table.filter(pl.col("grouping") == "shape")
    if shapes["n_examples"].sum() >= 10:
        content.append(
            reading.figure(
                named("distillation-shapes", objective),
                figures.distillation_transitions(reading, "shape", objective),
                _TRANSITIONS_SQL.format(objective=objective, grouping="shape"),
                "Of the examples with a trajectory shape under one-hot training (rows), how many "
                "have which shape under distillation (columns)? Rows sum to 100 %. The subsets are "
                "the same, but no second run says what noise alone would move here. Rows of fewer "
                "than 10 examples are left out.",
                ("one_hot", objective),
            )
        )
    return content


def _stay(moved: pl.DataFrame) -> str:
    """How many of the most memorised examples stay so, beside noise, in words."""
    top = score_ranges.ordered(moved["category_one_hot"].to_list())[-1]
    rows = moved.filter(
        pl.col("category_one_hot") == top, pl.col("category_distilled") == top
    ).drop_nulls(["share", "share_unchanged"])
    if rows.is_empty() or not rows["n_examples"].sum():
        return ""
    row = rows.sort("n_examples").row(-1, named=True)
    return (
        f" At {row['size']}, {wording.percent(row['share'], 0)} of the examples with a one-hot "
        f"score of {score_ranges.short(top)} have such a score under distillation, too; noise "
        f"alone would leave {wording.percent(row['share_unchanged'], 0)}."
    )
