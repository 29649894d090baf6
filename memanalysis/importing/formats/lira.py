"""Directories of tensorflow/privacy's ``research/mi_lira_2021`` (Carlini et al. 2022).

``<logdir>/experiment-*/``: ``hparams.json``; ``keep.npy`` bool [examples], True = in the subset;
``logits/<epoch>.npy`` float32 [examples, 1, augmentations, classes], whatever its README says.
``<logdir>/y_train.npy`` holds the labels. Experiments of several ``arch`` become sizes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError
from memanalysis.importing.arrays import Held, as_bools, open_npy
from memanalysis.importing.labels import Labels, checked, read_labels
from memanalysis.importing.outcomes import of_logits
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import (
    UNKNOWN,
    Contents,
    Examples,
    Models,
    Options,
    Output,
    chosen,
)

# Its architectures, smaller before larger within each family.
_ARCHITECTURES: Final = (
    "cnn32-3-max", "cnn32-3-mean", "cnn64-3-max", "cnn64-3-mean", "wrn28-1", "wrn28-2", "wrn28-10",
)  # fmt: skip
_BATCH_NORM: Final = (
    "inference.py evaluates with training=True: batch norm then uses the statistics of each batch "
    "(tensorflow/privacy#484). evaluation_mode is 'unknown'; --evaluation-mode says how yours were "
    "taken."
)
_ORDER: Final = "Examples are in TFDS order, without ids: check labels before joining other files."
_NO_TEST: Final = "No outcomes on test examples: accuracy_test is NULL."


@dataclass(frozen=True)
class _Experiment:
    folder: Path
    hparams: dict[str, Any]
    epoch: int

    @property
    def arch(self) -> str:
        return str(self.hparams.get("arch", UNKNOWN))

    @property
    def only_subset(self) -> int | None:
        return _int(self.hparams.get("only_subset"))

    @property
    def ratio(self) -> float | None:
        found = self.hparams.get("pkeep")
        share = isinstance(found, float) and 0 < found < 1
        return found if share else None

    @property
    def logits(self) -> Path:
        return self.folder / "logits" / f"{self.epoch:010d}.npy"


def read(source: Path, options: Options) -> Contents:
    """Every experiment below ``source``, its last epoch, its plain (not mirrored) outputs.

    ``options.augmentation``: the index of another augmentation, or ``mean`` of the logits over all.
    """
    experiments = _experiments(source)
    labels = _labels(source, options)
    n, _ = _common_shape(source, experiments, options)
    if labels is None or len(labels) < n:
        found = "no y_train.npy" if labels is None else f"{len(labels):,} labels"
        raise fault(f"'{source}'", found, f"labels of {n:,} examples", "Give --labels FILE.")
    labels = labels[:n]
    archs = sorted({e.arch for e in experiments}, key=_rank)
    if options.size is not None and len(archs) > 1:
        raise fault(f"'{source}'", f"--size {options.size} for {', '.join(archs)}", "no --size")
    models = []
    for arch in archs:
        mine = [e for e in experiments if e.arch == arch][: options.models]
        models.append(_models(source, arch, mine, labels, options))
    return Contents(
        format="lira",
        source=source.name,
        examples=Examples(n_train=n, labels=labels),
        models=models,
        notes=_notes(experiments, options),
        provenance={
            "order": options.order or "tfds",
            "augmentation": options.augmentation or "0",
            "hparams": _shared(experiments),
        },
        size_order=[model.size for model in models],
    )


def _experiments(source: Path) -> list[_Experiment]:
    folders = sorted({path.parent for path in source.glob("*/keep.npy")}, key=_natural)
    if not folders:
        expected = "experiment-*/keep.npy, hparams.json and logits/ below it"
        raise fault(f"'{source}'", "no */keep.npy", expected)
    faults = Faults(str(source))
    found = []
    for folder in folders:
        try:
            epochs = [int(path.stem) for path in (folder / "logits").glob("*.npy")]
        except ValueError:
            faults.add(f"'{folder / 'logits'}'", "files not named after epochs", "<epoch>.npy")
            continue
        if not epochs:
            hint = "Run inference.py, or move the experiment away."
            faults.add(f"'{folder}'", "no logits/*.npy", "the outputs of a checkpoint", hint)
            continue
        try:
            found.append(_Experiment(folder, _hparams(folder), max(epochs)))
        except DataError as error:
            faults.note(error)
    last = max((experiment.epoch for experiment in found), default=0)
    for experiment in found:
        if experiment.epoch != last:
            faults.add(
                f"'{experiment.folder / 'logits'}'",
                f"epoch {experiment.epoch} as the last",
                f"{last}, as in other experiments",
                "Finish the training, or move the experiment away.",
            )
    faults.raise_any()
    return found


def _hparams(folder: Path) -> dict[str, Any]:
    path = folder / "hparams.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise fault(f"'{path}'", str(error), "the settings of the training as JSON") from error
    if not isinstance(found, dict):
        raise fault(f"'{path}'", type(found).__name__, "a JSON object")
    return found


def _labels(source: Path, options: Options) -> Labels | None:
    if options.labels is not None:
        return read_labels(options.labels)
    path = source / "y_train.npy"
    return checked(open_npy(path)) if path.exists() else options.store_labels


def _common_shape(
    source: Path, experiments: Sequence[_Experiment], options: Options
) -> tuple[int, int]:
    """(examples, classes) of all logits; masks may be longer, as in the code's own plots."""
    faults = Faults(str(source))
    first: tuple[int, int] | None = None
    for experiment in experiments:
        try:
            logits = open_npy(experiment.logits)
            shape = logits.shape
            if len(shape) != 4 or shape[1] != 1:
                expected = "(examples, 1, augmentations, classes)"
                raise fault(logits.where, f"shape {shape}", expected)
            _slot(options.augmentation, shape[2], logits.where)
            first = first or (shape[0], shape[3])
            if (shape[0], shape[3]) != first:
                found = f"{shape[0]:,} examples and {shape[3]} classes"
                expected = f"{first[0]:,} and {first[1]}, as in other experiments"
                raise fault(logits.where, found, expected)
            keep = open_npy(experiment.folder / "keep.npy")
            if len(keep.shape) != 1 or keep.shape[0] < first[0]:
                expected = f"({first[0]},) or longer, as the logits have examples"
                raise fault(keep.where, f"shape {keep.shape}", expected)
        except DataError as error:
            faults.note(error)
    faults.raise_any()
    assert first is not None  # there is at least one experiment
    return first


