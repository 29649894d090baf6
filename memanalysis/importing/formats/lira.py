"""Folders of LiRA (Carlini et al. 2022): tensorflow/privacy's mi_lira_2021, and its copies.

======================== ========================================= ==============================
code                     mask                                      outputs
======================== ========================================= ==============================
tensorflow/privacy       ``<experiment>/keep.npy`` [examples]      ``logits/<epoch>.npy``
PyTorch copies           ``<i>/keep.npy`` [examples]               ``logits.npy``
copies with one matrix   ``keep_indices.npy`` [models, examples]   ``model_<i>/logits/logits.npy``
======================== ========================================= ==============================

Masks are bool or 0/1, True = in the subset, or the indices of what is in it. Outputs are float32
[examples, 1, augmentations, classes] in the original, whatever its README says; [examples,
augmentations, classes] or [examples, classes] in copies. Labels lie in ``<logdir>/y_train.npy`` or
come with --labels. Experiments of several ``arch`` in ``hparams.json`` become sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memanalysis.errors import DataError
from memanalysis.importing.arrays import Held, open_npy
from memanalysis.importing.formats.lira_folders import Experiment, read_experiments, whole
from memanalysis.importing.labels import Labels, checked, given_labels, require_equal
from memanalysis.importing.outcomes import of_outputs, require_classes
from memanalysis.importing.problems import Faults, fault
from memanalysis.importing.source import (
    MODEL_OPTIONS,
    Contents,
    Examples,
    Format,
    Models,
    Options,
    Output,
    chosen,
)

FORMAT: Final = Format(
    name="lira",
    module=__name__,
    reads="a log folder of LiRA, TensorFlow's or PyTorch's",
    options=(*MODEL_OPTIONS, "labels", "clean_labels", "models", "augmentation", "keep_logits"),
    example="lira exp --out mine",
    gives="each architecture is a size; all signals",
)
# Its architectures, smaller before larger within each family.
_ARCHITECTURES: Final = (
    "cnn32-3-max", "cnn32-3-mean", "cnn64-3-max", "cnn64-3-mean", "wrn28-1", "wrn28-2", "wrn28-10",
)  # fmt: skip
_LABELS: Final = ("y_train.npy", "labels.npy", "train_labels.npy")
_BATCH_NORM: Final = (
    "inference.py evaluates with training=True: batch norm then uses the statistics of each batch "
    "(tensorflow/privacy#484). evaluation_mode is 'unknown'; --evaluation-mode says how yours were "
    "taken."
)
_ORDER: Final = "Examples are in TFDS order, without ids: check labels before joining other files."
_COPY: Final = (
    "No hparams.json: a copy of the code, whose order of examples and evaluation mode nothing says."
)
_NO_TEST: Final = "No outcomes on test examples: accuracy_test is NULL."
_INDICES: Final = "Masks are indices of the examples in each subset."


def read(source: Path, options: Options) -> Contents:
    """Every experiment below ``source``, its last epoch, its plain (not mirrored) outputs.

    ``options.augmentation``: the index of another augmentation, or ``mean`` of the logits over all.

    Raises
    ------
    DataError
        If an experiment lacks a file, shapes disagree, or labels are missing or other ones.
    """
    experiments = read_experiments(source)
    n, n_classes = _common_shape(source, experiments, options)
    labels = _labels(source, options, n)
    require_classes(labels, n_classes, f"'{options.labels or source}'")
    archs = sorted({e.arch for e in experiments}, key=_rank)
    if options.size is not None and len(archs) > 1:
        raise fault(f"'{source}'", f"--size {options.size} for {', '.join(archs)}", "no --size")
    models = []
    for arch in archs:
        of_arch = [e for e in experiments if e.arch == arch][: options.models]
        models.append(_models(source, arch, of_arch, labels, options))
    original = any(experiment.hparams for experiment in experiments)
    return Contents(
        format="lira",
        source=source.name,
        examples=Examples(n_train=n, labels=labels, labels_are_given=True),
        models=models,
        notes=_notes(experiments, options, original=original),
        provenance={
            "order": options.order or ("tfds" if original else "unknown"),
            "augmentation": options.augmentation or "0",
            "hparams": _shared(experiments),
        },
        size_order=[model.size for model in models],
    )


def _labels(source: Path, options: Options, n: int) -> Labels:
    """Labels of the first ``n`` examples; those beside the experiments must be those of --labels.

    Both may go on beyond the logits, as masks may.
    """
    given = given_labels(options)
    beside = next((path for name in _LABELS if (path := source / name).exists()), None)
    own = None if beside is None else checked(open_npy(beside))
    for labels, where in ((own, beside), (given, options.labels or "the store")):
        if labels is not None and len(labels) < n:
            found = f"{len(labels):,} labels in '{where}'"
            raise fault(f"'{source}'", found, f"labels of {n:,} examples", "Give --labels FILE.")
    if own is not None and given is not None and options.labels is not None:
        require_equal(given[:n], own[:n], f"'{options.labels}'", f"'{beside}'")
    labels = given if own is None else own
    if labels is None:
        expected = f"labels of {n:,} examples"
        raise fault(f"'{source}'", "no y_train.npy", expected, "Give --labels FILE.")
    return labels[:n]


def _common_shape(
    source: Path, experiments: Sequence[Experiment], options: Options
) -> tuple[int, int]:
    """(examples, classes) of all logits; masks may be longer, as in the code's own plots."""
    faults = Faults(str(source))
    first: tuple[int, int] | None = None
    for experiment in experiments:
        try:
            logits = open_npy(experiment.logits)
            n, n_slots, n_classes = _axes(logits)
            _slot(options.augmentation, n_slots, logits.where)
            first = first or (n, n_classes)
            if (n, n_classes) != first:
                found = f"{n:,} examples and {n_classes} classes"
                expected = f"{first[0]:,} and {first[1]}, as in other experiments"
                raise fault(logits.where, found, expected)
            _require_mask(experiment, logits)
        except DataError as error:
            faults.note(error)
    faults.raise_any()
    assert first is not None  # there is at least one experiment
    return first


