"""One-hot against distilled training: what changes, for which examples, and why."""

from __future__ import annotations

import numpy as np
import polars as pl

from memanalysis import figures
from memanalysis.figures import theme
from memanalysis.reporting import blocks, wording
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections import students

_SETTINGS_SQL = """select objective, size, teacher_size, teacher_scope, temperature,
    distillation_weight, change, change_low, change_high, change_in, change_in_low, change_in_high,
    change_out, change_out_low, change_out_high, inhibition, inhibition_low, inhibition_high,
    accuracy_gain, accuracy_gain_low, accuracy_gain_high, n_examples, n_groups
from distillation_by_size
order by objective, size_rank"""

_EFFECTS_SQL = """from distillation_effects
where objective = '{objective}' and "grouping" = 'all'
order by size_rank"""

_DENSITY_SQL = """select size, round(one_hot_low, 4) as one_hot_low,
    round(one_hot_high, 4) as one_hot_high, round(distilled_low, 4) as distilled_low,
    round(distilled_high, 4) as distilled_high, n_examples
from distillation_density
where objective = '{objective}'
order by size_rank, one_hot_low, distilled_low"""

_HALVES_SQL = """select size, compared, round(one_hot_low, 4) as one_hot_low,
    round(score_low, 4) as score_low, round(score_high, 4) as score_high,
    round(share_of_one_hot, 4) as share_of_one_hot, n_one_hot, round(mean_score, 4) as mean_score
from distillation_halves
where objective = '{objective}' and n_one_hot >= 5
order by size_rank, compared, one_hot_low, score_low"""


def section(reading: Reading) -> blocks.Section:
    """Return the section on distillation."""
    content: list[blocks.Block]
    if not reading.students:
        has = "one training objective" if reading.objectives else "no models"
        content = [
            blocks.Note(
                f"This study has {has}, so there is nothing to compare: distilled models and "
                "models trained on labels are both needed."
            )
        ]
    else:
        content = [_explanation(reading), *_settings(reading)]
        content += _objective(reading, reading.students[0])
        content += _others(reading)
    return blocks.Section("distillation", "One-hot against distilled", content)


def _explanation(reading: Reading) -> blocks.Text:
    leaking = _leaking(reading)
    leak = (
        " It saw all examples: held-out labels leak through its soft labels, and memorisation "
        "looks inhibited by construction."
        if reading.students[0] in leaking
        else ""
    )
    teacher = reading.teacher_of(reading.students[0])
    unpaired = reading.sql(
        "select count(*) from distillation where not paired and change is not null"
    ).item()
    shared = (
        "Not all students share their subsets with models trained on labels, so differences that "
        "are not paired are less certain. "
        if unpaired
        else "Students and models trained on labels share the same subsets, so every difference is "
        "paired. "
    )
    return blocks.Text(
        f"{shared}A score can fall "
        "under distillation for two reasons that mean opposite things: the student fits the "
        "example less (p_in falls), or it gets the example right without having seen it "
        f"(p_out rises). The teacher belongs to the procedure: here it is {teacher}.{leak}"
    )


def _leaking(reading: Reading) -> list[str]:
    """The objectives whose teachers saw the examples that their students hold out."""
    models = reading.table("models").filter(pl.col("teacher_scope") == "full_data")
    return sorted(set(models["objective"]))


def _settings(reading: Reading) -> list[blocks.Block]:
    """All ways of teaching in one figure, where there are several."""
    found = reading.table("distillation_by_size")["objective"].n_unique()
    if found < 2:
        return []
    leaking = _leaking(reading)
    leak = (
        f" Teachers of {wording.listed([wording.objective(name) for name in leaking])} saw all "
        "examples, so that held-out labels leak to their students."
        if leaking
        else ""
    )
    sizes = theme.in_order(reading.table("distillation_by_size"))
    at = f" ({sizes[0]})" if len(sizes) == 1 else ""
    return [
        reading.figure(
            "distillation-settings",
            figures.distillation_settings(reading),
            _SETTINGS_SQL,
            f"Every way of teaching beside the others{at}: mean change of the score and the parts "
            "that its two rates have in it, the share of their score that memorised examples "
            "(score of at least 0.5) lose, and the gain of test accuracy, each against models "
            "trained on labels. Lines are 95 % intervals over groups of models. One setting is not "
            f"a result: what holds should hold for all of them.{leak}",
            reading.objectives,
        )
    ]


