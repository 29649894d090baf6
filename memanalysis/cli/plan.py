"""``memanalysis plan``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memanalysis.cli import advice, costs
from memanalysis.cli.options import emit, output_options
from memanalysis.cli.studies import load_study
from memanalysis.cli.terminal import say

if TYPE_CHECKING:
    import polars as pl

    from memanalysis.settings import Study


@click.command("plan")
@click.argument("study", metavar="STUDY.toml")
@click.option(
    "--measured",
    type=click.Path(path_type=Path),
    metavar="STORE",
    help="A built store, for instance of a first group: its training times and errors are taken.",
)
@click.option(
    "--calibrate/--no-calibrate",
    default=None,
    help="Time a few steps of each size here.  [default: where that takes seconds]",
)
@click.option(
    "--devices",
    type=click.IntRange(1),
    help="Workers or GPUs to share the hours.  [default: the processors, if timed here; else 1]",
)
@output_options
def command(
    study: str,
    measured: Path | None,
    calibrate: bool | None,
    devices: int | None,
    format_: str | None,
    out: Path | None,
) -> None:
    """Say how many models a study trains, how long, and what precision that buys.

    Three lines say how long it takes, how precise scores are and what they can show; then come the
    models and their hours, and the reasons. Hours are of this machine, as busy as it is, or of the
    one on which --measured was trained. Networks of your own (sizes.family) are imported to count
    their arithmetic.

    \b
    Example:
      memanalysis plan digits
    """
    settings = load_study(study)
    shape = costs.look(settings)
    seconds = seconds_per_model(measured) if measured else {}
    if isinstance(shape, str):
        say(shape, err=True)
    elif costs.is_timed(settings, shape, calibrate, seconds):
        seconds = costs.calibrated(settings, shape) | seconds
        devices = devices or os.cpu_count()
    frame = models_of(settings, seconds)
    for line in verdict(settings, frame, devices or 1):
        say(line, err=True)
    emit(frame, format_, out)
    for line in [*reasons(settings), *(advice.measured(measured) if measured else ())]:
        say(line, err=True)
    for line in costs.lines(settings, shape):
        say(line, err=True)


def models_of(study: Study, seconds: dict[tuple[str, str], float]) -> pl.DataFrame:
    """One row per objective and size: models, models trained together, hours on one worker.

    Second models of a subset stand under the objective ``repeat``.
    """
    import polars as pl

    rows = [
        (
            objective,
            size.name,
            study.subsets_of(objective),
            size.ensemble,
            study.subsets_of(objective) * seconds[objective, size.name] / 3600
            if (objective, size.name) in seconds
            else None,
        )
        for objective, size in study.conditions
    ]
    again = study.subsets.repeats * study.subsets.group_size
    for size in study.sizes if again else ():
        taken = seconds.get(("one_hot", size.name))
        hours = None if taken is None else again * taken / 3600
        rows.append(("repeat", size.name, again, size.ensemble, hours))
    schema = {
        "objective": pl.String,
        "size": pl.String,
        "models": pl.Int64,
        "trained_together": pl.Int64,
        "hours": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def verdict(study: Study, frame: pl.DataFrame, devices: int) -> list[str]:
    """The study's training time, the precision of its scores, and what they can show."""
    return [
        f"{study.n_models:,} models, {costs.hours(frame, devices)}.",
        advice.precision(study),
        f"{advice.shapes(study)} {advice.verdicts(study)}",
    ]


def reasons(study: Study) -> list[str]:
    """Grounds of the verdict, and what more models would change."""
    return [
        f"{study.n_subsets} subsets ({study.subsets.groups} groups of "
        f"{study.subsets.group_size}) x {_conditions(study)}{_fewer(study)}.",
        *_repeats(study),
        advice.needed(study),
        *advice.finer_shapes(study),
    ]


def _repeats(study: Study) -> list[str]:
    groups = study.subsets.repeats
    if not groups:
        return []
    subsets = groups * study.subsets.group_size
    return [
        f"{subsets * len(study.sizes)} second models by other seeds and labels alone, of the "
        f"{subsets} subsets of {groups} groups: a score's variance splits into subset and seed."
    ]


def _conditions(study: Study) -> str:
    sizes, objectives = len(study.sizes), len(study.objectives)
    if len(study.conditions) == sizes * objectives:
        return f"{sizes} sizes x {objectives} objectives"
    return (
        f"{len(study.conditions)} pairs of an objective and a size, of {sizes} sizes and "
        f"{objectives} objectives, of which not all are taught to all"
    )


def _fewer(study: Study) -> str:
    """Objectives with models on fewer subsets."""
    parts = [
        f"{name} on {study.subsets_of(name)} of the subsets"
        for name in study.objectives
        if study.subsets_of(name) < study.n_subsets
    ]
    return f"; {', '.join(parts)}" if parts else ""


def seconds_per_model(path: Path) -> dict[tuple[str, str], float]:
    """Mean seconds that the models of a store took, by objective and size."""
    from memanalysis.storage.store import Store

    columns = ["objective", "size", "train_seconds"]
    rows = Store.open(path).read_table("models", columns).to_pylist()
    times: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["train_seconds"] is not None:
            times.setdefault((row["objective"], row["size"]), []).append(row["train_seconds"])
    return {condition: sum(taken) / len(taken) for condition, taken in times.items()}
