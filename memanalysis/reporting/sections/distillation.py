"""One-hot against distilled training: what changes, for which examples, and why."""

from __future__ import annotations

import polars as pl

from memanalysis import figures, wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections import students


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
    return [reading.figure(figures.distillation_settings, objectives=reading.objectives)]


def _objective(reading: Reading, objective: str) -> list[blocks.Block]:
    """The figures of one way of teaching."""
    content: list[blocks.Block] = []
    effects = reading.table("distillation_effects").filter(pl.col("objective") == objective)
    if effects.is_empty():
        content.append(
            blocks.Note("This store holds no estimates of the change under distillation.")
        )
    else:
        content.append(students.figure(reading, figures.distillation_change, objective))
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


def _scores(reading: Reading, objective: str) -> list[blocks.Block]:
    density = reading.table("distillation_density").filter(pl.col("objective") == objective)
    if density.is_empty():
        return [blocks.Note("No example has a score under both objectives at any size.")]
    content: list[blocks.Block] = [
        students.figure(reading, figures.distillation_density, objective)
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
        content.append(students.figure(reading, figures.distillation_halves, objective))
    return content
