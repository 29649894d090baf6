"""One-hot against distilled training: what changes, for which examples, and why."""

from __future__ import annotations

import polars as pl

from memanalysis import figures, wording
from memanalysis.reporting import blocks
from memanalysis.reporting.context import Reading
from memanalysis.reporting.sections import students


def section(reading: Reading) -> blocks.Section:
    """Return the section on distillation."""
    title = "What distillation changes"
    if not reading.students:
        asks = "distilled models beside models trained on labels"
        return blocks.Section("distillation", title, asks=asks)
    objective = reading.students[0]
    effects = reading.table("distillation_effects").filter(pl.col("objective") == objective)
    if effects.is_empty():
        return blocks.Section("distillation", title, asks="more groups of distilled models")
    content = [_explanation(reading), *_settings(reading)]
    content.append(students.figure(reading, figures.distillation_change, objective))
    content += students.bands(reading, objective, effects)
    more = [*_halves(reading, objective), *students.checks(reading, objective, effects)]
    more += _others(reading)
    fold = blocks.Fold(students.summary(reading, objective), more)
    return blocks.Section("distillation", title, content, fold)


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
        f"{shared}A score can fall for two reasons that mean opposite things: the student fits the "
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


def _others(reading: Reading) -> list[blocks.Block]:
    """Calls for the same figures of the other settings, which would fill the page."""
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


def _halves(reading: Reading, objective: str) -> list[blocks.Block]:
    halves = reading.table("distillation_halves").filter(pl.col("objective") == objective)
    if halves.filter(pl.col("n_one_hot") >= 5).is_empty():
        return []
    return [students.figure(reading, figures.distillation_halves, objective)]
