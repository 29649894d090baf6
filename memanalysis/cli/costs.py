"""What ``plan`` says of arithmetic, time, disk space and the price of recording."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING

from memanalysis.errors import MemanalysisError

if TYPE_CHECKING:
    import polars as pl

    from memanalysis.producer.calibration import Shape
    from memanalysis.settings import Study

Seconds = Mapping[tuple[str, str], float]


def calibrated(study: Study) -> dict[tuple[str, str], float]:
    """Seconds per model by objective and size, from a few steps on this machine.

    A student costs what a one-hot model costs: its teacher's logits are read from the store.

    Raises
    ------
    DataError
        If the study's data cannot be read.
    """
    from memanalysis.producer import calibration

    by_size = calibration.seconds_per_model(study, calibration.shape_of(study))
    return {(objective, size.name): by_size[size.name] for objective, size in study.conditions}


def lines(study: Study, frame: pl.DataFrame, devices: int) -> list[str]:
    """Arithmetic, recording and disk space, then hours, in sentences."""
    return [*_by_shape(study), _time(frame, devices)]


def _by_shape(study: Study) -> list[str]:
    if importlib.util.find_spec("torch") is None:
        return ["Arithmetic and disk space: unknown without torch (memanalysis[producer])."]
    from memanalysis.producer import calibration

    try:
        shape = calibration.shape_of(study)
    except MemanalysisError as error:
        return [f"Arithmetic and disk space: unknown without the data. {error}"]
    return [
        *files(shape.name, shape.official),
        _arithmetic(study, shape),
        *_recording(study, shape),
        *_disk(study, shape),
    ]


def files(name: str, official: bool | None) -> list[str]:
    """Whether a data set's files are those that its authors publish, where that is known."""
    if official is None:
        return []
    if official:
        return [f"Files of {name}: the official ones, by their MD5 sums."]
    return [
        f"Files of {name}: not the official ones, whose MD5 sums differ. They are taken, but other "
        f"people's scores of {name} may be of other images."
    ]


def _arithmetic(study: Study, shape: Shape) -> str:
    from memanalysis.producer import calibration, plan

    each = calibration.arithmetic(study, shape)
    total = sum(study.subsets_of(o) * each[size.name].training for o, size in study.conditions)
    again = study.subsets.repeats * study.subsets.group_size
    total += again * sum(each[size.name].training for size in study.sizes)
    groups = range(study.subsets.groups)
    teachers = [name for group in groups for name in plan.full_data_teachers(study, group)]
    total += sum(each[name].training for name in teachers) / study.subsets.ratio
    also = f"; with {len(teachers)} teachers trained on all examples" if teachers else ""
    small, large = study.sizes[0].name, study.sizes[-1].name
    return (
        f"Arithmetic: {_flop(total)} in all, {_flop(each[small].training)} per model of {small} "
        f"and {_flop(each[large].training)} of {large} (convolutions and matrix products{also})."
    )


def _recording(study: Study, shape: Shape) -> list[str]:
    from memanalysis.producer import calibration, costs
    from memanalysis.producer.recorders.depth import layers

    size = study.sizes[-1]
    probed = layers(
        [size], channels=shape.channels, classes=shape.classes, image_size=shape.image_size
    )
    shares = costs.proxy_costs(
        study,
        n_train=shape.n_train,
        forward_flops=calibration.arithmetic(study, shape)[size.name].forward,
        features=sum(probed[size.name].values()),
    )
    if not shares:
        return []
    parts = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    whose = ", ".join(study.observe.objectives)
    only = f" ({whose} only)" if whose else ""
    return [f"Recording adds to the arithmetic of a training of {size.name}{only}: {parts}."]


def _disk(study: Study, shape: Shape) -> list[str]:
    from memanalysis.producer import costs

    each = {
        (objective, size.name): costs.bytes_per_model(
            study,
            objective,
            size.name,
            n_train=shape.n_train,
            n_test=shape.n_test,
            classes=shape.classes,
        )
        for objective, size in study.conditions
    }
    total = sum(study.subsets_of(objective) * size for (objective, _), size in each.items())
    again = study.subsets.repeats * study.subsets.group_size
    total += again * sum(each["one_hot", size.name] for size in study.sizes)
    tables = costs.recorded_bytes(study, n_train=shape.n_train, n_test=shape.n_test)
    parts = ", ".join(f"{name} {_bytes(size)}" for name, size in tables.items())
    return [
        f"Disk space: {_bytes(total)} of model files before they are built into tables.",
        f"Tables of what is recorded beside outcomes and proxies, before compression: {parts}.",
    ]


def _time(frame: pl.DataFrame, devices: int) -> str:
    hours = frame["hours"].to_list()
    known = [h for h in hours if h is not None]
    if not known:
        return (
            "Time: unknown before models of these sizes were trained on your machine. Add "
            "--calibrate, or train a group and run plan with --measured STORE."
        )
    partly = f" for {len(known)} of {len(hours)} rows; the others are unknown" * (
        len(known) < len(hours)
    )
    total = sum(known)
    among = f", {_hours(total / devices)} on {devices}" * (devices > 1)
    return f"Time: {_hours(total)} hours on one worker{among}{partly}."


def _hours(number: float) -> str:
    return f"{number:.1f}" if number >= 1 else f"{number:.2g}"


def _flop(number: float) -> str:
    return _scaled(number, 1000, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"))


def _bytes(number: float) -> str:
    return _scaled(number, 1000, ("B", "kB", "MB", "GB", "TB"))


def _scaled(number: float, step: float, units: tuple[str, ...]) -> str:
    """Three digits with the largest unit that leaves at least 1."""
    exponent = 0
    while number >= step and exponent < len(units) - 1:
        number /= step
        exponent += 1
    return f"{number:.3g} {units[exponent]}"