def _models(
    source: Path, arch: str, mine: list[_Experiment], labels: Labels, options: Options
) -> Models:
    n = len(labels)

    def masks() -> Iterator[NDArray[np.bool_]]:
        for at, experiment in enumerate(mine):
            keep = open_npy(experiment.folder / "keep.npy")
            yield as_bools(keep.whole()[:n], keep.where, at)

    def outputs() -> Iterator[Output]:
        for experiment in mine:
            logits = open_npy(experiment.logits)
            plain = _plain(logits, options.augmentation)
            yield Output(of_logits(plain, labels, logits.where, keep=options.keep_logits))

    ratios = {e.ratio for e in mine if not e.only_subset}
    about = {
        "family": arch.partition("-")[0].rstrip("0123456789"),
        "epochs": mine[0].epoch,
        **chosen(options),
    }
    return Models(
        size=options.size or arch,
        objective=options.objective or "one_hot",
        n_models=len(mine),
        masks=masks,
        outputs=outputs,
        ratio=ratios.pop() if len(ratios) == 1 else None,
        per_model=[{"seed": _int(e.hparams.get("seed"))} for e in mine],
        where=f"'{source}' ({arch})",
        **about,
    )


def _slot(augmentation: str | None, n: int, where: str) -> int | None:
    """The index of an augmentation, None for the mean over all."""
    if augmentation == "mean":
        return None
    if augmentation is None:
        return 0
    if not augmentation.isdigit() or int(augmentation) >= n:
        raise fault(where, f"--augmentation {augmentation}", f"mean, or 0 to {n - 1}")
    return int(augmentation)


def _plain(logits: Held, augmentation: str | None) -> NDArray[Any]:
    """The logits [examples, classes] to judge by; a view of the file unless it is a mean."""
    values = logits.whole()
    slot = _slot(augmentation, values.shape[2], logits.where)
    return values[:, 0].mean(axis=1) if slot is None else values[:, 0, slot]


def _notes(experiments: Sequence[_Experiment], options: Options) -> list[str]:
    notes = [] if options.evaluation_mode else [_BATCH_NORM]
    notes += [_ORDER, _NO_TEST]
    only = sorted({e.only_subset for e in experiments if e.only_subset})
    if only:
        notes.append(f"only_subset = {only}: later examples are in no subset, scores NULL.")
    return notes


def _shared(experiments: Sequence[_Experiment]) -> dict[str, Any]:
    """Settings that all experiments have in common."""
    first = experiments[0].hparams
    return {k: v for k, v in first.items() if all(e.hparams.get(k) == v for e in experiments)}


def _rank(arch: str) -> tuple[int, str]:
    known = arch in _ARCHITECTURES
    return (_ARCHITECTURES.index(arch) if known else len(_ARCHITECTURES), arch)


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order of paths in which experiment 10 follows experiment 9."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", path.name)]