def _axes(logits: Held) -> tuple[int, int, int]:
    """(examples, augmentations, classes) of outputs."""
    shape = logits.shape
    if len(shape) == 4 and shape[1] == 1:
        return shape[0], shape[2], shape[3]
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 2:
        return shape[0], 1, shape[1]
    expected = "(examples, 1, augmentations, classes), or without the axes of length 1"
    raise fault(logits.where, f"shape {shape}", expected)


def _require_mask(experiment: Experiment, logits: Held) -> None:
    shape, n = experiment.mask_shape, logits.shape[0]
    where = f"'{experiment.mask_file}'"
    if len(shape) != 1 or (shape[0] < n and not experiment.in_numbers):
        expected = f"({n},) or longer, as the logits have examples"
        raise fault(where, f"shape {shape}", expected)
    if shape[0] != n and shape[0] in logits.shape[1:] and not experiment.in_numbers:
        raise fault(
            logits.where, f"shape {logits.shape} beside a mask of {shape[0]:,} examples",
            "examples along the first axis", "The outputs are transposed.",
        )  # fmt: skip


def _models(
    source: Path, arch: str, mine: list[Experiment], labels: Labels, options: Options
) -> Models:
    n = len(labels)

    def masks() -> Iterator[NDArray[np.bool_]]:
        for at, experiment in enumerate(mine):
            yield experiment.mask(n, at)

    def outputs() -> Iterator[Output]:
        for experiment in mine:
            logits = open_npy(experiment.logits)
            plain = _plain(logits, options.augmentation)
            yield Output(of_outputs(plain, labels, logits.where, keep=options.keep_logits))

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
        per_model=[{"seed": whole(e.hparams.get("seed"))} for e in mine],
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
    values = logits.whole().reshape(_axes(logits))
    slot = _slot(augmentation, values.shape[1], logits.where)
    return values.mean(axis=1) if slot is None else values[:, slot]


def _notes(experiments: Sequence[Experiment], options: Options, *, original: bool) -> list[str]:
    notes = [] if options.evaluation_mode or not original else [_BATCH_NORM]
    notes += [_ORDER if original else _COPY, _NO_TEST]
    if experiments[0].in_numbers:
        notes.append(_INDICES)
    only = sorted({e.only_subset for e in experiments if e.only_subset})
    if only:
        notes.append(f"only_subset = {only}: later examples are in no subset, scores NULL.")
    return notes


def _shared(experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Settings that all experiments have in common."""
    first = experiments[0].hparams
    return {k: v for k, v in first.items() if all(e.hparams.get(k) == v for e in experiments)}


def _rank(arch: str) -> tuple[int, str]:
    known = arch in _ARCHITECTURES
    return (_ARCHITECTURES.index(arch) if known else len(_ARCHITECTURES), arch)