def _objective(reading: Reading, objective: str) -> list[blocks.Block]:
    """The figures of one way of teaching."""
    content: list[blocks.Block] = []
    effects = reading.table("distillation_effects").filter(pl.col("objective") == objective)
    if effects.is_empty():
        content.append(
            blocks.Note("This store holds no estimates of the change under distillation.")
        )
    else:
        content.append(_change(reading, objective))
    content += _scores(reading, objective)
    if not effects.is_empty():
        content += students.effect_blocks(reading, objective, effects)
    return content


def _others(reading: Reading) -> list[blocks.Block]:
    """How to have the same figures of the other ways of teaching, which would fill the page."""
    others = reading.students[1:]
    if not others:
        return []
    return [
        blocks.Note(
            f"These figures show “{wording.objective(reading.students[0])}”. Those of "
            f"{wording.listed([wording.objective(name) for name in others])} come by the same "
            f"calls, for instance `memanalysis.charts.distillation_density(study, '{others[0]}')`."
        )
    ]


def _change(reading: Reading, objective: str) -> blocks.Figure:
    return reading.figure(
        students.named("distillation-change", objective),
        figures.distillation_change(reading, objective),
        _EFFECTS_SQL.format(objective=objective),
        "Mean over all training examples of distilled minus one-hot score (points, with 95 % "
        "intervals over groups of models), split into the part from p_in and the part from p_out "
        "(bars; a rise of p_out lowers the score, so it counts downwards)."
        f"{reading.stars('one_hot', objective)}",
        ("one_hot", objective),
    )


def _scores(reading: Reading, objective: str) -> list[blocks.Block]:
    density = reading.table("distillation_density").filter(pl.col("objective") == objective)
    if density.is_empty():
        return [blocks.Note("No example has a score under both objectives at any size.")]
    content: list[blocks.Block] = [
        reading.figure(
            students.named("distillation-density", objective),
            figures.distillation_density(reading, objective),
            _DENSITY_SQL.format(objective=objective),
            "The score of each example under both objectives, one panel per size; the stronger the "
            "colour, the more examples (log scale), and each cell holds the same number of "
            "possible scores. Below the dashed line, distillation lowers the score. Noise in both "
            f"scores spreads the cloud.{reading.stars('one_hot', objective)}",
            ("one_hot", objective),
        )
    ]
    halves = reading.table("distillation_halves").filter(pl.col("objective") == objective)
    if halves.filter(pl.col("n_one_hot") >= 5).is_empty():
        content.append(
            blocks.Note(
                "What noise alone does to these scores is not shown: it takes models in both "
                "halves of the groups."
            )
        )
    else:
        content.append(_halves(reading, objective, halves))
    return content


def _halves(reading: Reading, objective: str, table: pl.DataFrame) -> blocks.Figure:
    return reading.figure(
        students.named("distillation-halves", objective),
        figures.distillation_halves(reading, objective),
        _HALVES_SQL.format(objective=objective),
        "Read column by column: among the examples with this one-hot score, how is the distilled "
        "score distributed? Each column sums to 1, so rare scores are as visible as common ones. "
        "Examples with a high one-hot score were partly lucky, and fall back in any other models. "
        "Therefore both scores come from different halves of the models, and the dashed line shows "
        "the mean score when the other half is trained on labels again. What distillation does is "
        "the distance between the solid line (distilled) and the dashed one, not that to the "
        f"diagonal.{_distance(table)} Columns of fewer than 5 examples are left out."
        f"{reading.stars('one_hot', objective)}",
        ("one_hot", objective),
    )


def _distance(table: pl.DataFrame) -> str:
    """How far both lines are apart among memorised examples, over all sizes, in words."""
    columns = (
        table.filter(pl.col("one_hot_low") >= 0.45, pl.col("n_one_hot") >= 5)
        .unique(["size", "compared", "one_hot_low"])
        .pivot("compared", index=["size", "one_hot_low", "n_one_hot"], values="mean_score")
    )
    if not {"distilled", "one_hot"} <= set(columns.columns):
        return ""
    both = columns.drop_nulls(["distilled", "one_hot"])
    if both.is_empty():
        return ""
    weight = both["n_one_hot"].to_numpy()
    apart = float(np.average((both["distilled"] - both["one_hot"]).to_numpy(), weights=weight))
    side = "below" if apart < 0 else "above"
    return (
        f" For one-hot scores above 0.45 the solid line is "
        f"{wording.number(abs(apart))} {side} the dashed one on average."
    )
