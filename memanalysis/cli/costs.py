"""Arithmetic, time, disk space and the price of recording, as ``plan`` says them."""

from __future__ import annotations

import importlib.util
from collections.abc import Container
from typing import TYPE_CHECKING, Any, Final

from memanalysis.errors import MemanalysisError

if TYPE_CHECKING:
    import polars as pl

    from memanalysis.producer.calibration import Shape
    from memanalysis.settings import Study

# Floating point operations of timed steps that take a processor core some five seconds.
_CHEAP: Final = 2e10


def look(study: Study) -> Shape | str:
    """The shape of the study's data, or why it is not known."""
    if importlib.util.find_spec("torch") is None:
        return "Arithmetic, time and disk space: unknown without torch (memanalysis[producer])."
    from memanalysis.producer import calibration

    try:
        return calibration.shape_of(study)
    except MemanalysisError as error:
        return f"Arithmetic, time and disk space: unknown without the data. {error}"


def is_timed(study: Study, shape: Shape, asked: bool | None, known: Container[Any]) -> bool:
    """Time steps here? As ``asked``, else where times are not ``known`` and it is cheap."""
    if asked is not None:
        return asked
    from memanalysis.producer import calibration

    unknown = any((objective, size.name) not in known for objective, size in study.conditions)
    return unknown and calibration.operations(study, shape) <= _CHEAP


def calibrated(study: Study, shape: Shape) -> dict[tuple[str, str], float]:
    """Seconds per model by objective and size, from a few steps on this machine.

    A student costs what a one-hot model costs: its teacher's logits are read from the store.
    """
    from memanalysis.producer import calibration

    by_size = calibration.seconds_per_model(study, shape)
    return {(objective, size.name): by_size[size.name] for objective, size in study.conditions}


def lines(study: Study, shape: Shape | str) -> list[str]:
    """Files, arithmetic, recording and disk space in sentences, where the data are there."""
    if isinstance(shape, str):
        return []
    return [
        *files(shape.name, shape.official),
        _arithmetic(study, shape),
        *_recording(study, shape),
        *_disk(study, shape),
    ]


def files(name: str, official: bool | None) -> list[str]:
    """Say whether a data set's files are those that its authors publish, where that is known."""
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


def hours(frame: pl.DataFrame, devices: int) -> str:
    """Time that the models of ``frame`` take to train: ``about 4 min on 2 workers``."""
    each = frame["hours"].to_list()
    known = [h for h in each if h is not None]
    if not known:
        return "for a time unknown: --calibrate measures it here, --measured STORE takes it"
    partly = f" for {len(known)} of {len(each)} rows; the others are unknown" * (
        len(known) < len(each)
    )
    among = f"{devices} workers" if devices > 1 else "one worker"
    return f"about {_span(sum(known) / devices)} of training on {among}{partly}"


def _span(hours: float) -> str:
    if hours < 1.5:
        return f"{max(1, round(60 * hours))} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


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
