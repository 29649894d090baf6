"""``memanalysis plan``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memanalysis.cli import costs
from memanalysis.cli.options import emit, output_options
from memanalysis.cli.studies import load_study

if TYPE_CHECKING:
    import polars as pl

    from memanalysis.settings import Study


@click.command("plan")
@click.argument("study", metavar="STUDY.toml")
@click.option(
    "--measured",
    type=click.Path(path_type=Path),
    metavar="STORE",
    help="A built store with models of these sizes, whose training times are taken.",
)
@click.option(
    "--calibrate", is_flag=True, help="Time a few steps of each size here; takes seconds."
)
@click.option(
    "--devices",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Workers or GPUs to share the hours.",
)
@output_options
def command(
    study: str,
    measured: Path | None,
    calibrate: bool,
    devices: int,
    format_: str | None,
    out: Path | None,
) -> None:
    """Say how many models a study trains, how long, and what precision that buys.

    Hours depend on the machine: they are given only where --measured has models of each size, or
    with --calibrate for this machine as busy as it is.

    \b
    Example:
      memanalysis plan digits
    """
    settings = load_study(study)
    seconds = costs.calibrated(settings) if calibrate else {}
    frame = models_of(settings, {**seconds, **(seconds_per_model(measured) if measured else {})})
    emit(frame, format_, out)
    for line in summary(settings):
        click.echo(line, err=True)
    for line in costs.lines(settings, frame, devices):
        click.echo(line, err=True)


def models_of(study: Study, seconds: dict[tuple[str, str], float]) -> pl.DataFrame:
    """One row per objective and size: models, models trained together, hours on one worker."""
    import polars as pl

    rows = [
        (
            objective,
            size.name,
            study.n_subsets,
            size.ensemble,
            study.n_subsets * seconds[objective, size.name] / 3600
            if (objective, size.name) in seconds
            else None,
        )
        for objective in study.objectives
        for size in study.sizes
    ]
    schema = {
        "objective": pl.String,
        "size": pl.String,
        "models": pl.Int64,
        "trained_together": pl.Int64,
        "hours": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def summary(study: Study) -> list[str]:
    """The plan in sentences."""
    k, r = study.n_subsets, study.subsets.ratio
    worst, usual = (std_error(p, k, r) for p in (0.5, 0.9))
    return [
        f"{study.n_models} models: {k} subsets ({study.subsets.groups} groups of "
        f"{study.subsets.group_size}) x {len(study.sizes)} sizes x "
        f"{len(study.objectives)} objectives.",
        f"Each example is out of about {k * (1 - r):.0f} models. Standard error of one "
        f"memorisation score where models fit their subset: {worst:.3f} at worst "
        f"(held-out accuracy .5), {usual:.3f} at .9; of a change between sizes about "
        f"{math.sqrt(2) * worst:.3f} and {math.sqrt(2) * usual:.3f}.",
        f"A standard error of .05 at worst takes {subsets_for(0.05, r)} subsets.",
    ]


def std_error(accuracy: float, subsets: int, ratio: float) -> float:
    """SE of a score at this held-out accuracy p, p_in = 1: sqrt(p (1 - p) / ((1 - r) K))."""
    return math.sqrt(accuracy * (1 - accuracy) / ((1 - ratio) * subsets))


def subsets_for(error: float, ratio: float, accuracy: float = 0.5) -> int:
    """Subsets K that buy this standard error: p (1 - p) / ((1 - r) SE^2)."""
    # Rounded first: .25 / (.3 * .0025) must not become 334 or 335 by the last bit of a float.
    return math.ceil(round(accuracy * (1 - accuracy) / ((1 - ratio) * error**2), 6))


def seconds_per_model(path: Path) -> dict[tuple[str, str], float]:
    """Mean seconds that the models of a store took, by objective and size."""
    from memanalysis.store import Store

    columns = ["objective", "size", "train_seconds"]
    rows = Store.open(path).read_table("models", columns).to_pylist()
    times: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["train_seconds"] is not None:
            times.setdefault((row["objective"], row["size"]), []).append(row["train_seconds"])
    return {condition: sum(taken) / len(taken) for condition, taken in times.items()}
